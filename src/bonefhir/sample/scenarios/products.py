"""The wrong product, or two that do not go together; pamidronate given too fast."""

from datetime import timedelta

from bonefhir.sample.case import Admission, Case
from bonefhir.sample.courses import PAMIDRONATE, RECLAST, ZOLEDRONIC, Build, begin, course, treated
from bonefhir.sample.model import Entry
from bonefhir.sample.scenarios.registry import whole


@whole("both-zoledronic-products", "The 4 mg product within a year after the yearly 5 mg product")
def both_zoledronic_products(admission: Admission) -> tuple[Case, Entry]:
    case, start = begin(admission)
    treated(case, RECLAST, start, 1)
    found = start + timedelta(days=150)
    case.diagnose("tumour", found)
    case.diagnose("bone_metastases", found)
    visits = course(case, ZOLEDRONIC, start + timedelta(days=200), 2)
    for visit in visits:
        case.fails(visit.dose, "ZA4-SAME-INGREDIENT")
    return case, visits[0].dose


@whole("reclast-in-metastases", "The 5 mg product of zoledronic acid in a patient with bone metastases")
def reclast_in_metastases(admission: Admission) -> tuple[Case, Entry]:
    case, start = begin(admission)
    visits = treated(case, RECLAST.against("bone_metastases"), start, 1)
    case.fails(visits[0].dose, "ZA5-NOT-ONC")
    return case, visits[0].dose


@whole("reclast-kidney-disease", "Zoledronic acid 5 mg at a clearance of about 32 mL/min")
def reclast_kidney_disease(admission: Admission) -> tuple[Case, Entry]:
    case, start = begin(admission, Build(clearance=(31, 33), age=(68, 84), creatinine=(0.95, 2.3)))
    visits = treated(case, RECLAST, start, 1)
    case.fails(visits[0].dose, "ZA5-CRCL-LT35")
    return case, visits[0].dose


@whole("pamidronate-too-fast", "Pamidronate in myeloma infused in 90 minutes: neither the usual 2 hours nor the 4 of myeloma")
def pamidronate_too_fast(admission: Admission) -> tuple[Case, Entry]:
    case, start = begin(admission)
    visits = treated(case, PAMIDRONATE.against("multiple_myeloma", 240, 250), start, 3)
    visits[1].dose.minutes = 90
    case.fails(visits[1].dose, "PAM-INF-MIN", "PAM-MM-INF")
    return case, visits[1].dose
