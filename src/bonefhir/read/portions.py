"""How the files of a run are cut into pieces of work: many small files together, a large NDJSON file by ranges of bytes.

Where the cuts fall changes no result: a row is known by its file and byte, and lines are counted on when the portions of a
file are put together again.
"""

import gc
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace

from bonefhir.errors import UnreachableError
from bonefhir.read import characters, framing
from bonefhir.read.content import Content
from bonefhir.read.fault import UnreadableFileError
from bonefhir.read.gate import Gates
from bonefhir.read.limits import DEFAULT, Limits
from bonefhir.read.reader import Remark, too_many
from bonefhir.read.scan import Counts, Scan, refused, scan_files, scan_range
from bonefhir.read.sources import SourceFile

SIZE = 32 << 20
"""Bytes on disk: enough to outweigh what a portion costs, few enough that every core gets some."""


PACKED = 12
"""Bytes of FHIR in a byte of gzip or zstd, about."""

HEAD = 1 << 20
"""Bytes of a file behind a URL that tell whether it can be cut, and files that are asked at a time: each takes its time."""
ASKED = 16

ELSEWHERE = 64 << 20
"""Bytes of a file behind a URL that does not tell."""


@dataclass(frozen=True)
class Portion:
    """Whole files; or, of one NDJSON file, the lines that begin at byte `start` or later and before `end` (null: the last)."""

    files: tuple[int, ...]
    start: int = 0
    end: int | None = None

    @property
    def whole(self) -> bool:
        return self.start == 0 and self.end is None


def portions(files: Sequence[SourceFile], size: int = SIZE) -> Iterator[Portion]:
    """In reading order. A file whose size is not known is a portion of its own. size: of FHIR as stored, or unpacked, about."""
    together: list[int] = []
    total = 0
    sizes = [file.size for file in files]
    cut = _that_can_be_cut([file for file, stored in zip(files, sizes, strict=True) if (stored or 0) > size])
    for file, stored in zip(files, sizes, strict=True):
        own = _unpacked(file, stored)
        if together and (own is None or total + own > size):
            yield Portion(tuple(together))
            together, total = [], 0
        if stored is not None and file.number in cut:
            yield from _cut(file, stored, size)
        elif own is None or own > size:
            yield Portion((file.number,))
        else:
            together, total = [*together, file.number], total + own
    if together:
        yield Portion(tuple(together))


def unpacked(files: Sequence[SourceFile]) -> int:
    """Bytes of FHIR in all, as far as that can be told before they are read."""
    return sum(_unpacked(file, ELSEWHERE if (size := file.size) is None else size) or 0 for file in files)


def _unpacked(file: SourceFile, size: int | None) -> int | None:
    packed = file.name.lower().endswith((".gz", ".gzip", ".zst", ".zstd"))
    return None if size is None else size * (PACKED if packed else 1)


def _that_can_be_cut(files: Sequence[SourceFile]) -> set[int]:
    """Numbers of those that can, of large ones."""
    here = [file for file in files if file.url is None]
    there = [file for file in files if file.url is not None]
    found = {file.number for file in here if _can_be_cut(file)}
    if there:
        with ThreadPoolExecutor(ASKED) as pool:
            found |= {file.number for file, can in zip(there, pool.map(_can_be_cut, there), strict=True) if can}
    return found


def _cut(file: SourceFile, size: int, wanted: int) -> Iterator[Portion]:
    parts = -(-size // wanted)
    starts = [size * part // parts for part in range(parts)]
    for start, end in zip(starts, [*starts[1:], None], strict=True):
        yield Portion((file.number,), start, end)


def _can_be_cut(file: SourceFile) -> bool:
    """Plain NDJSON. What cannot be read is told of when it is read."""
    if file.temporary:
        return False
    try:
        content = Content(file.open(HEAD), DEFAULT)
        try:
            if content.compression is not None:
                return False
            head, whole = framing.first_part(content.blocks(), DEFAULT)
            framing.check_encoding(head)
        finally:
            content.close()
    except (UnreadableFileError, UnreachableError):
        return False
    return framing.is_ndjson(head.removeprefix(characters.BOM), whole)


def scan(files: Sequence[SourceFile], portion: Portion, gates: Gates | None = None, limits: Limits = DEFAULT) -> Scan:
    """files: those of the run, by number. gates: what tells which resources are certainly valid; null: nobody asks."""
    with _uncollected():
        if portion.whole:
            return scan_files([files[number] for number in portion.files], limits, gates)
        return scan_range(files[portion.files[0]], portion.start, portion.end, limits, gates)


@contextmanager
def _uncollected() -> Iterator[None]:
    """Without the search for cycles: it looks at all the fields of all resources, and there are none in them."""
    before = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if before:
            gc.enable()


def together(counts: Iterable[Counts], limits: Limits = DEFAULT) -> list[Counts]:
    """One for each file, from those of its portions in order. A file of which one range was refused is refused."""
    found: dict[int, Counts] = {}
    for each in counts:
        first = found.get(each.file)
        found[each.file] = each if first is None else _joined(first, each, limits)
    return list(found.values())


def _joined(before: Counts, after: Counts, limits: Limits) -> Counts:
    if before.refused or after.refused:
        return replace(before if before.refused else after, bytes=before.bytes, sha256=before.sha256)
    if before.read + after.read > limits.resources:
        return replace(refused(before.file, too_many(limits)), bytes=before.bytes, sha256=before.sha256)
    names = [*before.unused, *(name for name in after.unused if name not in before.unused)]
    return replace(
        before,
        read=before.read + after.read,
        unused={name: before.unused.get(name, 0) + after.unused.get(name, 0) for name in names},
        empty_entries=before.empty_entries + after.empty_entries,
        remarks=_all_remarks(before, after),
        lines=before.lines + after.lines,
    )


def _all_remarks(before: Counts, after: Counts) -> dict[str, Remark]:
    """Of one kind, the first is kept and the others are counted."""
    found = dict(before.remarks)
    for kind, (line, words, count) in after.remarks.items():
        first = found.get(kind, (None if line is None else line + before.lines, words, 0))
        found[kind] = (first[0], first[1], first[2] + count)
    return found
