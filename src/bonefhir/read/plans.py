"""How plain resources of one type are read column by column: which element makes which columns, and what may differ in it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
import pyarrow as pa

from bonefhir.read import components
from bonefhir.read.columns import Encoded
from bonefhir.read.facts import FEW, Element, Fact, Flags, Found, Scopes
from bonefhir.read.gate import DATE, DATE_TIME, INSTANT, Gates
from bonefhir.read.kinds import KINDS
from bonefhir.read.layout import Layout
from bonefhir.read.part import Part
from bonefhir.read.references import Scope
from bonefhir.read.release import NOT_PLAINLY_R4, R4
from bonefhir.read.texts import Numbers, Slot
from bonefhir.tables import SYMBOL

SOURCE_PARTS = (
    Part(("id",), lambda resource: (resource.identity(),), ("id",)),
    Part(("last_updated", "version_id"), lambda resource: resource.meta(), ("meta",)),
)
_ODD = frozenset({"contained", "modifierExtension", "implicitRules", "focus"})
"""What makes more of a resource than a row of its elements."""

MANY, ALIKE = 1000, 16
"""Resources that tell whether an element is alike in many; so many for each text it may have."""

_ELEMENTS = 1000
"""Of one type that are remembered: more than FHIR has."""

_ID = r"[A-Za-z0-9\-.]{1,64}"
_NUMBER = r"-?(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,15})?"
_AMOUNT = r"(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,15})?"
_TEXT = r"[!#-\[\]-~]+"


_TIME = b"2000-01-01T00:00:00Z"


def _whole(form: str, sample: bytes, *columns: str) -> tuple[Slot]:
    """The element is a string, and all of it differs."""
    return (Slot(b'"', b'"', form, sample, columns),)


def _target(form: str, sample: bytes, *columns: str) -> tuple[Slot]:
    return (Slot(b'"reference":"', b'"', form, sample, columns),)


def _moment(*columns: str) -> tuple[Slot]:
    return _whole(DATE_TIME, b"2000-01-01", *columns)


def _period(start: str, end: str) -> tuple[Slot, Slot]:
    return Slot(b'"start":"', b'"', INSTANT, _TIME, (start,)), Slot(b'"end":"', b'"', INSTANT, b"2000-01-02T00:00:00Z", (end,))


_SLOTS: dict[str, tuple[Slot, ...]] = {
    "id": _whole(_ID, b"x", "id"),
    "meta": (Slot(b'"lastUpdated":"', b'"', INSTANT, _TIME, ("last_updated",)),),
    "identifier": (Slot(b'"value":"', b'"', _TEXT, b"x"),),
    "subject": _target(rf"Patient/{_ID}", b"Patient/x", "subject"),
    "request": _target(rf"[A-Z][A-Za-z]{{1,63}}/{_ID}", b"Xx/x", "request"),
    "encounter": _target(_TEXT, b"x"),
    "context": _target(_TEXT, b"x"),
    "valueQuantity": (Slot(b'"value":', b",", _NUMBER, b"1", ("quantity_value",)),),
    "dosage": (Slot(b'"dose":{"value":', b",", _AMOUNT, b"1", ("dose_value",)),),
    "issued": _whole(INSTANT, _TIME),
    "effectiveDateTime": _moment("effective", "start"),
    "occurenceDateTime": _moment("start"),
    "occurrenceDateTime": _moment("performed"),
    "performedDateTime": _moment("performed"),
    "onsetDateTime": _moment("onset"),
    "abatementDateTime": _moment("abatement"),
    "recordedDate": _moment("recorded"),
    "deceasedDateTime": _moment("deceased_date_time"),
    "birthDate": _whole(DATE, b"2000-01-01", "birth_date"),
    "effectivePeriod": _period("start", "end"),
    "occurencePeriod": _period("start", "end"),
}
"""What differs from resource to resource. The forms are narrower than what the reader takes, and than what the gate admits."""


Use = tuple[str, bool]
"""An element, and whether it makes columns."""

Run = tuple[Use, ...]


@dataclass(frozen=True)
class Shape:
    """Resources of one type with the same elements in the same order.

    names       of the elements, but for resourceType: whether they make columns here
    complete    the gate finds no element missing
    """

    plan: "Plan"
    names: dict[str, bool]
    complete: bool


def _runs(shape: Shape, alike: Callable[[Use], bool]) -> dict[Run, None]:
    """In their order, each once."""
    found: list[list[Use]] = []
    before = False
    for use in shape.names.items():
        like = alike(use)
        if like and before:
            found[-1].append(use)
        else:
            found.append([use])
        before = like
    return dict.fromkeys(map(tuple, found))


@dataclass(frozen=True)
class Group:
    """Compact resources of one plan: rows of the layout, ascending.

    shapes      of each kind of the layout; null if it is none of the plan
    scopes      of all resources of the layout; null if they stand alone
    """

    layout: Layout
    rows: Numbers
    shapes: Sequence[Shape | None]
    scopes: Sequence[Scope | None] | None

    def runs(self, alike: Callable[[Use], bool]) -> Iterator[tuple[Run, Numbers]]:
        """Elements that follow each other, all alike or one that is not; and in which of the group's resources they do."""
        kinds = self.layout.kind[self.rows]
        found = [{} if shape is None else _runs(shape, alike) for shape in self.shapes]
        for run in dict.fromkeys(chain.from_iterable(found)):
            have = np.array([run in each for each in found])
            yield run, np.flatnonzero(have[kinds])

    def raws(self, rows: Numbers, name: str, last: str | None = None) -> pa.BinaryArray:
        return self.layout.column(self.rows[rows], name, last)

    def scopes_of(self, rows: Numbers) -> Scopes | None:
        """Of those that are chosen among these resources."""
        scopes = self.scopes
        return None if scopes is None else lambda chosen: [scopes[row] for row in self.rows[rows[chosen]].tolist()]


@dataclass(frozen=True)
class Reading:
    """plain: these could be read; of the others nothing holds. columns: those of the table that are not the reader's own."""

    plain: Flags
    conforms: Flags
    columns: dict[str, Encoded]


class Plan:
    """For plain resources of one type and release. gates: null: nobody asks. depth: levels of JSON that a resource may have."""

    def __init__(self, resource_type: str, release: str, gates: Gates | None, depth: int) -> None:
        kind = KINDS[resource_type]
        self.type, self.release, self.table = resource_type, release, kind.table
        self._gate = None if gates is None else gates(resource_type, release)
        self._depth = depth
        self._parts = (*SOURCE_PARTS, *kind.parts[release])
        self._types = {column.name: pa.string() if column.type == SYMBOL else column.type for column in kind.table} | {
            components.COLUMN: components.TYPE
        }
        self._part_of = {name: part for part in self._parts for name in (*part.elements, *part.instead)}
        self._elements: dict[tuple[str, bool], Element] = {}
        self._absent: dict[Part, Fact] = {}
        self._alike: dict[Use, bool] = {}

    def shape(self, names: tuple[str, ...]) -> Shape | None:
        """Null: resources with these elements need thought."""
        given = set(names)
        mixed = self.release == R4 and not given.isdisjoint(NOT_PLAINLY_R4[self.type])
        crowded = any(len(given.intersection(part.elements)) > 1 for part in self._parts)
        unknown = any(name.startswith("value") and name not in self._part_of for name in names)
        if mixed or crowded or (unknown and self.type == "Observation") or given & _ODD or not all(map(str.isascii, names)):
            return None
        roles = {name: self._reads(name, given) for name in names if name != "resourceType"}
        return Shape(self, roles, self._gate is not None and self._gate.completes(names))

    def _reads(self, name: str, given: set[str]) -> bool:
        part = self._part_of.get(name)
        return part is not None and (name in part.elements or given.isdisjoint(part.elements))

    def read(self, group: Group) -> Reading:
        complete = np.array([shape is not None and shape.complete for shape in group.shapes])
        conforms = complete[group.layout.kind[group.rows]]
        plain = np.ones(len(group.rows), np.bool_)
        pieces: dict[Part, list[tuple[Numbers, Found]]] = {part: [] for part in self._parts}
        for run, rows in group.runs(self._is_alike if group.scopes is None else lambda _: False):
            if len(rows) < FEW:
                plain[rows] = False
                continue
            for part, found in self._found(group, run, rows):
                if not found.plain.all():
                    plain[rows] &= found.plain[found.entry]
                if not found.conforms.all():
                    conforms[rows] &= found.conforms[found.entry]
                if part:
                    pieces[part].append((rows, found))
        columns: dict[str, Encoded] = {}
        for part, each in pieces.items():
            columns |= self._columns(part, each, plain)
        return Reading(plain, conforms, columns)

    def _is_alike(self, use: Use) -> bool:
        return self._alike.get(use, False)

    def _found(self, group: Group, run: Run, rows: Numbers) -> Iterator[tuple[Part | None, Found]]:
        """Of each element of the run, what it says: asked of one of those resources in which all of the run is the same."""
        some, entry = rows, None
        if len(run) > 1:
            encoded = group.raws(rows, run[0][0], run[-1][0]).dictionary_encode()
            if ALIKE * len(encoded.dictionary) <= len(rows):
                entry = encoded.indices.to_numpy().astype(np.int64)
                some = np.empty(len(encoded.dictionary), np.int64)
                some[entry[::-1]] = rows[::-1]  # the first of each, so that they ascend
        distinct = {}
        for name, reads in run:
            part = self._part_of[name] if reads else None
            types = [self._types[column] for column in part.columns] if part else []
            found = self._element(name, part).read(group.raws(some, name), group.scopes_of(some), types)
            distinct[name, reads] = len(found.plain)
            yield part, found if entry is None else found._replace(entry=found.entry[entry])
        self._learn(distinct, len(rows), entry is None)

    def _learn(self, distinct: Mapping[Use, int], rows: int, one_by_one: bool) -> None:
        """Which elements are alike nearly everywhere; of those that together are not, the most diverse one stays alone."""
        if len(distinct) == 1 and rows >= MANY:
            for use, count in distinct.items():
                self._alike.setdefault(use, ALIKE * count <= rows)
        elif len(distinct) > 1 and one_by_one:
            self._alike[max(distinct, key=distinct.__getitem__)] = False

    def _columns(self, part: Part, pieces: list[tuple[Numbers, Found]], plain: Flags) -> dict[str, Encoded]:
        """The part's columns; where its element is absent, what that means."""
        if len(pieces) == 1 and len(pieces[0][0]) == len(plain):
            found = pieces[0][1]
            return {name: Encoded(values, found.entry) for name, values in zip(part.columns, found.columns, strict=True)}
        if part not in self._absent:
            self._absent[part] = Element(self.type, "", part, (), None, self._depth).absent()
        absent = self._absent[part]
        entry, given, start = np.zeros(len(plain), np.int64), np.zeros(len(plain), np.bool_), 1
        arrays = [[pa.array([value], self._types[name])] for name, value in zip(part.columns, absent.values, strict=True)]
        for rows, found in pieces:
            entry[rows], given[rows] = found.entry + start, True
            start += len(found.plain)
            for parts, values in zip(arrays, found.columns, strict=True):
                parts.append(values)
        if not absent.plain:
            plain &= given
        return {name: Encoded(pa.concat_arrays(parts), entry) for name, parts in zip(part.columns, arrays, strict=True)}

    def _element(self, name: str, part: Part | None) -> Element:
        key = name, part is not None
        if key not in self._elements:
            if len(self._elements) >= _ELEMENTS:
                self._elements.clear()
            self._elements[key] = Element(self.type, name, part, _SLOTS.get(name, ()), self._gate, self._depth)
        return self._elements[key]
