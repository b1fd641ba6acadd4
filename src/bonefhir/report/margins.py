"""How far a finding is from its limit, and what would change its verdict: the other sex, another weight, an albumin …"""

from collections.abc import Iterator, Mapping, Sequence
from math import isnan
from typing import Any

from bonefhir.interval import TOLERANCE
from bonefhir.knowledge.model import Rule
from bonefhir.report import arithmetic
from bonefhir.report.arithmetic import Person
from bonefhir.report.computed import Renal, calcium, exact
from bonefhir.report.records import Records, Row
from bonefhir.report.wording import Wording
from bonefhir.vocabulary import FAIL, INDETERMINATE, PASS

_PLAUSIBLE_ALBUMIN = (1.0, 6.0)
AT_MOST = ("dose_max", "dose_by_clearance", "creatinine_max", "creatinine_recovery", "rate_max", "interval_max", "course_max")
BELOW = ("creatinine_rise", "creatinine_stable")
AT_LEAST = ("dose_min", "underdose_by_clearance", "clearance_min", "egfr_min", "duration_min", "interval_min", "calcium_min")
LEAST = (*AT_LEAST, "calcium_indication", "vitamin_d_min", "age_min")


def margin(finding: Row, wording: Wording) -> str | None:
    """'44 mL/min above the limit, 147 %'; None where nothing was measured or nothing is a limit."""
    low, high, limit = (finding[name] for name in ("observed_low", "observed_high", "limit"))
    if low is None or high is None or limit is None or isnan(low) or isnan(high):
        return None
    if high - low > TOLERANCE:
        span = wording.measured(low, high, finding["unit"])
        return wording.text("sheet.margin_range", span=span, limit=_one(limit, finding, wording))
    away = low - limit
    if abs(away) <= TOLERANCE:
        return wording.text("sheet.margin_none", limit=_one(limit, finding, wording))
    key = "sheet.margin_above" if away > 0 else "sheet.margin_below"
    part = wording.percent(abs(away) / abs(limit)) if limit else "–"
    return wording.text(key, distance=_one(abs(away), finding, wording), limit=_one(limit, finding, wording), part=part)


def _one(value: float, finding: Row, wording: Wording) -> str:
    return wording.measured(value, value, finding["unit"])


def flips(finding: Row, rule: Rule, dose: Row, records: Records, inputs: Renal | None, wording: Wording) -> list[str]:
    """Sentences. None of them says that the verdict is wrong: each names one input and what another value would give.

    inputs: of the clearance that the rule looks at.
    """
    found = list(_by_renal(inputs, rule, dose, records, wording, finding["verdict"])) if inputs else []
    found += _by_egfr(finding, rule, dose, wording)
    found += _by_albumin(finding, rule, wording)
    if finding["verdict"] == FAIL:
        found += _by_limit(finding, rule, wording)
    if finding["verdict"] == INDETERMINATE:
        found += [wording.text("sheet.flip_missing", what=wording.word("needed", reason)) for reason in finding["reasons"] or ()]
    return found


# ----------------------------------------------------------------------------------------------------------- clearance


def _by_renal(inputs: Renal, rule: Rule, dose: Row, records: Records, wording: Wording, verdict: str) -> Iterator[str]:
    person = inputs.person
    other = Person(person.age, person.weight, not person.female)
    yield _said("sheet.flip_sex", other, inputs, rule, dose, wording, verdict, weight="")
    height = _height(dose, records)
    if height is not None:
        ideal = arithmetic.ideal_weight(height, person.female)
        for policy, weight in (("ideal", ideal), ("adjusted", arithmetic.adjusted_weight(person.weight, ideal))):
            changed = Person(person.age, weight, person.female)
            words = wording.text(f"sheet.weight_{policy}", weight=wording.significant(weight))
            yield _said("sheet.flip_weight", changed, inputs, rule, dose, wording, verdict, weight=words)
    if rule.kind == "clearance_min":
        limit = rule.parameters["min"]
        needed = wording.significant(arithmetic.creatinine_for(person, limit))
        yield wording.text("sheet.flip_creatinine", creatinine=needed, limit=wording.significant(limit))


def _said(key: str, person: Person, inputs: Renal, rule: Rule, dose: Row, wording: Wording, verdict: str, weight: str) -> str:
    clearance = arithmetic.cockcroft_gault(person, inputs.creatinine)
    then = at_clearance(rule, dose, clearance)
    outcome = wording.text("sheet.same" if then == verdict else "sheet.changes", verdict=wording.word("outcomes", then))
    return wording.text(key, clearance=wording.significant(clearance), outcome=outcome, weight=weight)


def at_clearance(rule: Rule, dose: Row, clearance: float) -> str:
    """The verdict that a rule by clearance would give; 'not_applicable' below its lowest band."""
    if rule.kind == "clearance_min":
        return PASS if clearance >= rule.parameters["min"] - TOLERANCE else FAIL
    if rule.kind == "duration_min":
        return _duration(rule, dose, clearance)
    amount = exact(dose, "amount")
    bands: Sequence[Mapping[str, Any]] = rule.parameters["bands"]
    strict, lenient = band_dose(bands, clearance)
    if strict is None or lenient is None:
        return "not_applicable"
    if amount is None:
        return INDETERMINATE
    tolerance = rule.parameters["tolerance"] + TOLERANCE
    if rule.kind == "underdose_by_clearance":
        return FAIL if amount < strict - tolerance else PASS if amount >= lenient - tolerance else INDETERMINATE
    return FAIL if amount > lenient + tolerance else PASS if amount <= strict + tolerance else INDETERMINATE


def _duration(rule: Rule, dose: Row, clearance: float) -> str:
    if clearance >= rule.parameters["when_clearance_below"] - TOLERANCE:
        return "not_applicable"
    minutes = exact(dose, "duration")
    if minutes is None:
        return INDETERMINATE
    return PASS if minutes >= rule.parameters["min_minutes"] - TOLERANCE else FAIL


def band_dose(bands: Sequence[Mapping[str, Any]], clearance: float) -> tuple[float | None, float | None]:
    """Dose of the band, and, in a gap of the printed table, that of the next higher band."""
    higher: float | None = None
    for band in bands:
        reached = clearance > band["over"] + TOLERANCE if "over" in band else clearance >= band["from"] - TOLERANCE
        if reached:
            gap = higher is not None and "printed_to" in band and clearance > band["printed_to"] + TOLERANCE
            return band["max"], higher if gap else band["max"]
        higher = band["max"]
    return None, None


def _height(dose: Row, records: Records) -> float | None:
    """The latest usable height up to the day of the dose, cm."""
    known = [
        (lab["date_last"], exact(lab, "value"))
        for lab in records.labs_of.get(dose["patient_id"], ())
        if lab["analyte"] == "height" and lab["usable"] and lab["date_last"] and dose["date_first"]
    ]
    before = [pair for pair in known if pair[0] <= dose["date_first"] and pair[1] is not None]
    return max(before)[1] if before else None


# ------------------------------------------------------------------------------------------------------- eGFR, calcium


def _by_egfr(finding: Row, rule: Rule, dose: Row, wording: Wording) -> Iterator[str]:
    if rule.kind != "egfr_min":
        return
    age, female, creatinine = (exact(dose, name) for name in ("age", "female", "creatinine"))
    if age is None or female is None or creatinine is None:
        return
    egfr = arithmetic.ckd_epi_2021(age, female == 0, creatinine)
    then = PASS if egfr >= rule.parameters["min"] - TOLERANCE else FAIL
    same = then == finding["verdict"]
    outcome = wording.text("sheet.same" if same else "sheet.changes", verdict=wording.word("outcomes", then))
    yield wording.text("sheet.flip_sex_egfr", egfr=wording.significant(egfr), outcome=outcome)


def _by_albumin(finding: Row, rule: Rule, wording: Wording) -> Iterator[str]:
    """The albumin at which the corrected calcium is exactly at the limit: above it the corrected calcium is lower."""
    if rule.kind not in ("calcium_min", "calcium_indication"):
        return
    found, limit = calcium(finding), finding["limit"]
    if found is None or limit is None or finding["unit"] != "mg/dL":
        return
    albumin = arithmetic.albumin_for(found.total, limit)
    low, high = _PLAUSIBLE_ALBUMIN
    key = "sheet.flip_albumin" if low <= albumin <= high else "sheet.flip_albumin_never"
    yield wording.text(
        key, albumin=wording.significant(albumin), total=wording.significant(found.total), limit=wording.significant(limit)
    )


def _by_limit(finding: Row, rule: Rule, wording: Wording) -> Iterator[str]:
    limit = finding["limit"]
    if limit is None:
        return
    direction = "least" if rule.kind in LEAST else "most" if rule.kind in AT_MOST else "below" if rule.kind in BELOW else None
    if direction:
        yield wording.text(f"sheet.pass_{direction}", limit=_one(limit, finding, wording))
