"""Evidence for a dose, from a patient's chart: semantics.md, section 5.

Every function takes the start of the dose that it is evidence for. `View` fixes what is unknown, so that the reasons of an
indeterminate verdict can be found by asking what would be known otherwise.
"""

from dataclasses import dataclass, field
from datetime import date
from math import inf

from tests.reference.intervals import Interval, divided, hull
from tests.reference.moments import (
    Moment,
    certainly_before,
    certainly_later,
    completed_years,
    days_between,
    placed,
    possibly_before,
)
from tests.reference.rows import CALCIUM, Condition, Lab, Patient, Procedure

HYPERCALCAEMIA = "hypercalcemia_of_malignancy"
VITAMIN_D_DAYS, COUNT_DAYS, CORRECTED_DAYS, HEIGHT_DAYS = 365, 14, 7, 3650


@dataclass(frozen=True)
class Policy:
    """'Numbers marked *policy* are ours, not a label's: each is a setting with this default.' unknown_albumin: 'none: albumin
    [2.0, 5.0]'; weight: 'setting `weight: actual, ideal, adjusted`'."""

    weight: str = "actual"
    weight_window_days: int = 90
    baseline_window_days: int = 90
    albumin_window_days: int = 7
    unknown_albumin: tuple[float, float] = (2.0, 5.0)
    calcium_limit_mg_dl: float = 8.5
    calcium_limit_ionised_mmol_l: float = 1.12


MMOL_CALCIUM, UMOL_CREATININE, NMOL_VITAMIN_D = 4.008, 88.42, 2.496


@dataclass(frozen=True)
class View:
    """What is taken as known: a sex in place of 'both'; without the labs whose partial date may make them the latest; a day in
    place of a partly dated dose's range; one reading of a printed gap ('strict', 'lenient') in place of both.

    notes: `partial-date`, once for every quantity that such a lab has widened; assumed: assumptions of the evidence used."""

    sex: str | None = None
    widened: bool = True
    day: date | None = None
    gap: str = "both"
    notes: list[str] = field(default_factory=list, compare=False)
    assumed: set[str] = field(default_factory=set, compare=False)

    def start(self, start: Moment) -> Moment:
        return start.on(self.day) if self.day and start.partial else start

    def forget(self, assumed: set[str]) -> None:
        """Something else is used in place of what was looked at."""
        self.notes.clear()
        self.assumed.intersection_update(assumed)

    def noted(self, widening: list[Lab]) -> list[Lab]:
        self.notes.extend(["partial-date"] * bool(widening))
        return widening


AS_IS = View()


@dataclass(frozen=True)
class Quantity:
    """An interval, or the reasons why it is missing. si: all values behind it were reported in the SI unit."""

    interval: Interval | None
    missing: tuple[str, ...] = ()
    si: bool = False
    labs: tuple[Lab, ...] = ()

    @property
    def low(self) -> float:
        assert self.interval
        return self.interval.low

    @property
    def high(self) -> float:
        assert self.interval
        return self.interval.high


@dataclass
class Chart:
    """One patient's rows."""

    patient: Patient = field(default_factory=Patient)
    labs: list[Lab] = field(default_factory=list)
    conditions: list[Condition] = field(default_factory=list)
    procedures: list[Procedure] = field(default_factory=list)
    policy: Policy = field(default_factory=Policy)

    def usable(self, *concepts: str) -> list[Lab]:
        return [lab for lab in self.labs if lab.concept in concepts and lab.value and lab.time]

    def unusable(self, *concepts: str) -> list[Lab]:
        """'is, or could be (its code unreadable), the lab in question'"""
        return [lab for lab in self.labs if (lab.concept in concepts or lab.concept is None) and not lab.value]

    def lost(self, start: Moment, days: int, *concepts: str) -> list[Lab]:
        """The unusable ones that are, or may be, in the window."""
        return [lab for lab in self.unusable(*concepts) if lab.time is None or placed(lab.time, start, days) != "no"]


def when(lab: Lab) -> Moment:
    assert lab.time
    return lab.time


def not_later(labs: list[Lab]) -> list[Lab]:
    """'"Latest" = every lab that no other is certainly later than.'"""
    return [lab for lab in labs if not any(certainly_later(when(other), when(lab)) for other in labs)] or labs


def latest(chart: Chart, lab: str, start: Moment, days: int, name: str, view: View = AS_IS) -> Quantity:
    """'*Latest in window* = section 2, among usable labs of the concept before the dose and within the window.'

    'A lab whose whole range is before the dose and in the window is a candidate. If only part of it is, and there is no certain
    candidate, the evidence is missing with the reason `partial-date`; with one, its value widens the range where it could be the
    latest.'
    """
    start, labs = view.start(start), chart.usable(lab)
    certain = [one for one in labs if placed(when(one), start, days) == "certain"]
    possible = [one for one in labs if placed(when(one), start, days) == "possible"]
    if not certain:
        return Quantity(None, ("partial-date",) if possible else (name,))
    found = not_later(certain)
    if view.widened:
        found = found + view.noted([p for p in possible if not any(certainly_later(when(c), when(p)) for c in certain)])
    view.assumed.update(assumed_of(found, chart.lost(start, days, lab), start))
    return Quantity(hull(one.value for one in found if one.value), (), all(one.si for one in found), tuple(found))


def assumed_of(found: list[Lab], unusable: list[Lab], start: Moment) -> set[str]:
    """'on the same day with the assumption `same-day-order`'; '`issued` with the assumption `time-from-issued`'; 'If an unusable
    or rejected measurement of the lab in the window is not certainly earlier than the one used, the rows that use it carry the
    assumption `newer-unusable`': if it may be in the window; of several used, if it is so of one."""
    assumed = {"time-from-issued" for one in found if one.issued}
    assumed |= {"same-day-order" for one in found if when(one).last == start.first and not (when(one).instant and start.instant)}
    newer = any(lost.time is None or not certainly_later(when(one), lost.time) for lost in unusable for one in found)
    return assumed | ({"newer-unusable"} if newer else set())


def creatinine(chart: Chart, start: Moment, days: int, view: View = AS_IS) -> Quantity:
    return latest(chart, "creatinine", start, days, "no-creatinine", view)


def weight(chart: Chart, start: Moment, view: View = AS_IS) -> Quantity:
    """'latest within 90 days'"""
    return latest(chart, "weight", start, chart.policy.weight_window_days, "no-weight", view)


def dosing_weight(chart: Chart, start: Moment, sex: str, view: View) -> Quantity:
    """The weight that goes into a clearance: actual; ideal, by Devine from height and sex; or adjusted, which is ideal + 0.4 ×
    (actual - ideal) where the actual weight is the greater."""
    if chart.policy.weight == "actual":
        return weight(chart, start, view)
    tall = latest(chart, "height", start, HEIGHT_DAYS, "no-weight", view)
    actual = Quantity(None) if chart.policy.weight == "ideal" else weight(chart, start, view)
    if tall.interval is None or actual.missing:
        return Quantity(None, words(*actual.missing, *tall.missing))
    ideal = Interval(*(50 - (4.5 if sex == "female" else 0) + 2.3 * (cm / 2.54 - 60) for cm in tall.interval))
    if actual.interval is None:
        return Quantity(ideal)
    return Quantity(Interval(*(i + 0.4 * (a - i) if a > i else a for a, i in zip(actual.interval, ideal, strict=True))))


def age(chart: Chart, start: Moment, view: View = AS_IS) -> Quantity:
    """'Patient age: completed years on the dose's date. Partial birth date: the range of ages.' Plausible: 0-125."""
    start, birth = view.start(start), chart.patient.birth
    if birth is None:
        return Quantity(None, ("no-age",))
    low, high = completed_years(birth.last, start.first), completed_years(birth.first, start.last)
    if high < 0 or low > 125:
        return Quantity(None, ("no-age",))
    return Quantity(Interval(max(low, 0), min(high, 125)))


def sexes(chart: Chart, view: View) -> tuple[str, ...]:
    """'an unknown sex is both'"""
    sex = chart.patient.sex or view.sex
    return (sex,) if sex else ("male", "female")


# ---- kidneys


def cockcroft_gault(years: float, kilograms: float, mg_per_dl: float, sex: str) -> float:
    """mL/min."""
    return divided((140 - years) * kilograms * (0.85 if sex == "female" else 1.0), 72 * mg_per_dl)


def ckd_epi_2021(mg_per_dl: float, years: float, sex: str) -> float:
    """mL/min/1.73 m², from creatinine."""
    kappa, alpha, factor = (0.7, -0.241, 1.012) if sex == "female" else (0.9, -0.302, 1.0)
    ratio = mg_per_dl / kappa
    if ratio == 0:
        return inf
    if ratio == inf:
        return 0.0
    return float(142 * min(ratio, 1) ** alpha * max(ratio, 1) ** -1.200 * 0.9938**years * factor)


def computed_clearance(creatinine: Quantity, chart: Chart, start: Moment, view: View) -> Quantity:
    """'Cockcroft-Gault from creatinine, actual weight, age, sex'; 'bounds are evaluated at the corners'."""
    years = age(chart, start, view)
    kilograms = {sex: dosing_weight(chart, start, sex, view) for sex in sexes(chart, view)}
    missing = words(*creatinine.missing, *(reason for one in kilograms.values() for reason in one.missing), *years.missing)
    if missing:
        return Quantity(None, missing)
    low = min(cockcroft_gault(years.high, kg.low, creatinine.high, sex) for sex, kg in kilograms.items())
    high = max(cockcroft_gault(years.low, kg.high, creatinine.low, sex) for sex, kg in kilograms.items())
    return Quantity(Interval(low, high))


def clearance(chart: Chart, start: Moment, days: int, view: View = AS_IS) -> Quantity:
    """'if it cannot be computed, the latest reported Cockcroft-Gault clearance within the creatinine window; an eGFR is never
    used in its place (reason `only-egfr`)'"""
    before = set(view.assumed)
    found = computed_clearance(creatinine(chart, start, days, view), chart, start, view)
    if found.interval:
        return found
    view.forget(before)
    reported = latest(chart, "clearance", start, days, "", view)
    if reported.interval:
        view.assumed.add("crcl-as-reported")
        return reported
    only_egfr = latest(chart, "egfr", start, days, "", View(day=view.day)).interval is not None
    return Quantity(None, words(*found.missing, *reported.missing, "only-egfr" if only_egfr else ""))


def baseline_clearance(chart: Chart, first: Moment, view: View = AS_IS) -> Quantity:
    """'Cockcroft-Gault at the first dose, from the baseline creatinine, weight within 90 days before it, age then; else the
    latest reported clearance within those 90 days'. Missing: 'the inputs missing at the first dose, and `no-baseline`'."""
    before = set(view.assumed)
    found = computed_clearance(baseline_level(chart, first, view, "no-creatinine"), chart, first, view)
    if found.interval:
        return found
    view.forget(before)
    reported = latest(chart, "clearance", first, chart.policy.baseline_window_days, "", view)
    if reported.interval:
        view.assumed.add("crcl-as-reported")
        return reported
    return Quantity(None, words(*found.missing, *reported.missing, "no-baseline"))


def baseline_creatinine(chart: Chart, first: Moment, view: View = AS_IS) -> Quantity:
    """'latest within 90 days before the **first** dose of the product in the data'"""
    return baseline_level(chart, first, view, "no-baseline")


def baseline_level(chart: Chart, first: Moment, view: View, name: str) -> Quantity:
    return latest(chart, "creatinine", first, chart.policy.baseline_window_days, name, view)


def egfr(chart: Chart, start: Moment, days: int, view: View = AS_IS) -> Quantity:
    """'CKD-EPI 2021 (creatinine) from the latest creatinine, age ≥ 18, sex; else the latest reported eGFR within the creatinine
    window'. 'eGFR missing: the missing inputs and `no-egfr`; under 18 without a reported one: `no-egfr`.'"""
    before = set(view.assumed)
    level, years = creatinine(chart, start, days, view), age(chart, start, view)
    if level.interval and years.interval and years.low >= 18:
        corners = [(level.high, years.high), (level.low, years.low)]
        values = [ckd_epi_2021(mg, y, sex) for mg, y in corners for sex in sexes(chart, view)]
        return Quantity(Interval(min(values), max(values)))
    view.forget(before)
    reported = latest(chart, "egfr", start, days, "", view)
    if reported.interval:
        view.assumed.add("egfr-as-reported")
        return reported
    minor = years.interval is not None and years.low < 18
    return Quantity(None, words(*(() if minor else (*level.missing, *years.missing)), *reported.missing, "no-egfr"))


def words(*some: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(word for word in some if word))


# ---- calcium


@dataclass(frozen=True)
class CalciumValue:
    """A calcium as used: mg/dL (corrected, unless reported so) or, ionised, mmol/L."""

    kind: str
    interval: Interval
    limit: float
    si: bool
    albumin_unknown: bool


@dataclass(frozen=True)
class Calcium:
    """The calcium status: one value, or several that could be the latest, of one kind."""

    values: tuple[CalciumValue, ...] = ()
    missing: tuple[str, ...] = ()

    @property
    def interval(self) -> Interval | None:
        return hull(value.interval for value in self.values) if self.values else None

    @property
    def by_kind(self) -> list[tuple[Interval, bool]]:
        """The range of the values of each kind, and whether all of them were reported in the SI unit: kinds never pool."""
        groups = [[value for value in self.values if value.kind == kind] for kind in dict.fromkeys(v.kind for v in self.values)]
        return [(hull(value.interval for value in group), all(value.si for value in group)) for group in groups]

    @property
    def albumin_unknown(self) -> bool:
        return any(value.albumin_unknown for value in self.values)


def calcium(chart: Chart, start: Moment, days: int, ionised: bool = True, view: View = AS_IS) -> Calcium:
    """'candidates within the window: ionised; reported albumin-corrected; total. The latest date decides; on one date ionised
    before reported-corrected before total.'

    As with every lab, a partly dated one that may lie outside does not decide alone, and widens the range where it could decide:
    here it may be of another kind, so that each value keeps its kind and its limit."""
    start = view.start(start)
    order = ["calcium_ionised", "calcium_corrected", "calcium_total"][0 if ionised else 1 :]
    labs = chart.usable(*order)
    certain = [lab for lab in labs if placed(when(lab), start, days) == "certain"]
    possible = [lab for lab in labs if placed(when(lab), start, days) == "possible"]
    if not certain:
        return Calcium((), ("partial-date",) if possible else ("no-calcium",))
    used = [lab for lab in certain if decides(lab, certain, start, order)]
    if view.widened:
        used += view.noted([lab for lab in possible if decides(lab, certain, start, order)])
    view.assumed.update(assumed_of(used, chart.lost(start, days, *order), start))
    return Calcium(tuple(calcium_value(lab, chart, start, view) for lab in used))


def decides(lab: Lab, certain: list[Lab], start: Moment, order: list[str]) -> bool:
    """Could this calcium be the one: its date as late as it may be, the others' as early?"""
    day = min(when(lab).last, start.last)
    for other in certain:
        if other is lab:
            continue
        rank, others = order.index(lab.concept or ""), order.index(other.concept or "")
        same_day = when(other).first == day
        if when(other).first > day or (same_day and others < rank):
            return False
        if same_day and others == rank and certainly_later(when(other), when(lab)):
            return False
    return True


def calcium_value(lab: Lab, chart: Chart, start: Moment, view: View) -> CalciumValue:
    """'Total is corrected: Ca + 0.8 × (4.0 - albumin)'; 'Its lower limit: the first `referenceRange` of the lab with a `low` in a
    unit that converts, else 8.5 mg/dL (ionised 1.12 mmol/L)'."""
    assert lab.value
    assert lab.concept
    policy = chart.policy
    usual = policy.calcium_limit_ionised_mmol_l if lab.concept == "calcium_ionised" else policy.calcium_limit_mg_dl
    limit = lab.limit if lab.limit is not None else usual
    if lab.concept != "calcium_total":
        return CalciumValue(lab.concept, lab.value, limit, lab.si, False)
    albumin = nearest_albumin(lab, chart, start, view)
    view.assumed.update(() if albumin else ("albumin-unknown",))
    low, high = albumin or policy.unknown_albumin
    corrected = Interval(corrected_calcium(lab.value.low, high), corrected_calcium(lab.value.high, low))
    return CalciumValue(lab.concept, corrected, limit, lab.si, albumin is None)


def corrected_calcium(mg_per_dl: float, albumin_g_per_dl: float) -> float:
    return mg_per_dl + 0.8 * (4.0 - albumin_g_per_dl)


def nearest_albumin(lab: Lab, chart: Chart, start: Moment, view: View) -> Interval | None:
    """'the albumin nearest to the calcium's time (in seconds if the calcium and all candidate albumins have a time, else in days
    for all; ties give the range) within 7 days either way but not after the dose'; partly dated ones as in `latest`."""
    near = {
        albumin: near_calcium(when(albumin), when(lab), start, chart.policy.albumin_window_days)
        for albumin in chart.usable("albumin")
    }
    certain = [albumin for albumin, place in near.items() if place == "certain"]
    candidates = certain + [albumin for albumin, place in near.items() if place == "possible" and view.widened]
    if not certain:
        return None
    timed = when(lab).instant is not None and all(when(albumin).instant for albumin in candidates)
    distances = {albumin: distance(when(albumin), when(lab), timed) for albumin in candidates}
    reach = min(distances[albumin][1] for albumin in certain)
    nearest = [albumin for albumin in candidates if distances[albumin][0] <= reach]
    view.noted([albumin for albumin in nearest if albumin not in certain])
    view.assumed.update("time-from-issued" for albumin in nearest if albumin.issued)
    return hull(albumin.value for albumin in nearest if albumin.value)


def near_calcium(albumin: Moment, calcium: Moment, start: Moment, days: int) -> str:
    """'certain', 'possible' or 'no': within 7 days of the calcium, and not after the dose?"""
    least, greatest = days_between(albumin, calcium)
    if least >= -days and greatest <= days and certainly_before(albumin, start):
        return "certain"
    return "possible" if greatest >= -days and least <= days and possibly_before(albumin, start) else "no"


def distance(one: Moment, other: Moment, timed: bool) -> tuple[float, float]:
    """The least and the greatest distance; one number unless a date is partial."""
    if timed and one.instant and other.instant:
        seconds = abs((one.instant - other.instant).total_seconds())
        return seconds, seconds
    low, high = days_between(one, other)
    return (0 if low <= 0 <= high else min(abs(low), abs(high))), max(abs(low), abs(high))


# ---- windows


def creatinine_days(window: int, rules_of: str) -> int:
    """'where the rules are those of hypercalcaemia of malignancy: 2'"""
    return 2 if rules_of == HYPERCALCAEMIA else window


def calcium_days(window: int, rules_of: str) -> int:
    """'within the product's creatinine window (hypercalcaemia: 7 days)'"""
    return 7 if rules_of == HYPERCALCAEMIA else window


def evidence_days(lab: str, window: int, rules_of: str) -> int:
    """The window of a lab where a rule gives none."""
    if lab == "any_calcium" or lab in CALCIUM:
        return calcium_days(window, rules_of)
    fixed = {"weight": Policy().weight_window_days, "vitamin_d": VITAMIN_D_DAYS}
    counts = dict.fromkeys(("neutrophils", "platelets", "haemoglobin", "leucocytes"), COUNT_DAYS)
    return {**fixed, **counts}.get(lab, creatinine_days(window, rules_of))
