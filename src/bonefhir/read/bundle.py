"""A Bundle of any type, opened: each entry's resource goes to the reader, in order, with its place and the fullUrls around it."""

import re
from typing import Protocol

import msgspec
import pyarrow as pa
from msgspec import UNSET, Raw, UnsetType

from bonefhir.read import elements, keys, references
from bonefhir.read.contained import Fields
from bonefhir.read.fault import Fault
from bonefhir.read.memo import Memo
from bonefhir.read.references import Scope
from bonefhir.read.resource import FIELDS


class BrokenBundleError(Exception):
    """The Bundle's own envelope cannot be used; raised before any entry is."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        super().__init__(fault.detail)


class Sink(Protocol):
    """Where entries go: the reader."""

    empty_entries: int

    def line_at(self, offset: int) -> int: ...
    def warn(self, kind: str, line: int | None, detail: str) -> None: ...
    def reject(self, fault: Fault, line: int | None, entry: str | None, raw: bytes) -> None: ...
    def full_url(self, url: str, target: str) -> None: ...
    def resource(
        self, text: bytes, start: int, size: int, offset: int, entry: str | None, full_url: str | None, scope: Scope | None
    ) -> None: ...


class _Link(msgspec.Struct):
    relation: str | UnsetType = UNSET


class Envelope(msgspec.Struct):
    """A Bundle without what is in its entries."""

    type: str | UnsetType = UNSET
    total: int | UnsetType = UNSET
    link: list[_Link] | UnsetType = UNSET
    entry: list[Raw] | UnsetType = UNSET


class _Head(msgspec.Struct, rename="camel"):
    resource_type: str | UnsetType = UNSET
    id: str | UnsetType = UNSET


_envelope = msgspec.json.Decoder(Envelope).decode
_SPACED_KEY = re.compile(rb"\s:")
_TOLD = re.compile(rb'"DELETE"|"outcome"')
_head = msgspec.json.Decoder(_Head).decode
_text = msgspec.json.Decoder(str).decode


def read_bundle(sink: Sink, raw: bytes, original: bytes, offset: int, prefix: str = "", around: Scope | None = None) -> None:
    """raw: the Bundle as it decodes; original: the same bytes as they stand in the file, at `offset`. Raises BrokenBundleError.

    prefix: path of the entry in which a nested Bundle stands, '3/'.
    """
    read_entries(sink, open_envelope(raw), raw, original, offset, prefix, around)


def read_entries(
    sink: Sink, envelope: Envelope, raw: bytes, original: bytes, offset: int, prefix: str = "", around: Scope | None = None
) -> None:
    """The same of a Bundle that has been opened."""
    members = [] if isinstance(envelope.entry, UnsetType) else envelope.entry
    entries = [_fields(member) for member in members]
    _remark(sink, envelope, entries, sink.line_at(offset), prefix)
    urls = [_url(fields) if fields else None for fields in entries]
    scope = Scope(around)
    if b"rn:" in raw:
        _collect_urls(sink, entries, urls, scope)
    base = _address(raw)
    for index, (member, fields, url) in enumerate(zip(members, entries, urls, strict=True)):
        path = f"{prefix}{index}"
        start = _address(member) - base
        resource = None if fields is None else fields.get("resource")
        place = start if resource is None else _address(resource) - base
        if fields is None or resource is None or not _known_plain(_around(raw, start, member, place, resource), fields, url):
            resource = _resource(sink, member, fields, sink.line_at(offset + start), path)
        if resource is not None:
            sink.resource(original, place, len(resource), offset, path, url, scope)


def _address(buffer: bytes | Raw) -> int:
    """Where its bytes lie in memory: what was decoded is a view of what it was decoded from."""
    address: int = pa.py_buffer(buffer).address
    return address


def open_envelope(raw: bytes) -> Envelope:
    """Raises BrokenBundleError, and RecursionError."""
    try:
        envelope = _envelope(raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BrokenBundleError(elements.mistyped(error)) from None
    members, rest = envelope.entry, raw
    if not isinstance(members, UnsetType) and members:
        base = _address(raw)
        rest = raw[: _address(members[0]) - base] + raw[_address(members[-1]) + len(members[-1]) - base :]
    if keys.repeated(rest):
        raise BrokenBundleError(Fault("duplicate-keys", None, "a key stands twice in the Bundle: entries would be lost"))
    return envelope


def _fields(member: Raw) -> Fields | None:
    """An entry's fields; null if it is not an object."""
    try:
        return FIELDS(member)
    except msgspec.DecodeError:
        return None


def _remark(sink: Sink, envelope: Envelope, entries: list[Fields | None], line: int, prefix: str) -> None:
    """What a Bundle says of itself that whoever reads the report must know."""
    if envelope.type is UNSET:
        sink.warn("bundle-without-type", line, "a Bundle without a type; its entries were read")
    if prefix.count("/") > 1:
        sink.warn("nested-bundle", line, "Bundles inside of Bundles inside of a Bundle; their entries were read")
    links = [] if isinstance(envelope.link, UnsetType) else envelope.link
    if any(link.relation == "next" for link in links):
        sink.warn("more-pages", line, "the Bundle has a next page that is not part of this file: the data is incomplete")
    elif envelope.type == "searchset" and isinstance(envelope.total, int):
        matches = sum(1 for fields in entries if fields and b'"match"' in bytes(fields.get("search", b'"match"')))
        if envelope.total > matches:
            sink.warn("more-pages", line, f"the search found {envelope.total}, the Bundle has {matches}: the data is incomplete")


def _collect_urls(sink: Sink, entries: list[Fields | None], urls: list[str | None], scope: Scope) -> None:
    """First of all, because references also point forward."""
    for fields, url in zip(entries, urls, strict=True):
        if fields is None or url is None or "resource" not in fields or not references.is_urn(url):
            continue
        try:
            head = _head(fields["resource"])
        except (msgspec.DecodeError, UnicodeDecodeError):
            continue  # the resource itself is rejected when it is read
        identity = references.id_of(url) if isinstance(head.id, UnsetType) else head.id
        if head.resource_type is not UNSET and identity is not None and references.ID.fullmatch(identity):
            target = f"{head.resource_type}/{identity}"
            urn = references.urn(url)
            scope.add(urn, target)
            sink.full_url(urn, target)


def _around(raw: bytes, start: int, member: Raw, place: int, resource: Raw) -> bytes:
    return raw[start:place] + raw[place + len(resource) : start + len(member)]


def _known_plain(around: bytes, fields: Fields, url: str | None) -> bool:
    """The same as `_plain`, asked once of all that differ in a fullUrl of plain characters only."""
    quoted = b"" if url is None else bytes(fields["fullUrl"])
    if b"\\" in quoted or b" " in quoted or (quoted and around.count(quoted) != 1):
        return _plain(around, fields, url)
    rest = around.replace(quoted, b"", 1) if quoted else around
    found = _ENTRIES.get(rest)
    if found is None:
        found = _plain(around, fields, url)
        _ENTRIES.keep(rest, found)
    return found


def _plain(around: bytes, fields: Fields, url: str | None) -> bool:
    """An entry around its resource: no key twice in it, and nothing to remark on. False: not known.

    A key twice would be one `":` more than there are keys, or one more of those in what is said beside the resource.
    """
    if b"\\" in around or _SPACED_KEY.search(around) or (url is None and "fullUrl" in fields):
        return False
    keys_inside = 0
    for name, value in fields.items():
        if name not in ("resource", "fullUrl"):
            about = _ABOUT[name.encode() + bytes(value)]
            if about < 0:
                return False
            keys_inside += about
    return around.count(b'":') == len(fields) + keys_inside


def _about(named: bytes) -> int:
    """How many keys are in a member of an entry (its name before it); -1: one comes twice, or there is something to remark on."""
    name, start, rest = named.partition(b"{")
    if name not in (b"request", b"search", b"response") or not start or _TOLD.search(rest) or keys.repeated(start + rest):
        return -1
    return rest.count(b'":')


def _url(fields: Fields) -> str | None:
    raw = fields.get("fullUrl")
    try:
        return None if raw is None else _text(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _resource(sink: Sink, member: Raw, fields: Fields | None, line: int, path: str) -> Raw | None:
    """The entry's resource; null if there is none to read, and the sink has been told."""
    if fields is None:
        if bytes(member) == b"null":
            sink.empty_entries += 1
            sink.warn("null-entry", line, "null among a Bundle's entries")
        else:
            sink.reject(Fault("not-an-object", "entry", "the entry is not a JSON object"), line, path, b"")
        return None
    _remark_entry(sink, fields, line)
    resource = fields.get("resource")
    if keys.repeated(_without(member, resource)):
        sink.reject(Fault("duplicate-keys", "entry", keys.TWICE), line, path, b"")
        return None
    if resource is None:
        sink.empty_entries += 1
    return resource


def _without(member: Raw, resource: Raw | None) -> bytes:
    """The entry's bytes with a zero for the resource."""
    whole = bytes(member)
    if resource is None:
        return whole
    start = _address(resource) - _address(member)
    return whole[:start] + b"0" + whole[start + len(resource) :]


def _remark_entry(sink: Sink, fields: Fields, line: int) -> None:
    if "request" in fields and b'"DELETE"' in bytes(fields["request"]):
        sink.warn("delete-entry", line, "a Bundle deletes a resource; deletions are not carried out here")
    if "search" in fields and b'"outcome"' in bytes(fields["search"]):
        sink.warn("outcome-entry", line, "the server remarks on its answer (OperationOutcome): it may be incomplete")
    if "fullUrl" in fields and _url(fields) is None:
        sink.warn("fullurl-unreadable", line, "a fullUrl is not a string")


_ABOUT = Memo(_about, count=1 << 12, size=1 << 20)
_ENTRIES: Memo[bool] = Memo(lambda _: False, count=1 << 12, size=1 << 20)
