"""Klinikum Rosental, Germany: a transaction Bundle per patient."""

from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import ClassVar
from uuid import UUID, uuid5

from bonefhir.sample.hospitals.base import Hospital, Places, Written, write_bundle
from bonefhir.sample.hospitals.fhir import (
    ATC,
    EDQM,
    EGFR,
    ICD10GM,
    SNOMED,
    Coding,
    Measure,
    Test,
    amount,
    concept,
    european_summer,
    quantity,
)
from bonefhir.sample.model import Dose, Entry, Record, Resource
from bonefhir.sample.people import GERMAN, Names

NAMESPACE = UUID("5d0c1b1e-7d0c-4a52-9a5e-52c6a1f0d9b3")
DRUGS: dict[str, tuple[str, str]] = {
    "zoledronic_acid_4mg": ("M05BA08", "Zoledronsäure 4 mg/5 ml Konzentrat zur Herstellung einer Infusionslösung"),
    "zoledronic_acid_5mg": ("M05BA08", "Aclasta 5 mg Infusionslösung"),
    "pamidronate": ("M05BA03", "Pamidronsäure Infusionslösungskonzentrat"),
    "denosumab_120mg": ("M05BX04", "XGEVA 120 mg Injektionslösung"),
    "denosumab_60mg": ("M05BX04", "Prolia 60 mg Injektionslösung"),
    "radium_223": ("V10XX03", "Xofigo Injektionslösung"),
    "abiraterone": ("L02BX03", "Abirateron Tablette"),
    "furosemide": ("C03CA01", "Furosemid 40 mg Tablette"),
    "naproxen": ("M01AE02", "Naproxen 500 mg Tablette"),
}


class Rosental(Hospital):
    key = "rosental"
    name = "Klinikum Rosental"
    habits = (
        "a transaction Bundle per patient with urn:uuid references and no ids, Medication resources with ATC codes, "
        "µmol/L, mmol/L and g/L, +01:00 or +02:00, infusions as a rate (4 mg in 15 min)"
    )
    names: ClassVar[Names] = GERMAN
    activity: ClassVar[Measure] = Measure("MBq", "MBq", 1 / 1000, 2)
    tests: ClassVar[dict[str, Test]] = {
        "creatinine": Test("14682-9", "Creatinine [Moles/volume] in Serum or Plasma", "µmol/L", "umol/L", 88.42, 0),
        "calcium": Test("2000-8", "Calcium [Moles/volume] in Serum or Plasma", "mmol/L", "mmol/L", 1 / 4.008, 2, low=2.15),
        "albumin": Test("1751-7", "Albumin [Mass/volume] in Serum or Plasma", "g/L", "g/L", 10, 0, low=35),
        "vitamin_d": Test("14635-7", "25-hydroxyvitamin D3 [Moles/volume] in Serum or Plasma", "nmol/L", "nmol/L", 2.496, 0),
        "weight": Test("29463-7", "Body weight", "kg", "kg", 1, 1, category="vital-signs"),
        "egfr": Test("98979-8", EGFR, "ml/min/1,73 m²", "mL/min/{1.73_m2}", 1, 0),
        "urine_creatinine": Test("14683-7", "Creatinine [Moles/volume] in Urine", "mmol/L", "mmol/L", 0.08842, 1),
        "haemoglobin": Test("718-7", "Hemoglobin [Mass/volume] in Blood", "g/dL", "g/dL", 1, 1),
        "neutrophils": Test("751-8", "Neutrophils [#/volume] in Blood by Automated count", "Gpt/L", "10*9/L", 1, 1),
        "platelets": Test("777-3", "Platelets [#/volume] in Blood by Automated count", "Gpt/L", "10*9/L", 1, 0),
    }
    routes: ClassVar[dict[str, Sequence[Coding]]] = {
        "intravenous": [(EDQM, "20045000", "Intravenous use"), (SNOMED, "47625008", "Intravenous route (qualifier value)")],
        "subcutaneous": [(EDQM, "20066000", "Subcutaneous use"), (SNOMED, "34206005", "Subcutaneous route (qualifier value)")],
        "oral": [(EDQM, "20053000", "Oral use"), (SNOMED, "26643006", "Oral route (qualifier value)")],
    }
    conditions: ClassVar[dict[str, tuple[Sequence[Coding], str | None]]] = {
        "bone_metastases": ([(ICD10GM, "C79.5", "")], "Sekundäre bösartige Neubildung des Knochens"),
        "multiple_myeloma": ([(ICD10GM, "C90.00", "")], "Multiples Myelom: ohne Angabe einer kompletten Remission"),
        "osteoporosis": ([(ICD10GM, "M81.00", "")], "Postmenopausale Osteoporose: Mehrere Lokalisationen"),
        "osteonecrosis_of_jaw": ([("https://www.meddra.org", "10064658", "")], "Kieferosteonekrose"),
        "pregnancy": ([(ICD10GM, "Z33", "")], "Schwangerschaftsfeststellung als Nebenbefund"),
        "tumour": ([(ICD10GM, "C34.9", "")], "Bronchialkarzinom"),
        "prostate_cancer": ([(ICD10GM, "C61", "")], "Prostatakarzinom"),
        "kidney_disease": ([(ICD10GM, "N18.3", "")], "Chronische Nierenkrankheit, Stadium 3"),
    }

    def identity(self, patient: int, n: int) -> str:
        return str(uuid5(NAMESPACE, f"{patient}.{n}"))

    def start(self, entry: Entry) -> Resource:
        return {"resourceType": entry.kind}

    def time(self, at: datetime) -> str:
        return at.isoformat() + ("+02:00" if european_summer(at) else "+01:00")

    def refer(self, entry: Entry) -> Resource:
        return {"reference": f"urn:uuid:{entry.id}"}

    def onset(self, since: date) -> Resource:
        return {"recordedDate": since.isoformat()}

    def medication(self, dose: Dose) -> Resource:
        return {"medicationReference": self.refer(medication(dose))}

    def given(self, dose: Dose) -> Resource:
        given = self.charted(dose)
        dosage: Resource = {"route": self.route(dose), "dose": given}
        if dose.minutes:
            dosage["rateRatio"] = {"numerator": given, "denominator": quantity(amount(dose.minutes), "min", "min")}
        return {"effectiveDateTime": self.time(dose.start), "dosage": dosage}

    def drugs(self, record: Record) -> list[Written]:
        """The Medications of a record, once each."""
        made = {}
        for dose in record.doses():
            code, text = DRUGS[dose.product]
            entry = medication(dose)
            made[entry.id] = (entry, self.start(entry) | {"code": concept([(ATC, code, "")], text), "status": "active"})
        return list(made.values())

    def save(self, folder: Path, records: Sequence[Record]) -> Places:
        """fhir/rosental/<number>.json"""
        places: Places = {}
        for n, record in enumerate(records, start=1):
            written = self.resources(record)
            written[1:1] = self.drugs(record)
            entries = [
                {"fullUrl": f"urn:uuid:{entry.id}", "resource": resource, "request": {"method": "POST", "url": entry.kind}}
                for entry, resource in written
            ]
            bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
            places |= write_bundle(folder, f"fhir/rosental/patient-{n:03d}.json", bundle, written)
        return places


def medication(dose: Dose) -> Entry:
    """One per patient and product."""
    return Entry(id=str(uuid5(UUID(dose.patient.id), dose.product)), kind="Medication")
