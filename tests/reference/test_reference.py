"""The reference's own formulae, times, units and texts, against vectors with provenance and against sentences of the spec."""

import csv
import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from tests.reference import kinds_of_kidneys as kidneys
from tests.reference.audit import audit, audited
from tests.reference.catalogue import Rule, catalogue
from tests.reference.charted import StrengthOf, ready_to_use
from tests.reference.documents import Entry, newest
from tests.reference.evidence import (
    AS_IS,
    MMOL_CALCIUM,
    NMOL_VITAMIN_D,
    UMOL_CREATININE,
    Chart,
    Quantity,
    ckd_epi_2021,
    cockcroft_gault,
    corrected_calcium,
)
from tests.reference.intervals import exactly, less
from tests.reference.judging import Case
from tests.reference.kinds import KINDS
from tests.reference.moments import completed_years, days_between, minutes_between, moment, placed
from tests.reference.phrases import says, strengths
from tests.reference.rows import factor_to

CATALOGUE = catalogue()
RULES = {rule.id: rule for rule in CATALOGUE.rules}
FILE = Path(__file__).parents[1] / "spec" / "formula_vectors.csv"
VECTORS = list(csv.DictReader(FILE.read_text(encoding="utf-8").splitlines()))
Inputs = dict[str, Any]
SEXES = {"M": "male", "F": "female"}


# ---- vectors


def _clearance(given: Inputs) -> float:
    mg_per_dl = given.get("scr_mg_dl") or given["scr_umol_l"] / UMOL_CREATININE
    return cockcroft_gault(given["age_y"], given["weight_kg"], mg_per_dl, SEXES[given["sex"]])


def _egfr(given: Inputs) -> float:
    mg_per_dl = given.get("scr_mg_dl") or given["scr_umol_l"] / UMOL_CREATININE
    return ckd_epi_2021(mg_per_dl, given["age_y"], SEXES[given["sex"]])


def _zoledronic_dose(given: Inputs) -> float | str:
    """The middle of a printed gap is decided by the lower band: the strict reading."""
    bands = RULES["ZA4-MMBM-CRCL-DOSE"].parameters["bands"]
    found = kidneys.strict(given["baseline_crcl_ml_min"], bands)
    return "not_recommended" if found is None else found


def _deteriorated(baseline: float, current: float, si: bool) -> str:
    rule = RULES["ZA4-MMBM-RENAL-DET"]
    factor = UMOL_CREATININE if si else 1
    level, before = (Quantity(exactly(value / factor), (), si) for value in (current, baseline))
    return "withhold" if kidneys.certain_rise(rule, level, before) else "ok"


def _recovered(given: Inputs) -> str:
    ratio = RULES["ZA4-MMBM-RESUME"].parameters["max_ratio"]
    return "hold" if less(ratio * given["baseline_mg_dl"], given["current_mg_dl"]) else "resume"


def _infusion(given: Inputs) -> str:
    start, end = moment(given["start"]), moment(given["end"])
    minutes = minutes_between(start, end) if start and end else None
    if minutes is None:
        return "not_evaluable"
    return "invalid_period" if minutes < 0 else "fail" if less(minutes, given["minimum_min"]) else "pass"


def _days(given: Inputs) -> int:
    before, after = moment(given["previous"]), moment(given["current"])
    assert before
    assert after
    return days_between(before, after)[0]


def _converted(lab: str, unit: str) -> Callable[[Inputs], float]:
    measurement = CATALOGUE.measurements[lab]
    known = CATALOGUE.units.named(unit)
    assert known
    factor = factor_to(known, measurement, CATALOGUE)
    assert factor
    return lambda given: factor * next(iter(given.values()))


FORMULAE: dict[str, Callable[[Inputs], float | str]] = {
    "cockcroft_gault": _clearance,
    "cockcroft_gault_umol_exact": _clearance,
    "ckd_epi_2021_creat": _egfr,
    "corrected_calcium_us": lambda given: corrected_calcium(given["ca_mg_dl"], given["albumin_g_dl"]),
    "convert_creatinine_umol_to_mgdl": _converted("creatinine", "umol/L"),
    "convert_creatinine_mgdl_to_umol": lambda given: given["value"] * UMOL_CREATININE,
    "convert_calcium_mmol_to_mgdl": _converted("calcium_total", "mmol/L"),
    "convert_calcium_mgdl_to_mmol": lambda given: given["value"] / MMOL_CALCIUM,
    "convert_albumin_gl_to_gdl": _converted("albumin", "g/L"),
    "convert_lb_to_kg": _converted("weight", "[lb_av]"),
    "convert_25ohd3_ngml_to_nmol": lambda given: given["value"] * NMOL_VITAMIN_D,
    "za4_expected_dose_mm_bonemets": _zoledronic_dose,
    "renal_deterioration": lambda given: _deteriorated(given["baseline_mg_dl"], given["current_mg_dl"], False),
    "renal_deterioration_si": lambda given: _deteriorated(given["baseline_umol_l"], given["current_umol_l"], True),
    "renal_recovery_within_10pct": _recovered,
    "infusion_minimum_minutes": _infusion,
    "interval_days": _days,
    "age_completed_years": lambda given: completed_years(date.fromisoformat(given["birth"]), date.fromisoformat(given["on"])),
}

COMPUTED = [vector for vector in VECTORS if vector["formula"] in FORMULAE and vector["expected_output"] != "undefined_report"]


@pytest.mark.parametrize("vector", COMPUTED, ids=lambda vector: vector["id"])
def test_formula(vector: dict[str, str]) -> None:
    found = FORMULAE[vector["formula"]](json.loads(vector["inputs_json"]))
    expected, tolerance = vector["expected_output"], vector["tolerance"]
    if isinstance(found, str):
        assert found == expected
    elif tolerance == "rounded to integer":
        assert round(found) == float(expected)
    else:
        assert found == pytest.approx(float(expected), abs=0.00001 if tolerance == "exact" else float(tolerance))


def test_every_formula_of_the_reference_has_a_vector() -> None:
    assert {vector["formula"] for vector in COMPUTED} == set(FORMULAE)


# ---- sentences


@pytest.mark.parametrize(
    ("lab", "dose", "days", "expected"),
    [
        ("2024-03-01T10:00:00Z", "2024-03-01T10:00:00Z", 0, "certain"),
        ("2024-03-01T10:00:01Z", "2024-03-01T10:00:00Z", 28, "no"),
        ("2024-03-01", "2024-03-01T00:00:00Z", 0, "certain"),
        ("2024-03-01T23:00:00Z", "2024-03-01", 0, "certain"),
        ("2024-02-02", "2024-03-01", 28, "certain"),
        ("2024-02-01", "2024-03-01", 28, "no"),
        ("2025-06-10T23:30:00-05:00", "2025-06-11T03:00:00Z", 28, "no"),
        ("2024-03-02T00:30:00+14:00", "2024-03-01T12:00:00Z", 0, "certain"),
        ("2024-02", "2024-03-01", 29, "certain"),
        ("2024-02", "2024-03-01", 28, "possible"),
        ("2024-03", "2024-03-10", 28, "possible"),
        ("2024-04", "2024-03-10", 28, "no"),
        ("2024-02-10", "2024-03", 28, "possible"),
    ],
)
def test_before_and_in_the_window(lab: str, dose: str, days: int, expected: str) -> None:
    one, other = moment(lab), moment(dose)
    assert one
    assert other
    assert placed(one, other, days) == expected


@pytest.mark.parametrize(
    "written", ["2024-02-30", "2024-01-01T24:00:00Z", "06/10/2025", "20250610", " 2025-06-10", "２０２５-06-10", 5]
)
def test_what_is_no_time(written: object) -> None:
    assert moment(written) is None


@pytest.mark.parametrize(
    ("quantity", "code", "problem"),
    [
        ({"system": "http://unitsofmeasure.org", "code": "mg/dL", "unit": "mg/100mL"}, "mg/dL", None),
        ({"system": "http://unitsofmeasure.org", "code": "g", "unit": "mg"}, None, "unit-conflict"),
        ({"system": "http://unitsofmeasure.org", "code": "K/uL"}, "10*3/uL", None),
        ({"code": "x1", "unit": "µmol/L"}, "umol/L", None),
        ({"unit": "G/L"}, None, "unit-mismatch"),
        ({}, None, "no-unit"),
        ({"system": "http://unitsofmeasure.org", "code": "g/m3"}, "g/m3", None),
    ],
)
def test_units(quantity: Inputs, code: str | None, problem: str | None) -> None:
    unit, found = CATALOGUE.units.lookup(quantity.get("system"), quantity.get("code"), quantity.get("unit"))
    assert (unit.code if unit else None, found) == (code, problem)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Bone metastases of the spine", True),
        ("no evidence of bone metastases", False),
        ("No pain. Bone metastases", True),
        ("bone metastases ruled out", False),
        ("bone metastases, ruled out", False),
        ("bone metastases. ruled out: fracture", True),
        ("high-risk bone metastases", True),
        ("at-risk for bone metastases", False),
        ("risk of new bone metastases", False),
        ("risk of a fracture from bone metastases", True),
        ("pseudobone metastases", False),
    ],
)
def test_phrases(text: str, expected: bool) -> None:
    assert says(text, CATALOGUE.phrases["bone_metastases"]) is expected


def test_printed_strengths() -> None:
    assert strengths("5 ML zoledronic acid 0.8 MG/ML Injection") == [(0.8, 1.0)]
    assert strengths("denosumab 120 mg/1.7 mL") == [(120.0, 1.7)]
    assert strengths("Zoledronate 4mg") == [(4.0, None)]


def test_a_ready_to_use_bottle() -> None:
    zoledronic_acid = CATALOGUE.drugs["zoledronic_acid"]
    assert ready_to_use(StrengthOf(4.0, 100.0), zoledronic_acid)
    assert ready_to_use(StrengthOf(0.05, 1.0), zoledronic_acid)
    assert not ready_to_use(StrengthOf(4.0, 5.0), zoledronic_acid)


def test_the_newest_version() -> None:
    def entry(position: int, meta: Inputs) -> Entry:
        return Entry(position, {"resourceType": "Observation", "id": "o", "meta": meta}, "o", ())

    clock = entry(0, {"lastUpdated": "2024-05-01T10:00:00Z", "versionId": "1"})
    number = entry(1, {"versionId": "10"})
    assert newest([clock, number]) == [clock]
    assert newest([entry(0, {"versionId": "9"}), number]) == [number]
    assert newest([number, entry(2, {"versionId": "10"})])[0].position == 2


def test_a_dose_in_a_printed_gap() -> None:
    rule = RULES["ZA4-MMBM-CRCL-DOSE"]
    assert isinstance(rule, Rule)
    bands = rule.parameters["bands"]
    assert (kidneys.strict(49.5, bands), kidneys.lenient(49.5, bands)) == (3.3, 3.5)
    assert (kidneys.strict(49.0, bands), kidneys.lenient(49.0, bands)) == (3.3, 3.3)
    assert kidneys.strict(29.99, bands) is None


# ---- whole audits


def _patient(**more: Any) -> Inputs:
    return {"resourceType": "Patient", "id": "p", "birthDate": "1950-03-04", **more}


def _dose(identifier: str, start: str, mg: float, **more: Any) -> Inputs:
    return {
        "resourceType": "MedicationAdministration",
        "id": identifier,
        "status": "completed",
        "subject": {"reference": "Patient/p"},
        "medicationCodeableConcept": {"text": "zoledronic acid"},
        "effectiveDateTime": start,
        "dosage": {"dose": {"value": mg, "unit": "mg"}},
        **more,
    }


def _lab(identifier: str, code: str, time: str, value: float, unit: str, **more: Any) -> Inputs:
    return {
        "resourceType": "Observation",
        "id": identifier,
        "status": "final",
        "subject": {"reference": "Patient/p"},
        "code": {"coding": [{"system": "http://loinc.org", "code": code}]},
        "effectiveDateTime": time,
        "valueQuantity": {"value": value, "unit": unit},
        **more,
    }


def _verdict(documents: list[Inputs], rule: str, profile: str = "us") -> tuple[str, tuple[str, ...]] | None:
    found = {one.rule_id: (one.verdict, one.reasons) for one in audit(documents, CATALOGUE, profile)}
    return found.get(rule)


def test_a_sex_that_would_settle_it_is_the_reason() -> None:
    labs = [_lab("c", "2160-0", "2024-05-01", 1.0, "mg/dL"), _lab("w", "29463-7", "2024-05-01", 33.0, "kg")]
    documents = [_patient(), _dose("d", "2024-05-02", 4.0), *labs]
    assert _verdict(documents, "ZA4-MMBM-CRCL-LT30") == ("indeterminate", ("no-sex",))
    assert _verdict([_patient(gender="male"), *documents[1:]], "ZA4-MMBM-CRCL-LT30") == ("pass", ())
    assert _verdict([_patient(gender="female"), *documents[1:]], "ZA4-MMBM-CRCL-LT30") == ("fail", ())


def test_a_rejected_creatinine_is_not_lost() -> None:
    documents = [_patient(gender="male"), _dose("d", "2024-05-02", 4.0)]
    lab = _lab("c", "2160-0", "2024-05-01", 1.0, "mg/dL")
    assert _verdict(documents, "ZA4-SCR-BEFORE-EACH") == ("indeterminate", ("no-lab-records",))
    assert _verdict([*documents, lab], "ZA4-SCR-BEFORE-EACH") == ("pass", ())
    assert _verdict([*documents, {**lab, "status": "bogus"}], "ZA4-SCR-BEFORE-EACH") == ("indeterminate", ("unusable-lab",))
    assert _verdict([*documents, {**lab, "status": "preliminary"}], "ZA4-SCR-BEFORE-EACH") == ("fail", ())


def test_parts_of_one_dose_and_the_same_dose_twice() -> None:
    order = {"request": {"reference": "MedicationRequest/r"}}
    parts = [_dose("a", "2024-05-02T10:00:00Z", 2.0, **order), _dose("b", "2024-05-02T12:00:00Z", 2.0, **order)]
    (merged,) = audited([_patient(), *parts], CATALOGUE).doses
    assert (merged.id, merged.merged, merged.amount.interval) == ("MedicationAdministration/a", ("b",), exactly(4.0))
    twice = [_dose("a", "2024-05-02T10:00:00Z", 4.0), _dose("b", "2024-05-02", 4.0)]
    assert [dose.id for dose in audited([_patient(), *twice], CATALOGUE).doses] == ["MedicationAdministration/a"]


def test_an_empty_chart_has_no_evidence() -> None:
    start = moment("2024-05-02")
    assert start
    rule = RULES["ZA4-HYPOCA"]
    (dose,) = audited([_dose("d", "2024-05-02", 4.0)], CATALOGUE).doses
    case = Case(Chart(), [dose], set(), False, None)
    assert KINDS[rule.kind](rule, dose, case, AS_IS).reasons == ("no-calcium",)


def test_every_kind_of_the_catalogue_is_known() -> None:
    assert {rule.kind for rule in CATALOGUE.rules} <= set(KINDS)
