"""The reference audit: documents in, judgements out. Slow, obvious, written from the specification alone."""

from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from bonefhir.vocabulary import REASONS
from tests.reference import rows
from tests.reference.catalogue import Catalogue, Rule
from tests.reference.charted import charted
from tests.reference.documents import Input, opened
from tests.reference.doses import Dose, doses
from tests.reference.evidence import (
    Chart,
    Policy,
    View,
    age,
    baseline_clearance,
    baseline_creatinine,
    calcium,
    calcium_days,
    clearance,
    creatinine,
    creatinine_days,
    egfr,
    weight,
)
from tests.reference.judging import INDETERMINATE, NOT_APPLICABLE, Case
from tests.reference.kinds import KINDS


@dataclass(frozen=True)
class Judgement:
    """'Per dose and rule'; not applicable ones are left out."""

    dose_id: str
    rule_id: str
    product: str
    indication: str
    verdict: str
    reasons: tuple[str, ...]
    assumptions: frozenset[str]


ASSUMED = frozenset(
    {
        *("status-unknown", "matched-by-text", "product-by-text", "product-by-amount", "product-by-indication"),
        *("product-by-default", "indication-assumed", "merged-parts", "first-in-data", "same-day-order", "time-from-issued"),
        *("albumin-unknown", "crcl-as-reported", "egfr-as-reported", "newer-unusable"),
    }
)
"""The assumptions that are read here: not those that are one word for the dose and for its evidence."""

OF_AMOUNT = ("dose_max", "dose_min", "dose_by_clearance", "underdose_by_clearance", "rate_max", "per_kg")
OF_FIRST = (
    "creatinine_rise",
    "creatinine_recovery",
    "interval_min",
    "interval_max",
    "course_max",
    "counts_min",
    "dental_before_first",
)
"""'every verdict that rests on them (baseline, rise, recovery, first-dose rules) carries the assumption `first-in-data`'"""


@dataclass(frozen=True)
class Audit:
    doses: list[Dose]
    judgements: list[Judgement]


def audit(documents: list[Any], catalogue: Catalogue, profile: str = "us") -> list[Judgement]:
    """Every verdict on the parsed JSON documents, in reading order (an NDJSON file: its lines), sorted by dose and rule."""
    return audited(documents, catalogue, profile).judgements


def audited(documents: list[Any], catalogue: Catalogue, profile: str = "us", policy: Policy | None = None) -> Audit:
    """The same, with the doses and their intermediate values."""
    read = opened(documents)
    charts = _charts(read, catalogue)
    medications = {name[1]: entry for name, entry in read.newest.items() if name[0] == "Medication"}
    records = [
        record
        for entry in _newest_of(read, "MedicationAdministration")
        if (record := charted(entry, read, medications, catalogue))
    ]
    for record in records:
        charts.setdefault(record.patient, Chart())
    for chart in charts.values():
        chart.policy = policy or Policy()
    found = doses(records, charts, catalogue)
    whole = _whole(read, charts, found, catalogue)
    judgements: list[Judgement] = []
    for dose in found:
        case = replace(whole, chart=charts[dose.patient], doses=[other for other in found if other.patient == dose.patient])
        judgements += [judged for rule in catalogue.rules if (judged := _judged(rule, dose, case, profile))]
    judgements.sort(key=lambda one: (one.dose_id, one.rule_id))
    return Audit([_shown(dose, charts[dose.patient]) for dose in found], judgements)


def _newest_of(read: Input, kind: str) -> list[Any]:
    """The newest version of each, and those without an id (which have none), in reading order."""
    return [entry for entry in read.entries if entry.type == kind and (entry.id is None or read.newest[kind, entry.id] is entry)]


def _charts(read: Input, catalogue: Catalogue) -> dict[str, Chart]:
    charts: dict[str, Chart] = {}
    for entry in _newest_of(read, "Patient"):
        patient = rows.patient(entry)
        if patient and entry.id:
            charts.setdefault(entry.id, Chart()).patient = patient
    for entry in _newest_of(read, "Observation"):
        for lab in rows.measurements(entry, read, catalogue):
            charts.setdefault(lab.patient, Chart()).labs.append(lab)
    for entry in _newest_of(read, "Condition"):
        condition = rows.condition(entry, read, catalogue)
        if condition:
            charts.setdefault(condition.patient, Chart()).conditions.append(condition)
    for entry in _newest_of(read, "Procedure"):
        procedure = rows.dental_procedure(entry, read, catalogue)
        if procedure:
            charts.setdefault(procedure.patient, Chart()).procedures.append(procedure)
    return charts


def _whole(read: Input, charts: dict[str, Chart], found: list[Dose], catalogue: Catalogue) -> Case:
    """What kinds ask of the whole input."""
    observations = [entry.resource for entry in read.entries if entry.type == "Observation"]
    return Case(
        chart=Chart(),
        doses=[],
        lab_records={lab for resource in observations for lab in rows.coded_as(resource, catalogue)},
        dental=any(chart.procedures for chart in charts.values()),
        last_date=_last_date(charts, found),
    )


def _last_date(charts: dict[str, Chart], found: list[Dose]) -> date | None:
    """'the input's last date (of any used dose or lab)'; of a partial date, the first day that it may be. A lab that was rejected
    was not used."""
    used = [lab.time.first for chart in charts.values() for lab in chart.labs if lab.time and lab.problem not in REJECTS]
    return max([*used, *(dose.start.first for dose in found)], default=None)


REJECTS = ("no-id", "no-time", "not-fhir", "bad-code", "modifier-extension")


# ---- one rule and one dose


def _judged(rule: Rule, dose: Dose, case: Case, profile: str) -> Judgement | None:
    """'"Not applicable" is decided first: product, indication, profile, then the kind's own condition. Any kind takes `doses`'"""
    if profile not in rule.profiles or dose.product not in rule.products:
        return None
    if rule.indications and dose.rules_of not in rule.indications:
        return None
    if rule.doses == ("later" if dose.ordinal == 1 else "first"):
        return None
    kind = KINDS[rule.kind]
    view = View()
    outcome = kind(rule, dose, case, view)
    if outcome.verdict == NOT_APPLICABLE:
        return None
    reasons = outcome.reasons
    if outcome.verdict == INDETERMINATE and not reasons:
        reasons = _of_range(rule, dose, case, (*outcome.hints, *view.notes))
    ordered = tuple(sorted(set(reasons), key=REASONS.index)) if outcome.verdict == INDETERMINATE else ()
    first = rule.kind in OF_FIRST or rule.doses != "all" or rule.parameters.get("basis") == "baseline"
    weighed = dose.weighed if rule.kind in OF_AMOUNT else frozenset()
    assumed = dose.assumed | weighed | view.assumed | ({"first-in-data"} if first else set())
    return Judgement(dose.id, rule.id, dose.product, dose.indication, outcome.verdict, ordered, assumed & ASSUMED)


def _of_range(rule: Rule, dose: Dose, case: Case, hints: tuple[str, ...]) -> tuple[str, ...]:
    """Why a range does not settle it: a partly dated lab that widened it (`hints`), and what, were it known, would settle it.

    '`no-sex` if the verdict would differ between the sexes or one of them would settle it; `bounds` only when no more specific
    reason explains the range'
    """
    reasons = list(hints)
    kind = KINDS[rule.kind]

    def settles(*views: View) -> bool:
        return any(kind(rule, dose, case, view).verdict != INDETERMINATE for view in views)

    if case.chart.patient.sex is None and settles(View(sex="male"), View(sex="female")):
        reasons.append("no-sex")
    if settles(View(gap="strict"), View(gap="lenient")):
        reasons.append("printed-gap")
    if dose.start.partial and settles(View(day=dose.start.first), View(day=dose.start.last)):
        reasons.append("partial-date")
    return tuple(reasons) or ("bounds",)


def _shown(dose: Dose, chart: Chart) -> Dose:
    """The dose with its evidence, for a reader of differences."""
    days = creatinine_days(dose.creatinine_window, dose.rules_of)
    assert dose.first
    status = calcium(chart, dose.start, calcium_days(dose.creatinine_window, dose.rules_of))
    corrected = calcium(chart, dose.start, 7, ionised=False)
    values = {
        "sex": chart.patient.sex,
        "age": age(chart, dose.start),
        "weight": weight(chart, dose.start),
        "creatinine": creatinine(chart, dose.start, days),
        "clearance": clearance(chart, dose.start, days),
        "baseline_creatinine": baseline_creatinine(chart, dose.first),
        "baseline_clearance": baseline_clearance(chart, dose.first),
        "egfr": egfr(chart, dose.start, days),
        "calcium": status,
        "corrected_calcium": corrected,
    }
    return replace(dose, values=tuple(values.items()))


__all__ = ["Audit", "Dose", "Judgement", "audit", "audited"]
