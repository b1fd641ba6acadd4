"""What a start costs."""

import gc
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_LEAN = {
    "OPENBLAS_NUM_THREADS": "1",
    "JE_ARROW_MALLOC_CONF": "background_thread:false",
    "ARROW_DEFAULT_MEMORY_POOL": "system",
}
"""NumPy and Arrow start a thread each when they are imported, for what is not used here. And Arrow has an allocator of its own
that gives nothing back: Parquet is read and written with it whatever memory.py says."""


def lean() -> None:
    """For a process that is ours, before its imports: one that keeps little, and can be copied (workers.py)."""
    for name, value in _LEAN.items():
        os.environ.setdefault(name, value)


def threads() -> int:
    """Of this process, those of libraries too; 0: the system does not tell."""
    tasks = Path("/proc/self/task")
    return sum(1 for _ in tasks.iterdir()) if tasks.is_dir() else 0


@contextmanager
def undisturbed() -> Iterator[None]:
    """For imports. They make hundreds of thousands of objects, of which none is garbage, and Python's collector would go through
    them again and again: a fifth of the time of an import. What has been imported stays out of its way for good.
    """
    enabled, before = gc.isenabled(), len(sys.modules)
    gc.disable()
    try:
        yield
    finally:
        if len(sys.modules) > before:  # or else every run of a process that lives long would leave its garbage behind
            gc.freeze()
        if enabled:
            gc.enable()
