"""A finding's page: its numbers are those of the tables, its arithmetic that of the engine, its marks those of the data."""

import re
from datetime import date, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from math import isfinite
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bonefhir.knowledge.load import load as load_knowledge
from bonefhir.report import arithmetic
from bonefhir.report.computed import basis, exact
from bonefhir.report.margins import at_clearance, band_dose
from bonefhir.report.marks import LANE_OF
from bonefhir.report.records import Records, of_patients
from bonefhir.report.sheet import Sheet, Sheets
from bonefhir.report.shown import shown
from bonefhir.report.timeline import Timeline, Views, events, timeline
from bonefhir.report.timeline_svg import drawn
from bonefhir.report.wording import load, significant
from bonefhir.settings import Settings
from bonefhir.tables import VERDICTS

Rows = list[dict[str, Any]]


def table(run: Path, name: str) -> Rows:
    rows: Rows = pq.read_table(run / "phi" / f"{name}.parquet").to_pylist()
    return rows


@pytest.fixture(scope="module")
def findings(sample_run: Path) -> Rows:
    return [row for row in table(sample_run, "verdicts") if row["verdict"] != "pass"]


@pytest.fixture(scope="module")
def records(sample_run: Path) -> Records:
    everybody = {row["patient_id"] for row in table(sample_run, "doses")}
    return of_patients(sample_run / "phi", everybody)


@pytest.fixture(scope="module")
def sheets(findings: Rows, records: Records) -> list[Sheet]:
    made = Sheets(load_knowledge(), load())
    return [made.of(row, records) for row in findings]


@pytest.fixture(scope="module")
def timelines(sample_run: Path, findings: Rows) -> list[tuple[dict[str, Any], Timeline]]:
    """Findings with their timelines, of those that have one."""
    drawn_on = shown(sample_run / "phi", pa.Table.from_pylist(findings, schema=VERDICTS.schema))
    views = Views(drawn_on, load_knowledge(), Settings(sources=(), out=Path("out"))).of(findings)
    return [(row, timeline(view, drawn_on.marks)) for row, view in zip(findings, views, strict=True) if view]


def test_the_arithmetic_is_that_of_the_engine(records: Records) -> None:
    compared = 0
    for dose in records.doses.values():
        age, weight, female, creatinine = (exact(dose, name) for name in ("age", "weight", "female", "creatinine"))
        if age is None or female is None or creatinine is None:
            continue
        assert arithmetic.ckd_epi_2021(age, female == 1, creatinine) == pytest.approx(dose["egfr_low"])
        if weight is not None:
            person = arithmetic.Person(age, weight, female == 1)
            assert arithmetic.cockcroft_gault(person, creatinine) == pytest.approx(dose["clearance_low"])
            compared += 1
    assert compared > 200


def test_asked_with_the_clearance_itself_it_gives_the_verdict_of_the_engine(sample_run: Path, records: Records) -> None:
    """So what it says of another sex or weight is what the rule would say."""
    rules = {rule.id: rule for rule in load_knowledge().rules}
    compared = 0
    for row in table(sample_run, "verdicts"):
        rule, dose = rules[row["rule_id"]], records.doses[row["dose_id"]]
        name = basis(rule)
        clearance = exact(dose, name) if name else None
        if clearance is not None and dose["status"] != "stopped" and exact(dose, "amount") is not None:
            assert at_clearance(rule, dose, clearance) == row["verdict"], (row["rule_id"], row["dose_id"])
            compared += 1
    assert compared > 300


@pytest.mark.parametrize(
    ("clearance", "doses"),
    [(61, (4.0, 4.0)), (60, (3.5, 3.5)), (49.5, (3.3, 3.5)), (49, (3.3, 3.3)), (39.5, (3.0, 3.3)), (29, (None, None))],
)
def test_bands_with_their_printed_gaps(clearance: float, doses: tuple[float | None, float | None]) -> None:
    rule = next(rule for rule in load_knowledge().rules if rule.id == "ZA4-MMBM-CRCL-DOSE")
    assert band_dose(rule.parameters["bands"], clearance) == doses


def test_a_page_has_every_input_with_its_place_and_age(sheets: list[Sheet]) -> None:
    placed = [item for sheet in sheets for item in sheet.inputs if item.resource]
    assert placed
    assert not [item for item in placed if not re.search(r":\d+$", item.place)]
    dated = [item for item in placed if not item.resource.startswith("Patient/") and item.time]
    assert not [item for item in dated if not item.age]


def test_what_is_read_for_the_pages_is_enough(sample_run: Path, findings: Rows, sheets: list[Sheet]) -> None:
    """Of doses, heights and places only what pages ask for; all the rest would give no other word."""
    read, made = (
        shown(sample_run / "phi", pa.Table.from_pylist(findings, schema=VERDICTS.schema)).records,
        Sheets(load_knowledge(), load()),
    )
    assert [made.of(row, read) for row in findings] == sheets


def test_formulae_end_in_the_number_of_the_table(sheets: list[Sheet], records: Records) -> None:
    told = [(sheet, formula) for sheet in sheets for formula in sheet.formulae]
    assert {formula.source.split(",")[0] for _, formula in told} == {"Cockcroft", "CKD-EPI 2021", "Zometa US PI 1.1"}
    for sheet, formula in told:
        dose = records.doses[sheet.finding["dose_id"]]
        columns = (dose[f"{name}_low"] for name in ("clearance", "baseline_clearance", "egfr", "calcium"))
        numbers = {significant(number) for number in columns if isfinite(number)}
        numbers |= {significant(sheet.finding["observed_low"] or 0.0)}
        assert formula.text.split(" = ")[1].split(" ")[0] in numbers


def test_the_other_sex_and_the_missing_input_are_named(sheets: list[Sheet]) -> None:
    by_rule = {(sheet.rule.id, sheet.finding["verdict"]): sheet for sheet in sheets}
    low = by_rule["ZA4-MMBM-CRCL-LT30", "fail"]
    assert any("With the other sex" in text for text in low.flips)
    assert any("The clearance reaches 30 mL/min at a creatinine of" in text for text in low.flips)
    assert low.margin
    assert "below the limit of 30 mL/min" in low.margin
    assert any("serum creatinine results" in text for text in by_rule["ZA4-MMBM-SCR-GT3", "indeterminate"].flips)


def marks(line: Timeline) -> tuple[ET.Element, list[ET.Element]]:
    picture = ET.fromstring(drawn(line, load()))
    return picture, [element for element in picture.iter() if "data-lane" in element.attrib]


def test_marks_of_the_timeline_are_the_data(timelines: list[tuple[dict[str, Any], Timeline]], records: Records) -> None:
    assert timelines
    for finding, line in timelines:
        dose = records.doses[finding["dose_id"]]
        near = (dose["date_first"] - timedelta(days=365), dose["date_first"] + timedelta(days=90))
        labs = {
            (LANE_OF[lab["analyte"]], lab["resource"], str(lab["date_first"]), lab["value_low"], lab["value_high"])
            for lab in records.labs_of.get(dose["patient_id"], ())
            if lab["analyte"] in LANE_OF and lab["usable"] and lab["date_first"] and near[0] <= lab["date_first"] <= near[1]
        }
        assert line.outside == events(dose, records)[1]
        _, found = marks(line)
        shown = [
            (
                e.attrib["data-lane"],
                e.attrib["data-resource"],
                e.attrib["data-day"],
                *(float(e.attrib[f"data-{n}"]) for n in ("low", "high")),
            )
            for e in found
            if e.attrib["data-lane"] not in ("doses", "clearance")
        ]
        assert set(shown) == labs
        assert len([e for e in found if "this" in e.attrib["class"].split()]) == 1


def test_marks_stand_where_their_day_is(timelines: list[tuple[dict[str, Any], Timeline]]) -> None:
    picture, found = marks(next(line for _, line in timelines if len(line.lanes) > 3))
    first, last = (date.fromisoformat(picture.attrib[f"data-{end}"]) for end in ("first", "last"))
    axis = next(e for e in picture.iter() if e.get("class") == "axis")
    left, right = float(axis.attrib["x1"]), float(axis.attrib["x2"])
    for mark in found:
        part = (date.fromisoformat(mark.attrib["data-day"]) - first) / (last - first)
        x = mark.attrib.get("cx") or mark.attrib["data-x"]
        assert float(x) == pytest.approx(left + part * (right - left), abs=0.01)


@pytest.mark.parametrize(
    ("number", "text"),
    [(44.0363, "44.04"), (1204.4, "1204"), (0.01234, "0.01234"), (30.0, "30"), (0.0, "0"), (float("inf"), "?")],
)
def test_significant_digits(number: float, text: str) -> None:
    assert significant(number) == text


@given(st.floats(1e-4, 1e5))
def test_four_of_them_count(number: float) -> None:
    """By decimal arithmetic: the exact number to four digits, halves to the even, or to a whole number."""
    exact = Decimal(number)
    unit = min(0, exact.adjusted() - 3)
    assert Decimal(significant(number)) == exact.quantize(Decimal(1).scaleb(unit), ROUND_HALF_EVEN)
    assert re.fullmatch(r"\d+(\.\d*[1-9])?", significant(number))
