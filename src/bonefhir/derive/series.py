"""Evidence that a rule asks for with parameters of its own: labs in a window, earlier creatinines, other rows of the patient.

Each function gives the columns that the rule's kind reads, one element per dose of the bucket, and adds the evidence items
under the rule's group. States are NONE, POSSIBLE or CERTAIN.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from bonefhir.coded import Texts
from bonefhir.constants import CREATININE_UMOL_L
from bonefhir.derive.bucket import Bucket
from bonefhir.derive.chart import Chart
from bonefhir.derive.columns import Column, Columns
from bonefhir.derive.items import Items, Some
from bonefhir.derive.latest import Labs, hull, latest, newer_unusable, none_yet
from bonefhir.derive.windows import NEVER, Moments, Pairs, after, before, flagged
from bonefhir.interval import TOLERANCE, Flags, Integers, Interval, missing
from bonefhir.sorting import by_number
from bonefhir.vocabulary import CERTAIN, NONE, POSSIBLE, assumption, reason
from bonefhir.words import Words

ANY_CALCIUM = ("calcium_ionised", "calcium_corrected", "calcium_total")
PARTIAL = reason("partial-date")
_HOUR = 3_600_000_000
_DAY = 24 * _HOUR


Window = Callable[[Moments], Pairs]
"""The candidates among events, for each dose."""


@dataclass(frozen=True)
class Facts:
    """What only the whole input can say. last_date: days since 1970; NEVER: no date."""

    last_date: int
    lab_records: frozenset[str]
    dental_records: bool


@dataclass(frozen=True)
class Course:
    """Of each dose within its course of the product: the rows of the previous and the first dose; -1: none."""

    previous: Integers
    first: Integers
    ordinal: Integers


@dataclass(frozen=True)
class Charted:
    """What an item of the evidence says of a dose."""

    dose_id: Texts
    start: Texts
    product: Texts

    def of(self, rows: Integers) -> "Charted":
        return Charted(*(replace(each, codes=each.codes[rows]) for each in (self.dose_id, self.start, self.product)))


@dataclass(frozen=True)
class Series:
    """every: all doses of the bucket, as are charted, course and columns. rows: those that are asked about."""

    bucket: Bucket
    every: Moments
    charted: Charted
    course: Course
    columns: Columns
    facts: Facts
    items: Items | Some
    rows: Integers

    @cached_property
    def doses(self) -> Moments:
        return self.every.take(self.rows)

    def of(self, rows: Integers) -> "Series":
        """For some of the doses."""
        return replace(self, items=Some(self.items, rows), rows=rows)

    # ---------------------------------------------------------------- measurements in a window

    def lab_before(self, group: str, labs: tuple[str, ...], days: Integers) -> dict[str, Column]:
        return self._measured(group, labs, lambda when: before(self.doses, when, days))

    def lab_after(self, group: str, labs: tuple[str, ...], from_days: int, to_days: int) -> dict[str, Column]:
        found = self._measured(group, labs, lambda when: after(self.doses, when, from_days, to_days))
        last_day = self.doses.last + to_days
        return found | {"not_due": (self.facts.last_date <= last_day) | self._died_before(last_day)}

    def _measured(self, group: str, names: tuple[str, ...], window: Window) -> dict[str, Column]:
        rows = len(self.doses)
        flags = {name: np.zeros(rows, dtype=bool) for name in ("absent", "no_records", "unusable", "partial")}
        assumed = np.zeros(rows, dtype=np.int64)
        for name in names:
            analytes = ANY_CALCIUM if name == "any_calcium" else (name,)
            labs = self.bucket.of_analytes(*analytes)
            pairs = window(labs.when)
            usable, certain = labs.usable[pairs.event], pairs.certain
            measured = flagged(pairs.dose[usable & certain], rows)
            unusable = flagged(pairs.dose[~usable], rows) & ~measured
            partial = flagged(pairs.dose[usable & ~certain], rows) & ~measured
            nothing = ~(measured | unusable | partial)
            records = bool(self.facts.lab_records & set(analytes))
            flags["absent" if records else "no_records"] |= nothing
            flags["unusable"] |= unusable
            flags["partial"] |= partial
            assumed |= self._cite(group, name.removeprefix("any_"), pairs, labs)
        return {**flags, "measured_assumed": assumed}

    def _cite(self, group: str, role: str, pairs: Pairs, labs: Labs) -> Integers:
        """The latest of them, or those that cannot be used where none can."""
        found = latest(pairs, labs, self.doses)
        self.items.add_labs(group, role, (found.picks[0], labs.row[found.picks[1]]))
        lost = ~labs.usable[pairs.event] & ~found.value.known[pairs.dose]
        self.items.add_labs(group, f"{role}, not usable", (pairs.dose[lost], labs.row[pairs.event[lost]]))
        return found.assumptions

    def _died_before(self, day: Integers) -> Flags:
        """Died, or may have died, before the day."""
        row = self.bucket.patient_row[self.doses.patient]
        patients = self.bucket.patients
        if not len(patients):
            return np.zeros(len(day), dtype=bool)
        deceased = patients.flags("deceased")[row] & (row >= 0)
        date = patients.integers("deceased_first")[row]
        return np.asarray(deceased & ((date == NEVER) | (date < day)))

    def quantity(self, group: str, analyte: str, days: int, absent: str) -> dict[str, Column]:
        """The latest of one analyte, as the columns of a quantity of its name; `<name>_none`: no measurement may be one."""
        labs = self.bucket.of_analytes(analyte)
        found = latest(before(self.doses, labs.when, days), labs, self.doses)
        columns = Columns(len(self.doses))
        why = np.where(found.widened, PARTIAL, 0)
        missing = np.where(found.partial, PARTIAL, reason(absent))
        columns.quantity(analyte, found.value, missing, why, found.assumptions, found.si)
        self.items.add_labs(group, analyte.replace("_", " "), (found.picks[0], labs.row[found.picks[1]]))
        return columns.data | {f"{analyte}_none": ~found.value.known & ~found.partial}

    # ---------------------------------------------------------------- creatinine over time

    def recovery(self, group: str, rule: Mapping[str, float]) -> dict[str, Column]:
        """reached: some creatinine since the previous dose had certainly risen by the rule's limit; between: there is any."""
        labs = self.bucket.of_analytes("creatinine")
        labs = labs.take(labs.usable)
        previous = self.course.previous[self.rows]
        since = np.where(previous >= 0, self.doses.last - self.every.first[previous] + 1, 0)
        pairs = before(self.doses, labs.when, since)
        pairs = pairs.where(pairs.certain & self._after_previous(pairs, labs.when))
        rise, allowed = self._rise(pairs, labs, rule)
        reached = rise >= allowed - TOLERANCE
        rows = len(self.doses)
        self.items.add_labs(group, "creatinine since the previous dose", (pairs.dose[reached], labs.row[pairs.event[reached]]))
        return {"reached": flagged(pairs.dose[reached], rows), "between": flagged(pairs.dose, rows)}

    def _after_previous(self, pairs: Pairs, when: Moments) -> Flags:
        """Strictly and certainly after the previous dose of the product."""
        previous = self.course.previous[self.rows[pairs.dose]]
        p, e = self.every.take(previous), when.take(pairs.event)
        timed = p.timed & e.timed
        return np.asarray((previous >= 0) & np.where(timed, e.instant > p.instant, e.first > p.last))

    def _rise(
        self, pairs: Pairs, labs: Labs, rule: Mapping[str, float]
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Least rise over baseline, and the most that the rule allows before it is reached; in the unit that was reported."""
        baseline = self.columns.interval("baseline_creatinine")
        dose = self.rows[pairs.dose]
        low, high = baseline.low[dose], baseline.high[dose]
        si = labs.si[pairs.event] & self.columns.data["baseline_creatinine_si"].astype(bool)[dose]
        scale = np.where(si, CREATININE_UMOL_L, 1.0)
        limits = {n: np.where(si, rule[f"{n}_umol_l"], rule[n]) for n in ("normal_below", "rise_normal", "rise_abnormal")}
        rise = (labs.value.low[pairs.event] - high) * scale
        normal = high * scale < limits["normal_below"] - TOLERANCE
        abnormal = low * scale >= limits["normal_below"] - TOLERANCE
        most = np.where(
            normal,
            limits["rise_normal"],
            np.where(abnormal, limits["rise_abnormal"], np.maximum(limits["rise_normal"], limits["rise_abnormal"])),
        )
        return np.where(np.isnan(rise), -np.inf, rise), most

    def stable(self, group: str, rise_hours: float, ratio_days: int) -> dict[str, Column]:
        """Rise of the latest creatinine over the lowest within the hours before it, and its ratio to the lowest in the days.

        Missing where only the time of day of a partly dated dose would tell which creatinines are before it.
        """
        every = self.bucket.of_analytes("creatinine")
        labs = every.take(every.usable & (every.when.first == every.when.last) & every.when.dated)
        candidates = before(self.doses, labs.when, ratio_days)
        pairs = candidates.where(candidates.certain)
        newest = latest(pairs, labs, self.doses)
        rows = len(self.doses)
        used = none_yet(rows).and_of((pairs.dose, pairs.event), labs.when)
        newer = flagged(newer_unusable(before(self.doses, every.when, ratio_days), every, used), rows) & flagged(pairs.dose, rows)
        assumed = newest.assumptions | np.where(newer, assumption("newer-unusable"), 0)
        known = ~flagged(candidates.dose[candidates.possible], rows)
        rise, ratio, si = _over_lowest(pairs, newest.picks, labs, rows, rise_hours)
        self.items.add_labs(group, "creatinine", (pairs.dose, labs.row[pairs.event]))
        columns = Columns(rows)
        columns.quantity("rise", rise.where(known, missing(rows)), np.where(known, 0, PARTIAL), si=si)
        columns.quantity("ratio", ratio.where(known, missing(rows)), np.where(known, 0, PARTIAL), si=si)
        return columns.data | {"count": _measurements(candidates, labs.when, rows), "stable_assumed": assumed}

    # ---------------------------------------------------------------- other rows of the patient

    def other_product(self, group: str, others: tuple[str, ...], days: int) -> dict[str, Column]:
        """A dose of one of the others on this dose's date or at most `days` days before it, whatever the time of day."""
        rows = np.flatnonzero(Words.told(self.charted.product).among(others))
        pairs = before(_without_times(self.doses), _without_times(self.every.take(rows)), days)
        other = self.charted.of(rows[pairs.event])
        self.items.add(group, "other product", pairs.dose, resource=other.dose_id, time=other.start, reported=other.product)
        return {"other": _state(pairs, len(self.doses))}

    def condition(self, group: str, value_set: str, days: int) -> dict[str, Column]:
        """days > 0: present on the dose's date and begun at most so long before it; 0: begun on or before it, ended or not."""
        table = self.bucket.conditions
        rows = np.flatnonzero(table.words("value_set").among([value_set]))
        begun, ended = self.bucket.begun.take(rows), self.bucket.ended.take(rows)
        pairs = before(_without_times(self.doses), begun, days or 1_000_000)
        if days:
            open_ended = table.flags("ended_undated")[rows]
            pairs = self._present(pairs, ended, open_ended)
        event = rows[pairs.event]
        self._cite_rows(group, value_set.replace("_", " "), pairs.dose, table, event)
        return {"condition": _state(pairs, len(self.doses))}

    def _present(self, pairs: Pairs, ended: Moments, open_ended: Flags) -> Pairs:
        """Those that have not certainly ended before the dose; certain only where they certainly have not."""
        e, d = ended.take(pairs.event), self.doses.take(pairs.dose)
        lasting = (~e.dated | (e.first >= d.last)) & ~open_ended[pairs.event]
        over = e.dated & (e.last < d.first)
        return Pairs(pairs.dose, pairs.event, pairs.certain & lasting).where(~over)

    def dental(self, group: str, days: int) -> dict[str, Column]:
        table = self.bucket.procedures
        rows = np.flatnonzero(table.words("value_set").among(["dental"]))
        pairs = before(self.doses, self.bucket.performed.take(rows), days)
        self._cite_rows(group, "dental examination", pairs.dose, table, rows[pairs.event])
        return {"dental": _state(pairs, len(self.doses)), "records": np.full(len(self.doses), self.facts.dental_records)}

    def _cite_rows(self, group: str, role: str, dose: Integers, table: Chart, rows: Integers) -> None:
        resource, time = (replace(table.texts[name], codes=table.texts[name].codes[rows]) for name in ("resource", "time"))
        self.items.add(group, role, dose, resource=resource, time=time)


def _state(pairs: Pairs, rows: int) -> Integers:
    state = np.full(rows, NONE, dtype=np.int64)
    state[pairs.dose[~pairs.certain]] = POSSIBLE
    state[pairs.dose[pairs.certain]] = CERTAIN
    return state


def _without_times(when: Moments) -> Moments:
    """By local date only."""
    return Moments(when.patient, np.full(len(when), NEVER, dtype=np.int64), when.first, when.last)


def _over_lowest(
    pairs: Pairs, newest: tuple[Integers, Integers], labs: Labs, rows: int, hours: float
) -> tuple[Interval, Interval, Flags]:
    """Of each dose, over all that may be its latest creatinine: rise, ratio, and whether the rise is of SI units.

    "Lowest" includes the latest: its rise over itself is 0, its ratio to itself 1, whatever its value.
    """
    value = _one_per_instant(pairs, labs)
    of_pick, other = _joined(newest[0], pairs.dose, rows)
    latest_of = _position(pairs, newest)[of_pick]
    a, b = labs.when.take(pairs.event[latest_of]), labs.when.take(pairs.event[other])
    timed = a.timed & b.timed
    itself = (latest_of == other) | (timed & (a.instant == b.instant))
    ago = np.where(timed, (a.instant - b.instant) / _HOUR, (a.first - b.first) * 24.0)
    recent = ~itself & (ago >= 0) & (ago <= hours)
    picks = len(newest[0])
    top = value.take(_position(pairs, newest))
    lowest_recent = _lowest(of_pick[recent], value.take(other[recent]), picks)
    lowest = _lowest(of_pick[~itself], value.take(other[~itself]), picks)
    rise, ratio = top - lowest_recent, top.over(lowest)
    foreign = ~labs.si[pairs.event[other]] & (recent | itself)
    return (
        hull(newest[0], Interval(np.fmax(rise.low, 0.0), np.fmax(rise.high, 0.0)), rows),
        hull(newest[0], Interval(np.fmax(ratio.low, 1.0), np.fmax(ratio.high, 1.0)), rows),
        ~flagged(newest[0][of_pick[foreign]], rows),
    )


def _joined(left: Integers, right: Integers, rows: int) -> tuple[Integers, Integers]:
    """Pairs of positions in two arrays of dose numbers, of equal doses."""
    order = by_number(right)
    first = np.searchsorted(right[order], np.arange(rows + 1))
    size = (first[1:] - first[:-1])[left]
    a = np.repeat(np.arange(len(left)), size)
    offset = np.arange(len(a)) - np.repeat(np.cumsum(size) - size, size)
    return a, order[first[left[a]] + offset]


def _position(pairs: Pairs, picks: tuple[Integers, Integers]) -> Integers:
    """Where among the pairs each pick is."""
    key = pairs.event.max(initial=0) + 1
    keys = pairs.dose * key + pairs.event
    order = np.argsort(keys, kind="stable")
    return np.asarray(order[np.searchsorted(keys[order], picks[0] * key + picks[1])])


def _one_per_instant(pairs: Pairs, labs: Labs) -> Interval:
    """Value of each pair; values of one instant are one measurement, with their range."""
    low, high = labs.value.low[pairs.event].copy(), labs.value.high[pairs.event].copy()
    timed = np.flatnonzero(labs.when.timed[pairs.event])
    _, same = _instants(pairs.dose[timed], labs.when.instant[pairs.event[timed]])
    range_ = hull(same, Interval(low[timed], high[timed]), int(same.max(initial=-1)) + 1)
    low[timed], high[timed] = range_.low[same], range_.high[same]
    return Interval(low, high)


def _lowest(dose: Integers, value: Interval, rows: int) -> Interval:
    """Of several intervals the least: the least lower and the least upper bound. NaN: none."""
    low, high = np.full(rows, np.nan), np.full(rows, np.nan)
    np.fmin.at(low, dose, value.low)
    np.fmin.at(high, dose, value.high)
    return Interval(low, high)


def _measurements(pairs: Pairs, when: Moments, rows: int) -> Integers:
    """Number of measurements: values of one instant are one, two of one date without times are two."""
    timed = when.timed[pairs.event]
    first, _ = _instants(pairs.dose[timed], when.instant[pairs.event[timed]])
    return np.bincount(pairs.dose[timed][first], minlength=rows) + np.bincount(pairs.dose[~timed], minlength=rows)


def _instants(dose: Integers, instant: Integers) -> tuple[Integers, Integers]:
    """A row of each instant of a dose, and of each row the number of its instant."""
    order = np.lexsort((instant, dose))
    new = np.ones(len(order), dtype=bool)
    new[1:] = (np.diff(dose[order]) != 0) | (np.diff(instant[order]) != 0)
    number = np.empty(len(order), dtype=np.int64)
    number[order] = np.cumsum(new) - 1
    return order[new], number
