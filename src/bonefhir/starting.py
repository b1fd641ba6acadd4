"""What a start costs."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def undisturbed() -> Iterator[None]:
    """For imports. They make hundreds of thousands of objects, of which none is garbage, and Python's collector would go through
    them again and again: a fifth of the time of an import. What has been imported stays out of its way for good.
    """
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        if enabled:
            gc.enable()
