"""Statistical process control of a share by month (p-chart) and of rare events (g-chart). Pure functions on arrays.

The baseline is everything shown: centre line and limits are computed from all points, none is left out after the fact.

Sources: Montgomery, Introduction to Statistical Quality Control, 6th ed., section 7.2 (p-chart, varying denominators);
Benneyan 2001, Health Care Management Science 4:305-318 (g-chart); Provost and Murray, The Health Care Data Guide, 2011,
chapter 4 (special causes, ties, points on a line).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

SIGMAS = 3.0
SHIFT = 8
"""Points in a row on one side of the centre line."""
TREND = 6
"""Points in a row of which each is above the one before, or each below."""

LEAST_DENOMINATOR = 10
"""Doses of a month below which it is no point of a p-chart: one event would do to cross the limit."""
LEAST_POINTS = 12
"""Points below which nothing is drawn: limits from fewer move with every further one."""
LEAST_EVENTS = 3.0
"""Events, and non-events, expected of a month: below, a month without any says nothing. P(none) is then 5 %.

Source: Montgomery, section 7.2.1: the sample is to hold at least one nonconforming item with a probability of 95 %, np >= 3.
"""
RARE = 0.1
"""The greatest share of events for which the doses between them are charted. Ours, not from a source."""

_HAIR = 1e-12
"""A point that is on a limit but for rounding is on it, and so not outside."""


@dataclass(frozen=True)
class Signals:
    """Which points are part of a special cause, in the order of the points.

    outside   above the upper or below the lower limit; a point on a limit is not
    shift     one of at least SHIFT points in a row on one side of the centre line
    trend     one of at least TREND points in a row that rise, or fall
    """

    outside: Bools
    shift: Bools
    trend: Bools

    @property
    def any(self) -> Bools:
        found: Bools = self.outside | self.shift | self.trend
        return found


@dataclass(frozen=True)
class PChart:
    """A share per month. `values`, `lower` and `upper` are NaN where the denominator is below LEAST_DENOMINATOR."""

    values: Floats
    centre: float
    lower: Floats
    upper: Floats
    signals: Signals


@dataclass(frozen=True)
class GChart:
    """Doses between one event and the next. There is no lower limit: three sigma below the mean is below zero always.

    median   shifts are counted about it: in a skewed distribution half of the points are below the median, not the mean
    """

    values: Ints
    centre: float
    median: float
    upper: float
    signals: Signals


def p_chart(events: Ints, denominators: Ints, least: int = LEAST_DENOMINATOR) -> PChart:
    """A p-chart with limits that follow the denominators; one point per month, months in order.

    p_i = D_i / n_i, centre p = sum(D) / sum(n), limits p -+ 3 sqrt(p (1 - p) / n_i), cut at 0 and 1. Sums are over the months
    that are points. A month that is none ends a run and a trend: what happened in it is not known.
    """
    point = denominators >= max(1, least)
    n = np.where(point, denominators, np.nan)
    values = np.where(point, events, np.nan) / n
    total = int(denominators[point].sum())
    centre = float(events[point].sum()) / total if total else float("nan")
    half = SIGMAS * np.sqrt(centre * (1 - centre) / n)
    lower, upper = np.maximum(0.0, centre - half), np.minimum(1.0, centre + half)
    outside = (values > upper + _HAIR) | (values < lower - _HAIR)
    return PChart(values, centre, lower, upper, Signals(outside, shifts(values - centre), trends(values)))


def gaps(events: Bools) -> Ints:
    """Doses without the event between one event and the next; those before the first and after the last are left out."""
    return np.diff(np.flatnonzero(events)).astype(np.int64) - 1


def g_chart(between: Ints) -> GChart:
    """A g-chart of the doses between events (`gaps`), at least one of them.

    For a geometric count from 0, with mean g: centre g, upper limit g + 3 sqrt(g (g + 1)). Share of events: 1 / (g + 1).
    A point above the limit is a long time without the event; that it became more frequent shows as a shift.
    """
    values = between.astype(np.float64)
    centre, median = float(values.mean()), float(np.median(values))
    upper = centre + SIGMAS * float(np.sqrt(centre * (centre + 1)))
    signals = Signals(values > upper + _HAIR, shifts(values - median), trends(values))
    return GChart(between, centre, median, upper, signals)


def shifts(distance: Floats) -> Bools:
    """Points of a shift, by their distance to the centre line.

    A point on the line neither counts nor ends the run; NaN ends it. Source: Provost and Murray.
    """
    return _runs(np.sign(distance), np.flatnonzero(np.isnan(distance)), SHIFT)


def trends(values: Floats) -> Bools:
    """Points of a trend.

    A point equal to the one before neither counts nor ends it; NaN ends it. Source: Provost and Murray.
    """
    found = np.zeros(len(values), np.bool_)
    for part in _unbroken(np.isnan(values)):
        kept = part[np.insert(np.diff(values[part]) != 0, 0, True)]
        steps = np.sign(np.diff(values[kept]))
        for first, last in _equal(steps):
            if last - first + 2 >= TREND:
                found[kept[first : last + 2]] = True
    return found


def _runs(sides: Floats, breaks: NDArray[np.intp], least: int) -> Bools:
    found = np.zeros(len(sides), np.bool_)
    broken = np.zeros(len(sides), np.bool_)
    broken[breaks] = True
    for part in _unbroken(broken):
        kept = part[sides[part] != 0]
        for first, last in _equal(sides[kept]):
            if last - first + 1 >= least:
                found[kept[first : last + 1]] = True
    return found


def _unbroken(broken: Bools) -> list[NDArray[np.intp]]:
    """Positions of the stretches between the breaks."""
    places = np.flatnonzero(~broken)
    return np.split(places, np.flatnonzero(np.diff(places) > 1) + 1) if len(places) else []


def _equal(sides: Floats) -> list[tuple[int, int]]:
    """(first, last) of each stretch of equal values."""
    if not len(sides):
        return []
    starts = np.insert(np.flatnonzero(np.diff(sides)) + 1, 0, 0)
    ends = np.append(starts[1:], len(sides)) - 1
    return list(zip(starts.tolist(), ends.tolist(), strict=True))


def is_p(events: Ints, denominators: Ints) -> bool:
    """Whether a share by month is to be charted: LEAST_POINTS months of LEAST_DENOMINATOR doses, and in each on average at least
    LEAST_EVENTS events and as many non-events."""
    point = denominators >= LEAST_DENOMINATOR
    months, hits, all_ = int(point.sum()), int(events[point].sum()), int(denominators[point].sum())
    return months >= LEAST_POINTS and min(hits, all_ - hits) >= LEAST_EVENTS * months


def is_g(events: Bools, months: int) -> bool:
    """Whether the doses between events are to be charted: LEAST_POINTS gaps, at most RARE of the doses are events, and a month
    has on average fewer than LEAST_EVENTS."""
    hits = int(events.sum())
    return LEAST_POINTS < hits < LEAST_EVENTS * months and hits <= RARE * len(events)


def may_be_g(events: Ints) -> bool:
    """Whether there are events enough, of which some may not be known to the day."""
    return int(events.sum()) > LEAST_POINTS
