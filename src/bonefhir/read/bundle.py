"""A Bundle of any type, opened: each entry's resource goes to the reader, in order, with its place and the fullUrls around it."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from operator import add
from typing import Any, Protocol

import msgspec
import pyarrow as pa
from msgspec import UNSET, Raw, UnsetType

from bonefhir.read import chunks, elements, keys, references
from bonefhir.read.chunks import SIZE, Pieces
from bonefhir.read.contained import Fields
from bonefhir.read.fault import Fault
from bonefhir.read.references import Scope
from bonefhir.read.resource import FIELDS
from bonefhir.read.texts import Numbers


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
    def resources(
        self, text: bytes, offset: int, bundle: "Plain", prefix: str, scope: Scope, compact: Pieces | None, nested: bool
    ) -> None: ...


class _Link(msgspec.Struct):
    relation: str | UnsetType = UNSET


class _About(msgspec.Struct):
    """What a Bundle says of itself."""

    type: str | UnsetType = UNSET
    total: int | UnsetType = UNSET
    link: list[_Link] | UnsetType = UNSET


class Envelope(_About):
    """A Bundle without what is in its entries."""

    entry: list[Raw] | UnsetType = UNSET


class _Entry(msgspec.Struct):
    resource: Raw
    search: Raw | UnsetType = UNSET


class _Entries(_About, kw_only=True):
    entry: list[_Entry]


@dataclass(frozen=True)
class Plain:
    """A Bundle of which each entry has a resource, with nothing around it to remark on, and no key twice.

    starts, sizes   of the resources in it, ascending
    urls            the fullUrl of each, null if there is none
    """

    about: _About
    entries: list[_Entry]
    starts: list[int]
    sizes: list[int]
    urls: list[str | None]


class _Head(msgspec.Struct, rename="camel"):
    resource_type: str | UnsetType = UNSET
    id: str | UnsetType = UNSET


_encode = msgspec.json.Encoder().encode
_envelope = msgspec.json.Decoder(Envelope).decode
_entries = msgspec.json.Decoder(_Entries).decode
_anything = msgspec.json.Decoder(dict[str, Any]).decode
_head = msgspec.json.Decoder(_Head).decode
_heads = msgspec.json.Decoder(_Head).decode_lines
_text = msgspec.json.Decoder(str).decode
_ODD = (b"\\", b'"DELETE"', b'"outcome"', b" :", b"\t:", b"\r:", b"\n:")
"""What is not around the resources of a plain Bundle: escapes, what there is to remark on, blanks behind a key."""
_OPEN = ord("{")
_AT_ONCE = 256
"""Resources that are looked into together."""


def read_bundle(sink: Sink, raw: bytes, original: bytes, offset: int, prefix: str = "", around: Scope | None = None) -> None:
    """raw: the Bundle as it decodes; original: the same bytes as they stand in the file, at `offset`. Raises BrokenBundleError.

    prefix: path of the entry in which a nested Bundle stands, '3/'.
    """
    read_entries(sink, open_envelope(raw), raw, original, offset, prefix, around)


def read_entries(
    sink: Sink,
    opened: Envelope | Plain,
    raw: bytes,
    original: bytes,
    offset: int,
    prefix: str = "",
    around: Scope | None = None,
) -> None:
    """The same of a Bundle that has been opened."""
    if isinstance(opened, Plain):
        _remark(sink, opened.about, lambda: _matches(entry.search for entry in opened.entries), sink.line_at(offset), prefix)
        scope = Scope(around)
        compact, nested = _look_into(sink, opened, scope)
        sink.resources(original, offset, opened, prefix, scope, compact if raw is original else None, nested)
    else:
        _one_by_one(sink, opened, raw, original, offset, prefix, Scope(around))


def _one_by_one(sink: Sink, envelope: Envelope, raw: bytes, original: bytes, offset: int, prefix: str, scope: Scope) -> None:
    members = [] if isinstance(envelope.entry, UnsetType) else envelope.entry
    entries = [_fields(member) for member in members]
    searches = (fields.get("search", UNSET) for fields in entries if fields)
    _remark(sink, envelope, lambda: _matches(searches), sink.line_at(offset), prefix)
    urls = [_url(fields) if fields else None for fields in entries]
    _collect_urls(sink, entries, urls, scope)
    base = _address(raw)
    for index, (member, fields, url) in enumerate(zip(members, entries, urls, strict=True)):
        path = f"{prefix}{index}"
        start = _address(member) - base
        resource = _resource(sink, member, fields, sink.line_at(offset + start), path)
        if resource is not None:
            sink.resource(original, _address(resource) - base, len(resource), offset, path, url, scope)


def _address(buffer: bytes | Raw) -> int:
    """Where its bytes lie in memory: what was decoded is a view of what it was decoded from."""
    address: int = pa.py_buffer(buffer).address
    return address


def open_envelope(raw: bytes) -> Envelope | Plain:
    """Raises BrokenBundleError, and RecursionError."""
    return _plain(raw) or _any_envelope(raw)


def _plain(raw: bytes) -> Plain | None:
    """Null: it is not known to be plain."""
    try:
        bundle = _entries(raw)
        base = _address(raw)
        starts = [_address(entry.resource) - base for entry in bundle.entry]
        sizes = [len(entry.resource) for entry in bundle.entry]
        rest = _rest(raw, starts, sizes)
        if any(odd in rest for odd in _ODD) or any(raw[start] != _OPEN for start in starts):
            return None
        value = _anything(rest)
        if rest.count(b'":') != _encode(value).count(b'":'):  # a key twice, see keys.repeated
            return None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    urls = [entry.get("fullUrl", UNSET) for entry in value["entry"]]
    if any(url is not UNSET and not isinstance(url, str) for url in urls):
        return None
    return Plain(bundle, bundle.entry, starts, sizes, [None if url is UNSET else url for url in urls])


def _rest(raw: bytes, starts: Sequence[int], sizes: Sequence[int]) -> bytes:
    """The Bundle with a zero for each resource."""
    ends = map(add, starts, sizes)
    return b"0".join(map(raw.__getitem__, map(slice, (0, *ends), (*starts, len(raw)))))


def _any_envelope(raw: bytes) -> Envelope:
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


def _remark(sink: Sink, envelope: _About, matches: Callable[[], int], line: int, prefix: str) -> None:
    """What a Bundle says of itself that whoever reads the report must know. matches: how many entries the search has found."""
    if envelope.type is UNSET:
        sink.warn("bundle-without-type", line, "a Bundle without a type; its entries were read")
    if prefix.count("/") > 1:
        sink.warn("nested-bundle", line, "Bundles inside of Bundles inside of a Bundle; their entries were read")
    links = [] if isinstance(envelope.link, UnsetType) else envelope.link
    if any(link.relation == "next" for link in links):
        sink.warn("more-pages", line, "the Bundle has a next page that is not part of this file: the data is incomplete")
    elif envelope.type == "searchset" and isinstance(envelope.total, int):
        found = matches()
        if envelope.total > found:
            sink.warn("more-pages", line, f"the search found {envelope.total}, the Bundle has {found}: the data is incomplete")


def _matches(searches: Iterable[Raw | UnsetType]) -> int:
    return sum(1 for search in searches if isinstance(search, UnsetType) or b'"match"' in bytes(search))


def _look_into(sink: Sink, bundle: Plain, scope: Scope) -> tuple[Pieces | None, bool]:
    """The fullUrls that are urns, first of all, because references also point forward.

    Returns the resources without blanks, if they are few enough to be kept; and whether there may be Bundles among them.
    """
    keep = sum(bundle.sizes) < SIZE
    step = len(bundle.urls) or 1 if keep else _AT_ONCE
    compact, nested = None, False
    for start in range(0, len(bundle.urls), step):
        some = slice(start, start + step)
        compact = chunks.compact([entry.resource for entry in bundle.entries[some]])
        for url, head in zip(bundle.urls[some], _heads_of(*compact), strict=True):
            nested = nested or head is None or head.resource_type == "Bundle"
            if head is not None and url is not None and references.is_urn(url):
                _add_urn(sink, url, head, scope)
    return compact if keep else None, nested


def _heads_of(text: bytes, starts: Numbers, sizes: Numbers) -> Sequence[_Head | None]:
    """Null for one that cannot be read: it is rejected when it is."""
    try:
        found = _heads(text)
    except (msgspec.DecodeError, UnicodeDecodeError):
        found = []
    if len(found) == len(starts):
        return found
    return [_head_of(text[start:end]) for start, end in zip(starts.tolist(), (starts + sizes).tolist(), strict=True)]


def _head_of(resource: bytes | Raw) -> _Head | None:
    try:
        return _head(resource)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def _collect_urls(sink: Sink, entries: list[Fields | None], urls: list[str | None], scope: Scope) -> None:
    """First of all, because references also point forward."""
    for fields, url in zip(entries, urls, strict=True):
        if fields is not None and url is not None and "resource" in fields and references.is_urn(url):
            head = _head_of(fields["resource"])
            if head is not None:
                _add_urn(sink, url, head, scope)


def _add_urn(sink: Sink, url: str, head: _Head, scope: Scope) -> None:
    identity = references.id_of(url) if isinstance(head.id, UnsetType) else head.id
    if head.resource_type is not UNSET and identity is not None and references.ID.fullmatch(identity):
        target = f"{head.resource_type}/{identity}"
        urn = references.urn(url)
        scope.add(urn, target)
        sink.full_url(urn, target)


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
