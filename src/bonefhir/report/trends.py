"""How shares of `fail` went over the months: of each rule, of all doses, and of those of a product or site.

Over more than one rule it is doses that are counted: those that fail at least one rule of severity error, among those for
which at least one such rule had an answer. Indeterminate doses are in no denominator; how many there were is told by
`complete`, without which a feed that broke would read as better practice.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from bonefhir import memory
from bonefhir.report.control_chart import Bools, GChart, Ints, PChart, g_chart, gaps, is_g, is_p, may_be_g, p_chart
from bonefhir.report.months import Axis
from bonefhir.report.slices import Sliced, counts_by
from bonefhir.report.tally import JUDGED, codes_of
from bonefhir.vocabulary import FAIL, PASS

GROUPS = 12
"""Products, and sites, with a chart of their own: those with most doses."""

_PASSED, _FAILED = (JUDGED.index(outcome) + 1 for outcome in (PASS, FAIL))
"""As Tally.of_rule says them."""

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


def trends(sliced: Sliced) -> Trends:
    axis, told = sliced.axis, sliced.tally.flags("error")
    found = Trends(
        beside=int((axis.place < 0).sum()),
        whole=of_severity(sliced, "error"),
        products=tuple(_of_doses(name, axis, told, doses) for name, doses in _groups(sliced.doses, "product")),
        sites=tuple(_of_doses(name, axis, told, doses) for name, doses in _groups(sliced.doses, "site")),
        rules={one.name: one for one in _rules(sliced)},
    )
    memory.release()  # columns of all doses came and went
    return found


def of_severity(sliced: Sliced, severity: str) -> Trend:
    """Of all doses, by the rules of one severity."""
    return _of_doses("", sliced.axis, sliced.tally.flags(severity), np.ones(sliced.doses.num_rows, np.bool_))


def _of_doses(name: str, axis: Axis, told: tuple[Bools, Bools, Bools], doses: Bools) -> Trend:
    judged, failed, opened = told
    kept = doses & (axis.place >= 0)
    masks = failed, judged, judged | opened, judged & ~opened
    events, answered, applicable, complete = (_by_month(axis, kept & mask) for mask in masks)
    rows = np.flatnonzero(kept & judged)
    return _trend(name, axis, (events, answered, applicable, complete), rows, failed[rows])


def _rules(sliced: Sliced) -> Iterator[Trend]:
    """Doses are looked at one by one only where there may be a g-chart."""
    for rule, counts in _columns_of_rules(sliced).items():
        rows = _answered(sliced, rule) if not is_p(*counts[:2]) and may_be_g(counts[0]) else np.zeros(0, np.int64)
        yield _trend(sliced.rules[rule], sliced.axis, counts, rows, sliced.tally.of_rule(rule)[rows] == _FAILED)


def _answered(sliced: Sliced, rule: int) -> Ints:
    """Doses in the months shown for which the rule had an answer."""
    told = sliced.tally.of_rule(rule)
    return np.flatnonzero(((told == _PASSED) | (told == _FAILED)) & (sliced.axis.place >= 0))


def _columns_of_rules(sliced: Sliced) -> dict[int, _Columns]:
    counted = _by_month_shown(sliced)
    columns: dict[int, _Columns] = {}
    for rule in np.flatnonzero(sliced.tally.outcomes.any(axis=1)).tolist():
        passed, failed, opened = counted[:, rule].T
        columns[rule] = failed, passed + failed, passed + failed + opened, passed + failed
    return columns


def _by_month_shown(sliced: Sliced) -> Ints:
    """Verdicts by month of the axis, rule and outcome."""
    values = sliced.doses["month"].combine_chunks().dictionary.to_pylist()
    place = {month: number for number, month in enumerate(values)}
    counts = counts_by(sliced, "month")
    none = np.zeros(counts.shape[1:], np.int64)
    shown = [counts[place[month]] if month in place else none for month in sliced.axis.months]
    return np.stack(shown) if shown else np.zeros((0, *counts.shape[1:]), np.int64)


def _trend(name: str, axis: Axis, columns: _Columns, doses: Ints, failed: Bools) -> Trend:
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


def _by_month(axis: Axis, doses: Bools) -> Ints:
    return np.bincount(axis.place[doses], minlength=len(axis.months)).astype(np.int64)


def by_month(sliced: Sliced, groups: Sequence[Bools]) -> tuple[Ints, Ints]:
    """Doses, and different patients behind them: a row per month shown and a last one for those in none, a column per group."""
    months = len(sliced.axis.months)
    place = np.where(sliced.axis.place < 0, months, sliced.axis.place)
    patient, different = codes_of(sliced.doses["patient_id"].combine_chunks())
    pair = patient * (months + 1) + place
    doses = [np.bincount(place[group], minlength=months + 1) for group in groups]
    patients = []
    for group in groups:
        met = np.zeros((different + 1, months + 1), np.bool_)
        met.reshape(-1)[pair[group]] = True
        patients.append(np.count_nonzero(met, axis=0))
    return np.stack(doses, 1).astype(np.int64), np.stack(patients, 1).astype(np.int64)


def _groups(doses: pa.Table, name: str) -> Iterator[tuple[str, Bools]]:
    """The groups with most doses; none if there is only one, which is all doses."""
    column = doses[name].combine_chunks()
    codes, _ = codes_of(column)
    values = [*column.dictionary.to_pylist(), None]
    found = [(number, code) for code, number in enumerate(np.bincount(codes, minlength=len(values)).tolist()) if number]
    named = sorted(((-number, values[code], code) for number, code in found if values[code]))
    for _, value, code in named[:GROUPS] if len(found) > 1 else []:
        yield value, codes == code
