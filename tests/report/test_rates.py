"""Wilson's interval against the values printed by Newcombe 1998, table I, method 3 (score, no continuity correction)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bonefhir.report.rates import wilson


@pytest.mark.parametrize(
    ("numerator", "denominator", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_textbook_values(numerator: int, denominator: int, low: float, high: float) -> None:
    share = wilson(numerator, denominator)
    assert share is not None
    assert (round(share.low, 4), round(share.high, 4)) == (low, high)


def test_nothing_to_divide_by_is_no_share() -> None:
    assert wilson(0, 0) is None


@given(st.integers(1, 10**7).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_bounds_hold_the_share(pair: tuple[int, int]) -> None:
    share = wilson(*pair)
    assert share is not None
    assert 0 <= share.low <= share.value <= share.high <= 1
