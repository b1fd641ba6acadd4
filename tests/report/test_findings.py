"""findings.csv: which rows, in which order, as what."""

import csv
import io
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from bonefhir.report import findings
from bonefhir.report.findings import first_of_each_rule
from bonefhir.report.findings_csv import COLUMNS, write
from tests.report.fixtures import HOSTILE, evidence, findings_of, make, outcomes, rule, verdict

A, W = rule("ZA4-A"), rule("ZA4-W", "warning")


def lines(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text("utf-8-sig"))))


def test_order_and_selection(tmp_path: Path) -> None:
    rows = outcomes(A, 2, 2, 1) + outcomes(W, 1, 1, 1)
    path = _csv(tmp_path, rows)
    order = [(row["verdict"], row["severity"], row["dose_id"][-1]) for row in lines(path)]
    assert order == [
        ("fail", "error", "2"),
        ("fail", "error", "3"),
        ("fail", "warning", "1"),
        ("indeterminate", "error", "4"),
        ("indeterminate", "warning", "2"),
    ]


def test_order_does_not_depend_on_the_size_of_the_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = outcomes(A, 5, 7, 9) + outcomes(W, 3, 8, 2)
    whole = _csv(tmp_path, rows, "whole.csv").read_bytes()
    monkeypatch.setattr(findings, "_BATCH", 2)
    assert _csv(tmp_path, rows, "parts.csv").read_bytes() == whole


def test_cells(tmp_path: Path) -> None:
    changes = {"reported": "<150 [lb_av]", "value_low": 0.0, "value_high": 68.038855, "unit": "kg", "time": None}
    weight = evidence("weight", A, 1) | changes
    bare = evidence("previous dose", A, 1) | {"reported": "", "value_low": None, "value_high": None, "resource": None}
    same = evidence("dose", A, 1) | {"reported": "4 mg", "time": None}
    rests_on = [evidence("amount", A, 1), weight, bare, same]
    row = verdict(A, 1, "fail", observed_low=-2.5, observed_high=1.4 - 0.9, evidence=rests_on)
    path = _csv(tmp_path, [row])
    assert path.read_bytes().startswith(b"\xef\xbb\xbfrule_id,severity,verdict,")
    cell = lines(path)[0]
    assert tuple(cell) == COLUMNS
    assert (cell["observed_low"], cell["observed_high"], cell["limit"]) == ("-2.5", "0.5", "3.3")
    assert cell["source"] == "Zometa US PI 2.1"
    assert cell["evidence"] == (
        "amount: 4000 ug = 4 mg, 2024-03-01T08:00:00Z, MedicationAdministration/d000001"
        " | weight: <150 [lb_av] = 0 to 68.038855 kg, MedicationAdministration/d000001"
        " | previous dose, 2024-03-01T08:00:00Z"
        " | dose: 4 mg, MedicationAdministration/d000001"
    )


def test_what_is_missing_is_an_empty_cell(tmp_path: Path) -> None:
    lists: dict[str, list[str]] = {"reasons": [], "evidence": [], "assumptions": []}
    nothing = dict.fromkeys(("observed_high", "limit", "unit", "indication"))
    row = verdict(A, 1, "indeterminate", observed_low=float("nan"), **nothing, **lists)
    path = _csv(tmp_path, [row])
    cell = lines(path)[0]
    assert {cell[name] for name in ("observed_low", "observed_high", "limit", "unit", "indication", "evidence")} == {""}


def test_hostile_texts_are_cells_not_formulas(tmp_path: Path) -> None:
    rows = [verdict(A, n, "fail", message=text, patient_id=text, dose_start=text) for n, text in enumerate(HOSTILE)]
    path = _csv(tmp_path, rows)
    rows_read = lines(path)
    assert len(rows_read) == len(HOSTILE)
    assert not [cell for row in rows_read for cell in row.values() if cell and cell.lstrip()[:1] in "=+-@\t\r\uff1d"]


def test_pandas_reads_it_as_it_stands(tmp_path: Path) -> None:
    path = _csv(tmp_path, outcomes(A, 0, 3))
    frame = pd.read_csv(path)
    assert list(frame["rule_id"]) == ["ZA4-A"] * 3
    assert frame["limit"].dtype == "float64"


def test_no_finding_leaves_the_header(tmp_path: Path) -> None:
    path = _csv(tmp_path, outcomes(A, 3))
    assert path.read_text("utf-8-sig").splitlines() == [",".join(COLUMNS)]


def test_a_page_takes_the_first_findings_of_each_rule(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(findings, "_BATCH", 4)
    found = make(tmp_path, [A, W], outcomes(A, 1, 9, 9) + outcomes(W, 0, 2, 9)).findings
    shown = first_of_each_rule(found, {"fail": 5, "indeterminate": 3})
    counts = shown.group_by(["rule_id", "verdict"]).aggregate([([], "count_all")]).to_pylist()
    assert {(row["rule_id"], row["verdict"]): row["count_all"] for row in counts} == {
        ("ZA4-A", "fail"): 5,
        ("ZA4-A", "indeterminate"): 3,
        ("ZA4-W", "fail"): 2,
        ("ZA4-W", "indeterminate"): 3,
    }
    assert shown["dose_id"].to_pylist()[:5] == [f"MedicationAdministration/d{n:06}" for n in range(1, 6)]


def _csv(folder: Path, rows: list[dict[str, Any]], name: str = "f.csv") -> Path:
    """findings.csv of a run with these verdicts."""
    if not (folder / "phi").exists():
        make(folder, [A, W], rows)
    write(folder / name, findings_of(folder), [A, W])
    return folder / name
