"""Age, sex, weight, creatinine, clearance and eGFR of each dose, now and before the first dose (semantics, section 5)."""

from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from bonefhir.coded import arrow, texts
from bonefhir.derive import formulae
from bonefhir.derive.bucket import Bucket
from bonefhir.derive.columns import Columns
from bonefhir.derive.items import Items
from bonefhir.derive.latest import Latest, latest
from bonefhir.derive.windows import NEVER, Moments, before
from bonefhir.interval import Flags, Integers, Interval, exactly, missing
from bonefhir.settings import Settings
from bonefhir.vocabulary import assumption, reason

_OLDEST = 125
"""Years: a greater age is not plausible (policy)."""
_ADULT = 18
"""Years: CKD-EPI 2021 is an equation for adults."""
_NO_WINDOW = -1_000_000
"""Days: a window that holds nothing."""
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
    """What a clearance needs, at one time point per dose, and a clearance and an eGFR as reported for want of it."""

    creatinine: Latest
    weight: Latest
    height: Latest | None
    clearance: Latest
    egfr: Latest


class Renal:
    """Adds the renal quantities of every dose to its columns."""

    def __init__(self, bucket: Bucket, doses: Moments, settings: Settings, columns: Columns, items: Items) -> None:
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
        self._clearance(
            "clearance", "creatinine", found, missing_inputs | np.where(found.egfr.value.known, reason("only-egfr"), 0)
        )
        self._egfr(found)

    def before_first(self, first: Integers, rows: Flags) -> None:
        """Baseline: at the first dose of the product, from the 90 days before it; the same for all its doses.

        first   row of the first dose of each dose's course; rows: doses that are the first
        """
        found = self._inputs(
            np.where(rows, self.settings.baseline_window_days, _NO_WINDOW),
            np.where(rows, self.settings.weight_window_days, _NO_WINDOW),
        )
        self._lab("baseline_creatinine", found.creatinine, "no-creatinine", "baseline creatinine")
        self._weight("baseline_weight", found, " at the first dose")
        self._clearance(
            "baseline_clearance",
            "baseline_creatinine",
            found,
            self._missing_inputs("baseline_creatinine", found) | reason("no-baseline"),
        )
        for name in [n for n in self.columns.data if n.startswith("baseline_")]:
            self.columns.data[name] = self.columns.data[name][first]
        absent = np.where(self.columns.bits("baseline_creatinine_missing") & PARTIAL, PARTIAL, reason("no-baseline"))
        known = self.columns.interval("baseline_creatinine").known
        self.columns.data["baseline_creatinine_missing"] = np.where(known, 0, absent)

    def _inputs(self, creatinine_days: Integers, weight_days: Integers | int) -> Inputs:
        def at(analyte: str, days: Integers | int) -> Latest:
            labs = self.bucket.of_analytes(analyte)
            found = latest(before(self.doses, labs.when, days), labs, self.doses)
            return _on_rows(found, labs.row)

        height = at("height", _HEIGHT_DAYS) if self.settings.weight != "actual" else None
        return Inputs(
            at("creatinine", creatinine_days),
            at("weight", weight_days),
            height,
            at("clearance", creatinine_days),
            at("egfr", creatinine_days),
        )

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

    def _egfr(self, found: Inputs) -> None:
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
        use = ~computed.known & found.egfr.value.known
        inputs = self.columns.bits("creatinine_missing") | self.columns.bits("age_missing")
        absent = reason("no-egfr") | np.where(age.low < _ADULT, 0, inputs)
        why = self.columns.bits("creatinine_why") | self.columns.bits("age_why")
        self.columns.quantity(
            "egfr",
            found.egfr.value.where(use, computed),
            absent | np.where(found.egfr.partial, PARTIAL, 0),
            np.where(use, np.where(found.egfr.widened, PARTIAL, 0), why),
            np.where(use, found.egfr.assumptions | assumption("egfr-as-reported"), self.columns.bits("creatinine_assumed")),
        )
        self.columns.by_sex("egfr", found.egfr.value.where(use, male), found.egfr.value.where(use, female))
        kept = use[found.egfr.picks[0]]
        self.items.add_labs("egfr_reported", "eGFR as reported", (found.egfr.picks[0][kept], found.egfr.picks[1][kept]))

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
