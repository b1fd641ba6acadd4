"""What one hospital knows of one patient, before it is written down as FHIR.

Amounts are in mg, labs in conventional units (creatinine, calcium mg/dL; albumin g/dL; weight kg; vitamin D ng/mL), times are
local and naive: a hospital writes them in its own units, codes and offsets.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

Resource = dict[str, Any]
Change = Callable[[Resource], None]


@dataclass(kw_only=True)
class Entry:
    """Something that becomes one resource.

    changes  made to the finished resource: what departs from the hospital's habit
    garble   written as text that is not JSON
    """

    id: str
    kind: str
    changes: list[Change] = field(default_factory=list)
    garble: bool = False

    @property
    def reference(self) -> str:
        return f"{self.kind}/{self.id}"


@dataclass(kw_only=True)
class Fact(Entry):
    """An entry about a patient."""

    patient: Entry


@dataclass(kw_only=True)
class Dose(Fact):
    """minutes: infusion time; None for an injection or a tablet."""

    product: str
    amount: float
    start: datetime
    minutes: float | None
    route: str
    reason: str | None = None
    status: str = "completed"

    @property
    def end(self) -> datetime:
        return self.start + timedelta(minutes=self.minutes or 0)


@dataclass(kw_only=True)
class Lab(Fact):
    """alone: an Observation of its own even where the hospital writes panels."""

    analyte: str
    value: float
    at: datetime
    status: str = "final"
    alone: bool = False


@dataclass(kw_only=True)
class Diagnosis(Fact):
    """since: None if no date was recorded."""

    concept: str
    since: date | None


@dataclass(kw_only=True)
class Examination(Fact):
    on: date


@dataclass(kw_only=True)
class Visit(Fact):
    """An Encounter with what was given and measured for it. The first dose is the one the visit was for."""

    doses: list[Dose]
    labs: list[Lab]

    @property
    def dose(self) -> Dose:
        return self.doses[0]

    @property
    def day(self) -> date:
        return self.dose.start.date()

    def lab(self, analyte: str) -> Lab:
        """The latest one before the dose."""
        return max((lab for lab in self.labs if lab.analyte == analyte), key=lambda lab: lab.at)

    def drop(self, *analytes: str) -> None:
        self.labs = [lab for lab in self.labs if lab.analyte not in analytes]

    def move(self, days: int) -> None:
        for dose in self.doses:
            dose.start += timedelta(days=days)
        for lab in self.labs:
            lab.at += timedelta(days=days)


@dataclass(frozen=True)
class Person:
    sex: str
    birth: date
    given: str
    family: str

    def age(self, on: date) -> int:
        """Completed years."""
        return on.year - self.birth.year - ((on.month, on.day) < (self.birth.month, self.birth.day))


@dataclass(frozen=True)
class Finding:
    """A row of the answer key.

    kind  'verdict', 'reject' or 'data-quality'
    rule  the rule's id, the reason of the reject, or the kind of the data-quality finding
    """

    kind: str
    entry: Entry
    rule: str
    outcome: str
    reasons: tuple[str, ...]
    planted: str


@dataclass(frozen=True)
class Planted:
    """A scenario in a record, with the resource to look at."""

    scenario: str
    title: str
    reference: str
    findings: int


@dataclass
class Record:
    """One patient at one hospital. weight, creatinine, calcium (corrected), albumin: the patient's usual values."""

    person: Person
    patient: Entry
    weight: float
    creatinine: float
    calcium: float
    albumin: float
    visits: list[Visit] = field(default_factory=list)
    labs: list[Lab] = field(default_factory=list)
    diagnoses: list[Diagnosis] = field(default_factory=list)
    examinations: list[Examination] = field(default_factory=list)
    died: date | None = None
    findings: list[Finding] = field(default_factory=list)
    planted: list[Planted] = field(default_factory=list)

    def doses(self) -> Iterator[Dose]:
        for visit in self.visits:
            yield from visit.doses

    def all_labs(self) -> Iterator[Lab]:
        yield from self.labs
        for visit in self.visits:
            yield from visit.labs
