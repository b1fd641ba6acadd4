"""Age, sex, weight, creatinine, clearance and eGFR of each dose, now and before the first dose (semantics, section 5)."""

from copy import copy
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from bonefhir.coded import arrow, texts
from bonefhir.derive import formulae
from bonefhir.derive.bucket import Bucket
from bonefhir.derive.columns import Columns
from bonefhir.derive.items import Items, Some
from bonefhir.derive.latest import Latest, latest
from bonefhir.derive.windows import NEVER, Moments, before
from bonefhir.interval import Flags, Integers, Interval, exactly, missing
from bonefhir.settings import Settings
from bonefhir.vocabulary import assumption, reason

_OLDEST = 125
"""Years: a greater age is not plausible (policy)."""
_ADULT = 18
"""Years: CKD-EPI 2021 is an equation for adults."""
_HEIGHT_DAYS = 3650
"""Days for which a height counts (policy)."""

PARTIAL = reason("partial-date")


@dataclass(frozen=True)
class Person:
    """Age and sex at each dose. implausible: an age that cannot be, so it is unknown."""

    age: Interval
    female: Interval
    implausible: Flags
    row: Integers

    def take(self, rows: Integers) -> "Person":
        return Person(self.age.take(rows), self.female.take(rows), self.implausible[rows], self.row[rows])


def person(doses: Moments, bucket: Bucket) -> Person:
    row = bucket.patient_row[doses.patient]
    known = row >= 0
    patients = bucket.patients
    if not len(patients):
        return Person(
            missing(len(doses)), Interval(np.zeros(len(doses)), np.ones(len(doses))), np.zeros(len(doses), dtype=bool), row
        )
    first, last = (np.where(known, patients.integers(name)[row], NEVER) for name in ("birth_first", "birth_last"))
    age = Interval(
        formulae.completed_years(last.view("datetime64[D]"), doses.first.view("datetime64[D]")),
        formulae.completed_years(first.view("datetime64[D]"), doses.last.view("datetime64[D]")),
    )
    implausible = age.known & ((age.high < 0) | (age.low > _OLDEST))
    age = Interval(np.clip(age.low, 0, _OLDEST), np.clip(age.high, 0, _OLDEST)).where(
        age.known & ~implausible, missing(len(doses))
    )
    female = Interval(
        *(np.where(known, patients.floats(f"female_{end}")[row], other) for end, other in (("low", 0.0), ("high", 1.0)))
    )
    return Person(age, female, implausible, row)


@dataclass(frozen=True)
class Inputs:
    """What a clearance needs, at one time point per dose, and a clearance as reported for want of it."""

    creatinine: Latest
    weight: Latest
    height: Latest | None
    clearance: Latest


class Renal:
    """Adds the renal quantities of every dose to its columns."""

    def __init__(self, bucket: Bucket, doses: Moments, settings: Settings, columns: Columns, items: Items | Some) -> None:
        self.bucket, self.doses, self.settings, self.columns, self.items = bucket, doses, settings, columns, items
        self.person = person(doses, bucket)
        partly = np.where(doses.first != doses.last, PARTIAL, 0)
        columns.quantity("age", self.person.age, reason("no-age"), partly)
        columns.data["female_low"], columns.data["female_high"] = self.person.female
        self._patient_items()

    def now(self, creatinine_days: Integers) -> None:
        """At the dose: creatinine, weight, clearance, eGFR."""
        found = self._inputs(creatinine_days, self.settings.weight_window_days)
        self._lab("creatinine", found.creatinine, "no-creatinine", "creatinine")
        self._weight("weight", found, "")
        missing_inputs = self._missing_inputs("creatinine", found)
        egfr = self._latest("egfr", creatinine_days)
        self._clearance("clearance", "creatinine", found, missing_inputs | np.where(egfr.value.known, reason("only-egfr"), 0))
        self._egfr(egfr)

    def before_first(self, first: Integers) -> None:
        """Baseline: at the first dose of the product, from the 90 days before it; the same for all its doses.

        first   row of the first dose of each dose's course
        """
        rows = np.unique(first)
        then = self._of(rows)
        then.baseline()
        place = np.searchsorted(rows, first)
        for name in [n for n in then.columns.data if n.startswith("baseline_")]:
            self.columns.data[name] = then.columns.data[name][place]

    def _of(self, rows: Integers) -> "Renal":
        """Of some of the doses only."""
        some = copy(self)
        some.doses, some.items, some.columns = self.doses.take(rows), Some(self.items, rows), Columns(len(rows))
        some.person = self.person.take(rows)
        some.columns.data |= {name: values[rows] for name, values in self.columns.data.items() if name.startswith("age_")}
        return some

    def baseline(self) -> None:
        """Of doses that are the first of their course."""
        found = self._inputs(self.settings.baseline_window_days, self.settings.weight_window_days)
        self._lab("baseline_creatinine", found.creatinine, "no-creatinine", "baseline creatinine")
        self._weight("baseline_weight", found, " at the first dose")
        self._clearance(
            "baseline_clearance",
            "baseline_creatinine",
            found,
            self._missing_inputs("baseline_creatinine", found) | reason("no-baseline"),
        )
        absent = np.where(self.columns.bits("baseline_creatinine_missing") & PARTIAL, PARTIAL, reason("no-baseline"))
        known = self.columns.interval("baseline_creatinine").known
        self.columns.data["baseline_creatinine_missing"] = np.where(known, 0, absent)

    def _inputs(self, creatinine_days: Integers | int, weight_days: int) -> Inputs:
        return Inputs(
            self._latest("creatinine", creatinine_days),
            self._latest("weight", weight_days),
            self._latest("height", _HEIGHT_DAYS) if self.settings.weight != "actual" else None,
            self._latest("clearance", creatinine_days),
        )

    def _latest(self, analyte: str, days: Integers | int) -> Latest:
        labs = self.bucket.of_analytes(analyte)
        return _on_rows(latest(before(self.doses, labs.when, days), labs, self.doses), labs.row)

    def _lab(self, name: str, found: Latest, absent: str, role: str) -> None:
        self.columns.quantity(
            name,
            found.value,
            np.where(found.partial, PARTIAL, reason(absent)),
            np.where(found.widened, PARTIAL, 0),
            found.assumptions,
            found.si,
        )
        self.items.add_labs(name, role, found.picks)

    def _weight(self, name: str, found: Inputs, when: str) -> None:
        self._lab(name, found.weight, "no-weight", f"body weight{when}")
        if found.height is not None:
            self.items.add_labs(name, f"body height{when}", found.height.picks)

    def _missing_inputs(self, creatinine: str, found: Inputs) -> Integers:
        """The weight is that of the setting, which may rest on a height, with it or alone."""
        weight = "weight" if creatinine == "creatinine" else "baseline_weight"
        bits = [self.columns.bits(f"{name}_missing") for name in (creatinine, "age")]
        if self.settings.weight != "ideal":
            bits.append(self.columns.bits(f"{weight}_missing"))
        if found.height is not None:
            absent = np.where(found.height.partial, PARTIAL, reason("no-weight"))
            bits.append(np.where(found.height.value.known, 0, absent))
        return np.asarray(np.bitwise_or.reduce(bits))

    def _clearance(self, name: str, creatinine: str, found: Inputs, absent: Integers) -> None:
        """Cockcroft-Gault; where it cannot be computed, a clearance reported as Cockcroft-Gault."""
        male, female = (self._cockcroft_gault(creatinine, found, sex) for sex in (0.0, 1.0))
        computed = _of_sex(self.person.female, male, female)
        reported = found.clearance
        use = ~computed.known & reported.value.known
        weight = "weight" if creatinine == "creatinine" else "baseline_weight"
        used = (creatinine,) if self.settings.weight == "ideal" else (creatinine, weight)
        why = [self.columns.bits(f"{n}_why") for n in (*used, "age")]
        assumed = [self.columns.bits(f"{n}_assumed") for n in used]
        if found.height is not None:
            why.append(np.where(found.height.widened, PARTIAL, 0))
            assumed.append(found.height.assumptions)
        self.columns.quantity(
            name,
            reported.value.where(use, computed),
            absent | np.where(reported.partial, PARTIAL, 0),
            np.where(use, np.where(reported.widened, PARTIAL, 0), np.bitwise_or.reduce(why)),
            np.where(use, reported.assumptions | assumption("crcl-as-reported"), np.bitwise_or.reduce(assumed)),
        )
        self.columns.by_sex(name, reported.value.where(use, male), reported.value.where(use, female))
        kept = use[reported.picks[0]]
        self.items.add_labs(f"{name}_reported", "clearance as reported", (reported.picks[0][kept], reported.picks[1][kept]))

    def _cockcroft_gault(self, creatinine: str, found: Inputs, sex: float) -> Interval:
        female = exactly(np.full(len(self.doses), sex))
        weight = _policy(self.settings.weight, found.weight.value, found.height, female)
        return _both_known(
            formulae.cockcroft_gault(self.columns.interval("age"), weight, self.columns.interval(creatinine), female)
        )

    def _egfr(self, found: Latest) -> None:
        """CKD-EPI 2021 from the latest creatinine in adults; else the latest eGFR as reported."""
        age, creatinine = self.columns.interval("age"), self.columns.interval("creatinine")
        adult = age.low >= _ADULT
        male, female = (
            _both_known(formulae.ckd_epi_2021(age, creatinine, exactly(np.full(len(self.doses), sex)))).where(
                adult, missing(len(self.doses))
            )
            for sex in (0.0, 1.0)
        )
        computed = _of_sex(self.person.female, male, female)
        use = ~computed.known & found.value.known
        inputs = self.columns.bits("creatinine_missing") | self.columns.bits("age_missing")
        absent = reason("no-egfr") | np.where(age.low < _ADULT, 0, inputs)
        why = self.columns.bits("creatinine_why") | self.columns.bits("age_why")
        self.columns.quantity(
            "egfr",
            found.value.where(use, computed),
            absent | np.where(found.partial, PARTIAL, 0),
            np.where(use, np.where(found.widened, PARTIAL, 0), why),
            np.where(use, found.assumptions | assumption("egfr-as-reported"), self.columns.bits("creatinine_assumed")),
        )
        self.columns.by_sex("egfr", found.value.where(use, male), found.value.where(use, female))
        kept = use[found.picks[0]]
        self.items.add_labs("egfr_reported", "eGFR as reported", (found.picks[0][kept], found.picks[1][kept]))

    def _patient_items(self) -> None:
        dose = np.flatnonzero(self.person.row >= 0)
        rows = self.person.row[dose]
        patients = self.bucket.patients
        born, gender = (arrow(patients.texts[name]).cast(pa.string()).to_pylist() for name in ("birth_date", "gender"))
        told = [f"born {b or 'unknown'}, {g or 'sex unknown'}" for b, g in zip(born, gender, strict=True)]
        self.items.add(
            "patient",
            "age and sex",
            dose,
            resource=replace(patients.texts["patient_id"], codes=patients.texts["patient_id"].codes[rows]),
            reported=texts(told, rows),
            low=self.person.age.low[dose],
            high=self.person.age.high[dose],
            unit="a",
        )


def _on_rows(found: Latest, row: Integers) -> Latest:
    """Picks as rows of the bucket's lab table."""
    picks = (found.picks[0], row[found.picks[1]])
    return Latest(found.value, found.si, found.partial, found.widened, found.unusable, found.assumptions, picks)


def _of_sex(female: Interval, male_value: Interval, female_value: Interval) -> Interval:
    """The value of the sex that is known; the hull of both where it is not."""
    both = male_value.hull(female_value)
    return male_value.where(female.high == 0, female_value.where(female.low == 1, both))


def _both_known(value: Interval) -> Interval:
    unknown = ~value.known
    return Interval(np.where(unknown, np.nan, value.low), np.where(unknown, np.nan, value.high))


def _policy(weight: str, actual: Interval, height: Latest | None, female: Interval) -> Interval:
    """The weight that goes into Cockcroft-Gault (setting `weight`)."""
    if weight == "actual" or height is None:
        return actual
    ideal = formulae.ideal_weight(height.value, female)
    return ideal if weight == "ideal" else _both_known(formulae.adjusted_weight(actual, ideal))
