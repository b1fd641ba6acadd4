"""The latest usable measurement before a dose, as an interval: every one that no other is certainly later than."""

from dataclasses import dataclass

import numpy as np

from bonefhir.derive.windows import NEVER, Moments, Pairs, flagged
from bonefhir.interval import Flags, Integers, Interval, missing
from bonefhir.vocabulary import assumption


@dataclass(frozen=True)
class Labs:
    """The usable and unusable measurements of one analyte (or of several that are read alike), as arrays.

    row     index into the bucket's lab table
    """

    when: Moments
    value: Interval
    si: Flags
    usable: Flags
    assumptions: Integers
    limit_low: np.ndarray
    row: Integers

    def __len__(self) -> int:
        return len(self.row)

    def take(self, rows: Integers | Flags) -> "Labs":
        return Labs(
            self.when.take(rows),
            self.value.take(rows),
            self.si[rows],
            self.usable[rows],
            self.assumptions[rows],
            self.limit_low[rows],
            self.row[rows],
        )


@dataclass(frozen=True)
class Latest:
    """One element per dose.

    value       NaN where there is no certain candidate
    si          every value it rests on was reported in the SI unit
    partial     missing, but a partly dated measurement may be one
    widened     a partly dated measurement that may be the latest widens the range
    unusable    an unusable measurement lies, or may lie, in the window
    picks       pairs of dose and index into the Labs given
    """

    value: Interval
    si: Flags
    partial: Flags
    widened: Flags
    unusable: Flags
    assumptions: Integers
    picks: tuple[Integers, Integers]


def latest(pairs: Pairs, labs: Labs, doses: Moments) -> Latest:
    """pairs: candidates among `labs` by windows.before."""
    rows = len(doses)
    usable = labs.usable[pairs.event]
    certain = pairs.where(usable & pairs.certain)
    known = flagged(certain.dose, rows)
    candidates = pairs.where(usable & (pairs.certain | known[pairs.dose]))
    picked = candidates.where(~_beaten(candidates, certain, labs.when, rows))
    unusable = pairs.where(~usable)
    bits = np.zeros(rows, dtype=np.int64)
    np.bitwise_or.at(bits, picked.dose, assumed((picked.dose, picked.event), labs, doses))
    used = none_yet(rows).and_of((picked.dose, picked.event), labs.when)
    newer = flagged(newer_unusable(pairs, labs, used), rows) & known
    return Latest(
        value=hull(picked.dose, labs.value.take(picked.event), rows),
        si=known & ~flagged(picked.dose[~labs.si[picked.event]], rows),
        partial=~known & flagged(pairs.dose[usable], rows),
        widened=flagged(picked.dose[picked.possible], rows),
        unusable=flagged(unusable.dose, rows),
        assumptions=bits | np.where(newer, assumption("newer-unusable"), 0),
        picks=(picked.dose, picked.event),
    )


def hull(dose: Integers, value: Interval, rows: int) -> Interval:
    """The range of the values of each dose; NaN: none."""
    result = missing(rows)
    np.fmin.at(result.low, dose, value.low)
    np.fmax.at(result.high, dose, value.high)
    return result


def _beaten(candidates: Pairs, certain: Pairs, when: Moments, rows: int) -> Flags:
    """Some certain candidate of the same dose is certainly later: by instant if both have a time, else by local date."""
    e = certain.event
    timed = when.timed[e]
    last_instant = greatest(certain.dose[timed], when.instant[e][timed], rows)
    last_untimed = greatest(certain.dose[~timed], when.first[e][~timed], rows)
    last_day = greatest(certain.dose, when.first[e], rows)
    c, d = candidates.event, candidates.dose
    by_instant = (last_instant[d] > when.instant[c]) | (last_untimed[d] > when.last[c])
    return np.asarray(np.where(when.timed[c], by_instant, last_day[d] > when.last[c]))


@dataclass(frozen=True)
class Earliest:
    """Of the measurements that each dose rests on, the earliest instant, date without a time, and date; the greatest integer:
    none."""

    instant: Integers
    untimed: Integers
    day: Integers

    def and_of(self, picks: tuple[Integers, Integers], when: Moments) -> "Earliest":
        dose, event = picks
        timed = when.timed[event]
        return Earliest(
            _least(self.instant, dose[timed], when.instant[event][timed]),
            _least(self.untimed, dose[~timed], when.first[event][~timed]),
            _least(self.day, dose, when.first[event]),
        )

    def not_after(self, pairs: Pairs, when: Moments) -> Flags:
        """Of each pair, whether its event is not certainly earlier than all that the dose rests on."""
        e, d = pairs.event, pairs.dose
        by_instant = (self.instant[d] <= when.instant[e]) | (self.untimed[d] <= when.last[e])
        return np.asarray(~when.dated[e] | np.where(when.timed[e], by_instant, self.day[d] <= when.last[e]))


def none_yet(rows: int) -> Earliest:
    nothing = np.full(rows, np.iinfo(np.int64).max, dtype=np.int64)
    return Earliest(nothing, nothing, nothing)


def newer_unusable(pairs: Pairs, labs: Labs, used: Earliest) -> Integers:
    """Doses with a measurement, in the window or perhaps in it, that cannot be used and is not certainly earlier than those that
    are."""
    unusable = pairs.where(~labs.usable[pairs.event])
    return unusable.dose[used.not_after(unusable, labs.when)]


def assumed(picks: tuple[Integers, Integers], labs: Labs, doses: Moments) -> Integers:
    """Of each measurement that a dose rests on; also that it is before the dose only because a date without a time on its day
    counts so."""
    dose, event = picks
    timed = labs.when.timed[event] & doses.timed[dose]
    same_day = ~timed & (labs.when.last[event] == doses.first[dose])
    return np.asarray(labs.assumptions[event] | np.where(same_day, assumption("same-day-order"), 0))


def greatest(dose: Integers, values: Integers, rows: int) -> Integers:
    """Of the values of each dose; NEVER: none."""
    result = np.full(rows, NEVER, dtype=np.int64)
    np.maximum.at(result, dose, values)
    return result


def _least(values: Integers, dose: Integers, others: Integers) -> Integers:
    result = values.copy()
    np.minimum.at(result, dose, others)
    return result
