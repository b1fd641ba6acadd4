"""Intervals, and comparisons with the tolerance of semantics.md, section 0."""

from collections.abc import Iterable
from math import inf
from typing import NamedTuple

TOLERANCE = 1e-6
"""'Comparisons use an absolute tolerance of 1e-6 in the canonical unit in favour of "equal".'"""


class Interval(NamedTuple):
    """'Every quantity is an interval [low, high] in its canonical unit. An exact value has low = high.'"""

    low: float
    high: float


def exactly(value: float) -> Interval:
    return Interval(value, value)


def less(a: float, b: float) -> bool:
    return a < b - TOLERANCE


def more(a: float, b: float) -> bool:
    return a > b + TOLERANCE


def at_least(a: float, b: float) -> bool:
    return not less(a, b)


def at_most(a: float, b: float) -> bool:
    return not more(a, b)


def same(a: float, b: float) -> bool:
    return not less(a, b) and not more(a, b)


def hull(intervals: Iterable[Interval]) -> Interval:
    """'two different values at the same instant are their range'."""
    some = list(intervals)
    return Interval(min(i.low for i in some), max(i.high for i in some))


def divided(above: float, below: float) -> float:
    """A quotient of numbers that are not negative; by nothing: without bound."""
    if below == 0:
        return inf
    return above / below if above != inf else inf


def scaled(interval: Interval, factor: float) -> Interval:
    return Interval(interval.low * factor, interval.high * factor)
