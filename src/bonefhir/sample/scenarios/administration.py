"""How zoledronic acid was given: amount, route, time, interval."""

from datetime import timedelta

from bonefhir.sample.case import Case
from bonefhir.sample.courses import PAMIDRONATE, dose
from bonefhir.sample.hospitals.fhir import RXNORM, concept, quantity
from bonefhir.sample.model import Entry, Resource, Visit
from bonefhir.sample.scenarios.registry import WITH_CODES, local

AMOUNT_RULES = ("ZA4-DOSE-MAX", "ZA4-MMBM-CRCL-DOSE", "ZA4-MMBM-CRCL-NOW")


@local("infusion-too-short", "Infused in 5 minutes")
def infusion_too_short(case: Case, visit: Visit) -> Entry:
    visit.dose.minutes = 5
    case.fails(visit.dose, "ZA4-INF-MIN")
    return visit.dose


@local("infusion-without-end", "The end of the infusion was not charted", WITH_CODES)
def infusion_without_end(case: Case, visit: Visit) -> Entry:
    visit.dose.changes.append(lambda resource: resource["effectivePeriod"].pop("end"))
    case.unknown(visit.dose, ("no-duration",), "ZA4-INF-MIN")
    return visit.dose


@local("infusion-of-no-time", "The infusion ends at the minute at which it starts", WITH_CODES)
def infusion_of_no_time(case: Case, visit: Visit) -> Entry:
    visit.dose.minutes = 0
    case.noted(visit.dose, "zero-duration", "warning")
    case.unknown(visit.dose, ("no-duration",), "ZA4-INF-MIN")
    return visit.dose


@local("infusion-stopped", "The infusion was stopped after 8 minutes: how fast it ran nobody knows", WITH_CODES)
def infusion_stopped(case: Case, visit: Visit) -> Entry:
    visit.dose.minutes = 8
    visit.dose.status = "stopped"
    case.unknown(visit.dose, ("bounds",), "ZA4-INF-MIN")
    return visit.dose


@local("route-subcutaneous", "Zoledronic acid under the skin")
def route_subcutaneous(case: Case, visit: Visit) -> Entry:
    visit.dose.route = "subcutaneous"
    case.fails(visit.dose, "ZA4-ROUTE")
    return visit.dose


@local("route-missing", "No route was charted")
def route_missing(case: Case, visit: Visit) -> Entry:
    visit.dose.changes.append(lambda resource: resource["dosage"].pop("route"))
    case.unknown(visit.dose, ("no-route",), "ZA4-ROUTE")
    return visit.dose


@local("dose-tenfold", "40 mg in place of 4 mg", WITH_CODES)
def dose_tenfold(case: Case, visit: Visit) -> Entry:
    visit.dose.amount = 40.0
    case.noted(visit.dose, "implausible-dose", "error")
    case.fails(visit.dose, *AMOUNT_RULES)
    return visit.dose


@local("dose-too-low", "3 mg at a clearance above 60 mL/min")
def dose_too_low(case: Case, visit: Visit) -> Entry:
    visit.dose.amount = 3.0
    case.fails(visit.dose, "ZA4-MMBM-UNDERDOSE")
    return visit.dose


@local("dose-in-millilitres", "100 mL of the ready-to-use bottle: the volume does not say how much was given", ("lakeside",))
def dose_in_millilitres(case: Case, visit: Visit) -> Entry:
    def bottle(resource: Resource) -> None:
        coding = (RXNORM, "1114085", "100 ML zoledronic acid 0.04 MG/ML Injection")
        resource["medicationCodeableConcept"] = concept([coding], "zoledronic acid (ZOMETA) ready-to-use")
        resource["dosage"]["dose"] = quantity(100, "mL", "mL")

    visit.dose.changes.append(bottle)
    case.unknown(visit.dose, ("dose-unit",), *AMOUNT_RULES, "ZA4-MMBM-UNDERDOSE")
    return visit.dose


@local("dose-missing", "Only the pump's rate was charted, not the dose", ("lakeside",))
def dose_missing(case: Case, visit: Visit) -> Entry:
    def rate_only(resource: Resource) -> None:
        del resource["dosage"]["dose"]
        resource["dosage"]["rateQuantity"] = quantity(300, "mL/h", "mL/h")

    visit.dose.changes.append(rate_only)
    case.unknown(visit.dose, ("no-dose",), *AMOUNT_RULES, "ZA4-MMBM-UNDERDOSE")
    return visit.dose


@local("interval-too-short", "Two weeks after the previous dose")
def interval_too_short(case: Case, visit: Visit) -> Entry:
    bring_forward(case, visit, 14)
    case.fails(visit.dose, "ZA4-MMBM-INTERVAL")
    return visit.dose


def bring_forward(case: Case, visit: Visit, gap: int) -> None:
    """Moves a visit and all later ones so that it comes so many days after the one before."""
    visits = case.record.visits
    place = visits.index(visit)
    days = gap - (visit.day - visits[place - 1].day).days
    for later in visits[place:]:
        later.move(days)


@local("other-bisphosphonate", "Pamidronate two weeks before zoledronic acid")
def other_bisphosphonate(case: Case, visit: Visit) -> Entry:
    day = visit.day - timedelta(days=14)
    case.examine(day - timedelta(days=25))
    case.visit(dose(case, PAMIDRONATE, day), lead=1)
    case.fails(visit.dose, "ZA4-OTHER-BP")
    return visit.dose
