"""Which measurements lie in a window around which doses: the one join of the program, on sorted integers.

All rows of one patient form a block; a window is a range of the block. Partial dates make a lab, or a dose, a range of
days: then a lab is a *certain* candidate if it is one for every possible day, and a *possible* one if it is for some.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from bonefhir.interval import Flags, Integers

NEVER = np.iinfo(np.int64).min
_DAY_BITS = 24
_DAY_SHIFT = 1 << 23


@dataclass(frozen=True)
class Moments:
    """One element per dose, or per event of a patient.

    patient     integer code
    instant     microseconds since 1970 in UTC; NEVER without a time of day
    first, last days since 1970, first and last possible local date; NEVER in both: no date at all
    """

    patient: Integers
    instant: Integers
    first: Integers
    last: Integers

    def __len__(self) -> int:
        return len(self.patient)

    @property
    def timed(self) -> Flags:
        return np.asarray(self.instant != NEVER)

    @property
    def dated(self) -> Flags:
        return np.asarray(self.first != NEVER)

    @cached_property
    def in_order(self) -> tuple[Integers, Integers]:
        """Those of one date, by patient and date: their keys, and their rows."""
        rows = np.flatnonzero(self.dated & (self.first == self.last))
        return _sorted(_key(self.patient[rows], self.first[rows]), rows)

    def take(self, rows: Integers | Flags) -> "Moments":
        return Moments(self.patient[rows], self.instant[rows], self.first[rows], self.last[rows])


@dataclass(frozen=True)
class Pairs:
    """Dose and event of one patient. certain and possible exclude each other; pairs that are neither are left out."""

    dose: Integers
    event: Integers
    certain: Flags

    @property
    def possible(self) -> Flags:
        return ~self.certain

    def __len__(self) -> int:
        return len(self.dose)

    def where(self, keep: Flags) -> "Pairs":
        return Pairs(self.dose[keep], self.event[keep], self.certain[keep])


def before(doses: Moments, events: Moments, days: Integers | int) -> Pairs:
    """Events before each dose and at most `days` days before its date."""
    window = np.broadcast_to(np.asarray(days, dtype=np.int64), (len(doses),))
    dose, event = _near(doses, events, window, 1)
    back = window[dose]
    d_first, d_last, e_first, e_last = doses.first[dose], doses.last[dose], events.first[event], events.last[event]
    d_instant, e_instant = doses.instant[dose], events.instant[event]
    timed, undated = (d_instant != NEVER) & (e_instant != NEVER), e_first == NEVER
    earlier = e_instant <= d_instant
    certain = np.where(timed, earlier, e_last <= d_first) & (d_last - e_first <= back) & ~undated
    possible = np.where(timed, earlier, e_first <= d_last) & (d_first - e_last <= back) | undated
    return Pairs(dose, event, certain).where(certain | possible)


def after(doses: Moments, events: Moments, from_days: int, to_days: int) -> Pairs:
    """Events from_days to to_days days after each dose's date, both ends included."""
    dose, event = _near(doses, events, np.zeros(len(doses), dtype=np.int64), to_days)
    d, e = doses.take(dose), events.take(event)
    undated = ~e.dated
    certain = (e.first - d.last >= from_days) & (e.last - d.first <= to_days) & ~undated
    possible = (e.last - d.first >= from_days) & (e.first - d.last <= to_days) | undated
    return Pairs(dose, event, certain).where(certain | possible)


def around(doses: Moments, events: Moments, days: int) -> tuple[Integers, Integers]:
    """All pairs whose possible dates come within `days` days of each other."""
    return _near(doses, events, np.full(len(doses), days, dtype=np.int64), days)


def _near(doses: Moments, events: Moments, back: Integers, ahead: int) -> tuple[Integers, Integers]:
    """Indices of all pairs of one patient whose ranges of dates may meet [dose - back, dose + ahead]; undated events meet all."""
    if not len(doses) or not len(events):
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    ranged = events.dated & (events.first != events.last)
    parts = [_join(doses, events.in_order, back, ahead, 0)]
    if ranged.any():
        width = int((events.last - events.first)[ranged].max())
        rows = np.flatnonzero(ranged)
        parts.append(_join(doses, _sorted(_key(events.patient[rows], events.first[rows]), rows), back, ahead, width))
    if not events.dated.all():
        parts.append(_join_all(doses, events, np.flatnonzero(~events.dated)))
    return np.concatenate([d for d, _ in parts]), np.concatenate([e for _, e in parts])


def _key(patient: Integers, day: Integers) -> Integers:
    return np.asarray((patient << _DAY_BITS) + np.clip(day + _DAY_SHIFT, 0, (1 << _DAY_BITS) - 1))


def _sorted(keys: Integers, rows: Integers) -> tuple[Integers, Integers]:
    order = np.argsort(keys, kind="stable")
    return keys[order], rows[order]


def _join(doses: Moments, events: tuple[Integers, Integers], back: Integers, ahead: int, width: int) -> tuple[Integers, Integers]:
    keys, rows = events
    low = np.searchsorted(keys, _key(doses.patient, doses.first - back - width), side="left")
    high = np.searchsorted(keys, _key(doses.patient, doses.last + ahead), side="right")
    return _expand(low, high, rows)


def _join_all(doses: Moments, events: Moments, rows: Integers) -> tuple[Integers, Integers]:
    patients = events.patient[rows]
    order = np.argsort(patients, kind="stable")
    patients = patients[order]
    return _expand(
        np.searchsorted(patients, doses.patient, side="left"), np.searchsorted(patients, doses.patient, side="right"), rows[order]
    )


def _expand(low: Integers, high: Integers, events: Integers) -> tuple[Integers, Integers]:
    """One pair for each event in [low, high) of each dose."""
    counts = np.maximum(high - low, 0)
    dose = np.repeat(np.arange(len(low)), counts)
    starts = np.repeat(low - np.concatenate([[0], np.cumsum(counts)[:-1]]), counts)
    return dose, events[np.arange(len(dose)) + starts]


def flagged(dose: Integers, rows: int) -> Flags:
    """Of `rows` doses, those whose number stands in `dose`."""
    flags = np.zeros(rows, dtype=bool)
    flags[dose] = True
    return flags
