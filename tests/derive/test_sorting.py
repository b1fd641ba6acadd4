"""Rows by number: as numpy sorts them, whatever the size of the numbers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bonefhir import sorting
from bonefhir.sorting import by_number, different, first_rows

numbers = st.integers(0, 3) | st.integers(0, 1 << 20) | st.integers(0, (1 << 62) - 1)


@given(st.lists(numbers, max_size=30))
def test_rows_are_by_number_and_else_as_they_stand(found: list[int]) -> None:
    keys = np.array(found, dtype=np.int64)
    assert by_number(keys).tolist() == np.argsort(keys, kind="stable").tolist()


@given(st.lists(st.integers(0, 5), max_size=12))
def test_the_first_row_of_each_number(found: list[int]) -> None:
    expected = [found.index(number) if number in found else -1 for number in range(6)]
    assert first_rows(np.array(found, dtype=np.int64), 6).tolist() == expected


@pytest.mark.parametrize("room", [0, 1 << 16], ids=["by hash", "by place"])
@given(found=st.lists(st.integers(0, 40), max_size=12))
def test_a_row_of_each_different_number_and_which_one_each_row_has(room: int, found: list[int]) -> None:
    numbers = np.array(found, dtype=np.int64)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sorting, "_ROOM", room)
        patch.setattr(sorting, "_ROOMS", 0)
        rows, codes = different(numbers, 41)
    assert numbers[rows][codes].tolist() == found
    assert len(rows) == len(set(found))
