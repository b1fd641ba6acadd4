"""The sentence of a verdict, with its numbers. Formatted once per distinct combination of numbers, not once per row."""

from collections.abc import Callable, Sequence
from math import isinf, isnan
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from bonefhir.interval import TOLERANCE, Integers, Interval
from bonefhir.judge.view import FAIL, INDETERMINATE, Outcome
from bonefhir.knowledge.model import Rule
from bonefhir.vocabulary import REASONS

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


class Said(NamedTuple):
    """A row of an outcome; c_low, c_high: the clearance."""

    verdict: int
    reasons: int
    low: float
    high: float
    limit: float
    unit: str | None
    said: str
    c_low: float
    c_high: float


def messages(rule: Rule, outcome: Outcome, context: Interval | None) -> tuple[list[str], Integers]:
    """The texts, and of each row the index of its own.

    context: the creatinine clearance (mL/min) by which a dose is judged; None: of no use to this kind.
    """
    rows = len(outcome.verdict)
    c_low, c_high = (np.full(rows, np.nan),) * 2 if context is None else context
    columns = (
        outcome.verdict,
        outcome.reasons,
        outcome.observed.low,
        outcome.observed.high,
        outcome.limit,
        outcome.unit,
        outcome.said,
        c_low,
        c_high,
    )
    firsts, numbers = _distinct(columns, rows)
    sentence = _banded if context is not None else _plain
    told = zip(*(column[firsts].tolist() for column in columns), strict=True)
    return [_sentence(rule, Said(*row), sentence) for row in told], numbers


def _distinct(columns: Sequence[npt.NDArray[Any]], rows: int) -> tuple[Integers, Integers]:
    """Rows in which all columns are alike have one number; and the first row of each number."""
    numbers = np.zeros(rows, dtype=np.int64)
    for column in columns:
        codes, values = pd.factorize(column, use_na_sentinel=False)
        if len(values) > 1:
            numbers = pd.factorize(numbers * len(values) + codes)[0]
    return np.unique(numbers, return_index=True)[1], numbers


def _sentence(rule: Rule, row: Said, told: Callable[[Rule, Said], str]) -> str:
    """What was met, and what the rule states; a rule by bands states its dose itself."""
    parts = [told(rule, row)] if _tells(rule, row) else []
    if row.verdict == INDETERMINATE:
        words = (REASON_WORDS[word] for i, word in enumerate(REASONS) if row.reasons >> i & 1)
        parts.insert(0, f"Cannot be judged: {'; '.join(words)}.")
    if row.verdict == INDETERMINATE or told is not _banded:
        parts.append(f"Rule: {rule.statement}")
    return f"{' '.join(parts).removesuffix('.')} ({rule.citation})."


def _tells(rule: Rule, row: Said) -> bool:
    """There are numbers to tell, or the verdict needs none."""
    known = row.low == row.low and (rule.kind not in _BY_BANDS or row.c_low == row.c_low)
    return bool(known) if rule.kind in _NOUNS else row.verdict != INDETERMINATE


def _plain(rule: Rule, row: Said) -> str:
    if rule.kind not in _NOUNS:
        return _in_words(rule, row)
    unit = _UNITS.get(str(row.unit), str(row.unit))
    bound = "below" if rule.kind in _RISES else "at least" if rule.kind in _AT_LEAST else "at most"
    observed = f"{_NOUNS[rule.kind]} {_range(row.low, row.high)} {unit}".rstrip()
    return f"{observed}; the limit is {bound} {_number(row.limit)} {unit}".rstrip() + "."


def _in_words(rule: Rule, row: Said) -> str:
    labs = " and ".join(lab.removeprefix("any_") for lab in rule.parameters.get("labs", ()))
    words = {**rule.parameters, "labs": labs, "said": str(row.said).replace("_", " ")}
    words["value_set"] = str(rule.parameters.get("value_set", "")).replace("_", " ")
    text = _SENTENCES[rule.kind][row.verdict == FAIL].format(**words)
    return text[0].upper() + text[1:]


def _banded(rule: Rule, row: Said) -> str:
    which = "baseline creatinine clearance" if rule.parameters["basis"] == "baseline" else "creatinine clearance"
    given = f"{_range(row.low, row.high)} {row.unit} given at a {which} of {_range(row.c_low, row.c_high)} mL/min"
    return f"{given}; the label's dose is {_number(row.limit)} {row.unit}." if row.limit == row.limit else f"{given}."


def _range(low: float, high: float) -> str:
    if isnan(low) or isnan(high):
        return "unknown"
    if high - low <= TOLERANCE:
        return _number(low)
    if isinf(high):
        return f"at least {_number(low)}"
    return f"{_number(low)} to {_number(high)}"


def _number(value: float) -> str:
    """Four significant digits, without trailing zeros."""
    return f"{value:.4g}" if abs(value) < 10_000 else f"{value:.0f}"
