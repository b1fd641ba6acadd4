"""Resources read back from where they stand: evidence is checked and shown from its bytes, not from copies kept in memory."""

import os
from collections.abc import Iterator, Sequence

from bonefhir.errors import InputError
from bonefhir.read.content import Content
from bonefhir.read.fault import UnreadableFileError
from bonefhir.read.limits import DEFAULT, Limits
from bonefhir.read.sources import SourceFile

Position = tuple[int, int]
"""offset, length: bytes of the decompressed file."""


def read_back(file: SourceFile, positions: Sequence[Position], limits: Limits = DEFAULT) -> Iterator[bytes]:
    """The bytes at each position, in the order given. Plain files are read at the places asked for, compressed ones once through.

    Raises InputError if the file is no longer what it was when it was scanned.
    """
    ascending = sorted(range(len(positions)), key=lambda index: positions[index])
    in_order = ascending == list(range(len(positions)))
    try:
        found = _plain_or_packed(file, [positions[index] for index in ascending], limits)
        if in_order:
            yield from found
        else:
            by_index = dict(zip(ascending, found, strict=True))
            yield from (by_index[index] for index in range(len(positions)))
    except UnreadableFileError as fault:
        raise InputError(f"{file.name}: changed while it was being audited ({fault.detail}); run again") from None
    except OSError as error:
        words = os.strerror(error.errno).lower() if error.errno else type(error).__name__
        raise InputError(f"{file.name}: cannot be read a second time: {words}; run again") from None


def _plain_or_packed(file: SourceFile, positions: Sequence[Position], limits: Limits) -> Iterator[bytes]:
    stored = file.open()
    content = Content(stored, limits)
    try:
        if content.compression is None:
            for offset, length in positions:
                stored.seek(offset)
                yield _whole(stored.read(length), length)
        else:
            yield from _sequential(content.blocks(), positions)
    finally:
        content.close()


def _sequential(blocks: Iterator[bytes], positions: Sequence[Position]) -> Iterator[bytes]:
    """Ascending positions, which may overlap (an entry inside of a Bundle's line), out of a stream."""
    window, start = b"", 0
    for offset, length in positions:
        while start + len(window) < offset + length:
            block = next(blocks, b"")
            if not block:
                break
            if offset > start:
                cut = min(offset - start, len(window))
                window, start = window[cut:], start + cut
            window += block
        yield _whole(window[offset - start : offset - start + length], length)


def _whole(raw: bytes, length: int) -> bytes:
    if len(raw) != length:
        raise UnreadableFileError("truncated", "it is shorter than it was")
    return raw
