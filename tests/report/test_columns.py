"""What is written a column at a time is what would be written a finding, or a cell, at a time."""

import zipfile
from datetime import date
from math import isfinite
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pytest
import xlsxwriter
from hypothesis import given, settings
from hypothesis import strategies as st

from bonefhir.report import workbook
from bonefhir.report.adjudication import Decisions
from bonefhir.report.identity import fingerprint, fingerprints, resource_id, resource_ids
from bonefhir.report.visible import visible
from bonefhir.report.wording import load
from bonefhir.report.workbook_rows import LONGEST, rows
from bonefhir.tables import VERDICTS
from tests.report.fixtures import make, outcomes, rule, table_of

HOSTILE = st.text(st.sampled_from('a /#"\\\n\t é\u202e\u200b\U0001f600<>&;_x0041'), max_size=12)
TEXTS = st.none() | HOSTILE | st.sampled_from(["", " a", "a ", "_x000D_", "_xZZZZ_", "x" * 40_000, "\U0001f600" * 20_000])
SPECIAL = [0.0, -0.0, 1.0, 43.25, 1 / 3, 1e16, 1e-7, 123456789.123456, float("inf"), float("nan")]
NUMBERS = st.none() | st.sampled_from(SPECIAL) | st.floats()

ITEM = st.fixed_dictionaries(
    {
        **dict.fromkeys(("role", "resource", "time", "reported", "unit"), st.none() | HOSTILE),
        **dict.fromkeys(("value_low", "value_high"), NUMBERS),
    }
)
ROW = st.fixed_dictionaries(
    {
        **dict.fromkeys(("patient_id", "dose_id", "rule_id", "rule_version", "verdict"), st.none() | HOSTILE),
        "evidence": st.none() | st.lists(ITEM, max_size=3),
    }
)


@given(st.lists(ROW, max_size=5))
def test_fingerprints(found: list[dict[str, Any]]) -> None:
    findings = table_of(VERDICTS, found)
    assert fingerprints(findings) == [fingerprint(row) for row in findings.to_pylist()]


@given(st.lists(st.tuples(HOSTILE, HOSTILE), max_size=5))
def test_ids_of_resources(parts: list[tuple[str, str]]) -> None:
    columns = (pa.array([row[place] for row in parts], pa.string()) for place in range(2))
    assert resource_ids("issue", *columns).to_pylist() == [resource_id("issue", *row) for row in parts]


@given(st.lists(st.tuples(TEXTS, NUMBERS), min_size=1, max_size=5))
@settings(deadline=None)
def test_rows_of_a_sheet_are_those_of_xlsxwriter(found: list[tuple[str | None, float | None]]) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "b.xlsx"
        with xlsxwriter.Workbook(str(path), {"constant_memory": True}) as book:
            style = book.add_format({"bold": True})
            sheet = book.add_worksheet()
            for row, (text, number) in enumerate(found):
                cell(sheet, row, 0, None if text is None else visible(text)[:LONGEST], style)
                cell(sheet, row, 1, number, style)
        xml = zipfile.ZipFile(path).read("xl/worksheets/sheet1.xml").decode()
    columns = [pa.array([text for text, _ in found], pa.string()), pa.array([number for _, number in found], pa.float64())]
    assert "".join(rows(columns, ["1", "1"], 1).to_pylist()) == xml.split("<sheetData>")[1].split("</sheetData>")[0]


def cell(sheet: Any, row: int, place: int, value: str | float | None, style: Any) -> None:
    if value is None or value == "":
        sheet.write_blank(row, place, None, style)
    elif isinstance(value, float) and isfinite(value):
        sheet.write_number(row, place, value, style)
    else:
        sheet.write_string(row, place, str(value), style)


@pytest.mark.parametrize("number", [0, 1, 2, 9, 10, 11, 30])
def test_a_sheet_shows_the_first_findings_and_says_how_many_there_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    monkeypatch.setattr(workbook, "MOST_ROWS", 10)
    a = rule("ZA4-A")
    found = make(tmp_path, [a], outcomes(a, 1, number)).findings
    workbook.write(tmp_path / "f.xlsx", found, [a], load(), Decisions((), date(2026, 1, 1)))
    with zipfile.ZipFile(tmp_path / "f.xlsx") as book:
        xml, about = (book.read(f"xl/worksheets/sheet{place}.xml").decode() for place in (1, 4))
    shown = min(number, 10)
    assert xml.count("<row ") == 1 + shown
    assert f'<dimension ref="A1:W{1 + shown}"/>' in xml
    assert f'<autoFilter ref="A1:W{1 + max(1, shown)}"/>' in xml
    assert f"{number}" in about
