"""From documents to resources: Bundles opened, versions decided, references resolved. semantics.md, section 1."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.reference.moments import moment

USED_TYPES = ("Patient", "MedicationAdministration", "Medication", "Observation", "Condition", "Procedure")
"""'Used resource types'."""

ID = re.compile(r"[A-Za-z0-9\-.]{1,64}", re.ASCII)
TYPE = re.compile(r"[A-Z][A-Za-z]+", re.ASCII)


@dataclass(frozen=True)
class Entry:
    """A resource in its place: `bundles` are the Bundles around it, innermost first."""

    position: int
    resource: dict[str, Any]
    id: str | None
    bundles: tuple[int, ...]

    @property
    def type(self) -> str:
        return str(self.resource["resourceType"])


Name = tuple[str, str]
"""(type, id)"""


@dataclass
class Input:
    """Every resource that was read, what their `fullUrl`s stand for, by Bundle, and the newest version of each."""

    entries: list[Entry] = field(default_factory=list)
    full_urls: dict[int, dict[str, Name]] = field(default_factory=dict)
    newest: dict[Name, Entry] = field(default_factory=dict)


def opened(documents: list[Any]) -> Input:
    """'Bundles of any type (entries' `resource`; an entry without a resource is ignored and counted; nested Bundles are
    opened), single resources, NDJSON'."""
    read = Input()
    for document in documents:
        _open(document, None, (), read)
    read.newest = {(entry.type, entry.id): entry for entry in newest(read.entries) if entry.id}
    return read


def _open(resource: Any, full_url: str | None, bundles: tuple[int, ...], read: Input) -> None:
    if not isinstance(resource, dict) or not isinstance(resource.get("resourceType"), str):
        return
    if resource["resourceType"] == "Bundle":
        number = len(read.full_urls)
        read.full_urls[number] = {}
        for entry in resource.get("entry") or []:
            if isinstance(entry, dict):
                _open(entry.get("resource"), entry.get("fullUrl"), (number, *bundles), read)
        return
    identifier = identity(resource, full_url)
    if full_url and bundles and identifier:
        read.full_urls[bundles[0]].setdefault(full_url, (resource["resourceType"], identifier))
    read.entries.append(Entry(len(read.entries), resource, identifier, bundles))


def identity(resource: dict[str, Any], full_url: str | None) -> str | None:
    """'Id: `id`, else the last part of the entry's `urn:uuid:` or URL `fullUrl`; none: rejected `no-id`.'"""
    own = resource.get("id")
    if isinstance(own, str) and own:
        return own
    if not isinstance(full_url, str):
        return None
    last = full_url.removeprefix("urn:uuid:") if full_url.startswith("urn:uuid:") else _segments(full_url)[-1]
    return last if ID.fullmatch(last) else None


def _segments(reference: str) -> list[str]:
    """The segments of a path; 'versioned (`.../_history/3` stripped)'."""
    segments = reference.split("/")
    return segments[:-2] if len(segments) > 2 and segments[-2] == "_history" else segments


def newest(entries: list[Entry]) -> list[Entry]:
    """'Same type and id twice: the greatest `meta.lastUpdated` wins (absent sorts first), then the greatest numeric
    `meta.versionId`, then the later in reading order.' Entries without an id have no versions."""
    kept: dict[Name, Entry] = {}
    nameless = []
    for entry in entries:
        if entry.id is None:
            nameless.append(entry)
            continue
        other = kept.get((entry.type, entry.id))
        if other is None or version(entry) >= version(other):
            kept[entry.type, entry.id] = entry
    return sorted([*kept.values(), *nameless], key=lambda entry: entry.position)


def version(entry: Entry) -> tuple[float, int, int]:
    meta = entry.resource.get("meta") or {}
    updated = moment(meta.get("lastUpdated"))
    number = meta.get("versionId")
    return (
        updated.instant.timestamp() if updated and updated.instant else float("-inf"),
        int(number) if isinstance(number, str) and number.isascii() and number.isdigit() else -1,
        entry.position,
    )


def resolved(read: Input, entry: Entry, reference: Any) -> Name | dict[str, Any] | None:
    """What a Reference points to: a name, a contained resource, or nothing.

    'References: relative (`Patient/p1`), absolute URL (its last two path segments), `urn:uuid:` (through `fullUrl`: this
    Bundle, then the enclosing ones, then the whole input), contained (`#m1`), versioned. By identifier only, conditional, …:
    unresolvable.'
    """
    target = reference.get("reference") if isinstance(reference, dict) else None
    if not isinstance(target, str):
        return None
    if target.startswith("#"):
        return next((c for c in entry.resource.get("contained") or [] if "#" + str(c.get("id")) == target), None)
    if target.startswith("urn:"):
        return next((urls[target] for urls in _scopes(read, entry) if target in urls), None)
    *_, kind, identifier = ["", *_segments(target)]
    return (kind, identifier) if TYPE.fullmatch(kind) and ID.fullmatch(identifier) else None


def _scopes(read: Input, entry: Entry) -> Iterator[dict[str, Name]]:
    yield from (read.full_urls[number] for number in entry.bundles)
    yield from read.full_urls.values()


def patient_of(read: Input, entry: Entry) -> str | None:
    """'A dose, lab, condition or procedure with no resolvable patient is rejected (`no-patient`)'; 'to a Group or Device:
    unresolvable'."""
    name = resolved(read, entry, entry.resource.get("subject"))
    return name[1] if isinstance(name, tuple) and name[0] == "Patient" else None


def not_processed(resource: Any, root: bool = True) -> bool:
    """'A `modifierExtension` or `implicitRules` that we do not know: the resource is not processed.' We know none; inside the
    resource's elements they change the meaning as much."""
    if isinstance(resource, list):
        return any(not_processed(item, False) for item in resource)
    if not isinstance(resource, dict):
        return False
    if resource.get("modifierExtension") or (root and resource.get("implicitRules")):
        return True
    return any(not_processed(value, False) for value in resource.values())


def number_as_text(*quantities: Any) -> bool:
    """'`fhir.resources` … accepts numbers as strings: check both as well (`not-fhir`)': of the Quantities that are read here."""
    values = [quantity.get("value") for quantity in quantities if isinstance(quantity, dict)]
    return any(value is not None and (isinstance(value, bool) or not isinstance(value, int | float)) for value in values)
