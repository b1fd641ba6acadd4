"""Kinds of rule about what was given: route, amount, infusion time, interval (kinds.md)."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from bonefhir.interval import Flags, Floats, Integers, above, at_least, at_most, below
from bonefhir.judge import bands as banded
from bonefhir.judge.view import INDETERMINATE, NOT_APPLICABLE, Outcome, View, outcome, verdicts
from bonefhir.vocabulary import assumption, reason

Parameters = Mapping[str, Any]

FIRST_IN_DATA = assumption("first-in-data")
PARTIAL = reason("partial-date")
GIVEN = ("dose", "dose_weight")
"""The amount, and the weight that it comes from if it was charted per kg."""
TIMED = ("dose", "duration")


def route(view: View, rule: Parameters) -> Outcome:
    given = view.words("route")
    known, allowed = ~given.among([None]), given.among(rule["allowed"])
    return outcome(view, verdicts(known & ~allowed, known & allowed), (), more=reason("no-route"), said=given, groups=("dose",))


def dose_max(view: View, rule: Parameters) -> Outcome:
    amount, most = view.interval("amount"), rule["max"] + rule["tolerance"]
    verdict = verdicts(above(amount.low, most), at_most(amount.high, most))
    return outcome(view, verdict, ("amount",), observed=amount, limit=rule["max"], unit=view.words("amount_unit"), groups=GIVEN)


def dose_min(view: View, rule: Parameters) -> Outcome:
    amount, tolerance = view.interval("amount"), rule["tolerance"]
    least, most, quantities = _minimum(view, rule)
    verdict = verdicts(below(amount.high, least - tolerance), at_least(amount.low, most - tolerance), view.flag("stopped"))
    unsure = np.where(least == most, 0, _why_unsure(view, quantities))
    return outcome(
        view,
        verdict,
        ("amount",),
        observed=amount,
        limit=least,
        unit=view.words("amount_unit"),
        more=np.where(view.bits("amount_missing") == 0, unsure, view.union("missing", quantities)),
        assumed=view.union("assumed", quantities),
        groups=(*GIVEN, *(("own",) if quantities else ())),
    )


def _minimum(view: View, rule: Parameters) -> tuple[Floats, Floats, tuple[str, ...]]:
    """Least and most that the minimum may be: it may depend on the corrected calcium."""
    if "bands_by_calcium" not in rule:
        fixed = np.full(view.rows, float(rule["min"]))
        return fixed, fixed, ()
    calcium, bands = view.interval("corrected_calcium"), rule["bands_by_calcium"]
    at_low, at_high = (_of_calcium(bands, bound) for bound in calcium)
    unknown = ~calcium.known
    every = [float(band["min"]) for band in bands]
    return np.where(unknown, min(every), at_low), np.where(unknown, max(every), at_high), ("corrected_calcium",)


def _of_calcium(bands: list[Mapping[str, Any]], calcium: Floats) -> Floats:
    least = np.full(len(calcium), float(bands[-1]["min"]))
    for band in reversed(bands):
        least = np.where(above(calcium, band["over_mg_dl"]), band["min"], least)
    return least


def _why_unsure(view: View, quantities: tuple[str, ...]) -> Integers:
    reasons = view.union("missing", quantities) | view.union("why", quantities)
    if "corrected_calcium" in quantities:
        uncorrected = view.interval("corrected_calcium_uncorrected").known
        reasons |= np.where(uncorrected, reason("albumin-unknown"), 0)
    return reasons


def _clearance(rule: Parameters) -> tuple[str, tuple[str, ...], int]:
    """Name of the clearance by the rule's basis, its evidence, and what is assumed."""
    if rule["basis"] == "baseline":
        groups = ("baseline_creatinine", "baseline_weight", "baseline_clearance_reported")
        return "baseline_clearance", (*GIVEN, "patient", *groups), FIRST_IN_DATA
    return "clearance", ("dose", "patient", "creatinine", "weight", "clearance_reported"), 0


def dose_by_clearance(view: View, rule: Parameters) -> Outcome:
    name, groups, assumed = _clearance(rule)
    clearance, amount, tolerance = view.interval(name), view.interval("amount"), rule["tolerance"]
    strict, lenient = (
        (function(rule["bands"], clearance.low), function(rule["bands"], clearance.high))
        for function in (banded.strict, banded.lenient)
    )
    outside = below(clearance.high, banded.lowest(rule["bands"]))
    inside = banded.in_a_band(rule["bands"], clearance.low)
    verdict = verdicts(above(amount.low, lenient[1] + tolerance), inside & at_most(amount.high, strict[0] + tolerance), outside)
    gap = (inside & at_most(amount.high, lenient[0] + tolerance)) | above(amount.low, strict[1] + tolerance)
    return _banded(view, verdict, gap, name, groups, assumed, strict[0])


def underdose_by_clearance(view: View, rule: Parameters) -> Outcome:
    name, groups, assumed = _clearance(rule)
    clearance, amount, tolerance = view.interval(name), view.interval("amount"), rule["tolerance"]
    strict, lenient = (
        (function(rule["bands"], clearance.low), function(rule["bands"], clearance.high))
        for function in (banded.strict, banded.lenient)
    )
    outside = view.flag("stopped") | below(clearance.high, banded.lowest(rule["bands"]))
    inside = banded.in_a_band(rule["bands"], clearance.low)
    verdict = verdicts(inside & below(amount.high, strict[0] - tolerance), at_least(amount.low, lenient[1] - tolerance), outside)
    gap = (inside & below(amount.high, lenient[0] - tolerance)) | at_least(amount.low, strict[1] - tolerance)
    return _banded(view, verdict, gap, name, groups, assumed, strict[0])


def _banded(
    view: View, verdict: Integers, gap: Flags, name: str, groups: tuple[str, ...], assumed: int, limit: Floats
) -> Outcome:
    """gap: the verdict would be told if the label spoke of the clearances between its printed bands."""
    missing = view.union("missing", (name, "amount")) != 0
    verdict = np.where(missing & (verdict != NOT_APPLICABLE), INDETERMINATE, verdict)
    return outcome(
        view,
        verdict,
        (name, "amount"),
        observed=view.interval("amount"),
        limit=limit,
        unit=view.words("amount_unit"),
        more=np.where(gap & ~missing, reason("printed-gap"), 0),
        assumed=assumed,
        groups=groups,
    )


def duration_min(view: View, rule: Parameters) -> Outcome:
    duration, least = view.interval("duration"), float(rule["min_minutes"])
    short, long = below(duration.high, least), at_least(duration.low, least)
    if "when_clearance_below" not in rule:
        verdict, quantities, groups = verdicts(short, long), ("duration",), TIMED
    else:
        clearance, limit = view.interval("clearance"), rule["when_clearance_below"]
        verdict = verdicts(short & below(clearance.high, limit), long & clearance.known, at_least(clearance.low, limit))
        quantities, groups = ("duration", "clearance"), (*TIMED, "patient", "creatinine", "weight", "clearance_reported")  # type: ignore[assignment]
    return outcome(view, verdict, quantities, observed=duration, limit=least, unit="min", groups=groups)


def rate_max(view: View, rule: Parameters) -> Outcome:
    rate = view.interval("amount").over(view.interval("duration")).scaled(60.0)
    most = float(rule["max_mg_per_h"])
    verdict = verdicts(above(rate.low, most), at_most(rate.high, most))
    return outcome(view, verdict, ("amount", "duration"), observed=rate, limit=most, unit="mg/h", groups=(*GIVEN, "duration"))


def interval_min(view: View, rule: Parameters) -> Outcome:
    days, least = view.interval("interval"), rule["min_days"] - rule["tolerance_days"]
    verdict = verdicts(below(days.high, least), at_least(days.low, least), ~days.known)
    return _interval(view, verdict, float(rule["min_days"]))


def interval_max(view: View, rule: Parameters) -> Outcome:
    days, most = view.interval("interval"), rule["max_days"] + rule["tolerance_days"]
    verdict = verdicts(above(days.low, most), at_most(days.high, most), ~days.known)
    return _interval(view, verdict, float(rule["max_days"]))


def _interval(view: View, verdict: Integers, limit: float) -> Outcome:
    days = view.interval("interval")
    return outcome(
        view, verdict, ("interval",), observed=days, limit=limit, unit="d", assumed=FIRST_IN_DATA, groups=("dose", "previous")
    )


def course_max(view: View, rule: Parameters) -> Outcome:
    ordinal = view.numbers("ordinal")
    over = ordinal > rule["max_doses"]
    observed = view.interval("amount")._replace(low=ordinal, high=ordinal)
    return outcome(
        view, verdicts(over, ~over), (), observed=observed, limit=float(rule["max_doses"]), unit="1", assumed=FIRST_IN_DATA,
        groups=("dose", "previous"),
    )  # fmt: skip


def per_kg(view: View, rule: Parameters) -> Outcome:
    """Amount per kg of body weight, or a fixed amount where the label allows one."""
    share = rule["tolerance_percent"] / 100
    least, most = rule.get("value", rule.get("min")), rule.get("value", rule.get("max"))
    amount, ratio = view.interval("amount"), view.interval("amount").over(view.interval("weight"))
    inside = at_least(ratio.low, least * (1 - share)) & at_most(ratio.high, most * (1 + share))
    outside = below(ratio.high, least * (1 - share)) | above(ratio.low, most * (1 + share))
    if "or_fixed" in rule:
        fixed = rule["or_fixed"]
        inside |= at_least(amount.low, fixed * (1 - share)) & at_most(amount.high, fixed * (1 + share))
        outside &= below(amount.high, fixed * (1 - share)) | above(amount.low, fixed * (1 + share))
    too_much = outside & above(ratio.low, most * (1 + share))
    return outcome(
        view,
        verdicts(outside, inside, view.flag("stopped") & ~too_much),
        ("amount", "weight"),
        observed=ratio,
        limit=float(most),
        unit=rule["unit"],
        groups=("dose", "weight"),
    )
