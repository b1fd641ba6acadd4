"""Rows in the order of a number."""

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
