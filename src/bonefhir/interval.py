"""Arithmetic and comparison of intervals on columns.

An unknown quantity is the interval of its possibilities; NaN bounds mean that there is none to speak of. All
comparisons take a tolerance of 1e-6 in the canonical unit, in favour of "equal": `1.4 - 0.9` is a rise of 0.5.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Integers = npt.NDArray[np.int64]

TOLERANCE = 1e-6


class Interval(NamedTuple):
    """One interval per row: low <= high, both NaN where the quantity is missing."""

    low: Floats
    high: Floats

    @property
    def known(self) -> Flags:
        return ~(np.isnan(self.low) | np.isnan(self.high))

    @property
    def exact(self) -> Flags:
        return self.known & (self.high - self.low <= TOLERANCE)

    def __add__(self, other: "Interval") -> "Interval":  # type: ignore[override]
        return Interval(self.low + other.low, self.high + other.high)

    def __sub__(self, other: "Interval") -> "Interval":
        return Interval(self.low - other.high, self.high - other.low)

    def scaled(self, factor: float | Floats) -> "Interval":
        """Times a factor that is not negative."""
        return Interval(self.low * factor, self.high * factor)

    def times(self, other: "Interval") -> "Interval":
        """Product of two intervals without negative values."""
        return Interval(_product(self.low, other.low), _product(self.high, other.high))

    def over(self, other: "Interval") -> "Interval":
        """Quotient of two intervals without negative values. Over zero: infinity; zero over anything: zero."""
        return Interval(_quotient(self.low, other.high), _quotient(self.high, other.low))

    def hull(self, other: "Interval") -> "Interval":
        return Interval(np.fmin(self.low, other.low), np.fmax(self.high, other.high))

    def take(self, rows: Integers | Flags) -> "Interval":
        return Interval(self.low[rows], self.high[rows])

    def where(self, condition: Flags, other: "Interval") -> "Interval":
        """This interval where the condition holds, else the other."""
        return Interval(np.where(condition, self.low, other.low), np.where(condition, self.high, other.high))


def exactly(values: Floats) -> Interval:
    return Interval(values, values)


def missing(rows: int) -> Interval:
    """Two arrays, never one twice: callers fill the bounds in place."""
    return Interval(np.full(rows, np.nan), np.full(rows, np.nan))


def above(values: Floats, limit: float | Floats) -> Flags:
    return np.asarray(values > limit + TOLERANCE)


def at_least(values: Floats, limit: float | Floats) -> Flags:
    return np.asarray(values >= limit - TOLERANCE)


def below(values: Floats, limit: float | Floats) -> Flags:
    return np.asarray(values < limit - TOLERANCE)


def at_most(values: Floats, limit: float | Floats) -> Flags:
    return np.asarray(values <= limit + TOLERANCE)


def _product(a: Floats, b: Floats) -> Floats:
    zero = (a == 0) | (b == 0)
    with np.errstate(invalid="ignore"):
        return np.where(zero & ~np.isnan(a) & ~np.isnan(b), 0.0, a * b)


def _quotient(a: Floats, b: Floats) -> Floats:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where((a == 0) & ~np.isnan(b), 0.0, a / b)
