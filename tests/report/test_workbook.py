"""findings.xlsx, read without the library that wrote it."""

import re
import zipfile
from datetime import date
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from bonefhir.report import workbook
from bonefhir.report.adjudication import Decisions
from bonefhir.report.wording import load
from tests.report.fixtures import HOSTILE, make, outcomes, rule, verdict

A, W = rule("ZA4-A"), rule("ZA4-W", "warning")
NAMESPACE = {"m": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}


def write(folder: Path, rows: list[dict[str, object]]) -> Path:
    found = make(folder, [A, W], rows).findings
    path = folder / "findings.xlsx"
    workbook.write(path, found, [A, W], load(), Decisions((), date(2026, 1, 1)))
    return path


def sheet(path: Path, number: int) -> ET.Element:
    with zipfile.ZipFile(path) as archive:
        return ET.fromstring(archive.read(f"xl/worksheets/sheet{number}.xml"))


def rows_of(path: Path, number: int) -> list[list[str]]:
    rows = sheet(path, number).iterfind(".//m:row", NAMESPACE)
    cells = [[_text(cell) for cell in row.findall("m:c", NAMESPACE)] for row in rows]
    return [[re.sub(r"_x([0-9A-F]{4})_", lambda m: chr(int(m[1], 16)), cell) for cell in row] for row in cells]


def _text(cell: ET.Element) -> str:
    return "".join(cell.itertext())


def test_a_sheet_per_severity_with_its_findings(tmp_path: Path) -> None:
    path = write(tmp_path, outcomes(A, 5, 2, 1) + outcomes(W, 1, 1, 0))
    errors, warnings, infos = (rows_of(path, number) for number in (1, 2, 3))
    assert [row[1] for row in errors] == ["verdict", "fail", "fail", "indeterminate"]
    assert [row[1] for row in warnings] == ["verdict", "fail"]
    assert len(infos) == 1
    place = list(workbook.COLUMNS).index("observed_low")
    assert errors[1][place] == "4"
    ids = [row[-2] for row in errors[1:] + warnings[1:]]
    assert len(set(ids)) == len(ids)


def test_header_stays_and_filters(tmp_path: Path) -> None:
    one = sheet(write(tmp_path, outcomes(A, 0, 3)), 1)
    pane = one.find(".//m:pane", NAMESPACE)
    assert pane is not None
    assert pane.get("state") == "frozen"
    assert one.find("m:autoFilter", NAMESPACE) is not None
    assert one.find("m:dataValidations", NAMESPACE) is not None


def test_no_formula_and_no_link(tmp_path: Path) -> None:
    path = write(tmp_path, [verdict(A, n, "fail", message=text, patient_id=text) for n, text in enumerate(HOSTILE)])
    one = sheet(path, 1)
    assert one.findall(".//m:f", NAMESPACE) == []
    assert one.findall(".//m:hyperlink", NAMESPACE) == []
    assert rows_of(path, 1)[3][2] == HOSTILE[2]


def test_a_sheet_is_bounded_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbook, "MOST_ROWS", 4)
    path = write(tmp_path, outcomes(A, 0, 3, 6))
    assert len(rows_of(path, 1)) == 5
    assert "Findings of severity error: 9. 5 of them stand in findings.csv only." in [row[0] for row in rows_of(path, 4)]


def test_while_it_is_made_its_parts_lie_with_the_findings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beside it they would be published if the process was killed, and in /tmp they would stay for ever."""
    made, lay = workbook.Workbook, []
    monkeypatch.setattr(workbook, "Workbook", lambda file, options: lay.append(options["tmpdir"]) or made(file, options))
    found = make(tmp_path, [A], outcomes(A, 0, 3)).findings
    workbook.write(tmp_path / "findings.xlsx", found, [A], load(), Decisions((), date(2026, 1, 1)))
    assert lay == [str(found.folder)]


def test_nothing_is_left_beside_it(tmp_path: Path) -> None:
    path = write(tmp_path, outcomes(A, 0, 3))
    assert {file.name for file in tmp_path.iterdir()} == {"phi", path.name}
    assert not [file.name for file in (tmp_path / "phi").iterdir() if file.suffix != ".parquet"]
