"""Answers that are kept by the bytes they were given for: texts repeat, a code thousands of times."""

from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

LONGEST = 4096
"""Bytes of a text that is kept."""


class Memo(dict[bytes, T]):
    """Bounded in number and in bytes: emptied when full, so memory does not grow with the input."""

    def __init__(self, find: Callable[[bytes], T], count: int = 1 << 15, size: int = 4 << 20) -> None:
        super().__init__()
        self._find = find
        self._count = count
        self._size = size
        self._bytes = 0

    def __missing__(self, raw: bytes) -> T:
        found = self._find(raw)
        self.keep(raw, found)
        return found

    def keep(self, raw: bytes, found: T) -> None:
        """Unless the text is too long."""
        if len(raw) <= LONGEST:
            if len(self) >= self._count or self._bytes > self._size:
                self.clear()
                self._bytes = 0
            self[raw] = found
            self._bytes += len(raw)
