"""Kinds about kidneys: the dose by clearance, limits of clearance, eGFR and creatinine, its rise, recovery and stability."""

from dataclasses import dataclass
from math import inf
from typing import Any

from tests.reference.catalogue import Rule
from tests.reference.doses import Dose
from tests.reference.evidence import (
    UMOL_CREATININE,
    Quantity,
    View,
    assumed_of,
    egfr,
    not_later,
    when,
)
from tests.reference.intervals import Interval, at_least, at_most, divided, less, more
from tests.reference.judging import (
    INDETERMINATE,
    NOT_APPLICABLE,
    Case,
    Outcome,
    baseline_of,
    clearance_of,
    level_of,
    missing,
    settled,
    windows,
)
from tests.reference.moments import Moment, certainly_before, certainly_later, placed
from tests.reference.rows import Lab

# ---- dose by clearance


def in_band(c: float, band: dict[str, Any]) -> bool:
    """'`over = 60` means c > 60; `from = 50` means c ≥ 50 and in no higher band.'"""
    return more(c, band["over"]) if "over" in band else at_least(c, band["from"])


def strict(c: float, bands: list[dict[str, Any]]) -> float | None:
    """'the `max` of c's band'; None below the lowest."""
    return next((band["max"] for band in bands if in_band(c, band)), None)


def lenient(c: float, bands: list[dict[str, Any]]) -> float | None:
    """'the same, but in a printed gap the next higher band's'."""
    for position, band in enumerate(bands):
        if in_band(c, band):
            gap = position > 0 and "printed_to" in band and more(c, band["printed_to"])
            return float(bands[position - 1]["max"] if gap else band["max"])
    return None


def _limits(rule: Rule, c: Quantity, view: View) -> tuple[float | None, float]:
    """strict(clearance.low) and lenient(clearance.high)."""
    bands = rule.parameters["bands"]
    low = (lenient if view.gap == "lenient" else strict)(c.low, bands)
    high = (strict if view.gap == "strict" else lenient)(c.high, bands)
    assert high is not None
    return low, high


def dose_by_clearance(rule: Rule, dose: Dose, case: Case, view: View) -> Outcome:
    """fail: amount.low > lenient(clearance.high) + tolerance; pass: clearance.low in a band and amount.high ≤
    strict(clearance.low) + tolerance. Not applicable: clearance.high below the lowest band."""
    c = clearance_of(dose, case, view, rule.parameters["basis"])
    if c.interval and strict(c.high, rule.parameters["bands"]) is None:
        return Outcome(NOT_APPLICABLE)
    lacking = missing(c, dose.amount)
    if lacking:
        return lacking
    low, high = _limits(rule, c, view)
    tolerance = rule.parameters["tolerance"]
    return settled(more(dose.amount.low, high + tolerance), low is not None and at_most(dose.amount.high, low + tolerance))


def underdose_by_clearance(rule: Rule, dose: Dose, case: Case, view: View) -> Outcome:
    """fail: clearance.low in a band and amount.high < strict(clearance.low) - tolerance; pass: amount.low ≥
    lenient(clearance.high) - tolerance. Not applicable: a stopped dose; clearance.high below the lowest band."""
    c = clearance_of(dose, case, view, rule.parameters["basis"])
    if dose.stopped or (c.interval and strict(c.high, rule.parameters["bands"]) is None):
        return Outcome(NOT_APPLICABLE)
    lacking = missing(c, dose.amount)
    if lacking:
        return lacking
    low, high = _limits(rule, c, view)
    tolerance = rule.parameters["tolerance"]
    return settled(low is not None and less(dose.amount.high, low - tolerance), at_least(dose.amount.low, high - tolerance))


# ---- kidneys


def clearance_min(rule: Rule, dose: Dose, case: Case, view: View) -> Outcome:
    c = clearance_of(dose, case, view)
    return missing(c) or settled(less(c.high, rule.parameters["min"]), at_least(c.low, rule.parameters["min"]))


def egfr_min(rule: Rule, dose: Dose, case: Case, view: View) -> Outcome:
    rate = egfr(case.chart, dose.start, windows(dose), view)
    return missing(rate) or settled(less(rate.high, rule.parameters["min"]), at_least(rate.low, rule.parameters["min"]))


def creatinine_max(rule: Rule, dose: Dose, case: Case, view: View) -> Outcome:
    level = level_of(dose, case, view)
    if level.interval is None:
        return missing(level) or Outcome(INDETERMINATE)
    factor, limit = _unit(rule, "max", level.si)
    return settled(more(level.low * factor, limit), at_most(level.high * factor, limit))


def _unit(rule: Rule, name: str, si: bool) -> tuple[float, float]:
    """'Where a threshold is printed in both units and **all** values compared were reported in the SI unit, the SI threshold is
    used.' The factor to the unit of comparison, and the threshold."""
    if si and f"{name}_umol_l" in rule.parameters:
        return UMOL_CREATININE, rule.parameters[f"{name}_umol_l"]
    return 1.0, rule.parameters[name]


def allowed_rise(rule: Rule, baseline: float, si: bool) -> tuple[float, float]:
    """The rise that is too much from this baseline (mg/dL), and the factor to its unit."""
    factor, normal_below = _unit(rule, "normal_below", si)
    name = "rise_normal" if less(baseline * factor, normal_below) else "rise_abnormal"
    return _unit(rule, name, si)[1], factor


def creatinine_rise(rule: Rule, dose: Dose, case: Case, view: View) -> Outcome:
    """fail: (creatinine - baseline).low ≥ the rise allowed; pass: (creatinine - baseline).high < the rise allowed.

    The rise allowed grows with the baseline: it is taken at the end of the baseline that makes the verdict hold for all."""
    if dose.ordinal == 1:
        return Outcome(NOT_APPLICABLE)
    level, baseline = level_of(dose, case, view), baseline_of(dose, case, view)
    lacking = missing(level, baseline)
    if lacking:
        return lacking
    return settled(
        certain_rise(rule, level, baseline),
        _rise_below(rule, level, baseline),
    )


def certain_rise(rule: Rule, level: Quantity, baseline: Quantity) -> bool:
    limit, factor = allowed_rise(rule, baseline.high, level.si and baseline.si)
    return at_least((level.low - baseline.high) * factor, limit)


def _rise_below(rule: Rule, level: Quantity, baseline: Quantity) -> bool:
    limit, factor = allowed_rise(rule, baseline.low, level.si and baseline.si)
    return less((level.high - baseline.low) * factor, limit)


def creatinine_recovery(rule: Rule, dose: Dose, case: Case, view: View) -> Outcome:
    """Not applicable: first dose; or no usable creatinine strictly after the previous dose and not after this one whose rise over
    baseline certainly reached the limit. fail: creatinine.low > max_ratio × baseline.high; pass: creatinine.high ≤ max_ratio ×
    baseline.low. 'creatinine in between but no baseline: `no-baseline`'"""
    if dose.ordinal == 1 or dose.previous is None:
        return Outcome(NOT_APPLICABLE)
    start, previous = view.start(dose.start), dose.previous
    labs = case.chart.usable("creatinine")
    between = [lab for lab in labs if certainly_later(when(lab), previous) and certainly_before(when(lab), start)]
    if not between:
        return Outcome(NOT_APPLICABLE)
    level, baseline = level_of(dose, case, view), baseline_of(dose, case, view)
    if baseline.interval is None:
        return missing(level, baseline) or Outcome(INDETERMINATE)
    if not any(certain_rise(rule, Quantity(lab.value, (), lab.si), baseline) for lab in between):
        return Outcome(NOT_APPLICABLE)
    ratio = rule.parameters["max_ratio"]
    return missing(level) or settled(more(level.low, ratio * baseline.high), at_most(level.high, ratio * baseline.low))


NEWER = {"newer-unusable"}


@dataclass(frozen=True)
class Level:
    """A creatinine measurement: 'values of one instant are one measurement with a range'."""

    time: Moment
    value: Interval
    si: bool


def creatinine_stable(rule: Rule, dose: Dose, case: Case, view: View) -> Outcome:
    """Not applicable: fewer than two usable creatinines in the `ratio_days` before the dose. fail: latest - lowest within
    `rise_hours` before the latest ≥ rise, or latest / lowest in the window ≥ ratio (low ends); pass: neither (high ends).
    'partly dated ones do not count'"""
    days = rule.parameters["ratio_days"]
    start = view.start(dose.start)
    labs = [lab for lab in case.chart.usable("creatinine") if not when(lab).partial]
    certain = _levels([lab for lab in labs if placed(when(lab), start, days) == "certain"])
    possible = _levels([lab for lab in labs if placed(when(lab), start, days) != "no"])
    used = [lab for lab in labs if placed(when(lab), start, days) == "certain"]
    view.assumed.update(
        assumed_of(not_later(used), [], start), assumed_of(used, case.chart.lost(start, days, "creatinine"), start) & NEWER
    )
    if len(possible) > len(certain):
        return Outcome(INDETERMINATE, ("partial-date",)) if len(possible) > 1 else Outcome(NOT_APPLICABLE)
    if len(certain) < 2:
        return Outcome(NOT_APPLICABLE)
    last = [level for level in certain if not any(certainly_later(other.time, level.time) for other in certain)] or certain
    low = [_unstable(rule, level, certain, True) for level in last]
    high = [_unstable(rule, level, certain, False) for level in last]
    return settled(all(low), not any(high))


def _levels(labs: list[Lab]) -> list[Level]:
    levels: list[Level] = []
    for lab in labs:
        assert lab.value
        same = next((level for level in levels if level.time.instant and level.time.instant == when(lab).instant), None)
        if same:
            levels.remove(same)
            value = Interval(min(same.value.low, lab.value.low), max(same.value.high, lab.value.high))
            levels.append(Level(same.time, value, same.si and lab.si))
        else:
            levels.append(Level(when(lab), lab.value, lab.si))
    return levels


def _unstable(rule: Rule, last: Level, levels: list[Level], certainly: bool) -> bool:
    """Is the rise or the ratio reached, were `last` the latest: certainly, or possibly? '"lowest" includes the latest': whatever
    its value, it is then no rise over itself."""
    recent = [level for level in levels if level is not last and 0 <= _hours(level, last) <= rule.parameters["rise_hours"]]
    si = all(level.si for level in [last, *recent])
    factor, rise = (UMOL_CREATININE, rule.parameters["rise_umol_l"]) if si else (1.0, rule.parameters["rise"])
    others = [level for level in levels if level is not last]
    if certainly:
        lowest_recent = min([level.value.high for level in recent], default=inf)
        lowest = min([level.value.high for level in others], default=inf)
        top = last.value.low
    else:
        lowest_recent = min([level.value.low for level in recent], default=inf)
        lowest = min([level.value.low for level in others], default=inf)
        top = last.value.high
    risen = at_least((top - min(lowest_recent, top)) * factor, rise) if top != inf else lowest_recent != inf
    return risen or at_least(divided(top, min(lowest, top)) if top else 1.0, rule.parameters["ratio"])


def _hours(earlier: Level, later: Level) -> float:
    """'without times 24 h × the days between'"""
    if earlier.time.instant and later.time.instant:
        return (later.time.instant - earlier.time.instant).total_seconds() / 3600
    return 24.0 * (later.time.first - earlier.time.first).days
