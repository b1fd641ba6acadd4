"""The evidence of each dose: which resource said what, in which role; collected by group so that each rule can cite its own.

One dose has some ten items, and its fifteen verdicts cite them thirty times. So an item is a pair of integers, its role and the
row of what it says; texts are put to them once, when the verdicts of all rules are known.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from bonefhir.interval import Floats, Integers
from bonefhir.tables import EVIDENCE

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
    """said: a column per field of an item but its role; texts as codes of a dictionary."""

    groups: dict[str, Group]
    roles: tuple[str, ...]
    said: tuple[pa.Array, ...]

    def of(self, cited: Sequence[Sequence[str]], which: Integers, dose: Integers) -> pa.ListArray:
        """One list per element: the items of its dose in the groups cited[which], in their order. Texts are codes."""
        starts, sizes, role, said = self._spans(cited, which, dose)
        offsets = np.concatenate([[0], np.cumsum(sizes.sum(axis=1))])
        starts, sizes = starts.ravel(), sizes.ravel()
        items = np.repeat(starts - np.cumsum(sizes) + sizes, sizes) + np.arange(offsets[-1])
        roles = pa.DictionaryArray.from_arrays(pa.array(role[items], pa.int32()), pa.array(self.roles, pa.string()))
        rows = pa.array(said[items])
        arrays = [roles, *(column.take(rows) for column in self.said)]
        return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), pa.StructArray.from_arrays(arrays, names=EVIDENCE.names))

    def _spans(
        self, cited: Sequence[Sequence[str]], which: Integers, dose: Integers
    ) -> tuple[Integers, Integers, Integers, Integers]:
        """Of each element and group that it cites, where its items start and how many they are; and the items themselves."""
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
        nothing = [np.empty(0, dtype=np.int64)]
        role, said = (np.concatenate([*nothing, *(getattr(g, part) for g in self.groups.values())]) for part in ("role", "said"))
        return starts, sizes, role, said


@dataclass
class Items:
    """doses: number of doses. labs: the bucket's lab table. A group may be added to several times."""

    doses: int
    labs: pa.Table
    _parts: dict[str, list[tuple[Integers, Integers, Integers]]] = field(default_factory=dict)
    _roles: dict[str, int] = field(default_factory=dict)
    _said: list[dict[str, pa.Array]] = field(default_factory=list)
    _rows: int = 0

    def __post_init__(self) -> None:
        self._say({name: self.labs[name].combine_chunks() for name in _SAYS}, len(self.labs))

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
        texts = {"resource": resource, "time": time, "reported": reported, "unit": units}
        columns = {name: _column(values, len(dose), pa.string()) for name, values in texts.items()}
        columns |= {f"value_{end}": _column(values, len(dose), pa.float64()) for end, values in (("low", low), ("high", high))}
        self._cite(group, role, dose, self._say(columns, len(dose)) + np.arange(len(dose)))

    def add_labs(self, group: str, role: str, picks: tuple[Integers, Integers]) -> None:
        """picks: doses, and rows of the lab table."""
        self._cite(group, role, *picks)

    def _say(self, columns: dict[str, pa.Array], rows: int) -> int:
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
            order = np.argsort(dose, kind="stable")
            sorted_dose = dose[order]
            low, high = (np.searchsorted(sorted_dose, owner, side=side) for side in ("left", "right"))
            counts = high - low
            receiver = np.repeat(np.arange(len(owner)), counts)
            within = np.arange(len(receiver)) - np.repeat(np.cumsum(counts) - counts, counts)
            rows = order[np.repeat(low, counts) + within]
            self._parts.setdefault(group, []).append((receiver, role[rows], said[rows]))

    def evidence(self) -> Evidence:
        said = tuple(_encoded([_plain(columns[name]) for columns in self._said]) for name in _SAYS)
        resource_rank, role_rank = _ranks(said[0]), _ranks(pa.array(list(self._roles), pa.string()).dictionary_encode())
        groups = {name: self._group(parts, resource_rank, role_rank) for name, parts in self._parts.items()}
        return Evidence(groups, tuple(self._roles), said)

    def _group(self, parts: list[tuple[Integers, Integers, Integers]], resource_rank: Integers, role_rank: Integers) -> Group:
        dose, role, said = (np.concatenate(columns) for columns in zip(*parts, strict=True))
        order = np.lexsort((resource_rank[said], role_rank[role], dose))
        starts = np.concatenate([[0], np.cumsum(np.bincount(dose, minlength=self.doses))]).astype(np.int64)
        return Group(role[order], said[order], starts)


def _column(values: Objects | Floats | None, rows: int, kind: pa.DataType) -> pa.Array:
    return pa.nulls(rows, kind) if values is None else pa.array(values, kind, from_pandas=True)


def _plain(column: pa.Array) -> pa.Array:
    """NaN is no value: it is null in the evidence."""
    if pa.types.is_floating(column.type):
        return pc.if_else(pc.is_nan(column), None, column)
    return column.cast(pa.string())


def _encoded(parts: list[pa.Array]) -> pa.Array:
    whole = pa.concat_arrays(parts)
    return whole.dictionary_encode() if pa.types.is_string(whole.type) else whole


def _ranks(texts: pa.DictionaryArray) -> Integers:
    """Of each row, the place of its text among all texts; what is missing comes first."""
    ranks = np.zeros(len(texts.dictionary) + 1, dtype=np.int64)
    ranks[1 + pc.sort_indices(texts.dictionary).to_numpy()] = np.arange(1, len(ranks))
    return np.asarray(ranks[1 + pc.fill_null(texts.indices, -1).to_numpy()])
