"""A patient in the making: the hospital's habits, the dice, the record that grows, and what an audit of it must find."""

from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from random import Random

from bonefhir.sample.hospitals import Hospital
from bonefhir.sample.model import Change, Diagnosis, Dose, Entry, Examination, Finding, Lab, Person, Planted, Record, Visit

CORRECTION = 0.8
NORMAL_ALBUMIN = 4.0


@dataclass
class Case:
    """number: of the patient in the sample."""

    hospital: Hospital
    chance: Random
    number: int
    record: Record
    used_ids: int = 0
    pending: list[Finding] = field(default_factory=list)

    def new_id(self) -> str:
        self.used_ids += 1
        return self.hospital.identity(self.number, self.used_ids)

    def near(self, value: float, share: float) -> float:
        """The value, give or take that share of it."""
        return value * (1 + self.chance.uniform(-share, share))

    # ------------------------------------------------------------------------------------------------- what is recorded

    def measured(self, analyte: str, value: float, at: datetime, *changes: Change, alone: bool = False) -> Lab:
        """A new lab, which the caller puts where it belongs."""
        return Lab(
            id=self.new_id(),
            kind="Observation",
            patient=self.record.patient,
            analyte=analyte,
            value=value,
            at=at,
            alone=alone,
            changes=list(changes),
        )

    def aside(self, analyte: str, value: float, at: datetime, *changes: Change) -> Lab:
        """A new lab that belongs to no visit."""
        made = self.measured(analyte, value, at, *changes, alone=True)
        self.record.labs.append(made)
        return made

    def diagnose(self, concept: str, since: date | None) -> Diagnosis:
        made = Diagnosis(id=self.new_id(), kind="Condition", patient=self.record.patient, concept=concept, since=since)
        self.record.diagnoses.append(made)
        return made

    def examine(self, on: date) -> Examination:
        made = Examination(id=self.new_id(), kind="Procedure", patient=self.record.patient, on=on)
        self.record.examinations.append(made)
        return made

    def give(self, product: str, amount: float, start: datetime, minutes: float | None, route: str) -> Dose:
        """A new dose, which the caller puts into a visit."""
        return Dose(
            id=self.new_id(),
            kind="MedicationAdministration",
            patient=self.record.patient,
            product=product,
            amount=amount,
            start=start,
            minutes=minutes,
            route=route,
        )

    def visit(self, dose: Dose, lead: int | None = None) -> Visit:
        """A visit for that dose, put in its place in time: chemistry drawn `lead` days before, weight of the day."""
        made = Visit(id=self.new_id(), kind="Encounter", patient=self.record.patient, doses=[dose], labs=[])
        drawn = self.morning(dose.start.date() - timedelta(days=self.chance.choice((1, 1, 2)) if lead is None else lead))
        self.chemistry(made, drawn)
        made.labs.append(self.measured("weight", self.record.weight, self.morning(dose.start.date())))
        made.labs += [self.measured(a, v, drawn) for a, v in self.blood_count()]
        self.record.visits.append(made)
        self.record.visits.sort(key=lambda visit: visit.dose.start)
        return made

    def morning(self, on: date) -> datetime:
        return datetime.combine(on, time(7, 15)) + timedelta(minutes=self.chance.randrange(0, 120, 5))

    def chemistry(self, visit: Visit, drawn: datetime) -> None:
        record = self.record
        albumin = self.near(record.albumin, 0.03)
        visit.labs.append(self.measured("creatinine", self.near(record.creatinine, 0.025), drawn))
        self.calcium(visit, self.near(record.calcium, 0.015), albumin, drawn)

    def calcium(self, visit: Visit, corrected: float, albumin: float, drawn: datetime) -> None:
        """Calcium and albumin for that corrected calcium, in place of those that the visit has."""
        visit.drop("calcium", "corrected_calcium", "albumin")
        albumin = self.hospital.rounded("albumin", albumin)
        total = corrected - CORRECTION * (NORMAL_ALBUMIN - albumin)
        value = corrected if self.hospital.calcium == "corrected_calcium" else total
        visit.labs.append(self.measured(self.hospital.calcium, value, drawn))
        visit.labs.append(self.measured("albumin", albumin, drawn))

    def blood_count(self) -> list[tuple[str, float]]:
        """Now and then: labs that no rule asks for."""
        if self.chance.random() < 0.5:
            return []
        return [("haemoglobin", self.chance.uniform(9.5, 14)), ("platelets", self.chance.uniform(130, 340))]

    # ----------------------------------------------------------------------------------------------- what must be found

    def fails(self, dose: Dose, *rules: str) -> None:
        self.pending += [Finding("verdict", dose, rule, "fail", (), "") for rule in rules]

    def unknown(self, dose: Dose, reasons: tuple[str, ...], *rules: str) -> None:
        self.pending += [Finding("verdict", dose, rule, "indeterminate", reasons, "") for rule in rules]

    def rejected(self, entry: Entry, reason: str) -> None:
        self.pending.append(Finding("reject", entry, reason, "rejected", (), ""))

    def noted(self, entry: Entry, kind: str, severity: str) -> None:
        self.pending.append(Finding("data-quality", entry, kind, severity, (), ""))

    def conclude(self, name: str, title: str, look_at: Entry) -> None:
        """Ends the planting of a scenario: its findings enter the record."""
        self.record.planted.append(Planted(name, title, look_at.reference, len(self.pending)))
        self.record.findings += [replace(finding, planted=title) for finding in self.pending]
        self.pending = []


@dataclass(frozen=True)
class Admission:
    """A patient to be made: where, by which dice, and its number in the sample."""

    hospital: Hospital
    chance: Random
    number: int


def admit(admission: Admission, person: Person, weight: float, creatinine: float) -> Case:
    """A case with an empty record."""
    hospital, chance, number = admission.hospital, admission.chance, admission.number
    patient = Entry(id=hospital.identity(number, 0), kind="Patient")
    record = Record(
        person=person,
        patient=patient,
        weight=weight,
        creatinine=creatinine,
        calcium=chance.uniform(9.1, 9.7),
        albumin=chance.uniform(3.8, 4.3),
    )
    return Case(hospital=hospital, chance=chance, number=number, record=record)
