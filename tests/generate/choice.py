"""Every choice of the generator goes through one object, so that random.Random and Hypothesis can both drive it."""

import random
from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")


class Choice:
    """Choices on top of one primitive, `below(n)`: an integer from 0 to n - 1.

    The plainest outcome is always that of 0, so that Hypothesis shrinks towards plain patients: the first of a list, no for a
    chance, the low end of a number.
    """

    def __init__(self, below: Callable[[int], int]) -> None:
        self.below = below

    @classmethod
    def random(cls, rng: random.Random) -> "Choice":
        return cls(rng.randrange)

    def pick(self, options: Sequence[T]) -> T:
        return options[self.below(len(options))]

    def weighted(self, options: Sequence[tuple[int, T]]) -> T:
        """Of (weight, option); put the plainest first."""
        left = self.below(sum(weight for weight, _ in options))
        for weight, option in options:
            if left < weight:
                return option
            left -= weight
        raise AssertionError("weights are positive")

    def chance(self, share: float) -> bool:
        return self.below(1000) >= round(1000 * (1 - share))

    def whole(self, low: int, high: int) -> int:
        """From low to high, both included."""
        return low + self.below(high - low + 1)

    def number(self, low: float, high: float, decimals: int = 1) -> float:
        """A decimal of so many places from low to high."""
        step = 10**decimals
        return float(round(low + self.below(round((high - low) * step) + 1) / step, decimals))

    def near(self, limit: float, by: float = 0.01, decimals: int = 6) -> float:
        """A limit, or a little above or below it."""
        return round(limit + by * self.pick((0, -1, 1)), decimals)
