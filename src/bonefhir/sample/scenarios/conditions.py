"""Diagnoses and examinations that a dose must or must not follow."""

from datetime import timedelta

from bonefhir.sample.case import Admission, Case
from bonefhir.sample.courses import ZOLEDRONIC, Build, begin, treated
from bonefhir.sample.model import Entry
from bonefhir.sample.scenarios.registry import whole


@whole("jaw-necrosis", "Osteonecrosis of the jaw on record before the third dose")
def jaw_necrosis(admission: Admission) -> tuple[Case, Entry]:
    case, start = begin(admission)
    visits = treated(case, ZOLEDRONIC.every(84), start, 3)
    found = case.diagnose("osteonecrosis_of_jaw", visits[2].day - timedelta(days=40))
    case.fails(visits[2].dose, "ZA4-ONJ")
    return case, found


@whole("jaw-necrosis-undated", "Osteonecrosis of the jaw on record without any date")
def jaw_necrosis_undated(admission: Admission) -> tuple[Case, Entry]:
    case, start = begin(admission)
    visits = treated(case, ZOLEDRONIC.every(84), start, 2)
    found = case.diagnose("osteonecrosis_of_jaw", None)
    for visit in visits:
        case.unknown(visit.dose, ("partial-date",), "ZA4-ONJ")
    return case, found


@whole("pregnancy", "A pregnancy on record 20 days before the third dose", ("lakeside", "rosental", "st-aldhelm"))
def pregnancy(admission: Admission) -> tuple[Case, Entry]:
    build = Build(clearance=(88, 135), age=(30, 39), creatinine=(0.5, 0.9), sex="female")
    case, start = begin(admission, build)
    visits = treated(case, ZOLEDRONIC, start, 3)
    found = case.diagnose("pregnancy", visits[2].day - timedelta(days=20))
    case.fails(visits[2].dose, "ZA4-PREGNANCY")
    return case, found


@whole("no-dental-examination", "No dental examination before the first dose, only one three weeks after it")
def no_dental_examination(admission: Admission) -> tuple[Case, Entry]:
    case, start = begin(admission)
    visits = treated(case, ZOLEDRONIC, start, 3)
    case.record.examinations[0].on = start + timedelta(days=21)
    case.fails(visits[0].dose, "ZA4-DENTAL")
    return case, visits[0].dose


@whole("dental-year-only", "A dental examination some time in the year before the first dose")
def dental_year_only(admission: Admission) -> tuple[Case, Entry]:
    """The year's beginning is more than 365 days before the dose, its end is not."""
    case, start = begin(admission)
    visits = treated(case, ZOLEDRONIC, start, 2)
    examined = case.record.examinations[0]
    examined.changes.append(lambda resource: resource.update(performedDateTime=str(start.year - 1)))
    case.unknown(visits[0].dose, ("partial-date",), "ZA4-DENTAL")
    return case, examined


@whole("vitamin-d-low", "Vitamin D of 11 ng/mL before the first two doses, replaced before the third")
def vitamin_d_low(admission: Admission) -> tuple[Case, Entry]:
    case, start = begin(admission)
    visits = treated(case, ZOLEDRONIC, start, 3)
    case.record.labs = [lab for lab in case.record.labs if lab.analyte != "vitamin_d"]
    low = case.aside("vitamin_d", 11, case.morning(start - timedelta(days=20)))
    case.aside("vitamin_d", 33, case.morning(visits[2].day - timedelta(days=3)))
    for visit in visits[:2]:
        case.fails(visit.dose, "ALL-VITD")
    return case, low
