"""The sentence of a verdict, with its numbers. Formatted once per distinct combination of numbers, not once per row."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pandas as pd

from bonefhir.interval import TOLERANCE, Interval
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
_BY_BANDS = frozenset({"dose_by_clearance", "underdose_by_clearance"})
_RISES = frozenset({"creatinine_rise", "creatinine_stable"})
_UNITS = {"d": "days", "a": "years", "1": "", "mL/min/{1.73_m2}": "mL/min/1.73 m²", "umol/L": "µmol/L"}

_SENTENCES: dict[str, tuple[str, str]] = {
    "route": ("The route recorded is {said}.", "The route recorded is {said}."),
    "lab_before": ("{labs} measured before the dose.", "No {labs} in the window before the dose."),
    "lab_after": ("{labs} measured after the dose.", "No {labs} in the days after the dose."),
    "counts_min": ("The blood counts are not below the limits.", "A blood count is below its limit."),
    "no_other_product": (
        "No such dose in the {window_days} days up to this one.",
        "Such a dose lies in the {window_days} days up to this one.",
    ),
    "condition_absent": ("No {value_set} on record.", "{value_set} is on record."),
    "dental_before_first": (
        "A dental examination in the {window_days} days before the first dose.",
        "No dental examination in the {window_days} days before the first dose.",
    ),
    "indication_not": ("Given for {said}.", "Given for {said}."),
}
"""Kinds without a number: what is said of a pass, and of a fail."""


def messages(rule: Rule, outcome: Outcome, context: Interval | None) -> Objects:
    """context: the creatinine clearance (mL/min) by which a dose is judged; None: of no use to this kind."""
    columns = {
        "verdict": outcome.verdict,
        "reasons": outcome.reasons,
        "low": outcome.observed.low,
        "high": outcome.observed.high,
        "limit": outcome.limit,
        "unit": outcome.unit,
        "said": outcome.said,
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
    """What was met, and the label's statement of it; a rule by bands states its dose itself."""
    parts = [told(rule, row)] if _tells(rule, row) else []
    if row.verdict == INDETERMINATE:
        words = (REASON_WORDS[word] for i, word in enumerate(REASONS) if int(row.reasons) >> i & 1)
        parts.insert(0, f"Cannot be judged: {'; '.join(words)}.")
    if row.verdict == INDETERMINATE or told is not _banded:
        parts.append(rule.statement)
    return f"{' '.join(parts).removesuffix('.')} ({rule.citation})."


def _tells(rule: Rule, row: "pd.Series[object]") -> bool:
    """There are numbers to tell, or the verdict needs none."""
    known = row.low == row.low and (rule.kind not in _BY_BANDS or row.c_low == row.c_low)
    return bool(known) if rule.kind in _NOUNS else row.verdict != INDETERMINATE


def _plain(rule: Rule, row: "pd.Series[object]") -> str:
    if rule.kind not in _NOUNS:
        return _in_words(rule, row)
    unit = _UNITS.get(str(row.unit), str(row.unit))
    bound = "below" if rule.kind in _RISES else "at least" if rule.kind in _AT_LEAST else "at most"
    observed = f"{_NOUNS[rule.kind]} {_range(row.low, row.high)} {unit}".rstrip()
    return f"{observed}; the limit is {bound} {_number(row.limit)} {unit}".rstrip() + "."


def _in_words(rule: Rule, row: "pd.Series[object]") -> str:
    labs = " and ".join(lab.removeprefix("any_") for lab in rule.parameters.get("labs", ()))
    words = {**rule.parameters, "labs": labs, "said": str(row.said).replace("_", " ")}
    words["value_set"] = str(rule.parameters.get("value_set", "")).replace("_", " ")
    text = _SENTENCES[rule.kind][row.verdict == FAIL].format(**words)
    return text[0].upper() + text[1:]


def _banded(rule: Rule, row: "pd.Series[object]") -> str:
    which = "baseline creatinine clearance" if rule.parameters["basis"] == "baseline" else "creatinine clearance"
    given = f"{_range(row.low, row.high)} {row.unit} given at a {which} of {_range(row.c_low, row.c_high)} mL/min"
    return f"{given}; the label's dose is {_number(row.limit)} {row.unit}." if row.limit == row.limit else f"{given}."


def _range(low: object, high: object) -> str:
    a, b = float(low), float(high)  # type: ignore[arg-type]
    if np.isnan(a) or np.isnan(b):
        return "unknown"
    if b - a <= TOLERANCE:
        return _number(a)
    if np.isinf(b):
        return f"at least {_number(a)}"
    return f"{_number(a)} to {_number(b)}"


def _number(value: object) -> str:
    """Four significant digits, without trailing zeros."""
    return f"{float(value):.4g}" if abs(float(value)) < 10_000 else f"{float(value):.0f}"  # type: ignore[arg-type]
