"""FHIR dates of the usual forms are read as bytes: as they would be by the pattern that holds for all."""

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bonefhir.normalise import times

YEAR, CLOCK, ASCII = r"[0-2]\d{3}", r"[0-2]\d:[0-6]\d", st.characters(codec="ascii")
TEXTS = st.one_of(
    st.from_regex(rf"{YEAR}-[01]\d-[0-3]\d(T{CLOCK}:[0-6]\d(Z|[+-][01]\d:[0-6]\d))?", fullmatch=True, alphabet=ASCII),
    st.from_regex(rf"{YEAR}(-[01]\d(-[0-3]\d(T{CLOCK}(:[0-6]\d(\.\d{{1,8}})?)?Z?)?)?)?", fullmatch=True, alphabet=ASCII),
    st.sampled_from(["2024-05-20T10:00:00Z", "2024-05-20T10:00:00+02:00", "2024-05-20"]).flatmap(
        lambda text: st.tuples(st.integers(0, len(text) - 1), st.characters(max_codepoint=0x2FF)).map(
            lambda place: text[: place[0]] + place[1] + text[place[0] + 1 :]
        )
    ),
    st.none(),
)


@given(st.lists(TEXTS, max_size=20))
def test_bytes_say_what_the_pattern_says(texts: list[str | None]) -> None:
    array = pa.array(texts, pa.string())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(times, "_FORMS", ())
        expected = times.parse(array)
    found = times.parse(array)
    for name in ("instant", "first", "last", "no_offset"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))


def test_some_of_each_form_is_read_as_bytes() -> None:
    texts = ["2024-05-20T10:00:00-02:30", "2024-05-20T10:00:00Z", "2024-05-20"]
    usual = [times._by_bytes(pa.array([text]), form)[0].all() for text, form in zip(texts, times._FORMS, strict=True)]
    assert usual == [True, True, True]
    found = times.parse(pa.array(texts))
    assert found.instant.astype(str).tolist() == ["2024-05-20T12:30:00.000000", "2024-05-20T10:00:00.000000", "NaT"]
