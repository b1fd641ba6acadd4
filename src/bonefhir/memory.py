"""What a process keeps of the memory that it no longer uses: nothing, as other processes need it."""

import ctypes
import sys

import pyarrow as pa

_PLACES = -8
"""M_ARENA_MAX of glibc's malloc.h."""


def from_the_system() -> None:
    """Arrow takes memory where everything else does. Its own allocator keeps what is free: 40 to 150 MB in each process of the
    benchmarks, and is no faster in them. Once it is imported, Parquet's is beyond our reach (starting.py).

    All threads take it from one place: of several, each would keep what its threads have freed, 20 MB in a process that writes
    reports, and those that run beside each other here are two.
    """
    pa.set_memory_pool(pa.system_memory_pool())
    if sys.platform == "linux" and hasattr(ctypes.CDLL(None), "mallopt"):
        ctypes.CDLL(None).mallopt(_PLACES, 1)


def release() -> None:
    """Gives back what is free. glibc keeps it otherwise, a little more with each bucket."""
    pa.default_memory_pool().release_unused()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if trim is not None:
        trim(0)
