"""The formulae behind a finding, with the numbers put in: Cockcroft-Gault, CKD-EPI 2021, calcium corrected for albumin."""

from collections.abc import Iterator
from math import isfinite
from typing import NamedTuple

from bonefhir.knowledge.model import Rule
from bonefhir.report import arithmetic
from bonefhir.report.arithmetic import Person
from bonefhir.report.records import Records, Row
from bonefhir.report.wording import Wording, significant

BY_CLEARANCE = ("dose_by_clearance", "underdose_by_clearance", "clearance_min", "duration_min")
SHOWN = ("creatinine_rise", "creatinine_recovery")
"""Kinds that rest on creatinine alone: no clearance is printed for them."""


class Renal(NamedTuple):
    """What a clearance was computed from; every number is known exactly."""

    person: Person
    creatinine: float
    clearance: float


class Formula(NamedTuple):
    """name: of the result; text: the equation with its numbers; source."""

    name: str
    text: str
    source: str


def exact(row: Row, name: str) -> float | None:
    """The value of a quantity that is known exactly."""
    low, high = row.get(f"{name}_low"), row.get(f"{name}_high")
    return low if low is not None and low == high and isfinite(low) else None


def basis(rule: Rule) -> str | None:
    """The clearance that a rule looks at: 'clearance' or 'baseline_clearance'; None: at none."""
    if rule.kind not in BY_CLEARANCE or (rule.kind == "duration_min" and "when_clearance_below" not in rule.parameters):
        return None
    return "baseline_clearance" if rule.parameters.get("basis") == "baseline" else "clearance"


def renal(dose: Row, records: Records, name: str | None) -> Renal | None:
    """None if an input is missing or a range, or if the clearance is not that of Cockcroft and Gault from these inputs."""
    if name is None:
        return None
    at = records.first_dose(dose) if name == "baseline_clearance" else dose
    if at is None:
        return None
    creatinine = exact(dose, name.replace("clearance", "creatinine"))
    numbers = [creatinine, exact(dose, name), *(exact(at, quantity) for quantity in ("age", "weight", "female"))]
    if None in numbers:
        return None
    scr, clearance, age, weight, female = (float(n) for n in numbers if n is not None)
    person = Person(age, weight, female == 1)
    same = abs(arithmetic.cockcroft_gault(person, scr) - clearance) <= 1e-6 * max(1.0, clearance)
    return Renal(person, scr, clearance) if same else None


class Calcium(NamedTuple):
    """Total calcium and albumin of a finding's evidence, mg/dL and g/dL; albumin None: not measured."""

    total: float
    albumin: float | None


def calcium(finding: Row) -> Calcium | None:
    """None unless the finding rests on exactly one total calcium, and on at most one albumin."""
    totals: list[float | None] = []
    albumins: list[float | None] = []
    for item in finding["evidence"] or ():
        if item["role"] in ("total calcium", "albumin"):
            (albumins if item["role"] == "albumin" else totals).append(exact(item, "value"))
    if len(totals) != 1 or totals[0] is None or len(albumins) > 1 or albumins == [None]:
        return None
    return Calcium(totals[0], albumins[0] if albumins else None)


def formulae(finding: Row, rule: Rule, dose: Row, inputs: Renal | None, wording: Wording) -> Iterator[Formula]:
    """inputs: of the clearance that the rule looks at."""
    name = basis(rule)
    if name and inputs:
        yield Formula(
            wording.word("quantities", name),
            wording.decimals(cockcroft_gault(inputs)),
            "Cockcroft, Gault 1976, doi:10.1159/000180580",
        )
    if rule.kind == "egfr_min":
        yield from _egfr(dose, wording)
    found = calcium(finding)
    if found and found.albumin is not None:
        text = wording.decimals(corrected(found.total, found.albumin))
        yield Formula(wording.word("quantities", "corrected_calcium"), text, "Zometa US PI 1.1")


def cockcroft_gault(inputs: Renal) -> str:
    """'(140 − 62) × 95.12 kg × 1 / (72 × 2.34 mg/dL) = 44.04 mL/min'."""
    person = inputs.person
    sex = significant(arithmetic.FEMALE) if person.female else "1"
    over = f"(140 − {significant(person.age)}) × {significant(person.weight)} kg × {sex}"
    return f"{over} / (72 × {significant(inputs.creatinine)} mg/dL) = {significant(inputs.clearance)} mL/min"


def corrected(total: float, albumin: float) -> str:
    result = arithmetic.corrected_calcium(total, albumin)
    return f"{significant(total)} + 0.8 × (4.0 − {significant(albumin)}) = {significant(result)} mg/dL"


def _egfr(dose: Row, wording: Wording) -> Iterator[Formula]:
    age, female, creatinine, egfr = (exact(dose, name) for name in ("age", "female", "creatinine", "egfr"))
    if age is None or female is None or creatinine is None or egfr is None:
        return
    if abs(arithmetic.ckd_epi_2021(age, female == 1, creatinine) - egfr) > 1e-6 * max(1.0, egfr):
        return
    constants = arithmetic.ckd_epi(female == 1, creatinine)
    relative = f"({significant(creatinine)} / {constants.kappa})^{constants.exponent}".replace("-", "−")
    text = f"142 × {relative} × 0.9938^{significant(age)} × {constants.factor} = {significant(egfr)} mL/min/1.73 m²"
    yield Formula(
        wording.word("quantities", "egfr"), wording.decimals(text), "CKD-EPI 2021, Inker et al., doi:10.1056/NEJMoa2102953"
    )
