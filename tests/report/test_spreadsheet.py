"""No text of the data becomes a formula, and none hides a character."""

import re

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bonefhir.report.spreadsheet import harmless
from bonefhir.report.visible import visible, visible_column
from tests.report.fixtures import HOSTILE, MARKS

FORMULA = re.compile(r"(^|;)\s*[=+\-@\uff1d\uff0b\uff0d\uff20\ufe66\ufe62\ufe63\ufe6b\u2212]")
TEXTS = st.text(st.one_of(st.characters(codec="utf-8"), st.sampled_from("=+-@;'\t\r\n \u202e\u200b\u00a0\uff1d")), max_size=12)


def one(text: str) -> str:
    return str(harmless(pa.array([text]))[0].as_py())


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_texts_are_no_formulas(text: str) -> None:
    assert not FORMULA.search(one(text))


@given(TEXTS)
def test_no_text_is_a_formula_or_hides_a_character(text: str) -> None:
    cell = one(text)
    assert not FORMULA.search(cell)
    assert visible(cell) == cell
    assert cell.isprintable() or not any(mark in cell for mark in MARKS)


@given(st.lists(st.none() | TEXTS, max_size=5))
def test_column_and_single_text_agree(texts: list[str | None]) -> None:
    expected = [None if text is None else visible(text) for text in texts]
    assert visible_column(pa.array(texts, pa.string())).to_pylist() == expected


def test_ordinary_text_is_left_alone() -> None:
    text = "Zoledronsäure 4 mg; 15 min – 山田 😀, 1.4 mg/dL (Zometa US PI 2.2)"
    assert one(text) == text
