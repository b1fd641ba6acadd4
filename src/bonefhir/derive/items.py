"""The evidence of each dose: which resource said what, in which role; collected by group so that each rule can cite its own.

One dose has some ten items, and its fifteen verdicts cite them thirty times. So an item is a pair of integers, its role and the
row of what it says; texts are put to them once, when the verdicts of all rules are known.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any

import numpy as np
import pyarrow as pa

from bonefhir.coded import (
    NOTHING,
    Codes,
    Column,
    Lists,
    Plain,
    Rows,
    Structs,
    Texts,
    column_of,
    each,
    numbered,
    rank,
    spans,
    texts,
)
from bonefhir.derive.windows import flagged
from bonefhir.interval import Floats, Integers
from bonefhir.sorting import by_number

_TEXTS, _NUMBERS = ("resource", "time", "reported", "unit"), ("value_low", "value_high")
_SHARED = ("time", "reported", "unit")
"""Texts that several resources have."""
_SAYS = ("resource", "time", "reported", "value_low", "value_high", "unit")
"""Fields of an item beside its role; the lab table has columns of the same names. A number that is NaN is null."""


@dataclass(frozen=True)
class Evidence:
    """Items by dose, group, role and resource; those of a dose's group stand from bounds[place × groups + group] to the next.

    place   of each dose, in the order in which doses are written: items that are cited together stand together
    groups  that have any
    fields  of the items in these rows
    """

    groups: dict[str, int]
    place: Integers
    bounds: Codes
    fields: Callable[[Integers], Rows]

    def of(self, cited: Sequence[Sequence[str]], which: Codes, dose: Integers) -> Lists:
        """One list of items for each of `which`, the groups that it cites, and `dose`: in the order of the groups."""
        groups = [[self.groups[name] for name in names if name in self.groups] for names in cited]
        every = np.array([number for numbers in groups for number in numbers], dtype=np.int32)
        sizes = np.array([len(numbers) for numbers in groups], dtype=np.int32)
        first = (np.cumsum(sizes, dtype=np.int32) - sizes)[which]
        lists, at = spans(first, sizes[which])
        bound = every[at]
        bound += np.repeat(self.place.astype(np.int32)[dose] * np.int32(len(self.groups)), np.diff(lists))
        starts = self.bounds.take(bound)
        ends, items = spans(starts, self.bounds[1:].take(bound) - starts)
        cited_at_all = flagged(items, int(self.bounds[-1]))
        new = np.cumsum(cited_at_all, dtype=np.int32) - np.int32(1)
        return Lists(ends.take(lists), Structs(new.take(items), self.fields(np.flatnonzero(cited_at_all))))


@dataclass
class Items:
    """doses: number of doses. labs: the bucket's lab table. A group may be added to several times."""

    doses: int
    labs: pa.Table
    _parts: dict[str, list[tuple[Codes, Codes, Codes]]] = field(default_factory=dict)
    _roles: dict[str, int] = field(default_factory=dict)
    _texts: dict[str, list[Texts]] = field(default_factory=lambda: {name: [] for name in _TEXTS})
    _numbers: dict[str, list[Floats]] = field(default_factory=lambda: {name: [] for name in _NUMBERS})
    _rows: int = 0

    def __post_init__(self) -> None:
        columns = {name: self.labs[name].combine_chunks() for name in _TEXTS}
        words = {n: each(c, len(c)) if pa.types.is_string(c.type) else column_of(c) for n, c in columns.items()}
        self._say(len(self.labs), words, {name: self.labs[name].to_numpy() for name in _NUMBERS})

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
        none = np.full(rows, np.nan)
        numbers = {"value_low": none if low is None else low, "value_high": none if high is None else high}
        first = self._say(rows, {n: each(None, rows) if found is None else found for n, found in words.items()}, numbers)
        self._cite(group, role, dose, first + np.arange(rows))

    def add_labs(self, group: str, role: str, picks: tuple[Integers, Integers]) -> None:
        """picks: doses, and rows of the lab table."""
        self._cite(group, role, *picks)

    def _say(self, rows: int, words: Mapping[str, Texts], numbers: Mapping[str, Floats]) -> int:
        """The row from which on it stands."""
        for name in _TEXTS:
            self._texts[name].append(words[name])
        for name in _NUMBERS:
            self._numbers[name].append(numbers[name])
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

    def evidence(self, place: Integers) -> Evidence:
        """Of all that was added, which goes. place: of each dose, in the order in which doses are written."""
        parts = {name: parts for name, parts in self._parts.items() if any(len(dose) for dose, _, _ in parts)}
        groups = {name: number for number, name in enumerate(parts)}
        every = [part for found in parts.values() for part in found]
        dose, role, said = (_joined(columns) for columns in zip(*every, strict=True)) if every else (_joined([]),) * 3
        group = np.repeat([groups[name] for name in parts for _ in parts[name]], [len(part[0]) for part in every])
        bound = place[dose] * len(groups) + group.astype(np.int64)
        role_rank = np.argsort(np.argsort(np.array(list(self._roles), dtype=object)))
        key = bound * len(role_rank) + role_rank[role]
        rows = by_number(key)
        same = np.diff(key[rows]) == 0
        tied = np.flatnonzero(np.append(False, same) | np.append(same, False))
        rows[tied] = _by_resource(rows[tied], key, _told(self._texts["resource"], said[rows[tied]]))
        sizes = np.bincount(bound, minlength=len(groups) * self.doses + 1)
        bounds = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int32)
        self._parts.clear()
        role, said = role[rows], said[rows]
        return Evidence(groups, place, bounds, lambda some: self._fields(role[some], said[some]))

    def _fields(self, role: Codes, said: Codes) -> Rows:
        """Of the items that say this."""
        found: dict[str, Column] = {name: _told(parts, said) for name, parts in self._texts.items()}
        found |= {name: _once(found[name]) for name in _SHARED}  # type: ignore[arg-type]
        for name, numbers in self._numbers.items():
            found[name] = Plain(pa.array(np.concatenate(numbers)[said], pa.float64(), from_pandas=True))
        return {"role": texts(tuple(self._roles), role), **{name: found[name] for name in _SAYS}}


@dataclass(frozen=True)
class Some:
    """Adds items of some doses, which are numbered among themselves. rows: their numbers among all."""

    items: "Items | Some"
    rows: Integers

    def add(self, group: str, role: str, dose: Integers, **says: Any) -> None:
        self.items.add(group, role, self.rows[dose], **says)

    def add_labs(self, group: str, role: str, picks: tuple[Integers, Integers]) -> None:
        self.items.add_labs(group, role, (self.rows[picks[0]], picks[1]))


def _by_resource(rows: Integers, key: Integers, resource: Texts) -> Integers:
    """Rows by key, then resource; one that is missing comes first. resource: of each of the rows."""
    return np.asarray(rows[np.lexsort((rank(resource, missing=-1), key[rows]))])


def _told(parts: Sequence[Texts], said: Codes) -> Texts:
    """What the parts, one after the other, say in these rows: texts in order of first use, so that those of rows that follow each
    other stand close together.
    """
    kinds = {id(part.texts): part.texts for part in parts}
    before = dict(zip(kinds, accumulate(map(len, kinds.values()), initial=0), strict=False))
    codes = [np.where(part.codes == NOTHING, NOTHING, part.codes + np.int32(before[id(part.texts)])) for part in parts]
    words = pa.concat_arrays(list(kinds.values()))
    number, used = numbered(np.concatenate(codes), len(words), said)
    return Texts(number, words.take(pa.array(used)), distinct=False)


def _once(words: Texts) -> Texts:
    """With no text twice."""
    alike = words.texts.dictionary_encode()
    return Texts(np.append(alike.indices.to_numpy(), np.int32(NOTHING)).take(words.codes), alike.dictionary)


def _joined(parts: Iterable[Codes]) -> Codes:
    return np.concatenate([np.empty(0, dtype=np.int32), *parts])
