"""Harbor Road Clinic, USA: one NDJSON file, typed in by hand."""

from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import ClassVar

from bonefhir.sample.hospitals.base import Hospital, Places, Written, write_lines
from bonefhir.sample.hospitals.fhir import LOINC, RXNORM, TERMINOLOGY, V3_ROUTE, Coding, Measure, Test, amount, concept, quantity
from bonefhir.sample.model import Dose, Entry, Lab, Record, Resource
from bonefhir.sample.people import AMERICAN, Names

DRUGS: dict[str, tuple[str | None, str]] = {
    "zoledronic_acid_4mg": ("77655", "Zometa 4 mg/5 ml"),
    "zoledronic_acid_5mg": ("77655", "Reclast 5 mg/100 ml"),
    "pamidronate": ("11473", "Pamidronate disodium IV"),
    "denosumab_120mg": ("993449", "Xgeva 120 mg"),
    "denosumab_60mg": ("993449", "Prolia 60 mg"),
    "radium_223": (None, "Xofigo"),
    "abiraterone": (None, "Abiraterone acetate 250 mg tabs"),
    "furosemide": (None, "Furosemide 40 mg tab"),
    "naproxen": (None, "Naproxen 500 mg tab"),
}
CHEMISTRY = ("creatinine", "calcium", "albumin")


class Harbor(Hospital):
    key = "harbor-road"
    name = "Harbor Road Clinic"
    habits = (
        "one NDJSON file of all types, drugs by ingredient in a contained Medication or by text only ('Zometa 4 mg/5 ml'), "
        "dates without times, chemistry as components of a panel, pounds, units without codes ('mg/dl'), diagnoses as text"
    )
    names: ClassVar[Names] = AMERICAN
    mass_code = None
    activity: ClassVar[Measure] = Measure("uCi", None, 1 / 37, 1)
    tests: ClassVar[dict[str, Test]] = {
        "creatinine": Test("2160-0", "Creatinine", "mg/dl", "", 1, 2),
        "calcium": Test("17861-6", "Calcium", "mg/dl", "", 1, 1),
        "albumin": Test("1751-7", "Albumin", "g/dl", "", 1, 1),
        "vitamin_d": Test("1989-3", "Vitamin D, 25-OH", "ng/ml", "", 1, 0),
        "weight": Test("3141-9", "Weight", "lbs", "", 1 / 0.45359237, 1, category="vital-signs"),
        "urine_creatinine": Test("2161-8", "Creatinine, urine", "mg/dl", "", 1, 0),
        "haemoglobin": Test("718-7", "Hgb", "g/dl", "", 1, 1),
        "neutrophils": Test("751-8", "ANC", "K/uL", "", 1, 1),
        "platelets": Test("777-3", "Plt", "K/uL", "", 1, 0),
    }
    routes: ClassVar[dict[str, Sequence[Coding]]] = {
        "intravenous": [(V3_ROUTE, "IV", "Infusion, intravenous")],
        "subcutaneous": [(V3_ROUTE, "SQ", "Injection, subcutaneous")],
        "oral": [(V3_ROUTE, "PO", "Swallow, oral")],
    }
    conditions: ClassVar[dict[str, tuple[Sequence[Coding], str | None]]] = {
        "bone_metastases": ([], "Bone metastases"),
        "multiple_myeloma": ([], "Multiple myeloma"),
        "hypercalcemia_of_malignancy": ([], "Hypercalcemia of malignancy"),
        "osteoporosis": ([], "Osteoporosis"),
        "osteonecrosis_of_jaw": ([], "MRONJ"),
        "tumour": ([], "Lung cancer"),
        "prostate_cancer": ([], "Prostate cancer"),
        "kidney_disease": ([], "CKD 3"),
    }

    def identity(self, patient: int, n: int) -> str:
        return f"HR{patient}.{n}" if n else f"HR{patient}"

    def time(self, at: datetime) -> str:
        return at.date().isoformat()

    def refer(self, entry: Entry) -> Resource:
        return {"reference": entry.reference}

    def onset(self, since: date) -> Resource:
        return {"onsetDateTime": since.isoformat()[:7]}

    def medication(self, dose: Dose) -> Resource:
        code, text = DRUGS[dose.product]
        if code is None or dose.start.day % 2:
            return {"medicationCodeableConcept": {"text": text}}
        contained = {"resourceType": "Medication", "id": "med", "code": concept([(RXNORM, code, "")], text)}
        return {"contained": [contained], "medicationReference": {"reference": "#med"}}

    def given(self, dose: Dose) -> Resource:
        dosage: Resource = {"route": self.route(dose), "dose": self.charted(dose)}
        if dose.minutes:
            dosage["rateQuantity"] = quantity(amount(dose.amount * 60 / dose.minutes, 3), "mg/hr")
        return {"effectiveDateTime": self.time(dose.start), "dosage": dosage}

    def observations(self, record: Record) -> list[Written]:
        """The chemistry of a day in one panel, the rest one by one."""
        written: list[Written] = []
        for visit in record.visits:
            for day in sorted({lab.at.date() for lab in visit.labs}):
                panel = [lab for lab in visit.labs if lab.at.date() == day and in_panel(lab)]
                if panel:
                    entry = Entry(id=f"{visit.id}.{day:%m%d}", kind="Observation")
                    written.append((entry, self.panel(entry, panel)))
        return written + [(lab, self.observation(lab)) for lab in record.all_labs() if not in_panel(lab)]

    def panel(self, entry: Entry, labs: Sequence[Lab]) -> Resource:
        return self.start(entry) | {
            "status": "final",
            "category": [concept([(f"{TERMINOLOGY}/observation-category", "laboratory", "")])],
            "code": concept([(LOINC, "24323-8", "Comprehensive metabolic 2000 panel - Serum or Plasma")], "CMP"),
            "subject": self.refer(labs[0].patient),
            "effectiveDateTime": self.time(labs[0].at),
            "component": [self.component(lab) for lab in labs],
        }

    def component(self, lab: Lab) -> Resource:
        test = self.tests[lab.analyte]
        return {"code": concept([(LOINC, test.code, test.display)]), **self.value(lab)}

    def save(self, folder: Path, records: Sequence[Record]) -> Places:
        """fhir/harbor-road/export.ndjson"""
        written = [pair for record in records for pair in self.resources(record)]
        return write_lines(folder, "fhir/harbor-road/export.ndjson", written)


def in_panel(lab: Lab) -> bool:
    return lab.analyte in CHEMISTRY and not lab.alone
