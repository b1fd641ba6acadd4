"""What a hospital does to write its records down as FHIR; each hospital's habits are in a module of its own."""

import gzip
import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import ClassVar

from bonefhir.sample.hospitals.fhir import LOINC, SNOMED, TERMINOLOGY, Coding, Measure, Test, amount, concept, quantity
from bonefhir.sample.model import Diagnosis, Dose, Entry, Examination, Lab, Record, Resource, Visit
from bonefhir.sample.people import Names

Written = tuple[Entry, Resource]
Places = dict[str, str]
"""'<type>/<id>' of a written resource → 'file:line' (NDJSON) or 'file#entry' (Bundle), relative to the folder of the sample."""

DENTAL: Coding = (SNOMED, "34043003", "Dental consultation and report (procedure)")


class Hospital(ABC):
    key: ClassVar[str]
    name: ClassVar[str]
    habits: ClassVar[str]
    names: ClassVar[Names]
    tests: ClassVar[Mapping[str, Test]]
    routes: ClassVar[Mapping[str, Sequence[Coding]]]
    conditions: ClassVar[Mapping[str, tuple[Sequence[Coding], str | None]]]
    calcium: ClassVar[str] = "calcium"
    mass_code: ClassVar[str | None] = "mg"
    activity: ClassVar[Measure] = Measure("kBq", "kBq", 1, 0)

    @abstractmethod
    def identity(self, patient: int, n: int) -> str:
        """The id of a patient's n-th resource; n = 0: the Patient."""

    @abstractmethod
    def time(self, at: datetime) -> str: ...

    @abstractmethod
    def refer(self, entry: Entry) -> Resource: ...

    @abstractmethod
    def save(self, folder: Path, records: Sequence[Record]) -> Places:
        """Writes the hospital's files below folder / 'fhir'."""

    @abstractmethod
    def medication(self, dose: Dose) -> Resource:
        """The elements of a MedicationAdministration that say what was given."""

    @abstractmethod
    def given(self, dose: Dose) -> Resource:
        """Its elements for time and dosage."""

    def charted(self, dose: Dose) -> Resource:
        """The dose as a Quantity: in mg, of a radiopharmaceutical in the hospital's unit of activity."""
        if dose.product == "radium_223":
            return quantity(amount(dose.amount * self.activity.per, self.activity.digits), self.activity.unit, self.activity.ucum)
        return quantity(amount(dose.amount), "mg", self.mass_code)

    def day(self, on: date) -> str:
        return on.isoformat()

    def rounded(self, analyte: str, value: float) -> float:
        """The value as it can be read back from what this hospital writes."""
        test = self.tests[analyte]
        return test.written(value) / test.per

    # ------------------------------------------------------------------------------------------------------- resources

    def resources(self, record: Record) -> list[Written]:
        """All of a record, its departures from habit made, the patient first."""
        written: list[Written] = [(record.patient, self.patient(record))]
        written += [(d, self.condition(d)) for d in record.diagnoses]
        written += [(e, self.procedure(e)) for e in record.examinations]
        written += [(v, self.encounter(v)) for v in record.visits]
        written += self.observations(record)
        written += [(d, self.administration(d, v)) for v in record.visits for d in v.doses]
        for entry, resource in written:
            for change in entry.changes:
                change(resource)
        return written

    def observations(self, record: Record) -> list[Written]:
        return [(lab, self.observation(lab)) for lab in record.all_labs()]

    def patient(self, record: Record) -> Resource:
        person = record.person
        made = self.start(record.patient) | {
            "name": [{"use": "official", "family": person.family, "given": [person.given]}],
            "gender": person.sex,
            "birthDate": person.birth.isoformat(),
        }
        if record.died:
            made["deceasedDateTime"] = record.died.isoformat()
        return made

    def start(self, entry: Entry) -> Resource:
        return {"resourceType": entry.kind, "id": entry.id}

    def condition(self, diagnosis: Diagnosis) -> Resource:
        codings, text = self.conditions[diagnosis.concept]
        made = self.start(diagnosis) | {
            "clinicalStatus": concept([(f"{TERMINOLOGY}/condition-clinical", "active", "")]),
            "verificationStatus": concept([(f"{TERMINOLOGY}/condition-ver-status", "confirmed", "")]),
            "code": concept(codings, text),
            "subject": self.refer(diagnosis.patient),
        }
        return made | (self.onset(diagnosis.since) if diagnosis.since else {})

    def onset(self, since: date) -> Resource:
        return {"onsetDateTime": since.isoformat(), "recordedDate": since.isoformat()}

    def procedure(self, examination: Examination) -> Resource:
        return self.start(examination) | {
            "status": "completed",
            "code": concept([DENTAL], "Dental examination"),
            "subject": self.refer(examination.patient),
            "performedDateTime": self.day(examination.on),
        }

    def encounter(self, visit: Visit) -> Resource:
        return self.start(visit) | {
            "status": "finished",
            "class": {"system": f"{TERMINOLOGY}/v3-ActCode", "code": "AMB", "display": "ambulatory"},
            "subject": self.refer(visit.patient),
            "period": {"start": self.day(visit.day), "end": self.day(visit.day)},
        }

    def observation(self, lab: Lab) -> Resource:
        test = self.tests[lab.analyte]
        made = self.start(lab) | {
            "status": lab.status,
            "category": [concept([(f"{TERMINOLOGY}/observation-category", test.category, "")])],
            "code": concept([(LOINC, test.code, test.display)]),
            "subject": self.refer(lab.patient),
            "effectiveDateTime": self.time(lab.at),
        }
        return made | self.value(lab)

    def value(self, lab: Lab) -> Resource:
        test = self.tests[lab.analyte]
        made: Resource = {"valueQuantity": quantity(test.written(lab.value), test.unit, test.ucum)}
        if test.low is not None:
            made["referenceRange"] = [{"low": quantity(test.low, test.unit, test.ucum)}]
        return made

    def administration(self, dose: Dose, visit: Visit) -> Resource:
        made = self.start(dose) | {"status": dose.status} | self.medication(dose)
        made |= {"subject": self.refer(dose.patient), "context": self.refer(visit)}
        made |= self.given(dose)
        if dose.reason:
            codings, text = self.conditions[dose.reason]
            made["reasonCode"] = [concept(codings, text)]
        return made

    def route(self, dose: Dose) -> Resource:
        return concept(self.routes[dose.route])


def text_of(entry: Entry, resource: Resource) -> str:
    """JSON on one line; broken in its middle where the entry says so."""
    text = text_of_json(resource)
    return text.replace('"status":"', '"status":""', 1) if entry.garble else text


def write_lines(folder: Path, name: str, written: Sequence[Written]) -> Places:
    """NDJSON, gzipped if the name says so; the same bytes every time."""
    places: Places = {}
    for line, (entry, _) in enumerate(written, start=1):
        places.setdefault(entry.reference, f"{name}:{line}")
    content = "".join(text_of(entry, resource) + "\n" for entry, resource in written).encode()
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(content, mtime=0) if name.endswith(".gz") else content)
    return places


def write_bundle(folder: Path, name: str, bundle: Resource, written: Sequence[Written]) -> Places:
    """One Bundle, an entry per line; `written` are its entries, in their order."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    head = text_of_json({key: value for key, value in bundle.items() if key != "entry"})
    entries = ",\n".join(text_of_json(entry) for entry in bundle["entry"])
    path.write_text(f'{head[:-1]},"entry":[\n{entries}\n]}}\n', encoding="utf-8")
    return {entry.reference: f"{name}#{n}" for n, (entry, _) in reversed(list(enumerate(written)))}


def text_of_json(value: Resource) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
