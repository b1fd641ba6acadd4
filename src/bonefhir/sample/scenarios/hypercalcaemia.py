"""Hypercalcaemia of malignancy: other limits, other windows, no renal dose table."""

from datetime import timedelta

from bonefhir.sample.case import Admission, Case
from bonefhir.sample.courses import HYPERCALCAEMIA, PAMIDRONATE, ZOLEDRONIC, Build, begin, hypercalcaemic, prepare
from bonefhir.sample.model import Entry
from bonefhir.sample.scenarios.registry import whole

HERE = ("lakeside", "st-aldhelm", "harbor-road")


@whole("hypercalcaemia-unconfirmed", "Given for hypercalcaemia at a corrected calcium of about 11.2 mg/dL", HERE)
def hypercalcaemia_unconfirmed(admission: Admission) -> tuple[Case, Entry]:
    case, start = begin(admission)
    prepare(case, start, HYPERCALCAEMIA)
    visit = hypercalcaemic(case, ZOLEDRONIC, start, 11.2)
    case.fails(visit.dose, "ZA4-HCM-CCA")
    return case, visit.dose


@whole("hypercalcaemia-retreated", "Hypercalcaemia treated again after 5 days", HERE)
def hypercalcaemia_retreated(admission: Admission) -> tuple[Case, Entry]:
    case, start = begin(admission)
    prepare(case, start, HYPERCALCAEMIA)
    hypercalcaemic(case, ZOLEDRONIC, start, 13.8)
    again = hypercalcaemic(case, ZOLEDRONIC, start + timedelta(days=5), 13.0)
    case.fails(again.dose, "ZA4-HCM-RETREAT")
    return case, again.dose


@whole("hypercalcaemia-dose-reduced", "3.3 mg for hypercalcaemia, where the renal dose table does not apply", HERE)
def hypercalcaemia_dose_reduced(admission: Admission) -> tuple[Case, Entry]:
    case, start = begin(admission, Build(clearance=(42, 48), age=(60, 80), creatinine=(0.95, 2.2)))
    prepare(case, start, HYPERCALCAEMIA)
    visit = hypercalcaemic(case, ZOLEDRONIC.of(3.3), start, 13.4)
    case.fails(visit.dose, "ZA4-HCM-DOSE-MIN")
    return case, visit.dose


@whole("hypercalcaemia-creatinine", "Zoledronic acid for hypercalcaemia at a creatinine above 4.5 mg/dL", HERE)
def hypercalcaemia_creatinine(admission: Admission) -> tuple[Case, Entry]:
    case, start = begin(admission, Build(clearance=(9, 24), age=(56, 80), creatinine=(4.8, 5.6)))
    prepare(case, start, HYPERCALCAEMIA)
    visit = hypercalcaemic(case, ZOLEDRONIC, start, 13.4)
    case.fails(visit.dose, "ZA4-HCM-SCR")
    return case, visit.dose


@whole("pamidronate-hypercalcaemia-dose", "60 mg of pamidronate at a corrected calcium of about 14.6 mg/dL", HERE)
def pamidronate_hypercalcaemia_dose(admission: Admission) -> tuple[Case, Entry]:
    case, start = begin(admission)
    prepare(case, start, HYPERCALCAEMIA)
    visit = hypercalcaemic(case, PAMIDRONATE.of(60.0), start, 14.6)
    case.fails(visit.dose, "PAM-HCM-DOSE-MIN")
    return case, visit.dose
