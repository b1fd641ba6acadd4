"""Rows by number: as numpy sorts them, whatever the size of the numbers."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bonefhir.sorting import by_number, first_rows

numbers = st.integers(0, 3) | st.integers(0, 1 << 20) | st.integers(0, (1 << 62) - 1)


@given(st.lists(numbers, max_size=30))
def test_rows_are_by_number_and_else_as_they_stand(found: list[int]) -> None:
    keys = np.array(found, dtype=np.int64)
    assert by_number(keys).tolist() == np.argsort(keys, kind="stable").tolist()


@given(st.lists(st.integers(0, 5), max_size=12))
def test_the_first_row_of_each_number(found: list[int]) -> None:
    expected = [found.index(number) if number in found else -1 for number in range(6)]
    assert first_rows(np.array(found, dtype=np.int64), 6).tolist() == expected
