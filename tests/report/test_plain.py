"""What is quick about plain texts is what is slow about any."""

import json

import pyarrow as pa
import pyarrow.compute as pc
from hypothesis import given
from hypothesis import strategies as st

from bonefhir.report import spreadsheet
from bonefhir.report.json_texts import quoted
from bonefhir.report.spreadsheet import harmless
from bonefhir.report.visible import visible

TEXTS = st.lists(st.none() | st.text(st.sampled_from('a;=+-@ "\\/~\x7f\x1f\n\u202eµ\uff1d'), max_size=6), max_size=5)


@given(TEXTS, st.integers(0, 3))
def test_quotes_are_those_of_json(texts: list[str | None], start: int) -> None:
    column = pa.array(texts, pa.string()).slice(start)
    assert quoted(column).to_pylist() == [json.dumps(visible(text or "")) for text in texts[start:]]


@given(TEXTS, st.integers(0, 3))
def test_what_is_certainly_harmless_is_harmless(texts: list[str | None], start: int) -> None:
    column = pa.array(texts, pa.string()).slice(start)
    suspect = pc.match_substring_regex(column, spreadsheet._SUSPECT).to_pylist()
    if spreadsheet._are_harmless(column):
        assert not any(suspect)
    changed = harmless(column).to_pylist()
    assert [one != text for one, text in zip(changed, texts[start:], strict=True)] == [bool(one) for one in suspect]


def test_plain_columns_are_seen_at_once() -> None:
    column = pa.array(["8.5 mg/dL; the limit is 8.6", None, "", "a;b; c;"], pa.string())
    assert spreadsheet._are_harmless(column)
    assert harmless(column) is column
