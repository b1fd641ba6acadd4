"""The evidence of each dose: which resource said what, in which role; collected by group so that each rule can cite its own.

One dose has some ten items, and its fifteen verdicts cite them thirty times. So an item is a pair of integers, its role and the
row of what it says; texts are put to them once, when the verdicts of all rules are known.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from bonefhir.coded import Lists, Plain, Rows, Structs, coded, column_of, numbered, rank, spans, taken, texts
from bonefhir.interval import Floats, Integers

Objects = npt.NDArray[np.object_]

_SAYS = ("resource", "time", "reported", "value_low", "value_high", "unit")
"""Fields of an item beside its role; the lab table has columns of the same names."""


@dataclass(frozen=True)
class Group:
    """Items by dose, role and resource; those of dose i stand from starts[i] to starts[i + 1].

    role    index into the roles of the evidence
    said    row of what is said
    """

    role: Integers
    said: Integers
    starts: Integers


@dataclass(frozen=True)
class Evidence:
    """said: what is said in the rows that items point to, in parts that follow each other."""

    groups: dict[str, Group]
    roles: tuple[str, ...]
    said: Sequence[Rows]

    def of(self, cited: Sequence[Sequence[str]], which: Integers, dose: Integers) -> Lists:
        """One list per element: the items of its dose in the groups cited[which], in their order."""
        starts, sizes = self._spans(cited, which, dose)
        _, items = spans(starts.ravel(), sizes.ravel())
        role, said = (_joined(getattr(group, part) for group in self.groups.values()) for part in ("role", "said"))
        codes, used = numbered([items], [len(said)], np.arange(len(items)))
        fields = {"role": texts(self.roles, role[used]), **taken(self.said, said[used])}
        return Lists(np.concatenate([[0], np.cumsum(sizes.sum(axis=1))]), Structs(codes, fields))

    def _spans(self, cited: Sequence[Sequence[str]], which: Integers, dose: Integers) -> tuple[Integers, Integers]:
        """Of each element and group that it cites, where its items start and how many they are."""
        names = list(self.groups)
        base = dict(zip(names, np.cumsum([0, *(len(group.said) for group in self.groups.values())]), strict=False))
        known = [[name for name in groups if name in self.groups] for groups in cited]
        starts = np.zeros((len(dose), max(map(len, known), default=0)), dtype=np.int64)
        sizes = np.zeros_like(starts)
        for number, groups in enumerate(known):
            rows = np.flatnonzero(which == number)
            for place, name in enumerate(groups):
                bounds = self.groups[name].starts
                starts[rows, place] = base[name] + bounds[dose[rows]]
                sizes[rows, place] = bounds[dose[rows] + 1] - bounds[dose[rows]]
        return starts, sizes


@dataclass
class Items:
    """doses: number of doses. labs: the bucket's lab table. A group may be added to several times."""

    doses: int
    labs: pa.Table
    _parts: dict[str, list[tuple[Integers, Integers, Integers]]] = field(default_factory=dict)
    _roles: dict[str, int] = field(default_factory=dict)
    _said: list[Rows] = field(default_factory=list)
    _rows: int = 0

    def __post_init__(self) -> None:
        self._say(_without_nan(coded(self.labs.select(_SAYS))), len(self.labs))

    def add(  # noqa: PLR0913 the fields of an evidence item
        self,
        group: str,
        role: str,
        dose: Integers,
        *,
        resource: Objects | None = None,
        time: Objects | None = None,
        reported: Objects | None = None,
        low: Floats | None = None,
        high: Floats | None = None,
        unit: Objects | str | None = None,
    ) -> None:
        """One item per element of `dose`; all columns have its length."""
        units = np.full(len(dose), unit, dtype=object) if isinstance(unit, str) else unit
        words = {"resource": resource, "time": time, "reported": reported, "unit": units}
        columns = {name: _column(values, len(dose), pa.string()) for name, values in words.items()}
        columns |= {f"value_{end}": _column(values, len(dose), pa.float64()) for end, values in (("low", low), ("high", high))}
        first = self._say({name: column_of(columns[name]) for name in _SAYS}, len(dose))
        self._cite(group, role, dose, first + np.arange(len(dose)))

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
        self._parts.setdefault(group, []).append((dose, np.full(len(dose), code), said))

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
            self._parts.setdefault(group, []).append((receiver, role[rows], said[rows]))

    def evidence(self) -> Evidence:
        role_rank = np.argsort(np.argsort(np.array(list(self._roles), dtype=object)))
        groups = {name: self._group(parts, role_rank) for name, parts in self._parts.items()}
        return Evidence(groups, tuple(self._roles), self._said)

    def _group(self, parts: list[tuple[Integers, Integers, Integers]], role_rank: Integers) -> Group:
        dose, role, said = (np.concatenate(columns) for columns in zip(*parts, strict=True))
        key = dose * len(role_rank) + role_rank[role]
        rows = np.argsort(key, kind="stable")
        same = np.diff(key[rows]) == 0
        tied = np.flatnonzero(np.append(False, same) | np.append(same, False))
        rows[tied] = self._by_resource(rows[tied], key, said)
        starts = np.concatenate([[0], np.cumsum(np.bincount(dose, minlength=self.doses))]).astype(np.int64)
        return Group(role[rows], said[rows], starts)

    def _by_resource(self, rows: Integers, key: Integers, said: Integers) -> Integers:
        """Rows by key, then resource; one that is missing comes first."""
        found = taken([{"resource": each["resource"]} for each in self._said], said[rows])["resource"]
        return np.asarray(rows[np.lexsort((rank(found, missing=-1), key[rows]))])


def _joined(parts: Iterable[Integers]) -> Integers:
    return np.concatenate([np.empty(0, dtype=np.int64), *parts])


def _without_nan(rows: Rows) -> Rows:
    """NaN is no value: it is null in the evidence."""
    numbers = {name: Plain(pc.if_else(pc.is_nan(c.values), None, c.values)) for name, c in rows.items() if isinstance(c, Plain)}
    return {**rows, **numbers}


def _column(values: Objects | Floats | None, rows: int, kind: pa.DataType) -> pa.Array:
    return pa.nulls(rows, kind) if values is None else pa.array(values, kind, from_pandas=True)
