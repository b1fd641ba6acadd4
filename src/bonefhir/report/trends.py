"""How shares of `fail` went over the months: of each rule, of all doses, and of those of a product or site.

Over more than one rule it is doses that are counted: those that fail at least one rule of severity error, among those for
which at least one such rule had an answer. Indeterminate doses are in no denominator; how many there were is told by
`complete`, without which a feed that broke would read as better practice.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from bonefhir.report.control_chart import LEAST_DENOMINATOR, Bools, GChart, Ints, PChart, g_chart, gaps, is_g, is_p, p_chart
from bonefhir.report.counts import JUDGED
from bonefhir.report.slices import Sliced
from bonefhir.vocabulary import FAIL, INDETERMINATE, PASS

MONTHS = 36
"""The most that are shown; the last ones."""
GROUPS = 12
"""Products, and sites, with a chart of their own: those with most doses."""

_Columns = tuple[Ints, Ints, Ints, Ints]
"""events, judged, applicable, complete: by month."""


@dataclass(frozen=True)
class Trend:
    """
    name        rule, product or site; '' of all doses
    months      'YYYY-MM', without gaps
    events      doses that failed, by month
    judged      doses with an answer
    applicable  doses that were to be judged
    complete    … of them without a rule that could not be judged
    chart       None: too few data (`control_chart.is_p`, `is_g`)
    days        of a g-chart: the day of the event that ends each gap
    """

    name: str
    months: tuple[str, ...]
    events: Ints
    judged: Ints
    applicable: Ints
    complete: Ints
    chart: PChart | GChart | None
    days: tuple[str, ...] = ()


@dataclass(frozen=True)
class Trends:
    """beside: doses that are in no month shown: dated to the year, or earlier or later than these months."""

    beside: int
    whole: Trend
    products: tuple[Trend, ...]
    sites: tuple[Trend, ...]
    rules: dict[str, Trend]


@dataclass(frozen=True)
class _Axis:
    """The months shown, and where each dose stands.

    place   of the month of each dose; -1: in none of them
    rank    of each dose by day and time, then as in doses.parquet; -1: not known to the day, or in no month shown
    """

    months: tuple[str, ...]
    place: Ints
    rank: Ints
    days: NDArray[np.datetime64]


def trends(sliced: Sliced) -> Trends:
    axis = _axis(sliced.doses)
    told = flags(sliced, "error")
    return Trends(
        beside=int((axis.place < 0).sum()),
        whole=_of_doses("", axis, told, np.ones(sliced.doses.num_rows, np.bool_)),
        products=tuple(_of_doses(name, axis, told, doses) for name, doses in _groups(sliced.doses, "product")),
        sites=tuple(_of_doses(name, axis, told, doses) for name, doses in _groups(sliced.doses, "site")),
        rules={one.name: one for one in _rules(sliced, axis)},
    )


def of_severity(sliced: Sliced, severity: str) -> Trend:
    """Of all doses, by the rules of one severity."""
    return _of_doses("", _axis(sliced.doses), flags(sliced, severity), np.ones(sliced.doses.num_rows, np.bool_))


def _of_doses(name: str, axis: _Axis, told: tuple[Bools, Bools, Bools], doses: Bools) -> Trend:
    judged, failed, opened = told
    kept = doses & (axis.place >= 0)
    masks = failed, judged, judged | opened, judged & ~opened
    events, answered, applicable, complete = (_by_month(axis, kept & mask) for mask in masks)
    rows = np.flatnonzero(kept & judged)
    return _trend(name, axis, (events, answered, applicable, complete), rows, failed[rows])


def _rules(sliced: Sliced, axis: _Axis) -> Iterator[Trend]:
    rule = sliced.verdicts["rule_id"].combine_chunks().dictionary_encode()
    codes, outcomes, doses = rule.indices.to_numpy(), _outcomes(sliced), _doses_of(sliced)
    shown = axis.place[doses] >= 0
    months = len(axis.months)
    cells = (codes[shown].astype(np.int64) * len(JUDGED) + outcomes[shown]) * months + axis.place[doses[shown]]
    size = len(rule.dictionary) * len(JUDGED) * months
    counted = np.bincount(cells, minlength=size).reshape(len(rule.dictionary), len(JUDGED), months)
    order = np.argsort(codes, kind="stable")
    starts = np.searchsorted(codes[order], np.arange(len(rule.dictionary) + 1))
    for code, name in enumerate(rule.dictionary.to_pylist()):
        rows = order[starts[code] : starts[code + 1]]
        rows = rows[(outcomes[rows] != JUDGED.index(INDETERMINATE)) & shown[rows]]
        passed, failed, opened = counted[code]
        columns = failed, passed + failed, passed + failed + opened, passed + failed
        yield _trend(name, axis, columns, doses[rows], outcomes[rows] == JUDGED.index(FAIL))


def _trend(name: str, axis: _Axis, columns: _Columns, doses: Ints, failed: Bools) -> Trend:
    """columns: by month; doses, failed: those with an answer, one by one."""
    events, judged = columns[:2]
    if is_p(events, judged):
        return Trend(name, axis.months, *columns, p_chart(events, judged))
    dated = axis.rank[doses] >= 0
    order = np.argsort(axis.rank[doses[dated]])
    row, hit = doses[dated][order], failed[dated][order]
    if not is_g(hit, len(axis.months)):
        return Trend(name, axis.months, *columns, None)
    ends = np.datetime_as_string(axis.days[row[hit]][1:]).tolist()
    return Trend(name, axis.months, *columns, g_chart(gaps(hit)), tuple(ends))


def _axis(doses: pa.Table) -> _Axis:
    """From the first to the last month with LEAST_DENOMINATOR doses: one mistyped date must not stretch the axis."""
    first, last = (_days(doses[name]) for name in ("date_first", "date_last"))
    month = first.astype("datetime64[M]")
    known = ~np.isnat(first) & (month == last.astype("datetime64[M]"))
    listed, numbers = np.unique(month[known], return_counts=True)
    full = listed[numbers >= LEAST_DENOMINATOR]
    none = np.full(doses.num_rows, -1, np.int64)
    if not len(full):
        return _Axis((), none, none, first)
    start = max(full[0], full[-1] - np.timedelta64(MONTHS - 1, "M"))
    shown = known & (month >= start) & (month <= full[-1])
    place = np.where(shown, (month - start).astype(np.int64), -1)
    months = np.datetime_as_string(np.arange(start, full[-1] + np.timedelta64(1, "M"))).tolist()
    rank = none.copy()
    order = np.lexsort((_instants(doses["instant"]), first))
    rank[order] = np.arange(len(order))
    return _Axis(tuple(months), place, np.where(shown & (first == last), rank, -1), first)


def _days(column: pa.ChunkedArray) -> NDArray[np.datetime64]:
    found: NDArray[np.datetime64] = column.cast(pa.timestamp("s")).to_numpy().astype("datetime64[D]")
    return found


def _instants(column: pa.ChunkedArray) -> Ints:
    """Microseconds; where no time of day is known, before all others of the day."""
    found: Ints = pc.fill_null(column.cast(pa.int64()), np.iinfo(np.int64).min).to_numpy()
    return found


def flags(sliced: Sliced, severity: str) -> tuple[Bools, Bools, Bools]:
    """Of each dose: whether a rule of the severity had an answer, failed, could not be judged."""
    outcomes, doses = _outcomes(sliced), _doses_of(sliced)
    mine = pc.equal(sliced.verdicts["severity"], severity).to_numpy()
    flags = []
    for wanted in ((PASS, FAIL), (FAIL,), (INDETERMINATE,)):
        flag = np.zeros(sliced.doses.num_rows, np.bool_)
        flag[doses[mine & np.isin(outcomes, [JUDGED.index(one) for one in wanted])]] = True
        flags.append(flag)
    return flags[0], flags[1], flags[2]


def _outcomes(sliced: Sliced) -> Ints:
    """Places in JUDGED."""
    found: Ints = pc.index_in(sliced.verdicts["verdict"].cast(pa.string()), pa.array(JUDGED)).to_numpy().astype(np.int64)
    return found


def _doses_of(sliced: Sliced) -> Ints:
    found: Ints = sliced.verdicts["dose"].to_numpy().astype(np.int64)
    return found


def _by_month(axis: _Axis, doses: Bools) -> Ints:
    return np.bincount(axis.place[doses], minlength=len(axis.months)).astype(np.int64)


def by_month(sliced: Sliced, groups: Sequence[Bools]) -> tuple[Ints, Ints]:
    """Doses, and different patients behind them: a row per month shown and a last one for those in none, a column per group."""
    axis = _axis(sliced.doses)
    months = len(axis.months)
    place = np.where(axis.place < 0, months, axis.place)
    patient = sliced.doses["patient_id"].combine_chunks().dictionary_encode().indices.to_numpy().astype(np.int64)
    pair = patient * (months + 1) + place
    doses = [np.bincount(place[group], minlength=months + 1) for group in groups]
    patients = [np.bincount(np.unique(pair[group]) % (months + 1), minlength=months + 1) for group in groups]
    return np.stack(doses, 1).astype(np.int64), np.stack(patients, 1).astype(np.int64)


def _groups(doses: pa.Table, name: str) -> Iterator[tuple[str, Bools]]:
    """The groups with most doses; none if there is only one, which is all doses."""
    column = doses[name].combine_chunks()
    found: list[dict[str, Any]] = pc.value_counts(column).to_pylist()
    largest = sorted((one for one in found if one["values"]), key=lambda one: (-one["counts"], one["values"]))[:GROUPS]
    for one in largest if len(found) > 1 else []:
        yield one["values"], pc.equal(column, one["values"]).fill_null(False).to_numpy(zero_copy_only=False)
