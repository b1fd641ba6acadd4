"""The resources of a hospital's export, with holes: elements, key order and sizes as large vendors' servers give them."""

from typing import Any, NamedTuple

Resource = dict[str, Any]

LOINC, SNOMED, UCUM, RXNORM = (
    *("http://loinc.org", "http://snomed.info/sct", "http://unitsofmeasure.org"),
    "http://www.nlm.nih.gov/research/umls/rxnorm",
)
_HL7 = "http://terminology.hl7.org/CodeSystem"
_SITE = "https://fhir.hospital.example.org"
SUBJECT = {"reference": "<<subject>>", "display": "<<name>>"}
ENCOUNTER = {"reference": "<<encounter>>"}
PERFORMERS = [
    {"reference": "Practitioner/prac-<<practitioner>>", "display": "Dr. Example"},
    {"reference": "Organization/org-lab-01", "display": "Central Laboratory"},
]


class Lab(NamedTuple):
    """mean, spread: of the patients; noise: of one patient's values, as a share; decimals of what is reported."""

    code: str
    display: str
    unit: str
    mean: float
    spread: float
    noise: float
    decimals: int
    low: float
    high: float
    category: str = "laboratory"


LABS = {
    "creatinine": Lab("2160-0", "Creatinine [Mass/volume] in Serum or Plasma", "mg/dL", 0.95, 0.28, 0.08, 2, 0.6, 1.2),
    "calcium": Lab("17861-6", "Calcium [Mass/volume] in Serum or Plasma", "mg/dL", 9.2, 0.35, 0.04, 1, 8.6, 10.2),
    "albumin": Lab("1751-7", "Albumin [Mass/volume] in Serum or Plasma", "g/dL", 3.9, 0.4, 0.05, 1, 3.5, 5.0),
    "weight": Lab("29463-7", "Body weight", "kg", 74, 14, 0.01, 1, 40, 150, "vital-signs"),
    "haemoglobin": Lab("718-7", "Hemoglobin [Mass/volume] in Blood", "g/dL", 12.4, 1.5, 0.06, 1, 12.0, 16.0),
    "platelets": Lab("777-3", "Platelets [#/volume] in Blood by Automated count", "10*3/uL", 240, 60, 0.12, 0, 150, 400),
    "sodium": Lab("2951-2", "Sodium [Moles/volume] in Serum or Plasma", "mmol/L", 139, 2.5, 0.01, 0, 135, 145),
    "potassium": Lab("2823-3", "Potassium [Moles/volume] in Serum or Plasma", "mmol/L", 4.2, 0.4, 0.06, 1, 3.5, 5.1),
    "urea": Lab("3094-0", "Urea nitrogen [Mass/volume] in Serum or Plasma", "mg/dL", 16, 5, 0.15, 0, 7, 20),
    "glucose": Lab("2345-7", "Glucose [Mass/volume] in Serum or Plasma", "mg/dL", 108, 25, 0.15, 0, 70, 99),
    "leucocytes": Lab("6690-2", "Leukocytes [#/volume] in Blood by Automated count", "10*3/uL", 7.1, 2, 0.2, 1, 4.5, 11),
    "alt": Lab("1742-6", "Alanine aminotransferase [Enzymatic activity/volume] in Serum or Plasma", "U/L", 28, 12, 0.2, 0, 7, 56),
    "crp": Lab("1988-5", "C reactive protein [Mass/volume] in Serum or Plasma", "mg/L", 12, 9, 0.5, 1, 0, 5),
    "pulse": Lab("8867-4", "Heart rate", "/min", 78, 10, 0.1, 0, 60, 100, "vital-signs"),
    "temperature": Lab("8310-5", "Body temperature", "Cel", 36.8, 0.3, 0.01, 1, 36, 37.5, "vital-signs"),
    "saturation": Lab("2708-6", "Oxygen saturation in Arterial blood", "%", 97, 1, 0.01, 0, 95, 100, "vital-signs"),
}


def concept(system: str, code: str, display: str) -> Resource:
    return {"coding": [{"system": system, "code": code, "display": display}], "text": display}


def _meta(profile: str) -> Resource:
    return {
        "versionId": "1",
        "lastUpdated": "<<recorded>>.417+00:00",
        "profile": [f"http://hl7.org/fhir/us/core/StructureDefinition/us-core-{profile}"],
    }


def _identifier(kind: str) -> list[Resource]:
    return [{"use": "usual", "system": f"{_SITE}/{kind}", "value": "<<id>>"}]


def observation(lab: Lab) -> Resource:
    """1.3 kB."""
    name = "Vital Signs" if lab.category == "vital-signs" else "Laboratory"
    quantity = {"unit": lab.unit, "system": UCUM, "code": lab.unit}
    return {
        "resourceType": "Observation",
        "id": "<<id>>",
        "meta": _meta(f"observation-{'lab' if name == 'Laboratory' else 'vital-signs'}"),
        "extension": [{"url": f"{_SITE}/StructureDefinition/instrument", "valueString": "cobas-8000/c702"}],
        "status": "final",
        "category": [{"coding": [{"system": f"{_HL7}/observation-category", "code": lab.category, "display": name}]}],
        "code": concept(LOINC, lab.code, lab.display) | {"text": lab.display.partition(" [")[0]},
        "subject": SUBJECT,
        "encounter": ENCOUNTER,
        "effectiveDateTime": "<<time>>+00:00",
        "issued": "<<recorded>>.417+00:00",
        "performer": PERFORMERS,
        "valueQuantity": {"value": "<<#value>>", **quantity},
        "interpretation": [{"coding": [{"system": f"{_HL7}/v3-ObservationInterpretation", "code": "N", "display": "Normal"}]}],
        "referenceRange": [{"low": {"value": lab.low, **quantity}, "high": {"value": lab.high, **quantity}}],
    }


def blood_pressure() -> Resource:
    """Two components and no value of its own."""
    lab = Lab("85354-9", "Blood pressure panel with all children optional", "mm[Hg]", 0, 0, 0, 0, 0, 0, "vital-signs")
    whole = observation(lab)
    parts = (("8480-6", "Systolic blood pressure", "<<#systolic>>"), ("8462-4", "Diastolic blood pressure", "<<#diastolic>>"))
    for name in ("valueQuantity", "interpretation", "referenceRange"):
        del whole[name]
    unit = {"unit": "mm[Hg]", "system": UCUM, "code": "mm[Hg]"}
    components = [{"code": concept(LOINC, c, d), "valueQuantity": {"value": v, **unit}} for c, d, v in parts]
    return whole | {"component": components}


def patient() -> Resource:
    """0.7 kB."""
    return {
        "resourceType": "Patient",
        "id": "<<id>>",
        "meta": {"versionId": "3", "lastUpdated": "2024-11-02T03:12:09.120+00:00"},
        "identifier": [
            {
                "use": "usual",
                "type": concept(f"{_HL7}/v2-0203", "MR", "Medical record number"),
                "system": f"{_SITE}/mrn",
                "value": "<<mrn>>",
            }
        ],
        "active": True,
        "name": [{"use": "official", "family": "<<family>>", "given": ["<<given>>"]}],
        "telecom": [{"system": "phone", "value": "555-0100", "use": "home"}],
        "gender": "<<gender>>",
        "birthDate": "<<birth>>",
        "address": [{"use": "home", "line": ["1 Example Street"], "city": "Springfield", "state": "MA", "postalCode": "01101"}],
        "managingOrganization": {"reference": "Organization/org-01"},
    }


def administration(medication: Resource, dose: Resource, route: Resource, timed: Resource) -> Resource:
    """1.3 kB."""
    return {
        "resourceType": "MedicationAdministration",
        "id": "<<id>>",
        "meta": {"versionId": "2", "lastUpdated": "<<recorded>>.417+00:00", "source": "#Qm5Rt8YwKc1HdS0v"},
        "extension": [
            {"url": f"{_SITE}/StructureDefinition/emar-action", "valueString": "Given"},
            {"url": f"{_SITE}/StructureDefinition/barcode-scanned", "valueBoolean": True},
        ],
        "status": "completed",
        "category": concept(f"{_HL7}/medication-admin-category", "outpatient", "Outpatient"),
        "medicationCodeableConcept": medication,
        "subject": SUBJECT,
        "context": ENCOUNTER,
        **timed,
        "performer": [{"actor": PERFORMERS[0]}],
        "request": {"reference": "MedicationRequest/<<request>>"},
        "dosage": {"text": "as charted", "route": route, "dose": dose},
    }


INTRAVENOUS = concept(SNOMED, "47625008", "Intravenous route (qualifier value)")
SUBCUTANEOUS = concept(SNOMED, "34206005", "Subcutaneous route (qualifier value)")
ORAL = concept(SNOMED, "26643006", "Oral route (qualifier value)")
INFUSION = {"effectivePeriod": {"start": "<<time>>+00:00", "end": "<<end>>+00:00"}}
MOMENT = {"effectiveDateTime": "<<time>>+00:00"}
AMOUNT = {"value": "<<#amount>>", "unit": "mg", "system": UCUM, "code": "mg"}


def bone_agents() -> dict[str, Resource]:
    """The three that a clinic gives most."""
    zoledronic = concept(RXNORM, "351114", "5 ML zoledronic acid 0.8 MG/ML Injection")
    denosumab = concept(RXNORM, "1046402", "1.7 ML denosumab 70 MG/ML Injection [Xgeva]")
    pamidronate = concept(RXNORM, "11473", "pamidronate")
    return {
        "zoledronic acid": administration(zoledronic, AMOUNT, INTRAVENOUS, INFUSION),
        "denosumab": administration(denosumab, AMOUNT, SUBCUTANEOUS, MOMENT),
        "pamidronate": administration(pamidronate, AMOUNT, INTRAVENOUS, INFUSION),
    }


_OTHERS = (
    *(("313782", "acetaminophen 325 MG Oral Tablet"), ("310429", "furosemide 20 MG Oral Tablet")),
    *(("861007", "metformin hydrochloride 500 MG Oral Tablet"), ("314076", "lisinopril 10 MG Oral Tablet")),
    *(("312961", "simvastatin 20 MG Oral Tablet"), ("198405", "ibuprofen 400 MG Oral Tablet")),
    *(("310965", "ibuprofen 200 MG Oral Tablet"), ("312615", "prednisone 20 MG Oral Tablet")),
)


def other_administrations() -> list[Resource]:
    return [administration(concept(RXNORM, c, d), AMOUNT, ORAL, MOMENT) for c, d in _OTHERS]


BONE_CONDITIONS = (("94222008", "Secondary malignant neoplasm of bone"), ("109989006", "Multiple myeloma"))
OTHER_CONDITIONS = (
    *(("59621000", "Essential hypertension"), ("44054006", "Diabetes mellitus type 2"), ("195967001", "Asthma")),
    *(("254837009", "Malignant neoplasm of breast"), ("399068003", "Malignant tumor of prostate")),
    ("55822004", "Hyperlipidemia"),
)


def condition(code: str, display: str) -> Resource:
    return {
        "resourceType": "Condition",
        "id": "<<id>>",
        "meta": _meta("condition-encounter-diagnosis"),
        "identifier": _identifier("problem-id"),
        "clinicalStatus": concept(f"{_HL7}/condition-clinical", "active", "Active"),
        "verificationStatus": concept(f"{_HL7}/condition-ver-status", "confirmed", "Confirmed"),
        "category": [concept(f"{_HL7}/condition-category", "problem-list-item", "Problem List Item")],
        "code": concept(SNOMED, code, display),
        "subject": SUBJECT,
        "encounter": ENCOUNTER,
        "onsetDateTime": "<<date>>",
        "recordedDate": "<<recorded>>+00:00",
    }


DENTAL = ("34043003", "Dental consultation and report (procedure)")
OTHER_PROCEDURES = (("77477000", "Computed tomography"), ("399208008", "Plain X-ray of chest"), ("396550006", "Blood test"))


def procedure(code: str, display: str) -> Resource:
    return {
        "resourceType": "Procedure",
        "id": "<<id>>",
        "meta": _meta("procedure"),
        "identifier": _identifier("procedure-id"),
        "status": "completed",
        "category": concept(SNOMED, "103693007", "Diagnostic procedure"),
        "code": concept(SNOMED, code, display),
        "subject": SUBJECT,
        "encounter": ENCOUNTER,
        "performedDateTime": "<<time>>+00:00",
        "performer": [{"actor": each} for each in PERFORMERS],
        "location": {"reference": "Location/loc-<<practitioner>>", "display": "Outpatient clinic"},
    }


def encounter() -> Resource:
    return {
        "resourceType": "Encounter",
        "id": "<<id>>",
        "meta": _meta("encounter"),
        "identifier": _identifier("visit-number"),
        "status": "finished",
        "class": {"system": f"{_HL7}/v3-ActCode", "code": "AMB", "display": "ambulatory"},
        "type": [concept(SNOMED, "185349003", "Encounter for check up (procedure)")],
        "serviceType": concept(f"{_HL7}/service-type", "165", "Oncology"),
        "subject": SUBJECT,
        "participant": [{"individual": PERFORMERS[0]}],
        "period": {"start": "<<time>>+00:00", "end": "<<recorded>>+00:00"},
        "location": [{"location": {"reference": "Location/loc-<<practitioner>>", "display": "Outpatient clinic"}}],
        "serviceProvider": {"reference": "Organization/org-01", "display": "Example Hospital"},
    }


def medication_request() -> Resource:
    return {
        "resourceType": "MedicationRequest",
        "id": "<<id>>",
        "meta": _meta("medicationrequest"),
        "identifier": _identifier("order-id"),
        "status": "completed",
        "intent": "order",
        "medicationCodeableConcept": concept(RXNORM, *_OTHERS[0]),
        "subject": SUBJECT,
        "encounter": ENCOUNTER,
        "authoredOn": "<<time>>+00:00",
        "requester": PERFORMERS[0],
        "dosageInstruction": [
            {
                "sequence": 1,
                "text": "1 tablet every 6 hours as needed",
                "timing": {"repeat": {"frequency": 1, "period": 6, "periodUnit": "h"}},
                "asNeededBoolean": True,
                "route": ORAL,
                "doseAndRate": [{"doseQuantity": {"value": 325, "unit": "mg", "system": UCUM, "code": "mg"}}],
            }
        ],
    }


def diagnostic_report() -> Resource:
    """2 kB: one line per panel, with the references that it gathers."""
    names = [lab.display for lab in LABS.values() if lab.category == "laboratory"]
    panel = concept(LOINC, "24323-8", "Comprehensive metabolic 2000 panel - Serum or Plasma")
    return {
        "resourceType": "DiagnosticReport",
        "id": "<<id>>",
        "meta": _meta("diagnosticreport-lab"),
        "identifier": _identifier("report-id"),
        "status": "final",
        "category": [concept(f"{_HL7}/v2-0074", "LAB", "Laboratory")],
        "code": panel,
        "subject": SUBJECT,
        "encounter": ENCOUNTER,
        "effectiveDateTime": "<<time>>+00:00",
        "issued": "<<recorded>>.417+00:00",
        "performer": PERFORMERS,
        "result": [{"reference": f"Observation/<<id>>.{n}", "display": name} for n, name in enumerate(names)],
    }
