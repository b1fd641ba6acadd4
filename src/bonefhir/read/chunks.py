"""Resources that are put by, with what is known of each: where it stands, the fullUrl of its entry, the Bundles around it."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, repeat
from typing import Any, Protocol

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
from isal import isal_zlib

from bonefhir.read import texts
from bonefhir.read.references import Scope
from bonefhir.read.texts import Numbers

_COMPACT = msgspec.json.format
_SPACED = re.compile(rb'\{(?:\s|"[^"\\]*"(?:\s|:\s))')
_SIGNED = 1 << 63


class Owner(Protocol):
    """Whoever reads the file that a resource stands in."""

    number: int

    def count(self, resources: int, unused: str) -> None:
        """So many of its resources are of an unused type, or, if that is empty, got a row."""

    def slowly(self, raw: bytes, offset: int, line: int, entry: str | None, url: str | None, scope: Scope | None) -> None:
        """Reads one resource the long way."""


@dataclass(frozen=True)
class Chunk:
    """Resources of one file, with one value for each in every list; entries, urls and scopes are null for NDJSON."""

    owner: Owner
    raws: list[bytes]
    offsets: Sequence[int] | Numbers
    lines: Sequence[int] | Numbers
    entries: list[str] | None = None
    urls: list[str | None] | None = None
    scopes: list[Scope | None] | None = None


class Items:
    """The resources of many chunks, in order."""

    def __init__(self, chunks: Sequence[Chunk]) -> None:
        self.chunks = chunks
        counts = [len(chunk.raws) for chunk in chunks]
        self.raws = list(chain.from_iterable(chunk.raws for chunk in chunks))
        self.texts = list(chain.from_iterable(map(_compact, chunks)))
        self.chunk_of = np.repeat(np.arange(len(chunks)), counts)
        self.offsets = np.concatenate([np.asarray(chunk.offsets, np.int64) for chunk in chunks])
        self.lines = np.concatenate([np.asarray(chunk.lines, np.int64) for chunk in chunks])
        self.lengths = texts.lengths(self.raws)
        self.entries = self._of([chunk.entries for chunk in chunks])
        self.urls = self._of([chunk.urls for chunk in chunks])
        self.scopes = self._of([chunk.scopes for chunk in chunks])

    def _of(self, lists: Sequence[list[Any] | None]) -> list[Any] | None:
        """Null if all of them are."""
        if all(each is None for each in lists):
            return None
        return list(
            chain.from_iterable(
                repeat(None, len(chunk.raws)) if each is None else each for chunk, each in zip(self.chunks, lists, strict=True)
            )
        )

    def source(self, rows: Numbers) -> dict[str, pa.Array]:
        """The columns that tell where the resources stand, and their digests."""
        numbers = np.array([chunk.owner.number for chunk in self.chunks])[self.chunk_of[rows]]
        some = [self.texts[row] for row in rows.tolist()]
        entries = (
            pa.nulls(len(rows), pa.string())
            if self.entries is None
            else pa.array([self.entries[row] for row in rows], pa.string())
        )
        return {
            "seq": pa.array((numbers << 40) + self.offsets[rows]),
            "file": pa.array(numbers.astype(np.int32)),
            "line": pa.array(self.lines[rows]),
            "entry": entries,
            "offset": pa.array(self.offsets[rows]),
            "length": pa.array(self.lengths[rows]),
            "digest": pa.array(_digests(some)),
        }

    def count(self, rows: Numbers, unused: str = "") -> None:
        """Tells the owners of how many resources they are rid of: of an unused type, or with a row."""
        counts = np.bincount(self.chunk_of[rows], minlength=len(self.chunks))
        for chunk, count in zip(self.chunks, counts.tolist(), strict=True):
            if count:
                chunk.owner.count(count, unused)

    def slowly(self, index: int) -> None:
        """Reads one of them the long way."""
        entry, url, scope = (None if each is None else each[index] for each in (self.entries, self.urls, self.scopes))
        owner = self.chunks[self.chunk_of[index]].owner
        owner.slowly(self.raws[index], int(self.offsets[index]), int(self.lines[index]), entry, url, scope)


def _compact(chunk: Chunk) -> Iterator[bytes]:
    """Without blanks, if they have any at their beginning; then the others have, too."""
    if not chunk.raws or not _SPACED.match(chunk.raws[0]):
        return iter(chunk.raws)
    return map(_without_blanks, chunk.raws)


def _without_blanks(raw: bytes) -> bytes:
    if not _SPACED.match(raw):
        return raw
    try:
        return _COMPACT(raw, indent=-1)
    except (msgspec.DecodeError, RecursionError):
        return raw


def digest(text: bytes) -> int:
    """64 bits, signed, that tell two versions of one resource apart; not meant against forgery."""
    return (isal_zlib.crc32(text) << 32 | isal_zlib.adler32(text)) - _SIGNED


def _digests(some: Sequence[bytes]) -> npt.NDArray[np.int64]:
    """`digest` of each."""
    high, low = (np.fromiter(map(of, some), np.uint64, len(some)) for of in (isal_zlib.crc32, isal_zlib.adler32))
    return ((high << np.uint64(32) | low) ^ np.uint64(_SIGNED)).view(np.int64)
