"""Units as people write them."""

import csv
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bonefhir.knowledge import ucum
from bonefhir.knowledge.load import load
from bonefhir.knowledge.model import Knowledge
from bonefhir.knowledge.units import UCUM, factor_to, lookup, plain

HERE = Path(__file__).parent
ALIASES = list(csv.DictReader((HERE / "units_expected.csv").read_text(encoding="utf-8").splitlines()))
KNOWLEDGE = load()


@pytest.fixture(scope="module")
def knowledge() -> Knowledge:
    return KNOWLEDGE


def test_every_alias_means_what_it_was_listed_for(knowledge: Knowledge) -> None:
    for row in ALIASES:
        match = lookup(knowledge, None, None, row["alias"])
        if row["ucum"]:
            assert match.unit == ucum.parse(row["ucum"]), row
            assert match.by_alias
        else:
            assert (match.unit, match.problem) == (None, "unit-mismatch"), row


@pytest.mark.parametrize(
    ("system", "code", "text", "unit", "by_alias", "problem"),
    [
        (UCUM, "mg/dL", None, "mg/dL", False, None),
        (UCUM, "mg/dL", "mg/dl", "mg/dL", False, None),
        ("urn:oid:2.16.840.1.113883.6.8", "mg/dL", "mg/dL", "mg/dL", False, None),
        (UCUM, "umol/l", "µmol/L", "umol/L", False, None),
        (UCUM, "cmol/L", None, "cmol/L", False, None),
        (UCUM, "mg/dL{creat}", None, "mg/dL{creat}", False, None),
        (UCUM, "mg/dL", "umol/L", None, False, "unit-conflict"),
        (UCUM, "mL/min", "mL/min/1.73 m2", None, False, "unit-conflict"),
        (UCUM, "10*3/uL", "10^9/L", "10*3/uL", False, None),
        (UCUM, "mg", "VIAL", "mg", False, None),
        (UCUM, "K/uL", None, "10*3/uL", True, None),
        (UCUM, "mL/min/1.73", None, "mL/min/{1.73_m2}", True, None),
        (UCUM, "µmol/L", None, "umol/L", True, None),
        (UCUM, "nonsense", "mg/dL", "mg/dL", True, None),
        (None, "mg/dL", None, "mg/dL", True, None),
        (None, "mg/dL", "umol/L", "mg/dL", True, None),
        ("http://snomed.info/sct", "258797006", "mg/dL", "mg/dL", True, None),
        (None, None, " mg/dL ", "mg/dL", True, None),
        (None, None, "mL/min/1.73 m²", "mL/min/{1.73_m2}", True, None),
        (None, None, "MG/L", "mg/L", True, None),
        (None, None, None, None, False, "no-unit"),
        (None, "", " ", None, False, "no-unit"),
        (UCUM, None, None, None, False, "no-unit"),
        (None, None, "furlong", None, False, "unit-mismatch"),
        (None, None, "MCI", None, False, "unit-mismatch"),
        (None, "vial", "mg", None, False, "unit-mismatch"),
        (UCUM, "mm[Hg]", None, None, False, "unit-mismatch"),
    ],
)
def test_lookup(
    knowledge: Knowledge,
    system: str | None,
    code: str | None,
    text: str | None,
    unit: str | None,
    by_alias: bool,
    problem: str | None,
) -> None:
    match = lookup(knowledge, system, code, text)
    assert (match.unit and match.unit.code, match.by_alias, match.problem) == (unit, by_alias, problem)


@pytest.mark.parametrize(
    ("measurement", "unit", "factor"),
    [
        ("creatinine", "umol/L", 1 / 88.42),
        ("creatinine", "mmol/L", 1000 / 88.42),
        ("creatinine", "mg/L", 0.1),
        ("calcium_total", "mmol/L", 4.008),
        ("calcium_corrected", "meq/L", 2.004),
        ("calcium_ionised", "mg/dL", 1 / 4.008),
        ("calcium_ionised", "meq/L", 0.5),
        ("albumin", "g/L", 0.1),
        ("vitamin_d", "nmol/L", 1 / 2.496),
        ("vitamin_d", "ug/L", 1.0),
        ("weight", "[lb_av]", 0.45359237),
        ("weight", "[oz_av]", 0.028349523125),
        ("weight", "g", 0.001),
        ("height", "m", 100.0),
        ("height", "[in_i]", 2.54),
        ("haemoglobin", "g/L", 0.1),
        ("haemoglobin", "mmol/L", 1.6114),
        ("platelets", "10*3/uL", 1.0),
        ("platelets", "/uL", 0.001),
        ("egfr", "mL/s/{1.73_m2}", 60.0),
        ("clearance", "L/(24.h)", 1000 / 1440),
        ("clearance", "mL/min/{1.73_m2}", None),
        ("egfr", "mL/min", None),
        ("creatinine", "mg/g", None),
        ("albumin", "umol/L", None),
        ("weight", "mg/kg", None),
        ("platelets", "L", None),
    ],
)
def test_factors(knowledge: Knowledge, measurement: str, unit: str, factor: float | None) -> None:
    parsed = ucum.parse(unit)
    assert parsed is not None
    got = factor_to(parsed, knowledge.measurements[measurement])
    assert got == (None if factor is None else pytest.approx(factor, rel=1e-12))


def test_factors_of_doses(knowledge: Knowledge) -> None:
    def to(unit: str, canonical: str) -> float:
        return knowledge.ucum[unit].factor / knowledge.ucum[canonical].factor

    assert to("g", "mg") == pytest.approx(1000)
    assert to("ug", "mg") == pytest.approx(0.001)
    assert to("MBq", "kBq") == pytest.approx(1000)
    assert to("mCi", "kBq") == pytest.approx(37_000)
    assert to("uCi", "kBq") == pytest.approx(37)
    assert to("uCi/kg", "kBq/kg") == pytest.approx(37)


@pytest.mark.parametrize(
    "code", ["", "mg//dL", "(mg/dL", "mg/dL)", "/", "mg.", "mg/dL m", "10*999999/L", "{a", "m[g]", "K", "0/mg/0"]
)
def test_what_is_no_unit(code: str) -> None:
    assert ucum.parse(code) is None


def test_products_are_read_from_the_left() -> None:
    assert ucum.parse("mg/mL.min") is None
    flat, grouped = ucum.parse("mL/min/{1.73_m2}"), ucum.parse("(mL/min)/{1.73_m2}")
    assert flat is not None
    assert grouped is not None
    assert (flat.quantity_kind, flat.factor) == (grouped.quantity_kind, grouped.factor)
    assert ucum.parse("g.m-3") == ucum.Unit("g.m-3", "mass_concentration", 1.0)


@given(st.text(max_size=12))
def test_any_text_is_a_unit_or_a_problem(text: str) -> None:
    match = lookup(KNOWLEDGE, UCUM, text, text)
    assert (match.unit is None) == (match.problem is not None)


@given(st.sampled_from([row["alias"] for row in ALIASES if row["ucum"]]))
def test_reading_a_unit_does_not_depend_on_blanks_around_it(alias: str) -> None:
    assert lookup(KNOWLEDGE, None, None, f" {alias} ") == lookup(KNOWLEDGE, None, alias, None)


def test_micro_signs_are_one_letter() -> None:
    assert plain("µg") == plain("μg")
    assert math.isclose(ucum.parse("ug").factor, 1e-6)  # type: ignore[union-attr]
