"""Kinds about the dose itself: route, amount, infusion, interval, course, per kg."""

from math import inf
from typing import Any

from tests.reference.catalogue import Rule
from tests.reference.doses import Dose
from tests.reference.evidence import (
    Calcium,
    Quantity,
    View,
    calcium,
    weight,
)
from tests.reference.intervals import at_least, at_most, divided, less, more
from tests.reference.judging import (
    FAIL,
    INDETERMINATE,
    NOT_APPLICABLE,
    PASS,
    Case,
    Outcome,
    clearance_of,
    missing,
    settled,
)
from tests.reference.moments import days_between

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
