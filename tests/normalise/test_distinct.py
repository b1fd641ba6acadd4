"""Rows are decided by what is distinct of them: found by counting where numbers are small, by sorting where they are not."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bonefhir import sorting
from bonefhir.normalise import quality
from bonefhir.normalise.concepts import repeated
from bonefhir.sorting import distinct_of

ROWS = st.integers(0, 30).flatmap(
    lambda rows: st.lists(st.lists(st.sampled_from([0, 1, 2, 50, 10**9]), min_size=rows, max_size=rows), min_size=1, max_size=4)
)


@given(ROWS, st.sampled_from([0, 1 << 16]), st.sampled_from([1, 100, 1 << 18, 1 << 62]))
def test_first_row_of_each_and_which_of_them_each_row_is(columns: list[list[int]], room: int, sparse: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sorting, "_ROOMS", 0 if room == 0 else 8)
        patch.setattr(sorting, "_ROOM", room)
        patch.setattr(sorting, "_SPARSE", sparse)
        first, codes = distinct_of(np.array(column, dtype=np.int64) for column in columns)
    rows = list(zip(*columns, strict=True))
    assert [rows[first[code]] for code in codes] == rows
    assert sorted(first) == sorted({rows.index(row) for row in rows})


@given(ROWS)
def test_every_row_that_is_there_twice_is_found(columns: list[list[int]]) -> None:
    rows = list(zip(*columns, strict=True))
    found = repeated(quality._hashes([np.array(column, dtype=np.int64) for column in columns]))
    assert found.tolist() == [rows.count(row) > 1 for row in rows]
