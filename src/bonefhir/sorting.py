"""Rows by a number."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

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


_ROOMS, _ROOM = 8, 1 << 16
"""Places for each number, and anyway, up to which different numbers are found by place; beyond that by hash."""


def different(numbers: Integers, kinds: int) -> tuple[Integers, Integers]:
    """The first row of each different number, and of each row which of them it has. numbers: from 0 on, below `kinds`."""
    if kinds > _ROOMS * len(numbers) + _ROOM:
        codes, found = pd.factorize(numbers)
        return first_rows(codes, len(found)), codes
    there = np.zeros(kinds, dtype=bool)
    there[numbers] = True
    codes = (np.cumsum(there) - 1)[numbers]
    return first_rows(codes, int(np.count_nonzero(there))), codes


_SPARSE = 1 << 18
"""Numbers that may be so many, as sets of reasons may, are numbered anew."""


def distinct_of(columns: Iterable[npt.NDArray[Any]]) -> tuple[Integers, Integers]:
    """Of rows with a value in each of several columns, one at least: the first row of each different one, and of each row which
    of them it has. NaN is like NaN.
    """
    key, kinds = np.zeros(0, dtype=np.int64), 1
    for column in columns:
        key = key if len(key) == len(column) else np.zeros(len(column), dtype=np.int64)
        codes, span = _numbered(column)
        if span > 1:
            if kinds * span > np.iinfo(np.int64).max:
                rows, key = different(key, kinds)
                kinds = len(rows)
            key, kinds = key * span + codes, kinds * span
    return different(key, kinds)


def _numbered(column: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], int]:
    """Numbers that are alike where the values are, and how many there may be."""
    least = 0 if column.dtype.kind == "f" else int(column.min(initial=0))
    span = _SPARSE if column.dtype.kind == "f" else int(column.max(initial=0)) - least + 1
    if span < _SPARSE:
        return column - least if least else column, span
    codes, found = pd.factorize(column, use_na_sentinel=False)
    return codes, len(found)
