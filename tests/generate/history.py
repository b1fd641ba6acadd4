"""Conditions and dental procedures: coded, by text, denied; dated, undated, over."""

from datetime import date, timedelta

from tests.generate.choice import Choice
from tests.generate.writing import ICD_10, ICD_10_CM, ICD_10_GM, ICD_10_PCS, LOCAL, SNOMED, Resource, concept, written

CODES = {
    "bone_metastases": (
        (SNOMED, "94222008"),
        (ICD_10_CM, "C79.51"),
        (ICD_10_CM, "C7951"),
        (ICD_10, "C79.5"),
        (ICD_10_GM, "C79.5"),
        (LOCAL, "DX-BM"),
    ),
    "multiple_myeloma": ((SNOMED, "109989006"), (ICD_10_CM, "C90.00"), (ICD_10, "C90.0"), (ICD_10_GM, "C90.00")),
    "hypercalcemia_of_malignancy": ((SNOMED, "66931009"), (ICD_10_CM, "E83.52")),
    "osteoporosis": ((SNOMED, "64859006"), (ICD_10_CM, "M81.0"), (ICD_10_CM, "M80.08XA"), (ICD_10, "M81.00"), (LOCAL, "DX-OP")),
    "paget": ((SNOMED, "2089002"), (ICD_10_CM, "M88.9"), (ICD_10, "M88")),
    "osteonecrosis_of_jaw": ((ICD_10_CM, "M87.180"),),
    "pregnancy": ((SNOMED, "77386006"), (ICD_10_CM, "O09.90"), (ICD_10_CM, "Z33.1"), (ICD_10, "Z33")),
    "acute_kidney_injury": ((SNOMED, "14669001"), (ICD_10_CM, "N17.9"), (ICD_10, "N17")),
    "excluded": ((SNOMED, "314990009"), (SNOMED, "61804006")),
    "other": ((ICD_10_CM, "E11.9"), (SNOMED, "44054006"), (ICD_10_CM, "N18.3")),
}

TEXTS = {
    "bone_metastases": (
        "Bone metastases",
        "metastasis to bone from breast",
        "Known osseous metastases",
        "secondary malignant neoplasm of bone",
    ),
    "multiple_myeloma": ("Multiple myeloma", "plasma cell myeloma, IgG"),
    "hypercalcemia_of_malignancy": ("Hypercalcemia of malignancy", "tumour-induced hypercalcaemia"),
    "giant_cell_tumor_of_bone": ("Giant cell tumor of bone", "giant cell tumour of bone, femur"),
    "osteoporosis": ("Osteoporosis", "postmenopausal osteoporosis"),
    "paget": ("Paget's disease of bone", "osteitis deformans"),
    "osteonecrosis_of_jaw": ("MRONJ", "Osteonecrosis of the jaw"),
}

DENIED = (
    "no bone metastases",
    "rule out bone metastases",
    "suspected multiple myeloma",
    "bone metastases ruled out",
    "osteoporosis screening",
    "screening for osteoporosis",
    "family history of osteoporosis",
    "history of multiple myeloma",
    "risk of MRONJ",
    "MRONJ unlikely",
    "prevention of skeletal events in bone metastases",
    "without hypercalcemia of malignancy",
    "no fracture, osteoporosis",
    "fracture risk, osteoporosis",
    "not osteoporosis; multiple myeloma",
    "No pain. Bone metastases",
    "bone metastases excluded, osteoporosis",
    "known multiple myeloma",
    "Bone metastases, ruled out",
    "bone-metastases",
    "pseudo-osteoporosis",
    "high-risk multiple myeloma",
)


def meaning(choice: Choice, name: str) -> Resource:
    """A concept that means a condition: by code, by text, by both, or denied."""
    codes, texts = CODES.get(name, ()), TEXTS.get(name, ("see notes",))
    form = choice.weighted(((70 if codes else 0, "code"), (14, "text"), (5, "display"), (5, "two"), (6, "denied")))
    if form == "code":
        return concept(choice, *choice.pick(codes), text=choice.pick(texts))
    if form == "display":
        return {"coding": [{"system": LOCAL, "code": "C1", "display": choice.pick(texts)}]}
    if form == "two":
        other = choice.pick(tuple(CODES))
        return {**concept(choice, *choice.pick(CODES[other])), "text": choice.pick(texts)}
    return {"text": choice.pick(DENIED if form == "denied" else texts)}


def condition(choice: Choice, name: str, identifier: str, subject: Resource, dose: date) -> Resource:
    """Around the windows of a dose on `dose`: 90 days for an indication, 280 for pregnancy, 30 for kidney injury."""
    resource: Resource = {"resourceType": "Condition", "id": identifier, "subject": subject, "code": meaning(choice, name)}
    before = choice.pick((10, 0, -1, 1, 29, 30, 31, 89, 90, 91, 200, 279, 280, 281, 900))
    began = dose - timedelta(days=before)
    form = choice.weighted(((60, "onset"), (10, "recorded"), (8, "period"), (8, "none"), (7, "age"), (7, "both")))
    if form in ("onset", "both"):
        resource["onsetDateTime"] = written(choice, began, 600)
    if form == "period":
        resource["onsetPeriod"] = {"start": began.isoformat()}
    if form == "age":
        resource["onsetAge"] = {"value": 60, "unit": "a", "system": "http://unitsofmeasure.org", "code": "a"}
    if form == "recorded" or (form in ("age", "both") and choice.chance(0.7)):
        resource["recordedDate"] = written(choice, began + timedelta(days=5), 700)
    _end(choice, resource, began, dose)
    return resource


def _end(choice: Choice, resource: Resource, began: date, dose: date) -> None:
    """Over on a date, over on an unknown one, or not over; and how sure anybody is."""
    clinical = choice.weighted(((60, "active"), (12, None), (12, "resolved"), (8, "remission"), (8, "inactive")))
    if clinical:
        system = "http://terminology.hl7.org/CodeSystem/condition-clinical"
        resource["clinicalStatus"] = {"coding": [{"system": system, "code": clinical}]}
    if clinical not in ("active", None) and choice.chance(0.6):
        ended = max(began, dose + timedelta(days=choice.pick((-1, 0, 1, -30, -400))))
        form = choice.weighted(((70, "date"), (10, "period"), (10, "string"), (10, "age")))
        if form == "date":
            resource["abatementDateTime"] = written(choice, ended, 500)
        elif form == "period":
            resource["abatementPeriod"] = {"start": began.isoformat(), "end": ended.isoformat()}
        elif form == "string":
            resource["abatementString"] = "last spring"
        else:
            resource["abatementAge"] = {"value": 61, "unit": "a", "system": "http://unitsofmeasure.org", "code": "a"}
    sure = choice.weighted(((60, "confirmed"), (20, None), (6, "provisional"), (8, "refuted"), (6, "entered-in-error")))
    if sure:
        system = "http://terminology.hl7.org/CodeSystem/condition-ver-status"
        resource["verificationStatus"] = {"coding": [{"system": system, "code": sure}]}


DENTAL = (
    {"coding": [{"system": SNOMED, "code": "34043003"}]},
    {"coding": [{"system": SNOMED, "code": "122856003", "display": "Oral examination"}]},
    {"coding": [{"system": ICD_10_PCS, "code": "0CJYXZZ"}]},
    {"coding": [{"system": "urn:oid:2.16.840.1.113883.6.4", "code": "0CJYXZZ", "display": "Inspection of mouth and throat"}]},
    {"coding": [{"system": ICD_10_CM, "code": "Z0120"}]},
    {"text": "Dental examination"},
    {"text": "oral examination before bisphosphonate"},
    {"text": "dental examination ruled out"},
    {"coding": [{"system": SNOMED, "code": "55162003", "display": "Tooth extraction"}]},
)


def procedure(choice: Choice, identifier: str, subject: Resource, dose: date) -> Resource:
    resource: Resource = {
        "resourceType": "Procedure",
        "id": identifier,
        "status": choice.weighted(((80, "completed"), (8, "in-progress"), (6, "not-done"), (6, "preparation"))),
        "subject": subject,
        "code": choice.pick(DENTAL),
    }
    day = dose - timedelta(days=choice.pick((30, 0, -1, 364, 365, 366, 100)))
    form = choice.weighted(((70, "dateTime"), (12, "period"), (18, "none")))
    if form == "dateTime":
        resource["performedDateTime"] = written(choice, day, 540)
    elif form == "period":
        resource["performedPeriod"] = {
            "start": written(choice, day, 540, precise=True),
            "end": written(choice, day, 570, precise=True),
        }
    return resource
