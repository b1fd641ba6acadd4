"""terminology/*.csv: systems, units, routes, value sets, known labs and other substances, and a site's own codes."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from bonefhir.knowledge import ucum
from bonefhir.knowledge.codes import KINDS, STATUSES, UNUSED_KINDS, comparable, read_code
from bonefhir.knowledge.faults import Faults, Place
from bonefhir.knowledge.files import Document, rows
from bonefhir.knowledge.model import Code, Unit, ValueSet
from bonefhir.knowledge.units import plain

CODE_COLUMNS = ("system", "code", "kind", "status", "display", "note")
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "systems": ("alias", "uri", "also", "note"),
    "units": ("alias", "ucum", "quantity_kind"),
    "routes": ("route", "system", "code", "text", "note"),
    "phrases": ("value_set", "phrase"),
    "concepts": ("alias", "concept"),
    "conditions": ("value_set", *CODE_COLUMNS),
    "procedures": ("value_set", *CODE_COLUMNS),
    "known_labs": ("concept", *CODE_COLUMNS),
    "other_substances": ("substance", *CODE_COLUMNS),
    "excluded_codes": ("concept", *CODE_COLUMNS),
    "codes": ("concept", *CODE_COLUMNS),
}
"""File name under terminology/ -> its columns. `codes` gives codes to any concept: the form for a site's own."""

TERMINOLOGY_COLUMNS = ("group", "concept", "system_uri", "code", "display", "kind", "verified_by", "notes")
"""The form of a published code list, also accepted for a site's own codes."""

Row = tuple[Place, dict[str, str]]


@dataclass
class Terminology:
    """What the CSV files say. Codes are not yet attached to their concepts: `codes` has (concept, code, place)."""

    systems: dict[str, str] = field(default_factory=dict)
    units: dict[str, Unit] = field(default_factory=dict)
    rejected_units: dict[str, str] = field(default_factory=dict)
    routes: dict[tuple[str, str], str] = field(default_factory=dict)
    phrases: dict[str, dict[str, Place]] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)
    conditions: dict[str, list[tuple[Code, Place]]] = field(default_factory=dict)
    procedures: dict[str, list[tuple[Code, Place]]] = field(default_factory=dict)
    known_labs: list[tuple[Code, Place]] = field(default_factory=list)
    other: dict[tuple[str, str], tuple[str, Place]] = field(default_factory=dict)
    excluded: set[tuple[str, str]] = field(default_factory=set)
    codes: list[tuple[str, Code, Place]] = field(default_factory=list)

    def value_sets(self) -> dict[str, ValueSet]:
        """Sets of conditions and of procedures; one that has only phrases is one of conditions."""
        found = {name: ValueSet(name, "Condition", (), tuple(phrases)) for name, phrases in self.phrases.items()}
        for resource_type, sets in (("Condition", self.conditions), ("Procedure", self.procedures)):
            for name, codes in sets.items():
                found[name] = ValueSet(name, resource_type, tuple(code for code, _ in codes), tuple(self.phrases.get(name, ())))
        return found


def read(documents: Sequence[Document], faults: Faults) -> Terminology:
    """Every terminology/*.csv, the systems first: the other files name them."""
    terminology = Terminology()
    by_name: dict[str, list[Document]] = {name: [] for name in COLUMNS}
    for document in documents:
        name = document.part.removeprefix("terminology/").removesuffix(".csv")
        if name in by_name:
            by_name[name].append(document)
        else:
            faults.add(document.place(), f"is no file of terminology/; there are {', '.join(f'{n}.csv' for n in COLUMNS)}")
    for name, files in by_name.items():
        for document in files:
            _READERS[name](terminology, _rows(document, name, faults), faults)
    return terminology


def _rows(document: Document, name: str, faults: Faults) -> Iterator[Row]:
    if name == "codes" and "system_uri" in document.text.partition("\n")[0]:
        return (_as_local(place, row) for place, row in rows(document, TERMINOLOGY_COLUMNS, faults))
    return rows(document, COLUMNS[name], faults)


def _as_local(place: Place, row: dict[str, str]) -> Row:
    """A row of the published form. Words of its own for kind and check are no fault there: 'local', 'unverified'."""
    status = row["verified_by"].partition(":")[0].strip().lower()
    local = {
        "concept": row["concept"],
        "system": row["system_uri"],
        "status": status if status in STATUSES else "unverified",
        "note": row["notes"],
        "kind": row["kind"] if row["kind"] in KINDS else "local",
    }
    return place, {**row, **local}


def _systems(terminology: Terminology, found: Iterator[Row], faults: Faults) -> None:
    for place, row in found:
        for spelling in (row["alias"], row["uri"], *row["also"].split()):
            known = terminology.systems.setdefault(spelling, row["uri"])
            if known != row["uri"]:
                faults.add(place, f"'{spelling}' already stands for {known}")


def _units(terminology: Terminology, found: Iterator[Row], faults: Faults) -> None:
    for place, row in found:
        alias, target = plain(row["alias"]), row["ucum"]
        known = "" if alias in terminology.rejected_units else getattr(terminology.units.get(alias), "code", target)
        if not alias:
            faults.add(place, "the alias is empty")
        elif known != target:
            faults.add(place, f"unit '{alias}' already means '{known or 'nothing, on purpose'}'")
        elif not target:
            terminology.rejected_units[alias] = row["quantity_kind"].removeprefix("reject_")
        else:
            _unit(terminology, alias, row, place, faults)


def _unit(terminology: Terminology, alias: str, row: Mapping[str, str], place: Place, faults: Faults) -> None:
    unit = ucum.parse(row["ucum"])
    if unit is None:
        faults.add(place, f"'{row['ucum']}' is no UCUM unit of a kind of quantity that is used here")
    elif unit.quantity_kind != row["quantity_kind"]:
        faults.add(place, f"'{unit.code}' measures {unit.quantity_kind}, not {row['quantity_kind']}")
    else:
        terminology.units[alias] = unit


def _routes(terminology: Terminology, found: Iterator[Row], faults: Faults) -> None:
    for place, row in found:
        system = terminology.systems.get(row["system"], row["system"])
        keys = [(system, row["code"])] if row["code"] else []
        keys += [("", " ".join(row["text"].lower().split()))] if row["text"] else []
        if not keys or not row["route"]:
            faults.add(place, "needs a route, and a code or a text")
        for key in keys:
            if terminology.routes.setdefault(key, row["route"]) != row["route"]:
                faults.add(place, f"'{key[1]}' already means the route '{terminology.routes[key]}'")


def _phrases(terminology: Terminology, found: Iterator[Row], faults: Faults) -> None:
    owners: dict[str, str] = {p: s for s, phrases in terminology.phrases.items() for p in phrases}
    for place, row in found:
        phrase = " ".join(row["phrase"].lower().split())
        if not phrase or not row["value_set"]:
            faults.add(place, "needs a value set and a phrase")
        elif phrase in owners:
            faults.add(place, f"phrase '{phrase}' already stands for '{owners[phrase]}'")
        else:
            owners[phrase] = row["value_set"]
            terminology.phrases.setdefault(row["value_set"], {})[phrase] = place


def _concepts(terminology: Terminology, found: Iterator[Row], faults: Faults) -> None:
    for place, row in found:
        if terminology.aliases.setdefault(row["alias"], row["concept"]) != row["concept"]:
            faults.add(place, f"'{row['alias']}' already stands for '{terminology.aliases[row['alias']]}'")


def _checked(terminology: Terminology, found: Iterator[Row], owner: str, faults: Faults) -> Iterator[tuple[str, Code, Place]]:
    """Rows with a usable code; `owner` is the column that says what the code means."""
    for place, row in found:
        empty = next((name for name in (owner, "system", "code", "kind", "status") if not row[name]), None)
        if empty:
            faults.add(place, f"column '{empty}' is empty")
            continue
        code = read_code(row, terminology.systems, place, faults)
        if code is not None:
            yield row[owner], code, place


def _sets(which: str) -> Callable[[Terminology, Iterator[Row], Faults], None]:
    def read_sets(terminology: Terminology, found: Iterator[Row], faults: Faults) -> None:
        sets: dict[str, list[tuple[Code, Place]]] = getattr(terminology, which)
        for name, code, place in _checked(terminology, found, "value_set", faults):
            if code.kind in UNUSED_KINDS:
                faults.add(place, f"kind '{code.kind}' is never used; a code that is wrong here goes to excluded_codes.csv")
            else:
                sets.setdefault(name, []).append((code, place))

    return read_sets


def _known_labs(terminology: Terminology, found: Iterator[Row], faults: Faults) -> None:
    for _, code, place in _checked(terminology, found, "concept", faults):
        terminology.known_labs.append((code, place))
        if code.kind == "exclude":
            terminology.excluded.add(comparable(code.system, code.code))


def _other(terminology: Terminology, found: Iterator[Row], faults: Faults) -> None:
    for substance, code, place in _checked(terminology, found, "substance", faults):
        key = comparable(code.system, code.code)
        known = terminology.other.setdefault(key, (substance, place))
        if known[1] != place:
            faults.add(place, f"code '{code.code}' already stands for {known[0]} at {known[1]}")


def _excluded(terminology: Terminology, found: Iterator[Row], faults: Faults) -> None:
    terminology.excluded.update(comparable(c.system, c.code) for _, c, _ in _checked(terminology, found, "concept", faults))


def _codes(terminology: Terminology, found: Iterator[Row], faults: Faults) -> None:
    for concept, code, place in _checked(terminology, found, "concept", faults):
        terminology.codes.append((terminology.aliases.get(concept, concept), code, place))


_READERS: Mapping[str, Callable[[Terminology, Iterator[Row], Faults], None]] = {
    "systems": _systems,
    "units": _units,
    "routes": _routes,
    "phrases": _phrases,
    "concepts": _concepts,
    "conditions": _sets("conditions"),
    "procedures": _sets("procedures"),
    "known_labs": _known_labs,
    "other_substances": _other,
    "excluded_codes": _excluded,
    "codes": _codes,
}
