"""The kinds of rule: kinds.md, one function a row of its table.

A kind takes a rule, a dose, its case (the chart and the whole input) and a view, and returns an Outcome. An outcome that is
indeterminate for want of a quantity says which (`reasons`); one that is so because of a range says nothing, or hints at what else
than a range may be behind it. `verdicts` finds the reasons of ranges.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from math import inf
from typing import Any

from tests.reference.catalogue import Rule
from tests.reference.doses import Dose
from tests.reference.evidence import (
    AS_IS,
    MMOL_CALCIUM,
    NMOL_VITAMIN_D,
    UMOL_CREATININE,
    Calcium,
    CalciumValue,
    Chart,
    Quantity,
    View,
    age,
    baseline_clearance,
    baseline_creatinine,
    calcium,
    calcium_days,
    clearance,
    creatinine,
    creatinine_days,
    egfr,
    evidence_days,
    latest,
    weight,
    when,
    words,
)
from tests.reference.intervals import Interval, at_least, at_most, divided, less, more
from tests.reference.moments import Moment, certainly_before, certainly_later, days_between, placed, placed_after
from tests.reference.rows import CALCIUM, Condition, Lab

PASS, FAIL, INDETERMINATE, NOT_APPLICABLE = "pass", "fail", "indeterminate", "not_applicable"


@dataclass(frozen=True)
class Outcome:
    """reasons: of quantities that are missing. hints: reasons that explain a range."""

    verdict: str
    reasons: tuple[str, ...] = ()
    hints: tuple[str, ...] = ()


@dataclass
class Case:
    """What a dose is judged against.

    doses       every dose of the patient
    lab_records labs that some Observation of the whole input is coded as
    dental      whether the whole input has a used dental Procedure
    last_date   'the input's last date (of any used dose or lab)'
    """

    chart: Chart
    doses: list[Dose]
    lab_records: set[str]
    dental: bool
    last_date: date | None


Kind = Callable[[Rule, Dose, Case, View], Outcome]


def settled(failing: bool, passing: bool, *hints: str) -> Outcome:
    if failing:
        return Outcome(FAIL)
    return Outcome(PASS) if passing else Outcome(INDETERMINATE, (), tuple(hint for hint in hints if hint))


def missing(*quantities: Quantity | Calcium) -> Outcome | None:
    """'A missing quantity is `indeterminate` with the reason of semantics.md, section 5.'"""
    reasons = words(*(reason for quantity in quantities if quantity.interval is None for reason in quantity.missing))
    return Outcome(INDETERMINATE, reasons) if any(quantity.interval is None for quantity in quantities) else None


def windows(dose: Dose) -> int:
    return creatinine_days(dose.creatinine_window, dose.rules_of)


def level_of(dose: Dose, case: Case, view: View) -> Quantity:
    return creatinine(case.chart, dose.start, windows(dose), view)


def baseline_of(dose: Dose, case: Case, view: View) -> Quantity:
    assert dose.first
    return baseline_creatinine(case.chart, dose.first, view)


def clearance_of(dose: Dose, case: Case, view: View, basis: str = "current") -> Quantity:
    assert dose.first
    if basis == "baseline":
        return baseline_clearance(case.chart, dose.first, view)
    return clearance(case.chart, dose.start, windows(dose), view)


# ---- the dose itself


def route(rule: Rule, dose: Dose, case: Case, view: View) -> Outcome:
    if dose.route is None:
        return Outcome(INDETERMINATE, ("no-route",))
    return settled(dose.route not in rule.parameters["allowed"], dose.route in rule.parameters["allowed"])


def dose_max(rule: Rule, dose: Dose, case: Case, view: View) -> Outcome:
    """fail: amount.low > max + tolerance; pass: amount.high ≤ max + tolerance"""
    top = rule.parameters["max"] + rule.parameters.get("tolerance", 0)
    return missing(dose.amount) or settled(more(dose.amount.low, top), at_most(dose.amount.high, top))


def dose_min(rule: Rule, dose: Dose, case: Case, view: View) -> Outcome:
    """fail: amount.high < min - tolerance; pass: amount.low ≥ min - tolerance. Not applicable: a stopped dose.

    'the minimum of the band that the corrected calcium (7 days) lies in; unknown calcium: indeterminate unless every band gives
    the same verdict.'
    """
    if dose.stopped:
        return Outcome(NOT_APPLICABLE)
    bands = rule.parameters.get("bands_by_calcium")
    level = calcium(case.chart, dose.start, rule.parameters.get("window_days", 7), False, view) if bands else None
    minima = _calcium_minima(bands, level) if bands and level else [rule.parameters.get("min", 0)]
    if dose.amount.interval is None:
        return missing(dose.amount, *([level] if level else [])) or Outcome(INDETERMINATE)
    tolerance = rule.parameters.get("tolerance", 0)
    failing = [less(dose.amount.high, minimum - tolerance) for minimum in minima]
    passing = [at_least(dose.amount.low, minimum - tolerance) for minimum in minima]
    if not all(failing) and not all(passing) and level and level.interval is None:
        return Outcome(INDETERMINATE, level.missing)
    return settled(all(failing), all(passing), "albumin-unknown" if level and level.albumin_unknown and len(minima) > 1 else "")


def _calcium_minima(bands: list[dict[str, Any]], level: Calcium) -> list[float]:
    """The minima of the bands that the calcium may lie in."""
    found = []
    upper = inf
    for band in bands:
        lower = -inf if band is bands[-1] else band["over_mg_dl"]
        if level.interval is None or (more(level.interval.high, lower) and at_most(level.interval.low, upper)):
            found.append(band["min"])
        upper = lower
    return found


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


# ---- infusion, interval, course


def duration_min(rule: Rule, dose: Dose, case: Case, view: View) -> Outcome:
    """with `when_clearance_below`: not applicable when clearance.low ≥ it. fail: duration.high < min (and clearance.high <
    `when_clearance_below`); pass: duration.low ≥ min, and with `when_clearance_below` the clearance known"""
    minutes, below = rule.parameters["min_minutes"], rule.parameters.get("when_clearance_below")
    if below is None:
        return missing(dose.duration) or settled(less(dose.duration.high, minutes), at_least(dose.duration.low, minutes))
    c = clearance_of(dose, case, view)
    if c.interval and at_least(c.low, below):
        return Outcome(NOT_APPLICABLE)
    return missing(c, dose.duration) or settled(
        less(dose.duration.high, minutes) and less(c.high, below), at_least(dose.duration.low, minutes)
    )


def rate_max(rule: Rule, dose: Dose, case: Case, view: View) -> Outcome:
    """fail: amount.low / duration.high > max; pass: amount.high / duration.low ≤ max"""
    lacking = missing(dose.amount, dose.duration)
    if lacking:
        return lacking
    slowest = dose.amount.low / (dose.duration.high / 60)
    fastest = divided(dose.amount.high, dose.duration.low / 60)
    return settled(more(slowest, rule.parameters["max_mg_per_h"]), at_most(fastest, rule.parameters["max_mg_per_h"]))


def interval_min(rule: Rule, dose: Dose, case: Case, view: View) -> Outcome:
    if dose.previous is None:
        return Outcome(NOT_APPLICABLE)
    least, greatest = days_between(dose.previous, dose.start)
    shortest = rule.parameters["min_days"] - rule.parameters["tolerance_days"]
    return settled(less(greatest, shortest), at_least(least, shortest), "partial-date")


def interval_max(rule: Rule, dose: Dose, case: Case, view: View) -> Outcome:
    if dose.previous is None:
        return Outcome(NOT_APPLICABLE)
    least, greatest = days_between(dose.previous, dose.start)
    longest = rule.parameters["max_days"] + rule.parameters["tolerance_days"]
    return settled(more(least, longest), at_most(greatest, longest), "partial-date")


def course_max(rule: Rule, dose: Dose, case: Case, view: View) -> Outcome:
    return settled(dose.ordinal > rule.parameters["max_doses"], dose.ordinal <= rule.parameters["max_doses"])


def per_kg(rule: Rule, dose: Dose, case: Case, view: View) -> Outcome:
    """Not applicable: a stopped dose, unless certainly too high. fail: outside for every possibility; pass: inside for every
    possibility. `or_fixed`: 'an alternative fixed amount with the same tolerance'."""
    parameters = rule.parameters
    share = parameters["tolerance_percent"] / 100
    low = parameters.get("min", parameters.get("value")) * (1 - share)
    high = parameters.get("max", parameters.get("value")) * (1 + share)
    kilograms = weight(case.chart, dose.start, view)
    amount = dose.amount
    fixed = parameters.get("or_fixed")
    inside_fixed, outside_fixed = _fixed(amount, fixed, share)
    if dose.stopped:
        too_high = amount.interval and kilograms.interval and more(divided(amount.low, kilograms.high), high) and outside_fixed
        return Outcome(FAIL) if too_high else Outcome(NOT_APPLICABLE)
    if inside_fixed:
        return Outcome(PASS)
    lacking = missing(kilograms, amount)
    if lacking:
        return lacking
    least, greatest = divided(amount.low, kilograms.high), divided(amount.high, kilograms.low)
    outside = less(greatest, low) or more(least, high)
    return settled(outside and outside_fixed, at_least(least, low) and at_most(greatest, high))


def _fixed(amount: Quantity, fixed: float | None, share: float) -> tuple[bool, bool]:
    """Certainly inside, and certainly outside, of the alternative."""
    if fixed is None or amount.interval is None:
        return False, fixed is None
    low, high = fixed * (1 - share), fixed * (1 + share)
    return (
        at_least(amount.low, low) and at_most(amount.high, high),
        less(amount.high, low) or more(amount.low, high),
    )


# ---- monitoring


def concepts_of(lab: str) -> tuple[str, ...]:
    return CALCIUM if lab == "any_calcium" else (lab,)


def lab_before(rule: Rule, dose: Dose, case: Case, view: View) -> Outcome:
    """fail: for some lab no measurement of it, usable or not, in the window; pass: a usable one of each; else indeterminate
    `unusable-lab`; '`no-lab-records` in place of `fail` if the whole input has no readable Observation coded as that lab'"""
    outcomes = []
    for lab in rule.parameters["labs"]:
        days = rule.parameters.get("window_days", evidence_days(lab, dose.creatinine_window, dose.rules_of))
        start = view.start(dose.start)
        usable = [placed(when(one), start, days) for one in case.chart.usable(*concepts_of(lab))]
        unusable = [placed(one.time, start, days) if one.time else "certain" for one in case.chart.unusable(*concepts_of(lab))]
        outcomes.append(_measured(usable, unusable, case.lab_records & set(concepts_of(lab))))
    return _all_needed(outcomes)


def _measured(usable: list[str], unusable: list[str], records: set[str]) -> Outcome:
    if "certain" in usable:
        return Outcome(PASS)
    partial = "partial-date" if "possible" in usable else ""
    if "certain" in unusable or "possible" in unusable or partial:
        here = "unusable-lab" if "certain" in unusable or "possible" in unusable else ""
        return Outcome(INDETERMINATE, words(here, partial))
    return Outcome(FAIL) if records else Outcome(INDETERMINATE, ("no-lab-records",))


def _all_needed(outcomes: list[Outcome]) -> Outcome:
    for verdict in (FAIL, INDETERMINATE):
        some = [outcome for outcome in outcomes if outcome.verdict == verdict]
        if some:
            return Outcome(verdict, words(*(reason for outcome in some for reason in outcome.reasons)))
    return Outcome(PASS)


def lab_after(rule: Rule, dose: Dose, case: Case, view: View) -> Outcome:
    """fail: no measurement of a lab in the days given, the input's last date is later than them, and the patient did not die
    before their last day; pass: a usable one of each; else indeterminate `not-yet-due`, `unusable-lab`, `no-lab-records`"""
    start, days = view.start(dose.start), (rule.parameters["from_days"], rule.parameters["to_days"])
    due = case.last_date is not None and (case.last_date - start.last).days > days[1] and not _died(case, start, days[1])
    outcomes = []
    for lab in rule.parameters["labs"]:
        usable = [placed_after(when(one), start, *days) for one in case.chart.usable(*concepts_of(lab))]
        unusable = [placed_after(o.time, start, *days) if o.time else "certain" for o in case.chart.unusable(*concepts_of(lab))]
        found = _measured(usable, unusable, {"any"})
        records = case.lab_records & set(concepts_of(lab))
        if found.verdict == FAIL and not (due and records):
            found = Outcome(INDETERMINATE, words("" if records else "no-lab-records", "" if due else "not-yet-due"))
        outcomes.append(found)
    return _all_needed(outcomes)


def _died(case: Case, start: Moment, to_days: int) -> bool:
    """'the patient did not die (date, or deceasedBoolean) before their last day'"""
    deceased = case.chart.patient.deceased
    if isinstance(deceased, Moment):
        return days_between(start, deceased)[0] < to_days
    return deceased is True


def calcium_min(rule: Rule, dose: Dose, case: Case, view: View) -> Outcome:
    """fail: calcium.high < limit; pass: calcium.low ≥ limit"""
    level = calcium(case.chart, dose.start, calcium_days(dose.creatinine_window, dose.rules_of), True, view)
    if not level.values:
        return missing(level) or Outcome(INDETERMINATE)
    limits = [_calcium_limit(rule, value.kind, value.limit) for value in level.values]
    pairs = list(zip(level.values, limits, strict=True))
    return settled(
        all(less(value.interval.high, limit) for value, limit in pairs),
        all(at_least(value.interval.low, limit) for value, limit in pairs),
        "albumin-unknown" if any(_between(value, limit) for value, limit in pairs) else "",
    )


def _between(value: CalciumValue, limit: float) -> bool:
    """'`albumin-unknown` if the limit lies between the values corrected with 2.0 and 5.0'"""
    return value.albumin_unknown and less(value.interval.low, limit) and at_least(value.interval.high, limit)


def _calcium_limit(rule: Rule, kind: str, own: float) -> float:
    """'optional `limit_mg_dl`, `limit_ionised_mmol_l` (else the lower limit of section 5)'"""
    return float(rule.parameters.get("limit_ionised_mmol_l" if kind == "calcium_ionised" else "limit_mg_dl", own))


def calcium_indication(rule: Rule, dose: Dose, case: Case, view: View) -> Outcome:
    """fail: corrected calcium.high < min; pass: corrected calcium.low ≥ min"""
    level = calcium(case.chart, dose.start, rule.parameters["window_days"], False, view)
    if level.interval is None:
        return missing(level) or Outcome(INDETERMINATE)
    mg, mmol = rule.parameters["min_mg_dl"], rule.parameters["min_mmol_l"]
    bounds = [(of_kind, mmol * MMOL_CALCIUM if si else mg) for of_kind, si in level.by_kind]
    return settled(
        all(less(of_kind.high, limit) for of_kind, limit in bounds),
        all(at_least(of_kind.low, limit) for of_kind, limit in bounds),
        "albumin-unknown" if any(_between(value, limit) for value in level.values for _, limit in bounds) else "",
    )


def counts_min(rule: Rule, dose: Dose, case: Case, view: View) -> Outcome:
    """fail: some count.high < its minimum; pass: every count.low ≥ its minimum; else indeterminate (`no-counts` if one is
    missing)"""
    minima = rule.parameters["first" if dose.ordinal == 1 else "later"]
    days = rule.parameters["window_days"]
    counts, hints = {}, []
    for name, least in minima.items():
        own = View(widened=view.widened)
        counts[name] = latest(case.chart.usable(name), dose.start, days, "no-counts", own)
        if counts[name].interval and not at_least(counts[name].low, least):
            hints += own.notes
    if any(count.interval and less(count.high, minima[name]) for name, count in counts.items()):
        return Outcome(FAIL)
    enough = all(count.interval and at_least(count.low, minima[name]) for name, count in counts.items())
    return missing(*counts.values()) or settled(False, enough, *hints)


def vitamin_d_min(rule: Rule, dose: Dose, case: Case, view: View) -> Outcome:
    """Not applicable: no usable value in the window. fail: value.high < min; pass: value.low ≥ min"""
    level = latest(case.chart.usable("vitamin_d"), dose.start, rule.parameters["window_days"], "none", view)
    if level.interval is None:
        return Outcome(NOT_APPLICABLE) if level.missing == ("none",) else Outcome(INDETERMINATE, level.missing)
    factor, limit = (NMOL_VITAMIN_D, rule.parameters["min_nmol_l"]) if level.si else (1.0, rule.parameters["min_ng_ml"])
    return settled(less(level.high * factor, limit), at_least(level.low * factor, limit))


# ---- other doses, conditions, procedures


def no_other_product(rule: Rule, dose: Dose, case: Case, view: View) -> Outcome:
    """fail: a dose of one of them in the window up to and including this dose's date; pass: none; indeterminate `partial-date`"""
    found = []
    for other in case.doses:
        if other.product in rule.parameters["others"]:
            least, greatest = days_between(other.start, dose.start)
            if least >= 0 and greatest <= rule.parameters["window_days"]:
                return Outcome(FAIL)
            found.append(greatest >= 0 and least <= rule.parameters["window_days"])
    return Outcome(INDETERMINATE, ("partial-date",)) if any(found) else Outcome(PASS)


def condition_absent(rule: Rule, dose: Dose, case: Case, view: View) -> Outcome:
    """fail: a used condition certainly in the window; pass: none that could be; else indeterminate `partial-date`"""
    days = rule.parameters["lookback_days"]
    relevant = [c for c in case.chart.conditions if rule.parameters["value_set"] in c.value_sets]
    places = [_recorded(condition, dose.start, days) for condition in relevant]
    if "certain" in places:
        return Outcome(FAIL)
    return Outcome(INDETERMINATE, ("partial-date",)) if "possible" in places else Outcome(PASS)


def _recorded(condition: Condition, start: Moment, days: int) -> str:
    """'With `lookback_days` N > 0 a condition counts if it is present on the dose date and its date is at most N days before it;
    ended without a date, or undated: possible. With 0: any condition dated on or before the dose, ended or not; undated:
    possible.'"""
    if condition.start is None:
        over = isinstance(condition.end, Moment) and condition.end.last < start.first
        return "no" if over and days else "possible"
    least, greatest = days_between(condition.start, start)
    if days == 0:
        return "certain" if least >= 0 else "possible" if greatest >= 0 else "no"
    if greatest < 0 or least > days:
        return "no"
    if isinstance(condition.end, Moment) and condition.end.last < start.first:
        return "no"
    present = condition.end is None or (isinstance(condition.end, Moment) and condition.end.first >= start.last)
    return "certain" if present and least >= 0 and greatest <= days else "possible"


def dental_before_first(rule: Rule, dose: Dose, case: Case, view: View) -> Outcome:
    """Not applicable: not the first dose. fail: none in the window, and the input does contain dental procedures; pass: one in
    the window; else indeterminate `no-dental-records`, `partial-date`"""
    if dose.ordinal != 1:
        return Outcome(NOT_APPLICABLE)
    days = rule.parameters["window_days"]
    places = [placed(one.time, dose.start, days) if one.time else "possible" for one in case.chart.procedures]
    if "certain" in places:
        return Outcome(PASS)
    if "possible" in places:
        return Outcome(INDETERMINATE, ("partial-date",))
    return Outcome(FAIL) if case.dental else Outcome(INDETERMINATE, ("no-dental-records",))


def age_min(rule: Rule, dose: Dose, case: Case, view: View) -> Outcome:
    years, youngest = age(case.chart, dose.start, view), rule.parameters["min_years"]
    return missing(years) or settled(less(years.high, youngest), at_least(years.low, youngest))


def indication_not(rule: Rule, dose: Dose, case: Case, view: View) -> Outcome:
    if dose.indication_basis == "assumed":
        return Outcome(NOT_APPLICABLE)
    one_of_them = dose.indication in rule.parameters["indications_not"]
    return settled(one_of_them, not one_of_them)


KINDS: dict[str, Kind] = {
    kind.__name__: kind
    for kind in (
        route, dose_max, dose_min, dose_by_clearance, underdose_by_clearance, clearance_min, egfr_min, creatinine_max,
        creatinine_rise, creatinine_recovery, creatinine_stable, duration_min, rate_max, interval_min, interval_max, course_max,
        per_kg, lab_before, lab_after, calcium_min, calcium_indication, counts_min, vitamin_d_min, no_other_product,
        condition_absent, dental_before_first, age_min, indication_not,
    )
}  # fmt: skip

__all__ = ["AS_IS", "KINDS", "Case", "Outcome"]
