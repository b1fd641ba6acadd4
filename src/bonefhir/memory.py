"""What a process keeps of the memory that it no longer uses: nothing, as other processes need it."""

import ctypes
import sys

import pyarrow as pa


def from_the_system() -> None:
    """Arrow takes memory where everything else does. Its own allocator keeps what is free: 40 to 150 MB in each process of the
    benchmarks, and is no faster in them. Once it is imported, Parquet's is beyond our reach (starting.py).
    """
    pa.set_memory_pool(pa.system_memory_pool())


def release() -> None:
    """Gives back what is free. glibc keeps it otherwise, a little more with each bucket."""
    pa.default_memory_pool().release_unused()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if trim is not None:
        trim(0)
