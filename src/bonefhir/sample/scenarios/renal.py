"""Zoledronic acid and the kidney: doses by clearance, deterioration, recovery."""

from datetime import timedelta

from bonefhir.sample.case import Admission, Case
from bonefhir.sample.courses import ZOLEDRONIC, Build, at, begin, course, prepare, reduced, treated
from bonefhir.sample.model import Entry
from bonefhir.sample.renal import weight_for
from bonefhir.sample.scenarios.registry import whole

SOUND = Build(clearance=(118, 140), age=(44, 52), creatinine=(0.86, 0.94), sex="male")


@whole("dose-not-reduced", "4 mg in place of 3.3 mg at a clearance of about 45 mL/min")
def dose_not_reduced(admission: Admission) -> tuple[Case, Entry]:
    case, start = begin(admission, reduced(3.3))
    visits = treated(case, ZOLEDRONIC.of(3.3), start, 4)
    visits[2].dose.amount = 4.0
    case.fails(visits[2].dose, "ZA4-MMBM-CRCL-DOSE", "ZA4-MMBM-CRCL-NOW")
    return case, visits[2].dose


@whole("first-dose-not-reduced", "4 mg in place of 3 mg at the first dose, reduced afterwards")
def first_dose_not_reduced(admission: Admission) -> tuple[Case, Entry]:
    case, start = begin(admission, reduced(3.0))
    visits = treated(case, ZOLEDRONIC.of(3.0), start, 3)
    visits[0].dose.amount = 4.0
    case.fails(visits[0].dose, "ZA4-MMBM-CRCL-DOSE")
    return case, visits[0].dose


@whole("clearance-below-30", "The clearance has fallen below 30 mL/min")
def clearance_below_30(admission: Admission) -> tuple[Case, Entry]:
    build = Build(clearance=(33.5, 35.5), age=(72, 84), creatinine=(0.95, 1.3), sex="female")
    case, start = begin(admission, build)
    visits = treated(case, ZOLEDRONIC.of(3.0), start, 3)
    visits[2].lab("creatinine").value = case.record.creatinine * 1.28
    case.fails(visits[2].dose, "ZA4-MMBM-CRCL-LT30")
    return case, visits[2].dose


@whole("rise-not-withheld", "Given although creatinine has risen from 0.9 to 1.4 mg/dL (80 to 124 µmol/L)")
def rise_not_withheld(admission: Admission) -> tuple[Case, Entry]:
    """The rise is the limit itself in both units; at that dose the creatinine is not within 10 % of baseline either."""
    case, start = begin(admission, SOUND)
    visits = treated(case, ZOLEDRONIC, start, 4)
    for visit, creatinine in zip(visits, (0.9, 0.93, 1.4, 0.92), strict=True):
        visit.lab("creatinine").value = creatinine
    case.fails(visits[2].dose, "ZA4-MMBM-RENAL-DET", "ZA4-MMBM-RESUME")
    return case, visits[2].dose


@whole("resumed-too-early", "Withheld at a creatinine of 1.6 mg/dL, resumed at 1.2 with a baseline of 0.9")
def resumed_too_early(admission: Admission) -> tuple[Case, Entry]:
    case, start = begin(admission, SOUND)
    prepare(case, start, "bone_metastases")
    before = course(case, ZOLEDRONIC, start, 2)
    after = course(case, ZOLEDRONIC, start + timedelta(days=28 + 42), 2)
    for visit, creatinine in zip(before + after, (0.9, 0.92, 1.2, 0.93), strict=True):
        visit.lab("creatinine").value = creatinine
    case.aside("creatinine", 1.6, at(case, before[1].day + timedelta(days=28)))
    case.fails(after[0].dose, "ZA4-MMBM-RESUME")
    return case, after[0].dose


@whole("printed-gap", "3.5 mg at a clearance of 49.5 mL/min, between two bands of the label's table")
def printed_gap(admission: Admission) -> tuple[Case, Entry]:
    case, start = begin(admission, Build(clearance=(47, 52), age=(62, 84), creatinine=(0.95, 2.3)))
    person, record = case.record.person, case.record
    record.weight = round(weight_for(49.5, person.age(start), record.creatinine, person.sex), 1)
    visits = treated(case, ZOLEDRONIC.of(3.5), start, 2)
    for visit in visits:
        visit.lab("creatinine").value = record.creatinine
    case.unknown(visits[0].dose, ("printed-gap",), "ZA4-MMBM-CRCL-DOSE")
    case.unknown(visits[1].dose, ("printed-gap",), "ZA4-MMBM-CRCL-DOSE", "ZA4-MMBM-CRCL-NOW")
    return case, visits[0].dose
