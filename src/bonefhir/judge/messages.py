"""The sentence of a verdict, with its numbers: words and numbers are each put together once, whatever number of rows has them."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from math import isinf, isnan
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from bonefhir.coded import NOTHING, Texts
from bonefhir.interval import TOLERANCE, Flags, Floats, Integers, Interval, exactly
from bonefhir.judge.view import FAIL, INDETERMINATE, Outcome
from bonefhir.knowledge.model import Rule
from bonefhir.sorting import distinct_of
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


MARKS = GIVEN, CLEARANCE, LIMIT = "\0", "\1", "\2"
"""Stand in a sentence for its numbers, in this order: it is put together once for all rows that differ in numbers only."""


class Said(NamedTuple):
    """What a sentence is made of beside its numbers, of which it need only know whether there are any."""

    verdict: int
    reasons: int
    unit: str | None
    said: str | None
    given: bool
    clearance: bool
    limit: bool


def messages(rules: Sequence[Rule], rule: Integers, outcome: Outcome, clearance: Interval) -> Texts:
    """Of each row its sentence.

    rule        of each row the index of its rule
    clearance   creatinine clearance (mL/min) by which the dose is judged; NaN where it is of no use to the kind
    """
    ranges = (outcome.observed, clearance, exactly(outcome.limit))
    known = [~np.isnan(value.low) for value in ranges]
    columns = [rule, outcome.verdict, outcome.reasons, outcome.unit.codes, outcome.said.codes, *known]
    rows, pattern = distinct_of(columns)
    patterns = [_sentence(rules[number], said) for number, said in _said(outcome, [column[rows] for column in columns])]
    used = [np.array([mark in each for each in patterns], dtype=bool)[pattern] for mark in MARKS]
    with np.errstate(invalid="ignore"):
        exact = (outcome.observed.exact, clearance.exact, known[2])
    numbers = [_told(*each) for each in zip(ranges, used, exact, strict=True)]
    rows, number = distinct_of([pattern, *(each.codes for each in numbers)])
    told = _filled(patterns, pattern[rows], [replace(each, codes=each.codes[rows]) for each in numbers])
    return Texts(number.astype(np.int32), told, distinct=False)


def _said(outcome: Outcome, columns: Sequence[npt.NDArray[Any]]) -> Iterator[tuple[int, Said]]:
    for rule, verdict, reasons, unit, said, *known in zip(*(column.tolist() for column in columns), strict=True):
        yield rule, Said(verdict, reasons, outcome.unit.kinds[unit], outcome.said.kinds[said], *known)


def _told(value: Interval, rows: Flags, exact: Flags) -> Texts:
    """Of these rows the number, or the range, as a text; NOTHING of the others."""
    if not rows.any():
        return Texts(np.full(len(rows), NOTHING, dtype=np.int32), pa.array([], pa.string()))
    exact, wide = rows & exact, np.flatnonzero(rows & ~exact)
    single = _numbers(value.low[exact])
    low, high = value.take(wide)
    firsts, pair = distinct_of([low, high])
    ranges = [_range(*each) for each in zip(low[firsts].tolist(), high[firsts].tolist(), strict=True)]
    codes = np.full(len(rows), NOTHING, dtype=np.int32)
    codes[exact], codes[wide] = single.codes, len(single.texts) + pair
    return Texts(codes, pa.concat_arrays([single.texts, pa.array(ranges, pa.string())]), distinct=False)


def _numbers(values: Floats) -> Texts:
    """Of each number its text, as _number() says; Arrow writes them, of those of the same four digits one.

    What lies too near the middle between two of four digits is looked at by itself, and so is what is told otherwise.
    """
    if len(values) > 1 and (values == values[0]).all():
        one = _numbers(values[:1])
        return replace(one, codes=np.repeat(one.codes, len(values)))
    size = np.abs(values)
    alike = (size >= _LEAST) & (size < _WHOLE)
    size = np.where(alike, size, 1.0)
    decade = np.clip(np.floor(np.log10(size)).astype(np.int64) + _DECADES, 0, len(_SCALES) - 1)
    scaled = size * _SCALES[decade]
    digits = np.rint(scaled)
    alike &= (np.abs(np.abs(scaled - digits) - 0.5) > TOLERANCE) & (digits < _WHOLE)
    firsts, number = distinct_of([(2 * decade + (values < 0)) * _WHOLE + digits.astype(np.int64)])
    rounded = (np.where(values < 0, -digits, digits) / _SCALES[decade])[firsts]
    others, other = distinct_of([values[~alike]])
    number[~alike] = len(firsts) + other
    single = [_number(each) for each in values[~alike][others].tolist()]
    told = pa.concat_arrays([pa.array(rounded).cast(pa.string()), pa.array(single, pa.string())])
    return Texts(number.astype(np.int32), told, distinct=False)


def _filled(patterns: Sequence[str], pattern: Integers, numbers: Sequence[Texts]) -> pa.Array:
    """The patterns with their numbers in the places of the marks."""
    columns = []
    pieces = [_pieces(each) for each in patterns]
    for place, each in enumerate(numbers):
        columns.append(pa.array([piece[place] for piece in pieces], pa.string()).take(pa.array(pattern)))
        words = pa.concat_arrays([each.texts, pa.array([""])])
        columns.append(words.take(pa.array(np.where(each.codes == NOTHING, len(each.texts), each.codes))))
    last = pa.array([piece[-1] for piece in pieces], pa.string()).take(pa.array(pattern))
    return pc.binary_join_element_wise(*columns, last, "")


def _pieces(pattern: str) -> list[str]:
    """What stands before each mark, and after all; nothing before one that is not in it."""
    pieces = []
    for mark in MARKS:
        before, found, after = pattern.partition(mark)
        pieces.append(before if found else "")
        pattern = after if found else pattern
    return [*pieces, pattern]


def _sentence(rule: Rule, row: Said) -> str:
    """What was met, and what the rule states; a rule by bands states its dose itself."""
    told = _banded if rule.kind in _BY_BANDS else _plain
    parts = [told(rule, row)] if _tells(rule, row) else []
    if row.verdict == INDETERMINATE:
        words = (REASON_WORDS[word] for i, word in enumerate(REASONS) if row.reasons >> i & 1)
        parts.insert(0, f"Cannot be judged: {'; '.join(words)}.")
    if row.verdict == INDETERMINATE or told is not _banded:
        parts.append(f"Rule: {rule.statement}")
    return f"{' '.join(parts).removesuffix('.')} ({rule.citation})."


def _tells(rule: Rule, row: Said) -> bool:
    """There are numbers to tell, or the verdict needs none."""
    known = row.given and (rule.kind not in _BY_BANDS or row.clearance)
    return known if rule.kind in _NOUNS else row.verdict != INDETERMINATE


def _plain(rule: Rule, row: Said) -> str:
    if rule.kind not in _NOUNS:
        return _in_words(rule, row)
    unit = _UNITS.get(str(row.unit), str(row.unit))
    bound = "below" if rule.kind in _RISES else "at least" if rule.kind in _AT_LEAST else "at most"
    observed = f"{_NOUNS[rule.kind]} {GIVEN} {unit}".rstrip()
    return (f"{observed}; the limit is {bound} {LIMIT} {unit}".rstrip() if row.limit else observed) + "."


def _in_words(rule: Rule, row: Said) -> str:
    labs = " and ".join(lab.removeprefix("any_") for lab in rule.parameters.get("labs", ()))
    words = {**rule.parameters, "labs": labs, "said": str(row.said).replace("_", " ")}
    words["value_set"] = str(rule.parameters.get("value_set", "")).replace("_", " ")
    text = _SENTENCES[rule.kind][row.verdict == FAIL].format(**words)
    return text[0].upper() + text[1:]


def _banded(rule: Rule, row: Said) -> str:
    which = "baseline creatinine clearance" if rule.parameters["basis"] == "baseline" else "creatinine clearance"
    given = f"{GIVEN} {row.unit} given at a {which} of {CLEARANCE} mL/min"
    return f"{given}; the label's dose is {LIMIT} {row.unit}." if row.limit else f"{given}."


def _range(low: float, high: float) -> str:
    if isnan(low) or isnan(high):
        return "unknown"
    if isinf(high):
        return f"at least {_number(low)}"
    return f"{_number(low)} to {_number(high)}"


def _number(value: float) -> str:
    """Four significant digits, without trailing zeros."""
    return f"{value:.4g}" if abs(value) < _WHOLE else f"{value:.0f}"


_WHOLE = 10_000
"""From here on numbers are told without digits behind the point."""
_DECADES = 4
_LEAST = 10.0**-_DECADES
"""Up to here they are told without an exponent."""
_SCALES = np.array([10.0 ** (3 - decade) for decade in range(-_DECADES, 4)])
"""What makes four digits of a number of the decade: whole powers, so that the digits over them are the number that is nearest."""
