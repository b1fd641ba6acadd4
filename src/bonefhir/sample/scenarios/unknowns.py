"""What is not known of the patient: sex, weight, age, dates."""

from datetime import date

from bonefhir.sample.case import Admission, Case
from bonefhir.sample.courses import ZOLEDRONIC, Build, begin, treated
from bonefhir.sample.model import Entry
from bonefhir.sample.scenarios.registry import whole

CURRENT = ("ZA4-MMBM-UNDERDOSE", "ZA4-MMBM-CRCL-LT30")


@whole("sex-unknown", "4 mg at a clearance of 66 mL/min for a man, 56 for a woman, and the sex is unknown")
def sex_unknown(admission: Admission) -> tuple[Case, Entry]:
    build = Build(clearance=(65.5, 66.5), age=(60, 80), creatinine=(0.75, 1.4), sex="male")
    case, start = begin(admission, build)
    case.record.patient.changes.append(lambda resource: resource.update(gender="unknown"))
    visits = treated(case, ZOLEDRONIC, start, 2)
    for visit in visits:
        visit.lab("creatinine").value = case.record.creatinine
    case.unknown(visits[0].dose, ("no-sex",), "ZA4-MMBM-CRCL-DOSE")
    case.unknown(visits[1].dose, ("no-sex",), "ZA4-MMBM-CRCL-DOSE", "ZA4-MMBM-CRCL-NOW")
    return case, case.record.patient


@whole("weight-missing", "Never weighed: no clearance can be computed")
def weight_missing(admission: Admission) -> tuple[Case, Entry]:
    case, start = begin(admission)
    visits = treated(case, ZOLEDRONIC, start, 2)
    for visit in visits:
        visit.drop("weight")
        case.unknown(visit.dose, ("no-weight", "no-baseline"), "ZA4-MMBM-CRCL-DOSE")
        case.unknown(visit.dose, ("no-weight",), *CURRENT)
    case.unknown(visits[1].dose, ("no-weight",), "ZA4-MMBM-CRCL-NOW")
    return case, visits[0].dose


@whole("birth-year-only", "Born in 2005, treated in 2023: 17 or 18 years old")
def birth_year_only(admission: Admission) -> tuple[Case, Entry]:
    start = date(2023, 2 + admission.chance.randrange(7), 6 + admission.chance.randrange(20))
    build = Build(clearance=(105, 170), age=(17, 17), creatinine=(0.55, 0.95))
    case, _ = begin(admission, build, start)
    case.record.patient.changes.append(lambda resource: resource.update(birthDate="2005"))
    visits = treated(case, ZOLEDRONIC, start, 2)
    case.record.diagnoses = [d for d in case.record.diagnoses if d.concept != "tumour"]
    for visit in visits:
        case.unknown(visit.dose, ("bounds",), "ZA4-ADULT")
    return case, case.record.patient
