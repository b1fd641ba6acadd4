"""What every kind of rule shares: the outcome, what a dose is judged against, and missing quantities."""

from dataclasses import dataclass
from datetime import date

from tests.reference.doses import Dose
from tests.reference.evidence import (
    Calcium,
    Chart,
    Quantity,
    View,
    baseline_clearance,
    baseline_creatinine,
    clearance,
    creatinine,
    creatinine_days,
    words,
)

PASS, FAIL, INDETERMINATE, NOT_APPLICABLE = "pass", "fail", "indeterminate", "not_applicable"


@dataclass(frozen=True)
class Outcome:
    """reasons: of quantities that are missing. hints: reasons that explain a range."""

    verdict: str
    reasons: tuple[str, ...] = ()
    hints: tuple[str, ...] = ()


@dataclass
class Case:
    """What a dose is judged against.

    doses       every dose of the patient
    lab_records labs that some Observation of the whole input is coded as
    dental      whether the whole input has a used dental Procedure
    last_date   'the input's last date (of any used dose or lab)'
    """

    chart: Chart
    doses: list[Dose]
    lab_records: set[str]
    dental: bool
    last_date: date | None


def settled(failing: bool, passing: bool, *hints: str) -> Outcome:
    if failing:
        return Outcome(FAIL)
    return Outcome(PASS) if passing else Outcome(INDETERMINATE, (), tuple(hint for hint in hints if hint))


def missing(*quantities: Quantity | Calcium) -> Outcome | None:
    """'A missing quantity is `indeterminate` with the reason of semantics.md, section 5.'"""
    reasons = words(*(reason for quantity in quantities if quantity.interval is None for reason in quantity.missing))
    return Outcome(INDETERMINATE, reasons) if any(quantity.interval is None for quantity in quantities) else None


def windows(dose: Dose) -> int:
    return creatinine_days(dose.creatinine_window, dose.rules_of)


def level_of(dose: Dose, case: Case, view: View) -> Quantity:
    return creatinine(case.chart, dose.start, windows(dose), view)


def baseline_of(dose: Dose, case: Case, view: View) -> Quantity:
    assert dose.first
    return baseline_creatinine(case.chart, dose.first, view)


def clearance_of(dose: Dose, case: Case, view: View, basis: str = "current") -> Quantity:
    assert dose.first
    if basis == "baseline":
        return baseline_clearance(case.chart, dose.first, view)
    return clearance(case.chart, dose.start, windows(dose), view)
