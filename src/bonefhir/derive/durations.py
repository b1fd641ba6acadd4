"""Infusion time: end − start, else dose / rate (semantics, section 2)."""

from dataclasses import dataclass

import numpy as np

from bonefhir.derive.chart import Chart
from bonefhir.derive.windows import NEVER, Moments
from bonefhir.interval import Flags, Floats, Interval

_MINUTE = 60_000_000


@dataclass(frozen=True)
class Durations:
    """minutes: a stopped dose would have taken longer, so its high bound is open. by_rate: computed from a rate.

    quality: data-quality findings (row, kind).
    """

    minutes: Interval
    by_rate: Flags
    quality: list[tuple[int, str]]


def duration(doses: Chart, when: Moments) -> Durations:
    end = doses.integers("end_instant")
    both = when.timed & (end != NEVER)
    minutes = np.where(both & (end > when.instant), (end - when.instant) / _MINUTE, np.nan)
    zero, negative = both & (end == when.instant), both & (end < when.instant)
    stopped = doses.flags("stopped")
    low, high = (np.where(both, minutes, _by_rate(doses, amount)) for amount in ("amount", "amount_top"))
    quality = [(int(row), "zero-duration") for row in np.flatnonzero(zero)]
    quality += [(int(row), "negative-duration") for row in np.flatnonzero(negative | _ends_before(doses, when, both))]
    known = ~np.isnan(high)
    return Durations(Interval(low, np.where(stopped & known, np.inf, high)), known & ~both, quality)


def _by_rate(doses: Chart, amount: str) -> Floats:
    """Amount, at its one end, over amount per minute; else volume over volume per minute."""
    by_amount = doses.floats(amount) / doses.floats("rate_amount")
    return np.where(np.isnan(by_amount), doses.floats("volume_ml") / doses.floats("rate_volume"), by_amount)


def _ends_before(doses: Chart, when: Moments, both: Flags) -> Flags:
    """An end on an earlier date than the start, where not both have a time."""
    end = doses.integers("end_last")
    return np.asarray(~both & (end != NEVER) & when.dated & (end < when.first))


def amount_by_rate(doses: Chart, when: Moments) -> Floats:
    """Rate × duration, where no dose is charted; NaN where either is unknown."""
    end = doses.integers("end_instant")
    minutes = np.where(when.timed & (end > when.instant) & (end != NEVER), (end - when.instant) / _MINUTE, np.nan)
    return np.asarray(doses.floats("rate_amount") * minutes)
