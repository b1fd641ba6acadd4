"""Patients without a fault: most of a sample."""

from collections.abc import Callable, Sequence
from datetime import timedelta

from bonefhir.sample.case import Admission, Case
from bonefhir.sample.courses import (
    ELDERLY_MAN,
    HYPERCALCAEMIA,
    PAMIDRONATE,
    PROLIA,
    RECLAST,
    RENAL_BANDS,
    XGEVA,
    ZOLEDRONIC,
    begin,
    hypercalcaemic,
    prepare,
    radium,
    reduced,
    treated,
)


def monthly_zoledronic(admission: Admission) -> Case:
    case, start = begin(admission)
    indication = admission.chance.choice(("bone_metastases", "bone_metastases", "multiple_myeloma"))
    treated(case, ZOLEDRONIC.against(indication), start, admission.chance.randint(3, 5))
    return case


def quarterly_zoledronic(admission: Admission) -> Case:
    case, start = begin(admission)
    treated(case, ZOLEDRONIC.every(84), start, admission.chance.randint(2, 4))
    return case


def reduced_zoledronic(admission: Admission) -> Case:
    amount = admission.chance.choice(tuple(RENAL_BANDS))
    case, start = begin(admission, reduced(amount))
    treated(case, ZOLEDRONIC.of(amount), start, admission.chance.randint(2, 4))
    case.diagnose("kidney_disease", start - timedelta(days=admission.chance.randrange(200, 700)))
    return case


def monthly_denosumab(admission: Admission) -> Case:
    case, start = begin(admission)
    indication = admission.chance.choice(("bone_metastases", "bone_metastases", "multiple_myeloma"))
    treated(case, XGEVA.against(indication), start, admission.chance.randint(3, 5))
    return case


def monthly_pamidronate(admission: Admission) -> Case:
    case, start = begin(admission)
    regimen = admission.chance.choice((PAMIDRONATE, PAMIDRONATE.against("multiple_myeloma", 240, 255)))
    treated(case, regimen, start, admission.chance.randint(2, 4))
    return case


def yearly_zoledronic(admission: Admission) -> Case:
    case, start = begin(admission)
    treated(case, RECLAST, start, 2)
    return case


def halfyearly_denosumab(admission: Admission) -> Case:
    case, start = begin(admission)
    treated(case, PROLIA, start, 3)
    return case


def hypercalcaemia(admission: Admission) -> Case:
    """A single dose; the German hospital codes no hypercalcaemia of malignancy, so it treats a myeloma instead."""
    if HYPERCALCAEMIA not in admission.hospital.conditions:
        return monthly_zoledronic(admission)
    case, start = begin(admission)
    prepare(case, start, HYPERCALCAEMIA)
    hypercalcaemic(case, ZOLEDRONIC, start, admission.chance.uniform(12.8, 14.2))
    return case


def radium_injections(admission: Admission) -> Case:
    """The British hospital has no radium: it gives denosumab."""
    if "prostate_cancer" not in admission.hospital.conditions:
        return monthly_denosumab(admission)
    case, start = begin(admission, ELDERLY_MAN)
    radium(case, start, admission.chance.randint(3, 6))
    return case


CLEAN: Sequence[Callable[[Admission], Case]] = (
    monthly_zoledronic,
    monthly_zoledronic,
    quarterly_zoledronic,
    reduced_zoledronic,
    monthly_denosumab,
    monthly_denosumab,
    monthly_pamidronate,
    yearly_zoledronic,
    halfyearly_denosumab,
    hypercalcaemia,
    radium_injections,
)
