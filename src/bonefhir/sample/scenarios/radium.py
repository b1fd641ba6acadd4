"""Radium-223: activity by weight, blood counts, number of injections, abiraterone."""

from datetime import timedelta

from bonefhir.sample.case import Admission, Case
from bonefhir.sample.courses import ELDERLY_MAN, KBQ_PER_KG, at, begin, radium
from bonefhir.sample.model import Entry
from bonefhir.sample.scenarios.registry import whole

HERE = ("lakeside", "rosental", "harbor-road")


@whole("radium-activity", "Radium-223 at 70 kBq/kg in place of 55", HERE)
def radium_activity(admission: Admission) -> tuple[Case, Entry]:
    case, start = begin(admission, ELDERLY_MAN)
    visits = radium(case, start, 3)
    visits[1].dose.amount *= 70 / KBQ_PER_KG
    case.fails(visits[1].dose, "RA223-DOSE")
    return case, visits[1].dose


@whole("radium-platelets", "Radium-223 at platelets of 42 × 10⁹/L", HERE)
def radium_platelets(admission: Admission) -> tuple[Case, Entry]:
    case, start = begin(admission, ELDERLY_MAN)
    visits = radium(case, start, 4)
    visits[2].lab("platelets").value = 42
    case.fails(visits[2].dose, "RA223-CBC")
    return case, visits[2].lab("platelets")


@whole("radium-seventh", "A seventh injection of radium-223", HERE)
def radium_seventh(admission: Admission) -> tuple[Case, Entry]:
    case, start = begin(admission, ELDERLY_MAN)
    visits = radium(case, start, 7)
    case.fails(visits[6].dose, "RA223-COURSE")
    return case, visits[6].dose


@whole("radium-abiraterone", "Abiraterone ten days before radium-223", HERE)
def radium_abiraterone(admission: Admission) -> tuple[Case, Entry]:
    case, start = begin(admission, ELDERLY_MAN)
    visits = radium(case, start, 3)
    tablets = case.give("abiraterone", 1000.0, at(case, visits[1].day - timedelta(days=10)), None, "oral")
    visits[1].doses.append(tablets)
    case.fails(visits[1].dose, "RA223-NO-ABIRATERONE")
    return case, tablets
