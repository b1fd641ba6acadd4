"""Lakeside Cancer Center, USA: a Bulk Data export."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import ClassVar

from bonefhir.sample.hospitals.base import Hospital, Places, write_lines
from bonefhir.sample.hospitals.fhir import (
    EGFR,
    ICD10CM,
    RXNORM,
    SNOMED,
    Coding,
    Test,
    american_summer,
    concept,
)
from bonefhir.sample.model import Dose, Entry, Record, Resource
from bonefhir.sample.people import AMERICAN, Names

DRUGS: dict[str, tuple[str, str, str]] = {
    "zoledronic_acid_4mg": ("351114", "5 ML zoledronic acid 0.8 MG/ML Injection", "zoledronic acid (ZOMETA) 4 mg/5 mL IV"),
    "zoledronic_acid_5mg": ("705824", "100 ML zoledronic acid 0.05 MG/ML Injection", "zoledronic acid (RECLAST) 5 mg/100 mL IV"),
    "pamidronate": ("1737449", "10 ML Pamidronate Disodium 3 MG/ML Injection", "pamidronate IVPB"),
    "denosumab_120mg": ("1046398", "1.7 ML denosumab 70 MG/ML Injection", "denosumab (XGEVA) SQ"),
    "denosumab_60mg": ("993452", "1 ML denosumab 60 MG/ML Prefilled Syringe", "denosumab (PROLIA) SQ"),
    "radium_223": ("1424219", "6 ML radium chloride Ra-223 30 MCI/ML Injection [Xofigo]", "radium Ra-223 dichloride (XOFIGO) IV"),
    "abiraterone": ("1100075", "abiraterone acetate 250 MG Oral Tablet", "abiraterone PO"),
    "furosemide": ("313988", "Furosemide 40 MG Oral Tablet", "furosemide 40 mg PO"),
    "naproxen": ("198014", "Naproxen 500 MG Oral Tablet", "naproxen 500 mg PO"),
}


class Lakeside(Hospital):
    key = "lakeside"
    name = "Lakeside Cancer Center"
    habits = (
        "Bulk Data export: one gzipped NDJSON file per type, relative references, RxNorm clinical drugs, mg/dL, "
        "times with -05:00 or -04:00, infusions as periods"
    )
    names: ClassVar[Names] = AMERICAN
    tests: ClassVar[dict[str, Test]] = {
        "creatinine": Test("2160-0", "Creatinine [Mass/volume] in Serum or Plasma", "mg/dL", "mg/dL", 1, 2),
        "calcium": Test("17861-6", "Calcium [Mass/volume] in Serum or Plasma", "mg/dL", "mg/dL", 1, 1, low=8.5),
        "albumin": Test("1751-7", "Albumin [Mass/volume] in Serum or Plasma", "g/dL", "g/dL", 1, 1, low=3.5),
        "vitamin_d": Test("1989-3", "Calcidiol [Mass/volume] in Serum or Plasma", "ng/mL", "ng/mL", 1, 0),
        "weight": Test("29463-7", "Body weight", "kg", "kg", 1, 1, category="vital-signs"),
        "egfr": Test("98979-8", EGFR, "mL/min/1.73 m2", "mL/min/{1.73_m2}", 1, 0),
        "urine_creatinine": Test("2161-8", "Creatinine [Mass/volume] in Urine", "mg/dL", "mg/dL", 1, 0),
        "haemoglobin": Test("718-7", "Hemoglobin [Mass/volume] in Blood", "g/dL", "g/dL", 1, 1),
        "neutrophils": Test("751-8", "Neutrophils [#/volume] in Blood by Automated count", "10*3/uL", "10*3/uL", 1, 1),
        "platelets": Test("777-3", "Platelets [#/volume] in Blood by Automated count", "10*3/uL", "10*3/uL", 1, 0),
    }
    routes: ClassVar[dict[str, Sequence[Coding]]] = {
        "intravenous": [(SNOMED, "47625008", "Intravenous route (qualifier value)")],
        "subcutaneous": [(SNOMED, "34206005", "Subcutaneous route (qualifier value)")],
        "oral": [(SNOMED, "26643006", "Oral route (qualifier value)")],
    }
    conditions: ClassVar[dict[str, tuple[Sequence[Coding], str | None]]] = {
        "bone_metastases": ([(ICD10CM, "C79.51", "Secondary malignant neoplasm of bone")], "Metastasis to bone"),
        "multiple_myeloma": ([(ICD10CM, "C90.00", "Multiple myeloma not having achieved remission")], None),
        "hypercalcemia_of_malignancy": ([(ICD10CM, "E83.52", "Hypercalcemia")], "Hypercalcemia of malignancy"),
        "osteoporosis": ([(ICD10CM, "M81.0", "Age-related osteoporosis without current pathological fracture")], None),
        "osteonecrosis_of_jaw": ([(ICD10CM, "M87.180", "Osteonecrosis due to drugs, jaw")], None),
        "pregnancy": ([(ICD10CM, "Z33.1", "Pregnant state, incidental")], None),
        "tumour": ([(ICD10CM, "C34", "Malignant neoplasm of bronchus and lung")], "Lung cancer"),
        "prostate_cancer": ([(ICD10CM, "C61", "Malignant neoplasm of prostate")], None),
        "kidney_disease": ([(ICD10CM, "N18.31", "Chronic kidney disease, stage 3a")], None),
    }

    def identity(self, patient: int, n: int) -> str:
        return f"lcc-{patient:04d}-{n:03d}" if n else f"lcc-{patient:04d}"

    def time(self, at: datetime) -> str:
        return at.isoformat() + ("-04:00" if american_summer(at) else "-05:00")

    def refer(self, entry: Entry) -> Resource:
        return {"reference": entry.reference}

    def medication(self, dose: Dose) -> Resource:
        code, display, text = DRUGS[dose.product]
        return {"medicationCodeableConcept": concept([(RXNORM, code, display)], text)}

    def given(self, dose: Dose) -> Resource:
        start = self.time(dose.start)
        dosage = {"dosage": {"route": self.route(dose), "dose": self.charted(dose)}}
        if dose.minutes is None:
            return {"effectiveDateTime": start} | dosage
        return {"effectivePeriod": {"start": start, "end": self.time(dose.end)}} | dosage

    def save(self, folder: Path, records: Sequence[Record]) -> Places:
        """fhir/lakeside/<type>.ndjson.gz"""
        written = [pair for record in records for pair in self.resources(record)]
        places: Places = {}
        for kind in sorted({entry.kind for entry, _ in written}):
            lines = [(entry, resource) for entry, resource in written if entry.kind == kind]
            places |= write_lines(folder, f"fhir/lakeside/{kind}.ndjson.gz", lines)
        return places
