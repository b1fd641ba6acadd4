"""The sentence of a verdict, with its numbers. Formatted once per distinct combination of numbers, not once per row."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pandas as pd

from bonefhir.interval import Interval
from bonefhir.judge.view import FAIL, INDETERMINATE, Outcome
from bonefhir.knowledge.model import Rule
from bonefhir.vocabulary import REASONS

Objects = npt.NDArray[np.object_]

REASON_WORDS = {
    "no-route": "the route is not recorded",
    "no-creatinine": "no usable creatinine in the window",
    "no-weight": "no usable body weight in the window",
    "no-age": "the date of birth is unknown",
    "no-sex": "the sex is unknown and would decide",
    "only-egfr": "only an eGFR is on record, which is no creatinine clearance",
    "no-egfr": "no eGFR can be computed or is on record",
    "no-calcium": "no usable calcium in the window",
    "albumin-unknown": "albumin was not measured near the calcium and would decide",
    "dose-unit": "the dose is charted in a unit that does not tell the amount",
    "no-dose": "no dose is charted",
    "no-duration": "the infusion time is unknown",
    "no-baseline": "there is no baseline before the first dose",
    "no-counts": "a blood count is missing",
    "unusable-lab": "the measurement in the window is not usable",
    "no-lab-records": "the input holds no record of this lab at all",
    "not-yet-due": "the time allowed had not passed when the data end",
    "no-dental-records": "the input holds no dental records at all",
    "partial-date": "a date is not known to the day",
    "printed-gap": "the label's table leaves a gap here",
    "bounds": "the values leave both verdicts possible",
}

_NOUNS = {
    "dose_max": "Dose",
    "dose_min": "Dose",
    "dose_by_clearance": "Dose",
    "underdose_by_clearance": "Dose",
    "clearance_min": "Creatinine clearance",
    "egfr_min": "eGFR",
    "creatinine_max": "Creatinine",
    "creatinine_rise": "Rise of creatinine over baseline",
    "creatinine_recovery": "Creatinine",
    "creatinine_stable": "Rise of creatinine",
    "duration_min": "Infusion time",
    "rate_max": "Infusion rate",
    "interval_min": "Interval to the previous dose",
    "interval_max": "Interval to the previous dose",
    "course_max": "Number of the dose",
    "per_kg": "Dose per body weight",
    "calcium_min": "Calcium",
    "calcium_indication": "Corrected calcium",
    "vitamin_d_min": "25-hydroxyvitamin D",
    "age_min": "Age",
}
_AT_LEAST = frozenset(
    {
        "dose_min",
        "underdose_by_clearance",
        "clearance_min",
        "egfr_min",
        "duration_min",
        "interval_min",
        "calcium_min",
        "calcium_indication",
        "vitamin_d_min",
        "age_min",
    }
)
_RISES = frozenset({"creatinine_rise", "creatinine_stable"})
_UNITS = {"d": "days", "a": "years", "1": "", "mL/min/{1.73_m2}": "mL/min/1.73 m²", "umol/L": "µmol/L"}

_SUBJECTS: dict[str, str] = {
    "route": "The route recorded",
    "lab_before": "Measurement before the dose",
    "lab_after": "Measurement after the dose",
    "counts_min": "Blood counts before the dose",
    "no_other_product": "Other products in the window",
    "condition_absent": "Conditions on record",
    "dental_before_first": "Dental examination before the first dose",
    "indication_not": "Indication",
}


def messages(rule: Rule, outcome: Outcome, context: Interval | None) -> Objects:
    """context: the creatinine clearance (mL/min) by which a dose is judged; None: of no use to this kind."""
    columns = {
        "verdict": outcome.verdict,
        "reasons": outcome.reasons,
        "low": outcome.observed.low,
        "high": outcome.observed.high,
        "limit": outcome.limit,
        "unit": outcome.unit,
        "c_low": np.nan if context is None else context.low,
        "c_high": np.nan if context is None else context.high,
    }
    frame = pd.DataFrame(columns)
    numbers = frame.groupby(list(columns), dropna=False, sort=False).ngroup().to_numpy()
    firsts = np.unique(numbers, return_index=True)[1]
    sentence = _banded if context is not None else _plain
    texts = [_sentence(rule, row, sentence) for row in frame.iloc[firsts].itertuples(index=False)]
    return np.asarray(np.array(texts, dtype=object)[numbers])


def _sentence(rule: Rule, row: "pd.Series[object]", told: Callable[[Rule, "pd.Series[object]"], str]) -> str:
    if row.verdict == INDETERMINATE:
        because = "; ".join(REASON_WORDS[word] for i, word in enumerate(REASONS) if int(row.reasons) >> i & 1)
        what = told(rule, row) if rule.kind in _NOUNS and row.low == row.low else ""
        return f"Cannot be judged: {because}. {what}{' ' if what else ''}{rule.statement} ({rule.citation})"
    return f"{told(rule, row)} {rule.statement} ({rule.citation})"


def _plain(rule: Rule, row: "pd.Series[object]") -> str:
    met = "is not met" if row.verdict == FAIL else "is met"
    if rule.kind not in _NOUNS:
        return f"{_SUBJECTS[rule.kind]}: the rule {met}."
    unit = _UNITS.get(str(row.unit), str(row.unit))
    bound = "below" if rule.kind in _RISES else "at least" if rule.kind in _AT_LEAST else "at most"
    observed = f"{_NOUNS[rule.kind]} {_range(row.low, row.high)} {unit}".rstrip()
    return f"{observed}; the limit is {bound} {_number(row.limit)} {unit}".rstrip() + "."


def _banded(rule: Rule, row: "pd.Series[object]") -> str:
    which = "baseline creatinine clearance" if rule.parameters["basis"] == "baseline" else "creatinine clearance"
    given = f"{_range(row.low, row.high)} {row.unit} given at a {which} of {_range(row.c_low, row.c_high)} mL/min"
    return f"{given}; the label's dose is {_number(row.limit)} {row.unit}." if row.limit == row.limit else f"{given}."


def _range(low: object, high: object) -> str:
    a, b = float(low), float(high)  # type: ignore[arg-type]
    if np.isnan(a) or np.isnan(b):
        return "unknown"
    if b - a <= 1e-6:
        return _number(a)
    if np.isinf(b):
        return f"at least {_number(a)}"
    return f"{_number(a)} to {_number(b)}"


def _number(value: object) -> str:
    """Four significant digits, without trailing zeros."""
    return f"{float(value):.4g}" if abs(float(value)) < 10_000 else f"{float(value):.0f}"  # type: ignore[arg-type]
