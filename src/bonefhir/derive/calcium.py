"""Calcium before a dose: ionised, reported as corrected for albumin, or total and corrected here (semantics, section 5)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bonefhir.constants import CALCIUM_MG_DL
from bonefhir.derive import formulae
from bonefhir.derive.latest import Labs, Latest, hull, latest
from bonefhir.derive.windows import NEVER, Moments, Pairs, around, before
from bonefhir.interval import Flags, Floats, Integers, Interval, missing
from bonefhir.settings import Settings
from bonefhir.vocabulary import assumption

KINDS = ("ionised", "corrected", "total")
"""Of calciums of one date the first of these counts."""


@dataclass(frozen=True)
class Calcium:
    """One element per dose. Values and limits in mmol/L where kind is 'ionised', else in mg/dL.

    kind            index into KINDS; -1: none
    limit           lower limit of normal
    unknown_albumin the range is that of an albumin nobody measured
    partial         none that is certainly in the window, or another kind may be later
    picks           (kind, pairs of dose and lab row), and the albumins
    """

    value: Interval
    kind: Integers
    limit: Interval
    si: Flags
    unknown_albumin: Flags
    partial: Flags
    widened: Flags
    assumptions: Integers
    picks: list[tuple[str, tuple[Integers, Integers]]]
    albumins: tuple[Integers, Integers]


def status(
    doses: Moments, days: Integers | int, labs: dict[str, Labs], albumin: Labs, settings: Settings, kinds: Sequence[str] = KINDS
) -> Calcium:
    """labs: by kind. The latest local date of a usable calcium decides the kind.

    A partly dated calcium of another kind that may be later widens the range if it can be compared (corrected and total); an
    ionised one cannot be, so then none is known to be the latest.
    """
    rows = len(doses)
    pairs = {kind: before(doses, labs[kind].when, days) for kind in kinds}
    last = np.stack([_last_date(pairs[kind], labs[kind], rows, certain=True) for kind in kinds])
    maybe = np.stack([_last_date(pairs[kind], labs[kind], rows, certain=False) for kind in kinds])
    date = last.max(axis=0)
    chosen = np.where(date == NEVER, -1, last.argmax(axis=0))
    later = (maybe >= date) & (maybe != NEVER) & (np.arange(len(kinds))[:, None] != chosen)
    ionised = kinds.index("ionised") if "ionised" in kinds else -1
    incomparable = (chosen == -1) | (chosen == ionised) | (later[ionised] if ionised >= 0 else False)
    partial = later.any(axis=0) & incomparable
    result = _Builder(rows)
    for number, kind in enumerate(kinds):
        mine = (chosen == number) & ~partial
        found = latest(pairs[kind].where(mine[pairs[kind].dose]), labs[kind], doses)
        result.add(KINDS.index(kind), mine, found)
        result.use(kind, found.picks, labs[kind], albumin, doses, settings)
    for number, kind in enumerate(kinds):
        rivals = _rivals(pairs[kind], labs[kind], date, later[number] & ~partial)
        result.widened[rivals[0]] = True
        result.use(kind, rivals, labs[kind], albumin, doses, settings)
    return result.done(partial)


def _rivals(pairs: Pairs, labs: Labs, date: Integers, doses: Flags) -> tuple[Integers, Integers]:
    """Usable possible candidates of these doses that may be later than the date."""
    keep = labs.usable[pairs.event] & pairs.possible & doses[pairs.dose] & (labs.when.last[pairs.event] >= date[pairs.dose])
    return pairs.dose[keep], pairs.event[keep]


def _last_date(pairs: Pairs, labs: Labs, rows: int, certain: bool) -> Integers:
    keep = labs.usable[pairs.event] & (pairs.certain if certain else pairs.possible)
    dates = np.full(rows, NEVER, dtype=np.int64)
    np.maximum.at(dates, pairs.dose[keep], labs.when.last[pairs.event[keep]])
    return dates


class _Builder:
    def __init__(self, rows: int) -> None:
        self.rows = rows
        self.value, self.limit = missing(rows), missing(rows)
        self.kind = np.full(rows, -1, dtype=np.int64)
        self.si, self.widened, self.unknown = (np.zeros(rows, dtype=bool) for _ in range(3))
        self.assumptions = np.zeros(rows, dtype=np.int64)
        self.picks: list[tuple[str, tuple[Integers, Integers]]] = []
        self.albumins: list[tuple[Integers, Integers]] = []

    def add(self, kind: int, mine: Flags, found: Latest) -> None:
        self.kind[mine] = kind
        self.si[mine], self.widened[mine] = found.si[mine], found.widened[mine]
        self.assumptions[mine] |= found.assumptions[mine]

    def use(
        self, kind: str, picks: tuple[Integers, Integers], labs: Labs, albumin: Labs, doses: Moments, settings: Settings
    ) -> None:
        """Widens the value and its limit by these calciums; total ones are corrected."""
        dose, event = picks
        value = Interval(labs.value.low[event], labs.value.high[event])
        if kind == "total":
            value = self._corrected(dose, value, labs.when.take(event), albumin, doses, settings)
        self.value = self.value.hull(hull(dose, value, self.rows))
        default = settings.calcium_limit_ionised_mmol_l if kind == "ionised" else settings.calcium_limit_mg_dl
        own = labs.limit_low[event]
        limit = np.where(np.isnan(own), default, own)
        self.limit = self.limit.hull(hull(dose, Interval(limit, limit), self.rows))
        np.bitwise_or.at(self.assumptions, dose, np.where(np.isnan(own), assumption("calcium-limit-default"), 0))
        self.picks.append((kind, (dose, labs.row[event])))

    def _corrected(
        self, dose: Integers, value: Interval, when: Moments, albumin: Labs, doses: Moments, settings: Settings
    ) -> Interval:
        usable = albumin.take(albumin.usable)
        level, unknown, (pick, row) = _nearest_albumin(dose, when, usable, doses, settings)
        self.unknown[dose[unknown]] = True
        np.bitwise_or.at(self.assumptions, dose[pick], usable.assumptions[row])
        self.assumptions[self.unknown] |= assumption("albumin-unknown")
        self.albumins.append((dose[pick], usable.row[row]))
        return formulae.corrected_calcium(value, level)

    def done(self, partial: Flags) -> Calcium:
        return Calcium(
            self.value,
            self.kind,
            self.limit,
            self.si,
            self.unknown,
            partial,
            self.widened,
            self.assumptions,
            self.picks,
            (np.concatenate([dose for dose, _ in self.albumins]), np.concatenate([row for _, row in self.albumins])),
        )


def _nearest_albumin(
    dose: Integers, calcium: Moments, albumin: Labs, doses: Moments, settings: Settings
) -> tuple[Interval, Flags, tuple[Integers, Integers]]:
    """Of each calcium picked: the albumin nearest to it and not after the dose, as a range where several are.

    Returns the albumin in g/dL, whether it is unknown, and the pairs of calcium and albumin.
    """
    window = settings.albumin_window_days
    pick, row = around(calcium, albumin.when, window)
    allowed = _before(doses.take(dose[pick]), albumin.when.take(row))
    near, far = _distance(calcium.take(pick), albumin.when.take(row))
    day = 86_400_000_000
    allowed &= near <= window * day
    pick, row, near, far = pick[allowed], row[allowed], near[allowed], far[allowed]
    by_second = calcium.timed.copy()
    by_second[pick[~albumin.when.timed[row]]] = False
    exact = np.abs(calcium.instant[pick] - albumin.when.instant[row])
    low = np.where(by_second[pick], exact, near)
    high = np.where(by_second[pick], exact, far)
    certain = far <= window * day
    best = np.full(len(dose), np.iinfo(np.int64).max)
    np.minimum.at(best, pick[certain], high[certain])
    nearest = (low <= best[pick]) & (best[pick] != np.iinfo(np.int64).max)
    pick, row = pick[nearest], row[nearest]
    level = hull(pick, Interval(albumin.value.low[row], albumin.value.high[row]), len(dose))
    unknown = ~level.known
    least, most = settings.unknown_albumin
    return Interval(np.where(unknown, least, level.low), np.where(unknown, most, level.high)), unknown, (pick, row)


def _before(dose: Moments, albumin: Moments) -> Flags:
    """Not after the dose."""
    timed = dose.timed & albumin.timed
    return np.asarray(np.where(timed, albumin.instant <= dose.instant, albumin.last <= dose.first))


def _distance(a: Moments, b: Moments) -> tuple[Integers, Integers]:
    """Smallest and greatest possible distance of two local dates, in microseconds."""
    day = 86_400_000_000
    near = np.maximum(0, np.maximum(a.first - b.last, b.first - a.last))
    far = np.maximum(a.last - b.first, b.last - a.first)
    return near * day, far * day


def in_si(calcium: Calcium, value: Floats) -> Floats:
    """mg/dL → mmol/L, where the calcium was reported so."""
    return np.where(calcium.si, value / CALCIUM_MG_DL, value)
