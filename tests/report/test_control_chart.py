"""Control charts against textbooks, and the rules of special causes point by point."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bonefhir.report.control_chart import g_chart, gaps, is_g, is_p, p_chart, shifts, trends

# Montgomery, Introduction to Statistical Quality Control, table 7.1: orange juice cans, 30 samples of 50.
JUICE = np.array([12, 15, 8, 10, 4, 7, 16, 9, 14, 10, 5, 6, 17, 12, 22, 8, 10, 5, 13, 11, 20, 18, 24, 15, 9, 12, 7, 13, 9, 6])


def test_the_textbook_example_of_a_p_chart() -> None:
    chart = p_chart(JUICE, np.full(30, 50))
    assert JUICE.sum() == 347
    assert round(chart.centre, 4) == 0.2313
    assert {round(float(bound), 4) for bound in chart.lower} == {0.0524}
    assert {round(float(bound), 4) for bound in chart.upper} == {0.4102}
    assert [int(place) + 1 for place in np.flatnonzero(chart.signals.outside)] == [15, 23]


# Montgomery, table 7.4: purchase orders with errors, 25 weeks of 80 to 120 orders.
ORDERS = np.array(
    [100, 80, 80, 100, 110, 110, 100, 100, 90, 90, 110, 120, 120, 120, 110, 80, 80, 80, 90, 100, 100, 100, 100, 90, 90]
)
WRONG = np.array([12, 8, 6, 9, 10, 12, 11, 16, 10, 6, 20, 15, 9, 8, 6, 8, 10, 7, 5, 8, 5, 8, 10, 6, 9])


def test_the_textbook_example_with_varying_denominators() -> None:
    """The book rounds the centre line to 0.096 before it computes 0.007 and 0.184 for 100 orders."""
    chart = p_chart(WRONG, ORDERS)
    assert (WRONG.sum(), ORDERS.sum()) == (234, 2450)
    assert round(chart.centre, 3) == 0.096
    assert round(float(chart.lower[0]), 3) == 0.007
    assert round(float(chart.upper[0]), 3) == 0.184
    assert [int(place) + 1 for place in np.flatnonzero(chart.signals.outside)] == [11]


def test_limits_follow_the_denominators() -> None:
    """By hand: p = 40 / 400 = 0.1, sigma = 0.3 / sqrt(n): 0.03 for 100, 0.06 for 25, 0.02 for 225, 0.3 / sqrt(50) for 50."""
    chart = p_chart(np.array([10, 8, 22, 0]), np.array([100, 25, 225, 50]))
    assert chart.centre == pytest.approx(0.1)
    assert chart.upper.tolist() == pytest.approx([0.19, 0.28, 0.16, 0.1 + 0.9 / 50**0.5])
    assert chart.lower.tolist() == pytest.approx([0.01, 0.0, 0.04, 0.0])
    assert chart.signals.outside.tolist() == [False, True, False, False]


def test_a_point_on_a_limit_is_not_outside() -> None:
    """p = 0.1 and n = 100 give the limits 0.01 and 0.19, of which 0.19 is the first point."""
    chart = p_chart(np.array([19, 1, 10]), np.array([100, 100, 100]))
    assert chart.signals.outside.tolist() == [False, False, False]


def test_a_month_of_few_doses_is_no_point_and_ends_a_run() -> None:
    events, doses = np.array([*[1] * 7, 0, *[1] * 7, *[9] * 14]), np.array([*[20] * 7, 3, *[20] * 21])
    chart = p_chart(events, doses)
    assert np.isnan(chart.values[7])
    assert np.isnan(chart.upper[7])
    assert chart.centre == (14 + 126) / (28 * 20)
    assert not chart.signals.shift[:15].any()
    assert chart.signals.shift[15:].all()


@pytest.mark.parametrize(
    ("sides", "expected"),
    [
        ("+++++++", "......."),
        ("++++++++", "########"),
        ("-++++++++-", ".########."),
        ("++++0++++", "####.####"),
        ("++++0+++", "........"),
        ("++++-++++", "........."),
        ("++++ ++++", "........."),
        ("0--------0", ".########."),
    ],
)
def test_a_shift_is_eight_on_one_side_and_a_point_on_the_line_neither_counts_nor_ends_it(sides: str, expected: str) -> None:
    distance = np.array([{"+": 0.1, "-": -0.1, "0": 0.0, " ": np.nan}[side] for side in sides])
    assert "".join("#" if found else "." for found in shifts(distance)) == expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1, 2, 3, 4, 5], "....."),
        ([1, 2, 3, 4, 5, 6], "######"),
        ([6, 5, 4, 3, 2, 1, 2], "######."),
        ([1, 2, 3, 3, 4, 5, 6], "###.###"),
        ([1, 2, 3, 3, 4, 5], "......"),
        ([1, 2, 3, np.nan, 4, 5, 6], "......."),
        ([3, 3, 3, 3, 3, 3], "......"),
        ([1, 2, 3, 4, 5, 6, 5, 4, 3, 2, 1], "###########"),
    ],
)
def test_a_trend_is_six_that_rise_or_fall_and_a_tie_neither_counts_nor_ends_it(values: list[float], expected: str) -> None:
    assert "".join("#" if found else "." for found in trends(np.array(values, float))) == expected


@given(st.lists(st.integers(0, 5), max_size=40))
def test_both_rules_read_the_same_backwards(numbers: list[int]) -> None:
    values = np.array(numbers, float)
    # Of equal neighbours the first is the point of a trend, so only whether there is one is the same.
    assert trends(values).any() == trends(values[::-1]).any()
    assert (shifts(values - 2) == shifts(values[::-1] - 2)[::-1]).all()


def test_the_formulae_of_a_g_chart() -> None:
    """By hand: gaps 1, 0, 3, 16; mean 5, limit 5 + 3 sqrt(5 * 6) = 21.4317, median 2."""
    events = np.array([0, 0, 1, 0, 1, 1, 0, 0, 0, 1, *[0] * 16, 1, 0], bool)
    chart = g_chart(gaps(events))
    assert chart.values.tolist() == [1, 0, 3, 16]
    assert (chart.centre, chart.median) == (5.0, 2.0)
    assert chart.upper == pytest.approx(21.4317, abs=5e-5)
    assert not chart.signals.any.any()


def test_a_long_time_without_the_event_is_above_the_limit() -> None:
    """By hand: 24 gaps of 4 and one of 104: mean 8, limit 8 + 3 sqrt(72) = 33.46."""
    chart = g_chart(np.array([*[4] * 24, 104]))
    assert np.flatnonzero(chart.signals.outside).tolist() == [24]


def test_which_chart_is_drawn() -> None:
    twelve, fifty = np.full(12, 3), np.full(12, 50)
    assert is_p(twelve, fifty)
    assert not is_p(twelve[:11], fifty[:11]), "eleven months"
    assert not is_p(np.array([*[3] * 11, 2]), fifty), "fewer than three events a month"
    assert not is_p(fifty - 2, fifty), "fewer than three without the event a month"
    assert not is_p(np.full(12, 3), np.full(12, 9)), "small denominators"
    rare = np.zeros(1000, bool)
    rare[:130:10] = True
    assert is_g(rare, 12)
    assert not is_g(rare, 4), "three a month"
    assert not is_g(rare[:120], 12), "more than a tenth, and eleven gaps"
    assert not is_g(rare[:121], 12), "a tenth is passed"
