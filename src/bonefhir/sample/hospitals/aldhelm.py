"""St Aldhelm's Hospital NHS Trust, United Kingdom: a collection Bundle per patient."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import ClassVar

from bonefhir.sample.hospitals.base import Hospital, Places, Written, write_bundle
from bonefhir.sample.hospitals.fhir import DMD, SNOMED, Coding, Test, amount, concept, european_summer, quantity
from bonefhir.sample.model import Dose, Entry, Record, Resource
from bonefhir.sample.people import BRITISH, Names

ADJUSTED = "Calcium [Moles/volume] corrected for albumin in Serum or Plasma"
BASE = "https://fhir.st-aldhelm.example/R4"


@dataclass(frozen=True)
class Drug:
    """millilitres: of the vial or syringe that holds `mg`; doses are charted in mL only where `charted_in_ml`."""

    coding: Coding
    text: str
    substance: Coding
    mg: float = 0
    millilitres: float = 0
    charted_in_ml: bool = False


ZOLEDRONIC = (SNOMED, "395926009", "")
PAMIDRONATE = (SNOMED, "396032007", "")
DENOSUMAB = (SNOMED, "446321003", "")
DRUGS: dict[str, Drug] = {
    "zoledronic_acid_4mg": Drug(
        (DMD, "7335511000001105", ""), "Zoledronic acid 4mg/5ml solution for infusion vials", ZOLEDRONIC, 4, 5, True
    ),
    "zoledronic_acid_5mg": Drug((DMD, "39720811000001105", ""), "Zoledronic acid 5mg/100ml infusion bottles", ZOLEDRONIC, 5, 100),
    "pamidronate": Drug(
        (DMD, "4508411000001103", ""), "Disodium pamidronate 90mg/10ml solution for infusion", PAMIDRONATE, 90, 10, True
    ),
    "denosumab_120mg": Drug((DMD, "19448111000001109", ""), "Denosumab 120mg/1.7ml injection vials", DENOSUMAB, 120, 1.7, True),
    "denosumab_60mg": Drug((DMD, "17313111000001106", ""), "Denosumab 60mg/1ml pre-filled syringes", DENOSUMAB, 60, 1, True),
    "furosemide": Drug((SNOMED, "387475002", ""), "Furosemide 40mg tablets", (SNOMED, "387475002", "")),
    "naproxen": Drug((SNOMED, "372588000", ""), "Naproxen 500mg tablets", (SNOMED, "372588000", "")),
}


class Aldhelm(Hospital):
    key = "st-aldhelm"
    name = "St Aldhelm's Hospital"
    habits = (
        "a collection Bundle per patient, absolute references, dm+d and SNOMED CT codes, Medication resources with a strength, "
        "doses in mL, µmol/L, calcium already adjusted for albumin, Z or +01:00"
    )
    names: ClassVar[Names] = BRITISH
    calcium = "corrected_calcium"
    tests: ClassVar[dict[str, Test]] = {
        "creatinine": Test("14682-9", "Creatinine [Moles/volume] in Serum or Plasma", "umol/L", "umol/L", 88.42, 0),
        "corrected_calcium": Test("29265-6", ADJUSTED, "mmol/L", "mmol/L", 1 / 4.008, 2, low=2.2),
        "calcium": Test("2000-8", "Calcium [Moles/volume] in Serum or Plasma", "mmol/L", "mmol/L", 1 / 4.008, 2, low=2.2),
        "albumin": Test("1751-7", "Albumin [Mass/volume] in Serum or Plasma", "g/L", "g/L", 10, 0, low=35),
        "vitamin_d": Test("14635-7", "25-hydroxyvitamin D3 [Moles/volume] in Serum or Plasma", "nmol/L", "nmol/L", 2.496, 0),
        "weight": Test("29463-7", "Body weight", "kg", "kg", 1, 1, category="vital-signs"),
        "urine_creatinine": Test("14683-7", "Creatinine [Moles/volume] in Urine", "mmol/L", "mmol/L", 0.08842, 1),
        "haemoglobin": Test("718-7", "Hemoglobin [Mass/volume] in Blood", "g/L", "g/L", 10, 0),
        "platelets": Test("777-3", "Platelets [#/volume] in Blood by Automated count", "10*9/L", "10*9/L", 1, 0),
    }
    routes: ClassVar[dict[str, Sequence[Coding]]] = {
        "intravenous": [(SNOMED, "47625008", "Intravenous route (qualifier value)")],
        "subcutaneous": [(SNOMED, "34206005", "Subcutaneous route (qualifier value)")],
        "oral": [(SNOMED, "26643006", "Oral route (qualifier value)")],
    }
    conditions: ClassVar[dict[str, tuple[Sequence[Coding], str | None]]] = {
        "bone_metastases": ([(SNOMED, "94222008", "Secondary malignant neoplasm of bone (disorder)")], None),
        "multiple_myeloma": ([(SNOMED, "109989006", "Multiple myeloma (disorder)")], None),
        "hypercalcemia_of_malignancy": ([(SNOMED, "66931009", "Hypercalcemia (disorder)")], "Hypercalcaemia of malignancy"),
        "osteoporosis": ([(SNOMED, "64859006", "Osteoporosis (disorder)")], None),
        "osteonecrosis_of_jaw": ([], "Osteonecrosis of the jaw"),
        "pregnancy": ([(SNOMED, "77386006", "Pregnant (finding)")], None),
        "tumour": ([], "Squamous cell carcinoma of lung"),
        "kidney_disease": ([(SNOMED, "433144002", "Chronic kidney disease stage 3 (disorder)")], None),
    }

    def identity(self, patient: int, n: int) -> str:
        return f"9{patient:04d}{n:03d}"

    def time(self, at: datetime) -> str:
        return at.isoformat() + ("+01:00" if european_summer(at) else "Z")

    def refer(self, entry: Entry) -> Resource:
        return {"reference": f"{BASE}/{entry.reference}"}

    def onset(self, since: date) -> Resource:
        return {"onsetDateTime": since.isoformat()}

    def medication(self, dose: Dose) -> Resource:
        return {"medicationReference": self.refer(medication(dose))}

    def given(self, dose: Dose) -> Resource:
        start = self.time(dose.start)
        dosage = {"dosage": {"route": self.route(dose), "dose": self.charted(dose)}}
        if dose.minutes is None:
            return {"effectiveDateTime": start} | dosage
        return {"effectivePeriod": {"start": start, "end": self.time(dose.end)}} | dosage

    def charted(self, dose: Dose) -> Resource:
        drug = DRUGS[dose.product]
        if drug.charted_in_ml:
            return quantity(amount(dose.amount * drug.millilitres / drug.mg, 1), "mL", "mL")
        return super().charted(dose)

    def drugs(self, record: Record) -> list[Written]:
        """The Medications of a record: every Bundle repeats those that it needs."""
        made = {}
        for dose in record.doses():
            drug = DRUGS[dose.product]
            entry = medication(dose)
            resource = self.start(entry) | {"code": concept([drug.coding], drug.text)}
            if drug.mg:
                resource["ingredient"] = [ingredient(drug)]
            made[entry.id] = (entry, resource)
        return list(made.values())

    def save(self, folder: Path, records: Sequence[Record]) -> Places:
        """fhir/st-aldhelm/<patient>.json"""
        places: Places = {}
        for record in records:
            written = self.resources(record)
            written[1:1] = self.drugs(record)
            entries = [{"fullUrl": f"{BASE}/{e.kind}/{e.id}", "resource": resource} for e, resource in written]
            bundle = {"resourceType": "Bundle", "type": "collection", "entry": entries}
            name = f"fhir/st-aldhelm/{record.patient.id}.json"
            places |= write_bundle(folder, name, bundle, written)
        return places


def ingredient(drug: Drug) -> Resource:
    strength = {"numerator": quantity(amount(drug.mg), "mg", "mg"), "denominator": quantity(amount(drug.millilitres), "mL", "mL")}
    return {"itemCodeableConcept": concept([drug.substance]), "strength": strength}


def medication(dose: Dose) -> Entry:
    """The product's entry in the formulary: the same in every Bundle."""
    return Entry(id=f"formulary-{dose.product.replace('_', '-')}", kind="Medication")
