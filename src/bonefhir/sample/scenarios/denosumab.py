"""Denosumab, 120 mg for bone metastases and 60 mg for osteoporosis."""

from bonefhir.sample.case import Admission, Case
from bonefhir.sample.courses import PROLIA, Build, begin, treated
from bonefhir.sample.model import Entry, Resource, Visit
from bonefhir.sample.scenarios.administration import bring_forward
from bonefhir.sample.scenarios.registry import WITH_CODES, local, whole


@local("denosumab-interval", "Denosumab 120 mg after 20 days", host="denosumab")
def denosumab_interval(case: Case, visit: Visit) -> Entry:
    bring_forward(case, visit, 20)
    case.fails(visit.dose, "DEN120-INTERVAL")
    return visit.dose


@local("denosumab-intravenous", "Denosumab into a vein", host="denosumab")
def denosumab_intravenous(case: Case, visit: Visit) -> Entry:
    visit.dose.route = "intravenous"
    case.fails(visit.dose, "DEN120-ROUTE")
    return visit.dose


@local("denosumab-half-dose", "60 mg of the 120 mg product", WITH_CODES, host="denosumab")
def denosumab_half_dose(case: Case, visit: Visit) -> Entry:
    visit.dose.amount = 60.0
    case.fails(visit.dose, "DEN120-DOSE-MIN")
    return visit.dose


@local("code-text-mismatch", "The code says denosumab, the text zoledronic acid: the code wins", ("lakeside",), host="denosumab")
def code_text_mismatch(case: Case, visit: Visit) -> Entry:
    def rename(resource: Resource) -> None:
        resource["medicationCodeableConcept"]["text"] = "zoledronic acid (ZOMETA) 4 mg/5 mL IV"

    visit.dose.changes.append(rename)
    case.noted(visit.dose, "code-text-mismatch", "error")
    return visit.dose


@whole("prolia-in-metastases", "The 60 mg product of denosumab in a patient with bone metastases")
def prolia_in_metastases(admission: Admission) -> tuple[Case, Entry]:
    case, start = begin(admission)
    visits = treated(case, PROLIA.against("bone_metastases"), start, 2)
    for visit in visits:
        case.fails(visit.dose, "DEN60-NOT-SRE")
    return case, visits[0].dose


@whole("prolia-too-early", "Denosumab 60 mg after four months")
def prolia_too_early(admission: Admission) -> tuple[Case, Entry]:
    case, start = begin(admission)
    visits = treated(case, PROLIA.every(120), start, 2)
    case.fails(visits[1].dose, "DEN60-INTERVAL")
    return case, visits[1].dose


@whole("prolia-too-late", "Denosumab 60 mg after eight months")
def prolia_too_late(admission: Admission) -> tuple[Case, Entry]:
    case, start = begin(admission)
    visits = treated(case, PROLIA.every(244), start, 2)
    case.fails(visits[1].dose, "DEN60-LATE")
    return case, visits[1].dose


@whole("prolia-kidney-disease", "Denosumab 60 mg at an eGFR below 30")
def prolia_kidney_disease(admission: Admission) -> tuple[Case, Entry]:
    build = Build(clearance=(14, 30), age=(70, 84), creatinine=(2.75, 3.6))
    case, start = begin(admission, build)
    visits = treated(case, PROLIA, start, 1)
    case.fails(visits[0].dose, "DEN60-BOXED-CKD")
    return case, visits[0].dose
