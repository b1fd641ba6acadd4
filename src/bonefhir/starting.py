"""What a start costs."""

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager


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
