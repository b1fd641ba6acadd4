"""Kinds of rule about what was measured: clearance, creatinine, calcium, counts, and that it was measured at all (kinds.md)."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from bonefhir.constants import CALCIUM_MG_DL, CREATININE_UMOL_L, VITAMIN_D_NMOL_L
from bonefhir.interval import Flags, Floats, Integers, Interval, above, at_least, at_most, below, exactly
from bonefhir.judge.view import INDETERMINATE, NOT_APPLICABLE, Outcome, View, outcome, verdicts
from bonefhir.vocabulary import assumption, reason
from bonefhir.words import Words

Parameters = Mapping[str, Any]

IONISED = 0
"""Value of the column calcium_kind for ionised calcium."""

FIRST_IN_DATA = assumption("first-in-data")
CLEARANCE = ("dose", "patient", "creatinine", "weight", "clearance_reported")


def clearance_min(view: View, rule: Parameters) -> Outcome:
    return _at_least(view, "clearance", float(rule["min"]), "mL/min", CLEARANCE)


def egfr_min(view: View, rule: Parameters) -> Outcome:
    groups = ("dose", "patient", "creatinine", "egfr_reported", "egfr")
    return _at_least(view, "egfr", float(rule["min"]), "mL/min/{1.73_m2}", groups)


def age_min(view: View, rule: Parameters) -> Outcome:
    return _at_least(view, "age", float(rule["min_years"]), "a", ("dose", "patient"))


def _at_least(view: View, name: str, least: float, unit: str, groups: tuple[str, ...]) -> Outcome:
    value = view.interval(name)
    verdict = verdicts(below(value.high, least), at_least(value.low, least))
    return outcome(view, verdict, (name,), observed=value, limit=least, unit=unit, groups=groups)


def creatinine_max(view: View, rule: Parameters) -> Outcome:
    value, limit, unit = _in_reported_unit(view, "creatinine", rule["max"], rule["max_umol_l"])
    verdict = verdicts(above(value.low, limit), at_most(value.high, limit))
    return outcome(view, verdict, ("creatinine",), observed=value, limit=limit, unit=unit, groups=("dose", "creatinine"))


def _in_reported_unit(view: View, name: str, limit: float, limit_si: float) -> tuple[Interval, Floats, Words]:
    """Value and limit in the SI unit where all values were reported in it, else in the conventional one."""
    factor, units = {
        "creatinine": (CREATININE_UMOL_L, ("umol/L", "mg/dL")),
        "corrected_calcium": (1 / CALCIUM_MG_DL, ("mmol/L", "mg/dL")),
        "vitamin_d": (VITAMIN_D_NMOL_L, ("nmol/L", "ng/mL")),
    }[name]
    si = view.flag(f"{name}_si")
    value = view.interval(name).scaled(np.where(si, factor, 1.0))
    return value, np.where(si, limit_si, limit), Words.either(si, *units)


def creatinine_rise(view: View, rule: Parameters) -> Outcome:
    rise, most, least, unit = _rise(view, rule)
    verdict = verdicts(at_least(rise.low, most), below(rise.high, least), view.numbers("ordinal") == 1)
    return outcome(
        view,
        verdict,
        ("creatinine", "baseline_creatinine"),
        observed=rise,
        limit=least,
        unit=unit,
        assumed=FIRST_IN_DATA,
        groups=("dose", "creatinine", "baseline_creatinine"),
    )


def _rise(view: View, rule: Parameters) -> tuple[Interval, Floats, Floats, Words]:
    """Rise over baseline, the most and the least that the rule may allow for the baseline, and the unit of all."""
    baseline = view.interval("baseline_creatinine")
    si = view.flag("creatinine_si") & view.flag("baseline_creatinine_si")
    scale = np.where(si, CREATININE_UMOL_L, 1.0)
    normal_below, normal, abnormal = (
        np.where(si, float(rule[f"{name}_umol_l"]), float(rule[name]))
        for name in ("normal_below", "rise_normal", "rise_abnormal")
    )
    low, high = (below(bound * scale, normal_below) for bound in baseline)
    most = np.where(high, normal, np.where(low, np.maximum(normal, abnormal), abnormal))
    least = np.where(high, normal, np.where(low, np.minimum(normal, abnormal), abnormal))
    unit = Words.either(si, "umol/L", "mg/dL")
    return (view.interval("creatinine") - baseline).scaled(scale), most, least, unit


def creatinine_recovery(view: View, rule: Parameters) -> Outcome:
    creatinine, baseline = view.interval("creatinine"), view.interval("baseline_creatinine")
    ratio = float(rule["max_ratio"])
    high = at_most(creatinine.high, ratio * baseline.low)
    no_baseline = view.flag("between") & ~baseline.known
    nothing = (view.numbers("ordinal") == 1) | ~(view.flag("reached") | no_baseline)
    verdict = verdicts(above(creatinine.low, ratio * baseline.high), high, nothing)
    verdict = np.where(no_baseline & (verdict != NOT_APPLICABLE), INDETERMINATE, verdict)
    return outcome(
        view,
        verdict,
        ("creatinine", "baseline_creatinine"),
        observed=creatinine,
        limit=ratio * baseline.high,
        unit="mg/dL",
        assumed=FIRST_IN_DATA,
        groups=("dose", "creatinine", "baseline_creatinine", "own"),
    )


def creatinine_stable(view: View, rule: Parameters) -> Outcome:
    rise, ratio, si = view.interval("rise"), view.interval("ratio"), view.flag("rise_si")
    limit = np.where(si, float(rule["rise_umol_l"]), float(rule["rise"]))
    rise = rise.scaled(np.where(si, CREATININE_UMOL_L, 1.0))
    unstable = at_least(rise.low, limit) | at_least(ratio.low, rule["ratio"])
    steady = below(rise.high, limit) & below(ratio.high, rule["ratio"])
    return outcome(
        view,
        verdicts(unstable, steady, view.numbers("count") < 2),
        ("rise", "ratio"),
        observed=rise,
        limit=limit,
        unit=Words.either(si, "umol/L", "mg/dL"),
        assumed=view.bits("stable_assumed"),
        groups=("dose", "own"),
    )


def calcium_min(view: View, rule: Parameters) -> Outcome:
    """Where a calcium on the other scale may be the latest, both must give the verdict."""
    verdict, rival = _calcium_verdict(view, rule, "calcium"), _calcium_verdict(view, rule, "calcium_rival")
    disputed = view.interval("calcium_rival").known & (rival != verdict)
    ionised = view.numbers("calcium_kind") == IONISED
    return outcome(
        view,
        np.where(disputed, INDETERMINATE, verdict),
        ("calcium",),
        observed=view.interval("calcium"),
        limit=_fixed_limit(view, rule, "calcium") if "limit_mg_dl" in rule else view.interval("calcium_limit").low,
        unit=Words.either(ionised, "mmol/L", "mg/dL"),
        more=np.where(disputed, view.bits("calcium_rival_why"), 0)
        | of_albumin(_margin(view, rule, "calcium", "calcium_uncorrected"))
        | of_albumin(_margin(view, rule, "calcium_rival", "calcium_rival_uncorrected")),
        assumed=view.bits("calcium_rival_assumed"),
        groups=("dose", "calcium", "calcium_rival"),
    )


def _calcium_verdict(view: View, rule: Parameters, name: str) -> Integers:
    margin = _margin(view, rule, name, name)
    return verdicts(below(margin.high, 0), at_least(margin.low, 0))


def _margin(view: View, rule: Parameters, name: str, part: str) -> Interval:
    """Above the rule's limit, else above that of the laboratory; of all the values, or of those in a part of them."""
    if "limit_mg_dl" not in rule:
        return view.interval(f"{part}_margin")
    return view.interval(part) - exactly(_fixed_limit(view, rule, name))


def _fixed_limit(view: View, rule: Parameters, name: str) -> Floats:
    ionised = view.numbers(f"{name}_kind") == IONISED
    return np.where(ionised, float(rule["limit_ionised_mmol_l"]), float(rule["limit_mg_dl"]))


def calcium_indication(view: View, rule: Parameters) -> Outcome:
    value, limit, unit = _in_reported_unit(view, "corrected_calcium", rule["min_mg_dl"], rule["min_mmol_l"])
    verdict = verdicts(below(value.high, limit), at_least(value.low, limit))
    return outcome(
        view,
        verdict,
        ("corrected_calcium",),
        observed=value,
        limit=limit,
        unit=unit,
        more=of_albumin(view.interval("corrected_calcium_uncorrected") - exactly(np.full(view.rows, float(rule["min_mg_dl"])))),
        groups=("dose", "own"),
    )


def of_albumin(margin: Interval) -> Integers:
    """`albumin-unknown` if the limit lies between the values corrected with the least and the greatest albumin."""
    return np.where(below(margin.low, 0) & at_least(margin.high, 0), reason("albumin-unknown"), 0)


def vitamin_d_min(view: View, rule: Parameters) -> Outcome:
    value, limit, unit = _in_reported_unit(view, "vitamin_d", rule["min_ng_ml"], rule["min_nmol_l"])
    verdict = verdicts(below(value.high, limit), at_least(value.low, limit), view.flag("vitamin_d_none"))
    return outcome(view, verdict, ("vitamin_d",), observed=value, limit=limit, unit=unit, groups=("dose", "own"))


def counts_min(view: View, rule: Parameters) -> Outcome:
    """Some counts are needed before the first dose only."""
    first = view.numbers("ordinal") == 1
    low, high = np.zeros(view.rows, dtype=bool), np.ones(view.rows, dtype=bool)
    absent, explained, assumed = (np.zeros(view.rows, dtype=np.int64) for _ in range(3))
    for which, limits in ((first, rule["first"]), (~first, rule["later"])):
        for name, least in limits.items():
            value = view.interval(name)
            low |= which & below(value.high, least)
            high &= ~which | at_least(value.low, least)
            unsure = which & ~at_least(value.low, least)
            absent |= np.where(unsure, view.bits(f"{name}_missing"), 0)
            explained |= np.where(unsure, view.bits(f"{name}_why"), 0)
            assumed |= np.where(which, view.bits(f"{name}_assumed"), 0)
    more = np.where(absent != 0, absent, explained)
    return outcome(view, verdicts(low, high), (), more=more, assumed=assumed | FIRST_IN_DATA, groups=("dose", "own"))


def lab_before(view: View, rule: Parameters) -> Outcome:
    absent, no_records = view.flag("absent"), view.flag("no_records")
    return _measured(view, absent, no_records, np.zeros(view.rows, dtype=bool))


def lab_after(view: View, rule: Parameters) -> Outcome:
    nothing = view.flag("absent") | view.flag("no_records")
    early = nothing & view.flag("not_due")
    return _measured(view, view.flag("absent") & ~early, view.flag("no_records") & ~early, early)


def _measured(view: View, absent: Flags, no_records: Flags, early: Flags) -> Outcome:
    unusable, partial = view.flag("unusable"), view.flag("partial")
    passed = ~(absent | no_records | unusable | partial | early)
    reasons = np.zeros(view.rows, dtype=np.int64)
    for flags, word in (
        (no_records, "no-lab-records"),
        (early, "not-yet-due"),
        (unusable, "unusable-lab"),
        (partial, "partial-date"),
    ):
        reasons |= np.where(flags, reason(word), 0)
    return outcome(
        view, verdicts(absent, passed), (), more=reasons, assumed=view.bits("measured_assumed"), groups=("dose", "own")
    )
