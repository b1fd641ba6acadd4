"""Stage *scan*: files → the read tables, rejects and counts. Nothing is judged here, nothing is lost without being counted."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain

import pyarrow as pa
import pyarrow.compute as pc

from bonefhir.errors import AccountingError, InputError
from bonefhir.read import framing
from bonefhir.read.batch import Batch
from bonefhir.read.characters import BOM
from bonefhir.read.columns import Collected
from bonefhir.read.content import Content, plain_blocks
from bonefhir.read.fault import Fault, UnreadableFileError
from bonefhir.read.gate import Gates
from bonefhir.read.limits import DEFAULT, Limits
from bonefhir.read.reader import Reader, Remark
from bonefhir.read.sources import SourceFile
from bonefhir.tables import REJECTS


@dataclass
class Counts:
    """What is known of a file, or of a range of one.

    read            resources read: the distinct `seq` of the tables without contained Patients, and `unused`, and the rejects
    unused          resources of types that are not used, by type
    empty_entries   entries of Bundles without a resource; not in `read`
    remarks         by kind; without any value of the data
    lines           lines that end in it
    refused         why the file is of no use as a whole: then nothing of it is in the tables
    format          'ndjson', 'bundle', 'resource', or null (nothing in it, or unreadable)
    compression     'gzip', 'zstd' or null
    bytes, sha256   of the file as stored; of ranges, the first one has them
    """

    file: int
    read: int = 0
    unused: dict[str, int] = field(default_factory=dict)
    empty_entries: int = 0
    remarks: dict[str, Remark] = field(default_factory=dict)
    lines: int = 0
    refused: Fault | None = None
    format: str | None = None
    compression: str | None = None
    bytes: int = 0
    sha256: str = ""

    @property
    def warnings(self) -> list[tuple[str, int | None, str]]:
        """kind, line, words."""
        return [
            (kind, line, words if count == 1 else f"{words} ({count} times; the first one is meant)")
            for kind, (line, words, count) in self.remarks.items()
        ]


@dataclass(frozen=True)
class Scan:
    """What one portion gave.

    tables          every table of READ_TABLES by name; lines are counted from the portion's first one
    rejects         REJECTS: what has no row in a table, but not files that were refused
    full_urls       FULL_URLS
    counts          one for each file
    """

    tables: dict[str, pa.Table]
    rejects: pa.Table
    full_urls: pa.Table
    counts: list[Counts]


def scan_files(files: Iterable[SourceFile], limits: Limits = DEFAULT, gates: Gates | None = None) -> Scan:
    """Reads whole files. Whatever is in them, this returns: what cannot be used is rejected or refused, with its reason.

    gates: what tells which resources are certainly valid; null: nobody asks. Raises InputError for more text than can be held.
    """
    collected = Collected()
    batch = Batch(collected.rows, limits, gates)
    read, names = [], []
    for file in files:
        read.append(_scan_file(file, Reader(file.number, limits, collected, batch, gates)))
        names.append(file.name)
    return _scan(collected, batch, read, names, limits)


def scan_range(file: SourceFile, start: int, end: int | None, limits: Limits = DEFAULT, gates: Gates | None = None) -> Scan:
    """Reads the lines of an NDJSON file that begin at byte `start` or later and before `end` (null: the last)."""
    collected = Collected()
    batch = Batch(collected.rows, limits, gates)
    reader = Reader(file.number, limits, collected, batch, gates)
    size, digest = 0, ""
    try:
        if start == 0:
            size, digest = _digest(file, limits)
        counts = Counts(file.number, format="ndjson", lines=_read_range(file, reader, start, end))
    except UnreadableFileError as fault:
        counts = refused(file.number, fault)
    counts.bytes, counts.sha256 = size, digest
    return _scan(collected, batch, [(reader, counts)], [file.name], limits)


def refused(number: int, fault: UnreadableFileError) -> Counts:
    """The whole file is one reject, and counts as one thing read."""
    return Counts(number, read=1, refused=Fault(fault.reason, None, fault.detail))


def rejects_of_files(counts: Iterable[Counts]) -> pa.Table:
    """REJECTS of those that were refused: one row, with line null."""
    found = [(each.file, each.refused) for each in counts if each.refused is not None]
    rows = [(file, None, None, None, None, "read", fault.reason, fault.path, fault.detail) for file, fault in found]
    return pa.Table.from_pylist([dict(zip(REJECTS.names, row, strict=True)) for row in rows], schema=REJECTS.schema)


def without_files(table: pa.Table, numbers: Iterable[int]) -> pa.Table:
    """The rows of all other files."""
    unwanted = pa.array(numbers, pa.int32())
    return table.filter(pc.invert(pc.is_in(table["file"], unwanted))) if len(unwanted) else table


def _scan_file(file: SourceFile, reader: Reader) -> tuple[Reader, Counts]:
    """The counts without what is counted only when all that was put by has been read."""
    try:
        content = Content(file.open(), reader.limits)
    except UnreadableFileError as fault:
        return reader, refused(file.number, fault)
    try:
        kind, lines = _read(file, content, reader)
        reader.finish()
        counts = Counts(file.number, format=kind, lines=lines)
    except UnreadableFileError as fault:
        counts = refused(file.number, fault)
    content.drain()
    counts.compression, counts.bytes, counts.sha256 = content.compression, content.size, content.sha256
    content.close()
    return reader, counts


def _read(file: SourceFile, content: Content, reader: Reader) -> tuple[str | None, int]:
    """Frames the content and reads it. Returns the format, and the number of lines of NDJSON."""
    if file.temporary:
        raise UnreadableFileError("truncated", "named like a download that is not finished: rename it if it is")
    blocks = content.blocks()
    head, whole = framing.first_part(blocks, reader.limits)
    framing.check_encoding(head)
    if whole and not head.removeprefix(BOM).strip():
        reader.warn("empty-file", None, "nothing in it")
        return None, 0
    more = b"" if whole else next(blocks, b"")
    blocks = chain((more,), blocks) if more else blocks
    opened = None if more else framing.whole_bundle(head)
    ndjson = opened is None and framing.is_ndjson(head.removeprefix(BOM), whole)
    _remark(file, content.compression, reader, head, ndjson)
    if ndjson:
        return "ndjson", framing.read_lines(reader, chain((head,), blocks))
    return framing.read_document(reader, head if whole else _all(head, blocks, reader.limits), opened), 0


def _remark(file: SourceFile, compression: str | None, reader: Reader, head: bytes, ndjson: bool) -> None:
    """What is odd about the file."""
    if head.startswith(BOM):
        reader.warn("utf8-bom", 1, "a byte order mark before the JSON; it was skipped")
    _remark_name(file, compression, reader, ndjson)


def _read_range(file: SourceFile, reader: Reader, start: int, end: int | None) -> int:
    """Returns the number of lines."""
    with file.open() as stored:
        blocks, begin = plain_blocks(stored, max(start - 1, 0)), 0
        if start:
            begin, blocks = framing.after_line_break(blocks, start - 1)
        else:
            head, whole = framing.first_part(blocks, reader.limits)
            _remark(file, None, reader, head, framing.is_ndjson(head.removeprefix(BOM), whole))
            blocks = chain((head,), blocks)
        return framing.read_lines(reader, blocks if end is None else framing.until(blocks, begin, end), begin)


def _digest(file: SourceFile, limits: Limits) -> tuple[int, str]:
    """Size and SHA-256 of a file of which only a part was read."""
    content = Content(file.open(), limits)
    content.drain()
    content.close()
    return content.size, content.sha256


def _all(head: bytes, blocks: Iterator[bytes], limits: Limits) -> bytes:
    """A document is held in memory, under the limit that also holds for unpacked files."""
    parts, size = [head], len(head)
    for block in blocks:
        size += len(block)
        if size > limits.unpacked:
            raise UnreadableFileError("too-large", f"a document of more than {limits.unpacked} bytes, the limit: use NDJSON")
        parts.append(block)
    return b"".join(parts)


def _remark_name(file: SourceFile, compression: str | None, reader: Reader, ndjson: bool) -> None:
    name = file.name.lower()
    suffixes = {"gzip": (".gz", ".gzip"), "zstd": (".zst", ".zstd")}
    if compression and not name.endswith(suffixes[compression]):
        reader.warn(f"{compression}-without-suffix", None, "compressed, though its name does not say so")
    for suffix in chain.from_iterable(suffixes.values()):
        name = name.removesuffix(suffix)
    if ndjson and name.endswith(".json"):
        reader.warn("ndjson-in-json", None, "NDJSON in a file named .json; all lines were read")


def _closed(reader: Reader, counts: Counts) -> Counts:
    """Closes the books of the file. Raises AccountingError if they do not balance."""
    if counts.refused is not None:
        return counts
    try:
        reader.check()
    except UnreadableFileError as fault:
        return replace(refused(counts.file, fault), compression=counts.compression, bytes=counts.bytes, sha256=counts.sha256)
    if reader.rowed + reader.unused.total() + reader.rejected != reader.read:
        raise AccountingError(f"file {reader.number}: {reader.read} resources were read, but they are not all accounted for")
    found = reader.read, dict(reader.unused), reader.empty_entries, reader.remarks
    return replace(counts, read=found[0], unused=found[1], empty_entries=found[2], remarks=found[3])


def _scan(
    collected: Collected, batch: Batch, read: Sequence[tuple[Reader, Counts]], names: Sequence[str], limits: Limits
) -> Scan:
    """Of a file that was refused in the middle nothing is left. names: of the files."""
    batch.flush()
    if collected.largest() > limits.texts:
        others = f" (and {len(names) - 1} that are read with it)" if len(names) > 1 else ""
        what = f"more than {limits.texts} bytes of text in one element of its resources, the limit where it is read in one piece"
        raise InputError(f"{names[0]}{others}: {what}: split it into several files, or copy it to this machine")
    counts = [_closed(*each) for each in read]
    unwanted = [each.file for each in counts if each.refused is not None]
    return Scan(
        {name: without_files(rows.table(), unwanted) for name, rows in collected.rows.items()},
        without_files(collected.rejects.table(), unwanted),
        without_files(collected.full_urls.table(), unwanted),
        counts,
    )
