"""Sentences of many verdicts at once: each as if it were the only one."""

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bonefhir.coded import arrow
from bonefhir.interval import Interval, missing
from bonefhir.judge.messages import messages
from bonefhir.judge.view import FAIL, INDETERMINATE, PASS, Outcome
from bonefhir.knowledge.load import load
from bonefhir.vocabulary import reason
from bonefhir.words import Words

RULES = load([]).rules
BANDED = ("dose_by_clearance", "underdose_by_clearance")

numbers = st.sampled_from([0.0, 0.5, 1.0000001, 3.3, 4.0, 34.99996, 12345.6, float("inf"), float("nan")])
rows = st.fixed_dictionaries(
    {
        "rule": st.integers(0, len(RULES) - 1),
        "verdict": st.sampled_from([PASS, FAIL, INDETERMINATE]),
        "reasons": st.sampled_from([0, reason("bounds"), reason("no-weight") | reason("partial-date")]),
        "observed": st.tuples(numbers, numbers).map(sorted),
        "clearance": st.tuples(numbers, numbers).map(sorted),
        "limit": numbers,
        "unit": st.sampled_from([None, "mg", "1", "umol/L"]),
        "said": st.sampled_from(["", "oral", "bone_metastases"]),
    }
)


def told(found: list[dict[str, Any]]) -> list[str]:
    def floats(values: list[float]) -> Any:
        return np.array(values, dtype=np.float64)

    def interval(name: str) -> Interval:
        return Interval(floats([row[name][0] for row in found]), floats([row[name][1] for row in found]))

    def words(name: str) -> Words:
        return Words.of(np.array([row[name] for row in found], dtype=object))

    rule, verdict, reasons = (np.array([row[name] for row in found], dtype=np.int64) for name in ("rule", "verdict", "reasons"))
    limit, nothing = floats([row["limit"] for row in found]), np.zeros(len(found), dtype=np.int64)
    outcome = Outcome(verdict, reasons, interval("observed"), limit, words("unit"), nothing, words("said"))
    banded = np.array([RULES[number].kind in BANDED for number in rule], dtype=bool)
    clearance = interval("clearance").where(banded, missing(len(found)))
    return arrow(messages(RULES, rule, outcome, clearance)).to_pylist()


@given(st.lists(rows, max_size=12))
def test_a_sentence_does_not_depend_on_the_others(found: list[dict[str, Any]]) -> None:
    assert told(found) == [told([row])[0] for row in found]


def test_numbers_stand_where_they_are_told() -> None:
    number = next(
        n for n, rule in enumerate(RULES) if rule.kind == "dose_by_clearance" and rule.parameters["basis"] != "baseline"
    )
    row = {"rule": number, "verdict": FAIL, "reasons": 0, "unit": "mg", "said": "", "limit": 3.3}
    ranges = [{"observed": [4.0, 4.0], "clearance": [34.99996, 40.0]}, {"observed": [1.5, 2.0], "clearance": [50.0, 50.0]}]
    both = told([row | each for each in ranges])
    assert both[0].startswith("4 mg given at a creatinine clearance of 35 to 40 mL/min; the label's dose is 3.3 mg")
    assert both[1].startswith("1.5 to 2 mg given at a creatinine clearance of 50 mL/min; the label's dose is 3.3 mg")


halves = st.integers(1, 10**7).map(lambda number: number / 2000)
amounts = st.sampled_from([1.0, 10.0, 9999.5, 1e-4]) | st.floats(1e-7, 1e6) | halves | st.integers(1, 10**6).map(float)


@given(st.lists(amounts | amounts.map(lambda value: -value) | st.just(0.0), min_size=1, max_size=40))
def test_numbers_have_four_digits_whatever_others_there_are(values: list[float]) -> None:
    """Halves of the last digit among them, which are rounded by what the number is in binary."""
    number = next(n for n, rule in enumerate(RULES) if rule.kind == "creatinine_max")
    row = {"rule": number, "verdict": PASS, "reasons": 0, "unit": "mg/dL", "said": "", "limit": 3.0, "clearance": [1.0, 1.0]}
    told_alone = [f"{value:.4g}" if abs(value) < 10_000 else f"{value:.0f}" for value in values]
    found = told([row | {"observed": [value, value]} for value in values])
    assert [sentence.split(" mg/dL;")[0] for sentence in found] == [f"Creatinine {each}" for each in told_alone]


def test_a_limit_that_is_not_known_is_not_told() -> None:
    """Creatinine after an interruption without a baseline: the limit is a multiple of what is missing."""
    number = next(n for n, rule in enumerate(RULES) if rule.kind == "creatinine_recovery")
    row = {"rule": number, "verdict": INDETERMINATE, "reasons": reason("no-baseline"), "unit": "mg/dL", "said": ""}
    (sentence,) = told([row | {"observed": [1.4, 1.4], "clearance": [1.0, 1.0], "limit": float("nan")}])
    assert sentence.startswith("Cannot be judged: there is no baseline before the first dose. Creatinine 1.4 mg/dL. Rule: ")


@given(st.lists(rows, max_size=12))
def test_no_sentence_tells_a_number_that_is_none(found: list[dict[str, Any]]) -> None:
    assert not [sentence for sentence in told(found) if "nan" in sentence.split()]
