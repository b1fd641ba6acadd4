"""The creatinine before a dose of zoledronic acid: missing, useless, of another kind, or replaced."""

from datetime import timedelta

from bonefhir.sample.case import Case
from bonefhir.sample.hospitals import Hospital
from bonefhir.sample.model import Change, Dose, Entry, Lab, Resource, Visit
from bonefhir.sample.scenarios.registry import local

CLEARANCE_NOW = ("ZA4-MMBM-CRCL-NOW", "ZA4-MMBM-UNDERDOSE", "ZA4-MMBM-CRCL-LT30")
CREATININE_NOW = ("ZA4-MMBM-SCR-GT3", "ZA4-MMBM-RENAL-DET")
WITH_IDS = ("lakeside", "st-aldhelm", "harbor-road")
MEASURED = "ZA4-SCR-BEFORE-EACH"


def nothing_known(case: Case, dose: Dose, *more: str) -> None:
    """What cannot be judged without a creatinine in the window, at any dose but the first; `more` for the clearance alone."""
    case.unknown(dose, ("no-creatinine", *more), *CLEARANCE_NOW)
    case.unknown(dose, ("no-creatinine",), *CREATININE_NOW)


def unusable(case: Case, dose: Dose) -> None:
    """Measured, but not usable."""
    case.unknown(dose, ("unusable-lab",), MEASURED)
    nothing_known(case, dose)


def missing(case: Case, dose: Dose) -> None:
    case.fails(dose, MEASURED)
    nothing_known(case, dose)


def spoil(visit: Visit, *changes: Change) -> Lab:
    """The creatinine of the visit with these changes, in an Observation of its own."""
    lab = visit.lab("creatinine")
    lab.alone = True
    lab.changes.extend(changes)
    return lab


@local("creatinine-missing", "No creatinine before the dose", theme="lost")
def creatinine_missing(case: Case, visit: Visit) -> Entry:
    visit.drop("creatinine")
    missing(case, visit.dose)
    return visit.dose


@local("creatinine-in-urine", "Only a urine creatinine before the dose", theme="lost")
def creatinine_in_urine(case: Case, visit: Visit) -> Entry:
    drawn = visit.lab("creatinine").at
    visit.drop("creatinine")
    urine = case.measured("urine_creatinine", case.chance.uniform(60, 140), drawn)
    visit.labs.append(urine)
    missing(case, visit.dose)
    return urine


@local("creatinine-stale", "The last creatinine before the dose is 45 days old", theme="lost")
def creatinine_stale(case: Case, visit: Visit) -> Entry:
    old = spoil(visit)
    old.at -= timedelta(days=(old.at.date() - visit.day).days + 45)
    missing(case, visit.dose)
    return old


@local(
    "only-egfr",
    "An eGFR before the dose, which stands in for no clearance, and no creatinine",
    ("lakeside", "rosental"),
    theme="lost",
)
def only_egfr(case: Case, visit: Visit) -> Entry:
    drawn = visit.lab("creatinine").at
    visit.drop("creatinine")
    egfr = case.measured("egfr", case.chance.uniform(82, 104), drawn)
    visit.labs.append(egfr)
    case.fails(visit.dose, MEASURED)
    nothing_known(case, visit.dose, "only-egfr")
    return egfr


@local("creatinine-wrong-unit", "A creatinine labelled with the other unit (µmol/L as mg/dL, or mg/dL as µmol/L)")
def creatinine_wrong_unit(case: Case, visit: Visit) -> Entry:
    in_si = case.hospital.tests["creatinine"].ucum == "umol/L"

    def relabel(resource: Resource) -> None:
        mg_dl = lab.value
        resource["valueQuantity"]["value"] = round(mg_dl, 2) if in_si else round(mg_dl * 88.42)

    lab = spoil(visit, relabel)
    case.noted(lab, "unit-suspect", "warning")
    unusable(case, visit.dose)
    return lab


@local("creatinine-bad-status", "The creatinine has a status that FHIR does not know and is quarantined")
def creatinine_bad_status(case: Case, visit: Visit) -> Entry:
    lab = spoil(visit, lambda resource: resource.update(status="finalised"))
    case.rejected(lab, "bad-code")
    unusable(case, visit.dose)
    return lab


@local("creatinine-as-text", "The creatinine's value is a string with a decimal comma: not FHIR, quarantined")
def creatinine_as_text(case: Case, visit: Visit) -> Entry:
    def comma(resource: Resource) -> None:
        resource["valueQuantity"]["value"] = f"{resource['valueQuantity']['value']},0"

    lab = spoil(visit, comma)
    case.rejected(lab, "not-fhir")
    unusable(case, visit.dose)
    return lab


@local("creatinine-in-error", "The only creatinine before the dose was entered in error", theme="lost")
def creatinine_in_error(case: Case, visit: Visit) -> Entry:
    lab = spoil(visit)
    lab.status = "entered-in-error"
    missing(case, visit.dose)
    return lab


@local("creatinine-unmapped", "The creatinine has a local code only", WITH_IDS)
def creatinine_unmapped(case: Case, visit: Visit) -> Entry:
    lab = spoil(visit, lambda resource: resource.update(code=local_code(case.hospital)))
    case.noted(lab, "unmapped-lab", "warning")
    unusable(case, visit.dose)
    return lab


def local_code(hospital: Hospital) -> Resource:
    coding = {"system": f"https://{hospital.key}.example/lab", "code": "CREA-S", "display": "Creatinine, serum"}
    return {"coding": [coding]}


@local("creatinine-undated", "A further creatinine without a time: rejected, the dated one is used", theme="lost")
def creatinine_undated(case: Case, visit: Visit) -> Entry:
    lab = case.measured("creatinine", 2.9, visit.lab("creatinine").at, alone=True)
    lab.changes.append(lambda resource: resource.pop("effectiveDateTime"))
    visit.labs.append(lab)
    case.rejected(lab, "no-time")
    return lab


@local("lab-in-error", "A trap: a creatinine of 3.9 mg/dL that was entered in error, beside the right one")
def lab_in_error(case: Case, visit: Visit) -> Entry:
    lab = case.measured("creatinine", 3.9, visit.lab("creatinine").at + timedelta(minutes=10), alone=True)
    lab.status = "entered-in-error"
    visit.labs.append(lab)
    return lab


@local(
    "lab-corrected",
    "A creatinine of 3.4 mg/dL, and before it in the file its newer, corrected version, which alone counts",
    WITH_IDS,
)
def lab_corrected(case: Case, visit: Visit) -> Entry:
    newer = spoil(visit, version(2, "2024-02-02T09:00:00Z"))
    newer.status = "corrected"
    older = case.measured("creatinine", 3.4, newer.at, version(1, "2024-02-01T09:00:00Z"), alone=True)
    older.id = newer.id
    visit.labs.append(older)
    case.noted(newer, "older-version", "info")
    return newer


def version(number: int, updated: str) -> Change:
    def enter(resource: Resource) -> None:
        resource["meta"] = {"versionId": str(number), "lastUpdated": updated}

    return enter


@local("acute-kidney-injury", "Creatinine rises by 0.35 mg/dL in a day before the dose")
def acute_kidney_injury(case: Case, visit: Visit) -> Entry:
    latest = visit.lab("creatinine")
    latest.value = case.record.creatinine + 0.35
    visit.labs.append(case.measured("creatinine", case.record.creatinine, latest.at - timedelta(days=1), alone=True))
    case.fails(visit.dose, "IVBP-AKI-UNSTABLE")
    return latest


@local(
    "creatinine-month-only", "Of the creatinine only the month is known: perhaps after the dose, perhaps too old", theme="lost"
)
def creatinine_month_only(case: Case, visit: Visit) -> Entry:
    """On the last day of a February the month would lie in the window as a whole: then three days earlier."""
    if visit.day.month == 2 and visit.day.day >= 28:
        visit.move(-3)
    month = visit.day.isoformat()[:7]
    lab = spoil(visit, lambda resource: resource.update(effectiveDateTime=month))
    case.unknown(visit.dose, ("partial-date",), MEASURED, *CLEARANCE_NOW, *CREATININE_NOW)
    return lab
