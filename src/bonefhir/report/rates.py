"""A share and how far it can be trusted."""

from math import sqrt
from typing import NamedTuple

Z_95 = 1.959963984540054
"""Two-sided 95 % quantile of the normal distribution."""


class Share(NamedTuple):
    """numerator / denominator with its 95 % interval; all between 0 and 1."""

    value: float
    low: float
    high: float


def wilson(numerator: int, denominator: int) -> Share | None:
    """A share with Wilson's score interval without continuity correction; None if there is nothing to divide by.

    Chosen because it holds for shares near 0 and for small denominators, where the textbook's p +- 1.96 s leaves [0, 1].

    Source: Newcombe 1998, doi:10.1002/(SICI)1097-0258(19980430)17:8<857::AID-SIM777>3.0.CO;2-E, method 3.
    """
    if denominator == 0:
        return None
    share, z2 = numerator / denominator, Z_95 * Z_95
    middle = share + z2 / (2 * denominator)
    half = Z_95 * sqrt(share * (1 - share) / denominator + z2 / (4 * denominator * denominator))
    scale = 1 + z2 / denominator
    # At 0 and 1 rounding would leave the bounds a hair off the share itself.
    return Share(share, max(0.0, min(share, (middle - half) / scale)), min(1.0, max(share, (middle + half) / scale)))
