"""Faults and traps of record keeping: doses that were not given, given twice, or cannot be read."""

from datetime import timedelta

from bonefhir.sample.case import Case
from bonefhir.sample.model import Entry, Resource, Visit
from bonefhir.sample.scenarios.registry import WITH_CODES, local


@local("dose-not-done", "A trap: a dose a week before that was not given")
def dose_not_done(case: Case, visit: Visit) -> Entry:
    given = visit.dose
    skipped = case.give(given.product, given.amount, given.start - timedelta(days=7), given.minutes, given.route)
    skipped.status = "not-done"
    visit.doses.append(skipped)
    return skipped


@local("dose-twice", "The dose is on record twice, under two ids")
def dose_twice(case: Case, visit: Visit) -> Entry:
    given = visit.dose
    again = case.give(given.product, given.amount, given.start, given.minutes, given.route)
    visit.doses.append(again)
    case.noted(again, "duplicate-dose", "warning")
    return again


@local("line-broken", "A line that is not JSON, in the middle of a file", ("lakeside", "harbor-road"))
def line_broken(case: Case, visit: Visit) -> Entry:
    lab = case.measured("haemoglobin", 11.4, visit.lab("creatinine").at)
    lab.garble = True
    visit.labs.append(lab)
    case.rejected(lab, "not-json")
    return lab


@local("medication-lost", "The dose refers to a Medication that is not in the data", WITH_CODES)
def medication_lost(case: Case, visit: Visit) -> Entry:
    def lose(resource: Resource) -> None:
        resource.pop("medicationCodeableConcept", None)
        resource["medicationReference"] = case.hospital.refer(Entry(id="not-exported", kind="Medication"))

    visit.dose.changes.append(lose)
    case.rejected(visit.dose, "medication-unresolved")
    return visit.dose


@local("formulary-code", "The drug has a code of the hospital's own formulary: matched by its text", ("lakeside", "harbor-road"))
def formulary_code(case: Case, visit: Visit) -> Entry:
    def recode(resource: Resource) -> None:
        for part in ("contained", "medicationReference"):
            resource.pop(part, None)
        coding = {"system": f"https://{case.hospital.key}.example/formulary", "code": "ZOL4"}
        resource["medicationCodeableConcept"] = {"coding": [coding], "text": "zoledronic acid (Zometa) 4 mg"}

    visit.dose.changes.append(recode)
    case.noted(visit.dose, "code-unlisted", "warning")
    return visit.dose
