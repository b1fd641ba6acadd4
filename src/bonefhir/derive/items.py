"""The evidence of each dose: which resource said what, in which role; collected by group so that each rule can cite its own.

One dose has some ten items, and its fifteen verdicts cite them thirty times. So an item is a pair of integers, its role and the
row of what it says; texts are put to them once, when the verdicts of all rules are known.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bonefhir.coded import Codes, Column, Lists, Plain, Rows, Structs, Texts, column_of, each, numbered, rank, spans, taken, texts
from bonefhir.interval import Floats, Integers

_SAYS = ("resource", "time", "reported", "value_low", "value_high", "unit")
"""Fields of an item beside its role; the lab table has columns of the same names."""


@dataclass(frozen=True)
class Evidence:
    """Items by dose, group, role and resource; those of a dose's group stand from bounds[dose × groups + group] to the next.

    groups  that have any
    role    index into roles
    said    row of what is said, whose parts follow each other
    """

    groups: dict[str, int]
    bounds: Integers
    role: Codes
    said: Codes
    roles: tuple[str, ...]
    parts: Sequence[Rows]

    def of(self, cited: Sequence[Sequence[str]], which: Integers, dose: Integers) -> Lists:
        """One list of items for each of `which`, the groups that it cites, and `dose`: in the order of the groups."""
        groups = [[self.groups[name] for name in names if name in self.groups] for names in cited]
        every = np.array([number for numbers in groups for number in numbers], dtype=np.int64)
        sizes = np.array([len(numbers) for numbers in groups], dtype=np.int64)
        number = sizes[which]
        lists, at = spans((np.cumsum(sizes) - sizes)[which], number)
        place = every[at] + np.repeat(dose * len(self.groups), number)
        starts = self.bounds[place]
        ends, items = spans(starts, self.bounds[place + 1] - starts)
        codes, used = numbered([items], [len(self.said)], np.arange(len(items)))
        fields = {"role": texts(self.roles, self.role[used]), **taken(self.parts, self.said[used])}
        return Lists(ends[lists], Structs(codes, fields))


@dataclass
class Items:
    """doses: number of doses. labs: the bucket's lab table. A group may be added to several times."""

    doses: int
    labs: pa.Table
    _parts: dict[str, list[tuple[Codes, Codes, Codes]]] = field(default_factory=dict)
    _roles: dict[str, int] = field(default_factory=dict)
    _said: list[Rows] = field(default_factory=list)
    _rows: int = 0

    def __post_init__(self) -> None:
        columns = {name: self.labs[name].combine_chunks() for name in _SAYS}
        self._say({name: _lab_column(values) for name, values in columns.items()}, len(self.labs))

    def add(  # noqa: PLR0913 the fields of an evidence item
        self,
        group: str,
        role: str,
        dose: Integers,
        *,
        resource: Texts | None = None,
        time: Texts | None = None,
        reported: Texts | None = None,
        low: Floats | None = None,
        high: Floats | None = None,
        unit: Texts | str | None = None,
    ) -> None:
        """One item per element of `dose`; all columns have its length."""
        rows = len(dose)
        units = texts([unit], np.zeros(rows, dtype=np.int64)) if isinstance(unit, str) else unit
        words = {"resource": resource, "time": time, "reported": reported, "unit": units}
        columns: dict[str, Column] = {}
        columns |= {name: each(None, rows) if found is None else found for name, found in words.items()}
        columns |= {f"value_{end}": Plain(_numbers(values, rows)) for end, values in (("low", low), ("high", high))}
        first = self._say({name: columns[name] for name in _SAYS}, rows)
        self._cite(group, role, dose, first + np.arange(rows))

    def add_labs(self, group: str, role: str, picks: tuple[Integers, Integers]) -> None:
        """picks: doses, and rows of the lab table."""
        self._cite(group, role, *picks)

    def _say(self, columns: Rows, rows: int) -> int:
        """The row from which on it stands."""
        self._said.append(columns)
        self._rows += rows
        return self._rows - rows

    def _cite(self, group: str, role: str, dose: Integers, said: Integers) -> None:
        code = self._roles.setdefault(role, len(self._roles))
        narrow = (dose.astype(np.int32), np.full(len(dose), code, dtype=np.int32), said.astype(np.int32))
        self._parts.setdefault(group, []).append(narrow)

    def share(self, group: str, owner: Integers) -> None:
        """Gives each dose the items of its owner (the first dose of its course)."""
        parts = self._parts.pop(group, [])
        for dose, role, said in parts:
            by_dose = np.argsort(dose, kind="stable")
            sorted_dose = dose[by_dose]
            low, high = (np.searchsorted(sorted_dose, owner, side=side) for side in ("left", "right"))
            offsets, within = spans(low, high - low)
            receiver = np.repeat(np.arange(len(owner)), np.diff(offsets))
            rows = by_dose[within]
            self._parts.setdefault(group, []).append((receiver.astype(np.int32), role[rows], said[rows]))

    def evidence(self) -> Evidence:
        parts = {name: parts for name, parts in self._parts.items() if any(len(dose) for dose, _, _ in parts)}
        groups = {name: number for number, name in enumerate(parts)}
        every = [part for found in parts.values() for part in found]
        dose, role, said = (_joined(columns) for columns in zip(*every, strict=True)) if every else (_joined([]),) * 3
        group = np.repeat([groups[name] for name in parts for _ in parts[name]], [len(part[0]) for part in every])
        place = dose.astype(np.int64) * len(groups) + group.astype(np.int64)
        role_rank = np.argsort(np.argsort(np.array(list(self._roles), dtype=object)))
        key = place * len(role_rank) + role_rank[role]
        rows = np.argsort(key, kind="stable")
        same = np.diff(key[rows]) == 0
        tied = np.flatnonzero(np.append(False, same) | np.append(same, False))
        rows[tied] = self._by_resource(rows[tied], key, said)
        sizes = np.bincount(place, minlength=len(groups) * self.doses + 1)
        bounds = np.concatenate([[0], np.cumsum(sizes)])
        return Evidence(groups, bounds, role[rows], said[rows], tuple(self._roles), self._said)

    def _by_resource(self, rows: Integers, key: Integers, said: Codes) -> Integers:
        """Rows by key, then resource; one that is missing comes first."""
        found: Any = taken([{"resource": part["resource"]} for part in self._said], said[rows])["resource"]
        return np.asarray(rows[np.lexsort((rank(found, missing=-1), key[rows]))])


def _joined(parts: Iterable[Codes]) -> Codes:
    return np.concatenate([np.empty(0, dtype=np.int32), *parts])


def _lab_column(values: pa.Array) -> Column:
    """Texts as they stand; NaN is no value: it is null in the evidence."""
    if pa.types.is_string(values.type):
        return each(values, len(values))
    if pa.types.is_dictionary(values.type):
        found: Column = column_of(values)
        return found
    return Plain(pc.if_else(pc.is_nan(values), None, values))


def _numbers(values: Floats | None, rows: int) -> pa.Array:
    return pa.nulls(rows, pa.float64()) if values is None else pa.array(values, pa.float64(), from_pandas=True)
