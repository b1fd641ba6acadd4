"""Rows by a number."""

import numpy as np

from bonefhir.interval import Integers

_BITS = 16
"""That numpy sorts by counting, in a fifth of the time of larger numbers."""


def by_number(numbers: Integers) -> Integers:
    """Rows by their numbers, none of which is negative; rows of one number as they stand."""
    rows = np.arange(len(numbers))
    if (numbers[1:] >= numbers[:-1]).all():
        return rows
    for shift in range(0, int(numbers.max()).bit_length(), _BITS):
        digits = (numbers >> shift).astype(np.uint16)
        rows = rows[np.argsort(digits[rows], kind="stable")]
    return rows


def first_rows(numbers: Integers, kinds: int) -> Integers:
    """Of each number below `kinds` the first row that has it; -1 where none has."""
    found = np.full(kinds, -1, dtype=np.int64)
    found[numbers[::-1]] = np.arange(len(numbers) - 1, -1, -1)  # of several rows for one number the last one stays
    return found
