"""What a file is, told by its content: one JSON document, or NDJSON. Then each resource in it goes to the reader.

A document that is broken anywhere is refused as a whole, because what is missing is unknown. Of NDJSON, the broken lines are.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

import msgspec
from msgspec import Raw

from bonefhir.read import characters
from bonefhir.read.bundle import BrokenBundleError, Envelope, Plain, open_envelope, read_entries
from bonefhir.read.characters import BLANK, BOM
from bonefhir.read.content import GZIP, ZSTD, foreign_format
from bonefhir.read.fault import Fault, UnreadableFileError
from bonefhir.read.limits import Limits
from bonefhir.read.reader import Reader, unreadable

_WIDE = (b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")
_BLANKS, _WORD = re.compile(rb"[ \t\r\n]*"), re.compile(rb"[^ \t\r\n]")
_BUNDLE = re.compile(rb'\{\s*"resourceType"\s*:\s*"Bundle"')
_any = msgspec.json.Decoder(Raw).decode


class _Head(msgspec.Struct, rename="camel"):
    resource_type: str


class _OptionalHead(msgspec.Struct, rename="camel"):
    resource_type: str | None = None


_resource = msgspec.json.Decoder(_Head).decode
_document_head = msgspec.json.Decoder(_OptionalHead).decode


def first_part(blocks: Iterator[bytes], limits: Limits) -> tuple[bytes, bool]:
    """The beginning of the file: the first line that is not blank and something after it, or as much as a line may have.

    And whether that is all of the file.
    """
    head = b""
    for block in blocks:
        head = head + block if head else block
        begun = _WORD.search(head)
        ended = head.find(b"\n", begun.start()) if begun else -1
        if (ended >= 0 and _WORD.search(head, ended)) or len(head) > limits.line:
            return head, False
    return head, True


def check_encoding(head: bytes) -> None:
    """Raises UnreadableFileError for what cannot be UTF-8 text with JSON."""
    if head.startswith((GZIP, ZSTD)):
        raise UnreadableFileError("not-json", "compressed twice: unpack it once")
    name = foreign_format(head)
    if name is not None:
        raise UnreadableFileError("not-json", f"not JSON but {name}")
    if head.startswith(_WIDE) or b"\x00" in head[:4]:
        raise UnreadableFileError("encoding", "not UTF-8 (UTF-16, UTF-32 or binary): convert it to UTF-8")


@dataclass(frozen=True)
class Opened:
    """A Bundle that is all of a file. text: as it decodes, original: as it stands in the file, from byte `start` on."""

    text: bytes
    original: bytes
    start: int
    envelope: Envelope | Plain


def whole_bundle(data: bytes) -> Opened | None:
    """The Bundle, if nothing else is in the file; null: not known. Then it is no NDJSON either, and need not be asked."""
    start = _blanks(data, len(BOM) if data.startswith(BOM) else 0)
    if not _BUNDLE.match(data, start) or not characters.utf8(data) or characters.suspect(data):
        return None
    text = data[start:].rstrip(BLANK)
    try:
        return Opened(text, text, start, open_envelope(text))
    except (BrokenBundleError, RecursionError):
        return None


def is_ndjson(head: bytes, whole: bool) -> bool:
    """The file is NDJSON; else one document. By content: complete JSON on the first line, and something after it."""
    start = len(head) - len(head.lstrip(BLANK))
    end = head.find(b"\n", start)
    if end < 0:
        return not whole and not _bundle_begins(head)
    if _complete(head[start:end]):
        return not whole or bool(head[end:].strip(BLANK))
    try:
        _any(memoryview(head)[start:])
    except msgspec.DecodeError as error:
        document = unreadable(error).reason == "truncated"
    except RecursionError:
        document = True
    else:
        document = True
    return not document and _mostly_resources(head)


def _bundle_begins(head: bytes) -> bool:
    """A line longer than any resource may be: a Bundle written without line breaks."""
    start = head[: 1 << 16].replace(b" ", b"")
    return b'"resourceType":"Bundle"' in start or b'"entry":[' in start


def _complete(line: bytes) -> bool:
    try:
        _any(characters.mend(line)[0] if characters.suspect(line) else line)
    except msgspec.DecodeError:
        return False
    except RecursionError:
        return True
    return True


def _mostly_resources(head: bytes) -> bool:
    """The first line is broken, but at least half of the lines are resources: NDJSON with a bad beginning."""
    lines = [line for line in head.split(b"\n") if line.strip(BLANK)][:1000]
    good = 0
    for line in lines:
        try:
            _resource(line)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            continue
        good += 1
    return good > 0 and 2 * good >= len(lines)


def read_document(reader: Reader, data: bytes, opened: Opened | None = None) -> str:
    """One JSON document: a Bundle or a single resource. Returns which. Raises UnreadableFileError."""
    reader.document(data)
    if opened is not None:
        try:
            _read_opened(reader, opened)
        except RecursionError:
            raise _too_deep(reader) from None
        return "bundle"
    if not characters.utf8(data):
        raise UnreadableFileError("encoding", "not UTF-8")
    text = characters.mend(data)[0] if characters.suspect(data) else data
    start = _blanks(text, len(BOM) if data.startswith(BOM) else 0)
    body = text[start:].rstrip(BLANK)
    original = body if text is data else data[start : start + len(body)]
    found = _BUNDLE.match(body) is not None and _bundle(reader, body, original, start)
    if not found and _document_type(body) == "Bundle":
        found = _bundle(reader, body, original, start, True)
    if found:
        return "bundle"
    reader.resource(original, 0, len(original), start)
    return "resource"


def _blanks(text: bytes, start: int) -> int:
    """Where they end."""
    return _BLANKS.match(text, start).end()  # type: ignore[union-attr]  # it matches nothing, too


def _bundle(reader: Reader, body: bytes, original: bytes, start: int, certain: bool = False) -> bool:
    """Reads what begins like a Bundle. False: it cannot be read as one. certain: it is one; then raises UnreadableFileError."""
    try:
        _read_opened(reader, Opened(body, original, start, open_envelope(body)))
    except BrokenBundleError as error:
        if certain:
            raise UnreadableFileError(error.fault.reason, f"the Bundle: {error.fault.detail}") from None
        return False
    except RecursionError:
        if certain:
            raise _too_deep(reader) from None
        return False
    return True


def _too_deep(reader: Reader) -> UnreadableFileError:
    return UnreadableFileError("too-deep", f"nested far deeper than {reader.limits.depth} levels, the limit")


def _read_opened(reader: Reader, bundle: Opened) -> None:
    if not isinstance(bundle.envelope, Plain):
        reader.begin(bundle.text)
    read_entries(reader, bundle.envelope, bundle.text, bundle.original, bundle.start)


def _document_type(body: bytes) -> str | None:
    try:
        return _document_head(body).resource_type
    except RecursionError:
        raise UnreadableFileError("too-deep", "nested far deeper than the limit") from None
    except msgspec.ValidationError as error:
        if "$.resourceType" in str(error):
            return None
        raise UnreadableFileError("not-an-object", "the document is not a JSON object") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        fault = unreadable(error) if isinstance(error, msgspec.DecodeError) else Fault("encoding", None, "not UTF-8")
        raise UnreadableFileError(fault.reason, fault.detail) from None


def read_lines(reader: Reader, blocks: Iterator[bytes], offset: int = 0) -> int:
    """NDJSON, line by line, one block in memory. A line beyond the limit is skipped without being held.

    offset: where the blocks begin in the file; lines are counted from there. Returns how many have ended.
    """
    number, rest, skipping = 1, b"", False
    for block in blocks:
        text = rest + block if rest else block
        if skipping and (end := text.find(b"\n") + 1):
            offset, number, skipping, text = offset + end, number + 1, False, text[end:]
        end = text.rfind(b"\n") + 1
        lines = reader.count_unused(text, end)
        if lines is None:
            lines = reader.take(text, end, offset, number) if end else 0
        offset, number, rest = offset + end, number + lines, text[end:]
        if len(rest) > reader.limits.line:
            if not skipping:
                reader.oversized(rest, offset, number)
            skipping = True
        if skipping:
            offset, rest = offset + len(rest), b""
        reader.check()
    if rest:
        reader.take(rest, len(rest), offset, number)
    return number - 1


def after_line_break(blocks: Iterator[bytes], start: int) -> tuple[int, Iterator[bytes]]:
    """Of blocks that begin at `start`: where the first line after a line break begins, and the blocks from there on."""
    for block in blocks:
        cut = block.find(b"\n") + 1
        start += cut or len(block)
        if cut:
            return start, chain((block[cut:],), blocks)
    return start, blocks


def until(blocks: Iterator[bytes], start: int, end: int) -> Iterator[bytes]:
    """Of blocks that begin at `start`: the lines that begin before `end`, the last of them whole."""
    if start >= end:
        return
    for block in blocks:
        if start + len(block) < end:
            yield block
        else:
            cut = block.find(b"\n", max(end - 1 - start, 0)) + 1
            yield block[:cut] if cut else block
            if cut:
                return
        start += len(block)
