"""Calcium before a dose: ionised, reported as corrected for albumin, or total and corrected here (semantics, section 5)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bonefhir.constants import CALCIUM_MG_DL
from bonefhir.derive import formulae
from bonefhir.derive.latest import Labs, Latest, assumed, greatest, hull, latest, newer_unusable, none_yet
from bonefhir.derive.windows import NEVER, Moments, Pairs, around, before, flagged
from bonefhir.interval import Flags, Floats, Integers, Interval, exactly, missing
from bonefhir.settings import Settings
from bonefhir.vocabulary import assumption

KINDS = ("ionised", "corrected", "total")
"""Of calciums of one date the first of these counts."""


@dataclass(frozen=True)
class Calcium:
    """One element per dose. Values and limits in mmol/L where kind is 'ionised', else in mg/dL.

    kind            index into KINDS; -1: none
    limit           lower limit of normal
    margin          of each value over its own limit, as a range
    uncorrected     values and margins that stand for every albumin, since nobody measured it; NaN: none
    partial         none that is certainly in the window, or another kind may be later
    picks           (kind, pairs of dose and lab row), and the albumins
    """

    value: Interval
    kind: Integers
    limit: Interval
    margin: Interval
    si: Flags
    uncorrected: tuple[Interval, Interval]
    partial: Flags
    widened: Flags
    assumptions: Integers
    picks: list[tuple[str, tuple[Integers, Integers]]]
    albumins: tuple[Integers, Integers]


def status(
    doses: Moments, days: Integers | int, labs: dict[str, Labs], albumin: Labs, settings: Settings, kinds: Sequence[str] = KINDS
) -> tuple[Calcium, Calcium]:
    """labs: by kind. The latest local date of a usable calcium decides, whatever the instant; of that date, the first kind.

    A calcium of another kind whose partial date may be later widens the range, if it is on the same scale (corrected and total).
    Those on the other scale are the second Calcium: a verdict holds only if it holds for both. One of any kind that cannot be
    used may be newer than the one that is.
    """
    rows = len(doses)
    pairs = {kind: before(doses, labs[kind].when, days) for kind in kinds}
    last = np.stack([_certain_date(pairs[kind], labs[kind], rows) for kind in kinds])
    date = last.max(axis=0)
    chosen = np.where(date == NEVER, -1, last.argmax(axis=0))
    found, rival = _Builder(rows, albumin, doses, settings), _Builder(rows, albumin, doses, settings)
    for number, kind in enumerate(kinds):
        own = pairs[kind].where((chosen == number)[pairs[kind].dose])
        newest = latest(own.where(labs[kind].when.last[own.event] >= date[own.dose]), labs[kind], doses)
        found.add(KINDS.index(kind), chosen == number, newest)
        found.use(kind, newest.picks, labs[kind])
    ionised = np.isin(found.kind, (-1, KINDS.index("ionised")))
    for number, kind in enumerate(kinds):
        rivals = _rivals(pairs[kind], labs[kind], doses, date, chosen, number)
        same_scale = ionised[rivals.dose] == (kind == "ionised")
        for builder, of_scale in ((found, rivals.where(same_scale)), (rival, rivals.where(~same_scale))):
            builder.rival(KINDS.index(kind), of_scale)
            builder.use(kind, (of_scale.dose, of_scale.event), labs[kind])
    for builder in (found, rival):
        for kind in kinds:
            builder.newer_unusable(pairs[kind], labs[kind])
    possible = np.any([_has_possible(pairs[kind], labs[kind], rows) for kind in kinds], axis=0)
    return found.done((chosen == -1) & possible), rival.done(np.zeros(rows, dtype=bool))


def _rivals(pairs: Pairs, labs: Labs, doses: Moments, date: Integers, chosen: Integers, number: int) -> Pairs:
    """Usable candidates of another kind that may be of a later date; of the same date, if their kind goes first."""
    dose, event = pairs.dose, pairs.event
    latest_day = np.minimum(labs.when.last[event], doses.last[dose])
    first = number < chosen[dose]
    later = (latest_day > date[dose]) | (first & (latest_day == date[dose]))
    keep = labs.usable[event] & later & (chosen[dose] != number) & (chosen[dose] != -1)
    return pairs.where(keep)


def _certain_date(pairs: Pairs, labs: Labs, rows: int) -> Integers:
    """The date that some usable certain candidate is certainly not before; NEVER: none."""
    keep = labs.usable[pairs.event] & pairs.certain
    return greatest(pairs.dose[keep], labs.when.first[pairs.event[keep]], rows)


def _has_possible(pairs: Pairs, labs: Labs, rows: int) -> Flags:
    return flagged(pairs.dose[labs.usable[pairs.event] & pairs.possible], rows)


class _Builder:
    def __init__(self, rows: int, albumin: Labs, doses: Moments, settings: Settings) -> None:
        self.rows, self.doses, self.settings = rows, doses, settings
        self.albumin = albumin.take(albumin.usable)
        self.value, self.limit, self.margin = missing(rows), missing(rows), missing(rows)
        self.uncorrected = (missing(rows), missing(rows))
        self.kind = np.full(rows, -1, dtype=np.int64)
        self.si, self.widened = np.zeros(rows, dtype=bool), np.zeros(rows, dtype=bool)
        self.assumptions = np.zeros(rows, dtype=np.int64)
        self.used = none_yet(rows)
        self.picks: list[tuple[str, tuple[Integers, Integers]]] = []
        self.albumins: list[tuple[Integers, Integers]] = [(np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64))]

    def add(self, kind: int, mine: Flags, found: Latest) -> None:
        self.kind[mine] = kind
        self.si[mine], self.widened[mine] = found.si[mine], found.widened[mine]

    def rival(self, kind: int, pairs: Pairs) -> None:
        """Doses whose calcium may be another than the one that is certainly known."""
        self.kind[pairs.dose] = np.where(self.kind[pairs.dose] == -1, kind, self.kind[pairs.dose])
        self.widened[pairs.dose[pairs.possible]] = True

    def use(self, kind: str, picks: tuple[Integers, Integers], labs: Labs) -> None:
        """Widens the value and its limit by these calciums; total ones are corrected."""
        dose, event = picks
        value, unknown = labs.value.take(event), np.zeros(len(dose), dtype=bool)
        if kind == "total":
            value, unknown = self._corrected(dose, value, labs.when.take(event))
        self.value = self.value.hull(hull(dose, value, self.rows))
        ionised = kind == "ionised"
        default = self.settings.calcium_limit_ionised_mmol_l if ionised else self.settings.calcium_limit_mg_dl
        own = labs.limit_low[event]
        limit = np.where(np.isnan(own), default, own)
        self.limit = self.limit.hull(hull(dose, exactly(limit), self.rows))
        margin = value - exactly(limit)
        self.margin = self.margin.hull(hull(dose, margin, self.rows))
        self.uncorrected = (
            self.uncorrected[0].hull(hull(dose[unknown], value.take(unknown), self.rows)),
            self.uncorrected[1].hull(hull(dose[unknown], margin.take(unknown), self.rows)),
        )
        by_default = np.where(np.isnan(own), assumption("calcium-limit-default"), 0)
        np.bitwise_or.at(self.assumptions, dose, by_default | assumed(picks, labs, self.doses))
        self.used = self.used.and_of(picks, labs.when)
        self.picks.append((kind, (dose, labs.row[event])))

    def newer_unusable(self, pairs: Pairs, labs: Labs) -> None:
        newer = flagged(newer_unusable(pairs, labs, self.used), self.rows) & (self.kind != -1)
        self.assumptions[newer] |= assumption("newer-unusable")

    def _corrected(self, dose: Integers, value: Interval, when: Moments) -> tuple[Interval, Flags]:
        """And whether no albumin is known."""
        window = self.settings.albumin_window_days
        near = _nearest_albumin(dose, when, self.albumin, self.doses, window)
        unknown = ~near.value.known
        self.widened[dose[near.widened]] = True
        pick, row = near.picks
        np.bitwise_or.at(self.assumptions, dose[pick], self.albumin.assumptions[row])
        self.assumptions[dose[unknown]] |= assumption("albumin-unknown")
        self.albumins.append((dose[pick], self.albumin.row[row]))
        least, most = self.settings.unknown_albumin
        level = Interval(np.where(unknown, least, near.value.low), np.where(unknown, most, near.value.high))
        return formulae.corrected_calcium(value, level), unknown

    def done(self, partial: Flags) -> Calcium:
        return Calcium(
            self.value,
            self.kind,
            self.limit,
            self.margin,
            self.si,
            self.uncorrected,
            partial,
            self.widened,
            self.assumptions,
            self.picks,
            (np.concatenate([dose for dose, _ in self.albumins]), np.concatenate([row for _, row in self.albumins])),
        )


@dataclass(frozen=True)
class _Albumin:
    """Of each calcium picked: g/dL, NaN where unknown; widened by one that is partly dated; pairs of calcium and albumin."""

    value: Interval
    widened: Flags
    picks: tuple[Integers, Integers]


def _nearest_albumin(dose: Integers, calcium: Moments, albumin: Labs, doses: Moments, window: int) -> _Albumin:
    """The albumin nearest to each calcium and not after the dose, as a range where several are."""
    pick, row = around(calcium, albumin.when, window)
    d, e = doses.take(dose[pick]), albumin.when.take(row)
    near, far = _distance(calcium.take(pick), e)
    timed = d.timed & e.timed
    certain = np.where(timed, e.instant <= d.instant, e.last <= d.first) & (far <= window * _DAY)
    possible = np.where(timed, e.instant <= d.instant, e.first <= d.last) & (near <= window * _DAY)
    pick, row, near, far, certain = pick[possible], row[possible], near[possible], far[possible], certain[possible]
    by_second = calcium.timed.copy()
    by_second[pick[~albumin.when.timed[row]]] = False
    exact = np.abs(calcium.instant[pick] - albumin.when.instant[row])
    low, high = (np.where(by_second[pick], exact, days) for days in (near, far))
    best = np.full(len(dose), np.iinfo(np.int64).max)
    np.minimum.at(best, pick[certain], high[certain])
    chosen = (low <= best[pick]) & (best[pick] != np.iinfo(np.int64).max)
    pick, row, certain = pick[chosen], row[chosen], certain[chosen]
    value = hull(pick, albumin.value.take(row), len(dose))
    return _Albumin(value, flagged(pick[~certain], len(dose)), (pick, row))


_DAY = 86_400_000_000
"""Microseconds."""


def _distance(a: Moments, b: Moments) -> tuple[Integers, Integers]:
    """Smallest and greatest possible distance of two local dates, in microseconds."""
    near = np.maximum(0, np.maximum(a.first - b.last, b.first - a.last))
    far = np.maximum(a.last - b.first, b.last - a.first)
    return near * _DAY, far * _DAY


def in_si(calcium: Calcium, value: Floats) -> Floats:
    """mg/dL → mmol/L, where the calcium was reported so."""
    return np.where(calcium.si, value / CALCIUM_MG_DL, value)
