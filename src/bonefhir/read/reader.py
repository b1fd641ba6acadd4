"""The resources of one file, or of a range of it, one after the other → rows, rejects, warnings and counts.

Every resource that is given to `resource` ends in exactly one of three places: rows (with a fault, if it must be
rejected), the count of types that are not used, or `rejects` (when there is nothing to make a row of).
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence

import msgspec
import numpy as np

from bonefhir.read import characters, contained, depth, keys, modifiers, references, unused
from bonefhir.read.batch import Batch
from bonefhir.read.bundle import BrokenBundleError, Plain, read_bundle
from bonefhir.read.chunks import SIZE, Chunk, Pieces, digest
from bonefhir.read.columns import Collected, Row
from bonefhir.read.contained import Fields
from bonefhir.read.fault import Fault, UnreadableFileError
from bonefhir.read.gate import Gates
from bonefhir.read.kinds import KINDS
from bonefhir.read.limits import Limits
from bonefhir.read.lines import Lines, cut_lines
from bonefhir.read.names import RESOURCE_TYPES, USED
from bonefhir.read.references import Scope
from bonefhir.read.release import OLDER, R4, release
from bonefhir.read.resource import FIELDS, Resource

_COMPACT = msgspec.json.format
_NAMED = re.compile(rb'\s*\{\s*"resourceType"\s*:\s*"([A-Za-z]{1,64})"(?:\s*,\s*"id"\s*:\s*"([A-Za-z0-9\-.]{1,64})")?')
NOT_UTF8 = Fault("encoding", None, "not UTF-8")
NO_TYPE = Fault("no-resource-type", "resourceType", "not the name of a resource type of FHIR")
STU3 = Fault("stu3", None, "the shape of FHIR STU3 or DSTU2; R4, R4B and R5 are read")
_WITH_URL = USED | {"MedicationRequest"}


_TYPES = {f'"{name}"'.encode(): name for name in RESOURCE_TYPES}

Place = tuple[int, int, str | None]
"""Where a resource stands: byte in the decompressed file, line, entry of a Bundle."""

_Entry = tuple[int, int, str | None, str | None, Scope | None]
"""Where in its document a resource begins, its size, the rest as in a chunk."""

Remark = tuple[int | None, str, int]
"""About a file: line of the first one of its kind (null: the file), words, how many there are."""


class Reader:
    """Reads one file into what its portion collects. `lines` is set by whoever knows the file's lines.

    batch               where resources are put by until there are enough of them, of this file and others
    gates               what tells which resources are certainly valid; null: nobody asks
    rowed, rejected     resources with a row, and without one: with those of unused types they are all that were read
    """

    def __init__(self, number: int, limits: Limits, collected: Collected, batch: Batch, gates: Gates | None = None) -> None:
        self.number = number
        self.limits = limits
        self.read = 0
        self.rowed = 0
        self.rejected = 0
        self.empty_entries = 0
        self.unused: Counter[str] = Counter()
        self.rows = collected.rows
        self.lines = self._lines = Lines()
        self.remarks: dict[str, Remark] = {}
        self._gates = gates
        self._rejects, self._full_urls = collected.rejects, collected.full_urls
        self._first = number << 40
        self._batch = batch
        self._entries: list[_Entry] = []
        self._text, self._begin = b"", 0
        self._held = 0
        self._slow = False
        self._nested = True

    # ------------------------------------------------------------------------------------------------ from the framing

    def line_at(self, offset: int) -> int:
        return self.lines.at(offset)

    def warn(self, kind: str, line: int | None, detail: str) -> None:
        """A remark about the file. Of one kind, the first is kept and the others are counted."""
        first, words, count = self.remarks.get(kind, (line, detail, 0))
        self.remarks[kind] = (first, words, count + 1)

    def reject(self, fault: Fault, line: int | None, entry: str | None, raw: bytes) -> None:
        """Something that was read and is not in any table. raw: what may tell its type and id."""
        self._before_it()
        named = _NAMED.match(raw[:4096])
        name = named[1].decode() if named else None
        known = name if name in RESOURCE_TYPES else None
        identity = named[2].decode() if named and named[2] and known else None
        self._add_reject(fault, line, entry, known, identity)

    def _add_reject(self, fault: Fault, line: int | None, entry: str | None, name: str | None, identity: str | None) -> None:
        self.read += 1
        self.rejected += 1
        self._rejects.add((self.number, line, entry, name, identity, "read", *fault))

    def full_url(self, url: str, target: str) -> None:
        if target.partition("/")[0] in _WITH_URL:
            self._full_urls.add((self.number, url, target))

    # ---------------------------------------------------------------------------------------------------- one resource

    def count_unused(self, text: bytes, end: int) -> int | None:
        """How many lines there are before `end`, if all are of types that are not used, and counted now."""
        found = unused.count(text, end) if 0 < end <= self.limits.line else None
        for name, resources in (found or {}).items():
            self.count(resources, name)
        return None if found is None else found.total()

    def take(self, text: bytes, end: int, offset: int, number: int) -> int:
        """Lines of NDJSON up to `end`, of which the first has this number and begins at this byte. Returns how many end."""
        starts, sizes, lines, count = cut_lines(text, end, offset)
        if len(starts):
            self._batch.add(Chunk(self, text, starts, sizes, offset + starts, number + lines))
        return count

    def oversized(self, begin: bytes, offset: int, line: int) -> None:
        """A line of which no more than this is read, whatever it begins with: blanks, or something complete."""
        self._reject("too-large", self._size_limit, (offset, line, None), begin)

    @property
    def _size_limit(self) -> str:
        return f"more than {self.limits.line} bytes, the limit for one resource"

    def document(self, data: bytes) -> None:
        """What the file is. Lines are asked for twice: at once of what is odd, and of the others when they are handed over."""
        self.lines, self._lines = Lines(data), Lines(data)

    def resource(
        self,
        text: bytes,
        start: int,
        size: int,
        offset: int,
        entry: str | None = None,
        full_url: str | None = None,
        scope: Scope | None = None,
    ) -> None:
        """One resource of a document: so many bytes of the text from `start` on; offset: where the text begins in the file.

        One that may be a Bundle is opened at once, while one knows where its lines are.
        """
        if self._slow or (self._nested and _may_be_bundle(text, start, start + size)):
            self._before_it()
            place = offset + start
            self._one(text[start : start + size], place, self.line_at(place), entry, full_url, scope)
            return
        if text is not self._text:
            self.hand_over()
            self._text, self._begin = text, offset
        self._entries.append((start, size, entry, full_url, scope))
        self._held += size
        if self._held >= SIZE:
            self.hand_over()

    def resources(
        self, text: bytes, offset: int, bundle: Plain, prefix: str, scope: Scope, compact: Pieces | None, nested: bool
    ) -> None:
        """All resources of a Bundle, one in each entry.

        prefix: of the entries' paths; compact: the resources without blanks, if known; nested: there may be Bundles among them.
        """
        entries = [f"{prefix}{number}" for number in range(len(bundle.starts))]
        if self._slow or nested or sum(bundle.sizes) > SIZE:
            before, self._nested = self._nested, nested
            for start, size, entry, url in zip(bundle.starts, bundle.sizes, entries, bundle.urls, strict=True):
                self.resource(text, start, size, offset, entry, url, scope)
            self._nested = before
        elif entries:
            self.hand_over()
            scopes: list[Scope | None] = [scope] * len(entries)
            starts, sizes = np.array(bundle.starts), np.array(bundle.sizes)
            lines = self._lines.of(offset + starts)
            self._batch.add(Chunk(self, text, starts, sizes, offset + starts, lines, True, entries, bundle.urls, scopes, compact))

    def begin(self, bundle: bytes) -> None:
        """A document: looks once whether there may be Bundles in the Bundle."""
        self._nested = bundle.count(b"Bundle") > 1 or (b"\\" in bundle and b"\\u" in bundle)

    def hand_over(self) -> None:
        """To the batch: what was put by of a document."""
        if self._entries:
            starts, sizes, entries, urls, scopes = map(list, zip(*self._entries, strict=True))
            self._entries, self._held = [], 0
            places = np.array(starts)
            offsets = self._begin + places
            lines = self._lines.of(offsets)
            self._batch.add(Chunk(self, self._text, places, np.array(sizes), offsets, lines, True, entries, urls, scopes))

    def finish(self) -> None:
        """The file has been read: what is left of a document goes to the batch, and its text is not kept here."""
        self.hand_over()
        self._text, self._lines = b"", Lines()

    def _before_it(self) -> None:
        """What was put by comes first."""
        if not self._slow:
            self.hand_over()
            self._batch.flush()

    def slowly(self, raw: bytes, offset: int, line: int, entry: str | None, url: str | None, scope: Scope | None) -> None:
        """The long way, which is the truth."""
        if entry is None:
            self.lines = Lines()
            self.lines.line = line
        before, self._slow = self._slow, True
        try:
            self._one(raw, offset, line, entry, url, scope)
        finally:
            self._slow = before

    def count(self, resources: int, unused: str) -> None:
        self.read += resources
        if unused:
            self.unused[unused] += resources
        else:
            self.rowed += resources

    def check(self) -> None:
        """Raises UnreadableFileError if the file has more resources than one may have."""
        if self.read > self.limits.resources:
            raise too_many(self.limits)

    def _one(self, raw: bytes, offset: int, line: int, entry: str | None, full_url: str | None, scope: Scope | None) -> None:
        place = (offset, line, entry)
        if len(raw) > self.limits.line:
            return self._reject("too-large", self._size_limit, place, raw)
        try:
            faults: list[Fault] = []
            fields, text = self._decode(raw, faults)
            name = _type(fields)
            if name in USED:
                faults += self._beyond_limits(fields, raw)
            if name == "Bundle":
                self._bundle(raw, faults, place, scope)
            elif not name or (name not in USED and NOT_UTF8 in faults):
                self.reject(faults[0] if faults else NO_TYPE, line, entry, b"")
            elif name not in USED:
                self.count(1, name)
            else:
                self._used(Resource(fields, name, scope, faults), raw, text, place, full_url)
        except RecursionError:
            self._reject("too-deep", f"nested far deeper than {self.limits.depth} levels, the limit", place, raw)
        except msgspec.ValidationError:
            self._reject("not-an-object", "not a JSON object", place, raw)
        except msgspec.DecodeError as error:
            self.reject(unreadable(error), line, entry, raw)

    def _beyond_limits(self, fields: Fields, raw: bytes) -> Iterator[Fault]:
        if depth.exceeds(raw, self.limits.depth):
            yield Fault("too-deep", None, f"nested deeper than {self.limits.depth} levels, the limit")
        if len(fields) > self.limits.elements:
            yield Fault("too-large", None, f"more than {self.limits.elements} elements, the limit for one resource")

    def _reject(self, reason: str, detail: str, place: Place, raw: bytes) -> None:
        self.reject(Fault(reason, None, detail), place[1], place[2], raw)

    def _used(self, resource: Resource, raw: bytes, text: bytes, place: Place, full_url: str | None) -> None:
        shape = release(resource.type, resource.fields)
        if shape == OLDER and resource.type != "Observation":  # a lost Observation may be a lost lab: that one gets its row
            return self._add_reject(STU3, place[1], place[2], resource.type, resource.identity(full_url))
        if shape == OLDER:
            resource.faults.append(STU3)
        self._remark(resource, raw, text, full_url)
        self._add(resource, raw, text, place, R4 if shape == OLDER else shape)
        return None

    def _decode(self, raw: bytes, faults: list[Fault]) -> tuple[Fields, bytes]:
        """The top-level fields and the text that they are of; what is wrong but leaves something to read goes to `faults`."""
        text = raw if raw.isascii() and b"\\u" not in raw else _cleaned(raw, faults)
        fields = FIELDS(text)
        return (fields, text) if keys.same_length(fields, text) else self._look_closer(text, faults)

    def _look_closer(self, text: bytes, faults: list[Fault]) -> tuple[Fields, bytes]:
        """The text has blanks, keys with escapes, or keys that come twice."""
        compact = _COMPACT(text, indent=-1)
        fields = FIELDS(compact)
        if keys.same_length(fields, compact):
            return fields, compact
        once, twice = keys.without_repeated(compact)
        if twice:
            faults.append(Fault("duplicate-keys", None, keys.TWICE))
            fields, compact = FIELDS(once), once
        return fields, compact

    def _bundle(self, raw: bytes, faults: list[Fault], place: Place, scope: Scope | None) -> None:
        """A Bundle among NDJSON lines, or inside of another one."""
        offset, line, entry = place
        prefix = "" if entry is None else f"{entry}/"
        if not prefix:
            self.warn("bundle-in-ndjson", line, "a Bundle as a line of NDJSON; its entries were read")
        if NOT_UTF8 in faults:
            return self.reject(NOT_UTF8, line, entry, raw)
        if prefix.count("/") >= self.limits.bundles:
            return self._reject("too-deep", f"more than {self.limits.bundles} Bundles inside of each other", place, raw)
        text = characters.mend(raw)[0] if characters.suspect(raw) else raw
        try:
            read_bundle(self, text, raw, offset, prefix, scope)
        except BrokenBundleError as error:
            self.reject(error.fault, line, entry, raw)
        return None

    def _remark(self, resource: Resource, raw: bytes, text: bytes, full_url: str | None) -> None:
        """id, rules that forbid processing, and what is worth a warning."""
        resource.id = resource.identity(full_url)
        forbidden = modifiers.fault(resource.fields, text)
        resource.faults += [] if forbidden is None else [forbidden]
        if full_url is not None and resource.id and references.contradicts(full_url, resource.type, resource.id):
            resource.warnings.append("fullurl-mismatch")
        if b"[]" in text:
            resource.warnings.append("empty-array")
        if (not raw.isascii() or b"\\u20" in raw) and characters.bidi(raw):
            resource.warnings.append("bidi-text")

    def _add(self, resource: Resource, raw: bytes, text: bytes, place: Place, shape: str) -> None:
        kind = KINDS[resource.type]
        tails = kind.rows(resource)
        updated, version = resource.meta()
        self.count(1, "")
        offset, line, entry = place
        head: Row = (self._first + offset, self.number, line, entry, offset, len(raw), resource.id, updated, version)
        head += (digest(text), shape, *resource.outcome(self._conforms(raw, resource.type, shape, resource.faults)))
        rows = self.rows[kind.table.name]
        for tail in tails:
            rows.add(head + tail)
        for identity in resource.contained_patients:
            self._add_contained(resource, identity, raw, place, shape)

    def _add_contained(self, parent: Resource, identity: str, raw: bytes, place: Place, shape: str) -> None:
        """A contained Patient who is the subject: a row with the id '<parent>#<id>'. Not counted: no resource of the file."""
        found = contained.find(raw, identity, "Patient")
        if found is None:
            return
        start, own, fields = found
        patient = Resource(fields, "Patient", parent.scope, [])
        patient.id = f"{parent.id}#{identity}"
        (tail,) = KINDS["Patient"].rows(patient)
        line, entry, offset = place[1], place[2], place[0] + start
        head = (self._first + offset, self.number, line, entry, offset, len(own), patient.id, None, None, digest(own), shape)
        outcome = patient.outcome(self._conforms(own, "Patient", shape, patient.faults))
        self.rows["patients_read"].add((*head, *outcome, *tail))

    def _conforms(self, raw: bytes, name: str, shape: str, faults: Sequence[Fault] = ()) -> bool:
        return self._gates is not None and not faults and self._gates(name, shape).passes(raw)


def _may_be_bundle(text: bytes, start: int, end: int) -> bool:
    return text.find(b'"Bundle"', start, end) >= 0 or text.find(b"\\u", start, end) >= 0


def too_many(limits: Limits) -> UnreadableFileError:
    return UnreadableFileError("too-large", f"more than {limits.resources} resources, the limit for a file")


def _cleaned(raw: bytes, faults: list[Fault]) -> bytes:
    """raw as JSON that can be read, without letters hidden behind escapes; what had to be replaced is a fault."""
    text = raw
    if not characters.utf8(raw):
        text = characters.replaced(raw)
        faults.append(NOT_UTF8)
    if b"\\u" in text and characters.suspect(text):
        text, places = characters.mend(text)
        text = characters.plain(text)
        if places:
            faults.append(Fault("encoding", None, "NUL or half of a surrogate pair in a text"))
    return text


def _type(fields: Fields) -> str:
    """resourceType; empty if there is none, or if it is not the name of a type."""
    raw = fields.get("resourceType")
    return "" if raw is None else _TYPES.get(bytes(raw), "")


def unreadable(error: msgspec.DecodeError) -> Fault:
    """msgspec's words for what is wrong with the JSON: a place, never a value."""
    words = str(error)
    if "truncated" in words:
        return Fault("truncated", None, "the JSON ends before it is complete")
    return Fault("not-json", None, words.lower())
