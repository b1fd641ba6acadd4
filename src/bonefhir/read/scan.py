"""Stage *scan*: one file → the read tables, rejects and counts. Nothing is judged here, nothing is lost without being counted."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain

import pyarrow as pa

from bonefhir.errors import AccountingError
from bonefhir.read import framing
from bonefhir.read.content import Content
from bonefhir.read.fault import UnreadableFileError
from bonefhir.read.framing import BOM
from bonefhir.read.limits import DEFAULT, Limits
from bonefhir.read.reader import Reader
from bonefhir.read.sources import SourceFile
from bonefhir.tables import FULL_URLS, READ_TABLES, REJECTS


@dataclass
class Scan:
    """What one file gave.

    tables          every table of READ_TABLES by name
    rejects         REJECTS: what has no row in a table; the whole file: one row with line null, and no other
    full_urls       FULL_URLS
    warnings        kind, line (null: the file), words; without any value of the data
    read            resources read: the distinct `seq` of the tables without contained Patients, and `unused`, and `rejects`
    unused          resources of types that are not used, by type
    empty_entries   entries of Bundles without a resource; not in `read`
    format          'ndjson', 'bundle', 'resource', or null (nothing in it, or unreadable)
    compression     'gzip', 'zstd' or null
    bytes, sha256   of the file as stored
    """

    tables: dict[str, pa.Table]
    rejects: pa.Table
    full_urls: pa.Table
    warnings: list[tuple[str, int | None, str]] = field(default_factory=list)
    read: int = 0
    unused: dict[str, int] = field(default_factory=dict)
    empty_entries: int = 0
    format: str | None = None
    compression: str | None = None
    bytes: int = 0
    sha256: str = ""


def scan_file(file: SourceFile, limits: Limits = DEFAULT) -> Scan:
    """Reads one file. Whatever is in it, this returns: what cannot be used is in the rejects, with its reason."""
    try:
        content = Content(file.open(), limits)
    except UnreadableFileError as fault:
        return _refused(file, fault)
    try:
        reader = Reader(file.number, limits)
        kind = _read(file, content, reader)
        scan = _scan(reader, kind)
    except UnreadableFileError as fault:
        scan = _refused(file, fault)
    content.drain()
    scan.compression, scan.bytes, scan.sha256 = content.compression, content.size, content.sha256
    content.close()
    return scan


def _read(file: SourceFile, content: Content, reader: Reader) -> str | None:
    """Frames the content and reads it. Returns the format."""
    if file.temporary:
        raise UnreadableFileError("truncated", "named like a download that is not finished: rename it if it is")
    blocks = content.blocks()
    head, whole = framing.first_part(blocks, reader.limits)
    framing.check_encoding(head)
    if whole and not head.removeprefix(BOM).strip():
        reader.warn("empty-file", None, "nothing in it")
        return None
    if head.startswith(BOM):
        reader.warn("utf8-bom", 1, "a byte order mark before the JSON; it was skipped")
    body = head.removeprefix(BOM)
    ndjson = framing.is_ndjson(body, whole)
    _remark_name(file, content, reader, ndjson)
    if ndjson:
        framing.read_lines(reader, chain((head,), blocks))
        return "ndjson"
    return framing.read_document(reader, head if whole else _all(head, blocks, reader.limits))


def _all(head: bytes, blocks: Iterator[bytes], limits: Limits) -> bytes:
    """A document is held in memory, under the limit that also holds for unpacked files."""
    parts, size = [head], len(head)
    for block in blocks:
        size += len(block)
        if size > limits.unpacked:
            raise UnreadableFileError("too-large", f"a document of more than {limits.unpacked} bytes, the limit: use NDJSON")
        parts.append(block)
    return b"".join(parts)


def _remark_name(file: SourceFile, content: Content, reader: Reader, ndjson: bool) -> None:
    name = file.name.lower()
    suffixes = {"gzip": (".gz", ".gzip"), "zstd": (".zst", ".zstd")}
    if content.compression and not name.endswith(suffixes[content.compression]):
        reader.warn(f"{content.compression}-without-suffix", None, "compressed, though its name does not say so")
    for suffix in chain.from_iterable(suffixes.values()):
        name = name.removesuffix(suffix)
    if ndjson and name.endswith(".json"):
        reader.warn("ndjson-in-json", None, "NDJSON in a file named .json; all lines were read")


def _scan(reader: Reader, kind: str | None) -> Scan:
    """Closes the books of the file. Raises AccountingError if they do not balance."""
    scan = Scan(
        tables={name: rows.table() for name, rows in reader.rows.items()},
        rejects=reader.rejects.table(),
        full_urls=reader.full_urls.table(),
        warnings=reader.warnings,
        read=reader.read,
        unused=dict(reader.unused),
        empty_entries=reader.empty_entries,
        format=kind,
    )
    if reader.rowed + reader.unused.total() + scan.rejects.num_rows != reader.read:
        raise AccountingError(f"file {reader.number}: {reader.read} resources were read, but they are not all accounted for")
    return scan


def _refused(file: SourceFile, fault: UnreadableFileError) -> Scan:
    """The whole file is one reject, and counts as one thing read."""
    row = (file.number, None, None, None, None, "read", fault.reason, None, fault.detail)
    rejects = pa.table([[value] for value in row], schema=REJECTS.schema)
    return Scan({table.name: table.empty() for table in READ_TABLES}, rejects, FULL_URLS.empty(), read=1)
