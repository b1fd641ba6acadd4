"""The terminal tells of a finding what its page tells."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from openpyxl import Workbook

from bonefhir.cli import main
from bonefhir.commands.results import knowledge_of, rows_where, settings_of, table
from bonefhir.report.records import of_patients
from bonefhir.report.sheet import Sheet, Sheets
from bonefhir.report.wording import load
from bonefhir.vocabulary import PASS
from tests.e2e.small import SUITES, no_suites
from tests.e2e.test_compare import CRCL, audit, base
from tests.report.decided import ACCEPTED, adjudicate, edited, get, put


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(SUITES, no_suites)
    site = tmp_path / "site"
    site.mkdir()
    lines = ("[[override]]", f'rule = "{CRCL}"', 'severity = "warning"', 'reason = "our committee"', "review = 2099-06-30")
    (site / "overrides.toml").write_text("\n".join(lines))
    return audit(tmp_path / "out", base(2.0, minutes=9), "--rules", str(site))


def told(run: Path, capsys: pytest.CaptureFixture[str]) -> str:
    capsys.readouterr()
    assert main(["explain", str(run), "d"]) == 0
    return " ".join(capsys.readouterr().out.split())


def sheets(run: Path) -> Iterator[Sheet]:
    settings = settings_of(run)
    of = Sheets(knowledge_of(settings), load())
    records = of_patients(run / "phi", {"Patient/p"})
    for row in rows_where(table(run, "verdicts"), "dose_id", "MedicationAdministration/d"):
        if row["verdict"] != PASS:
            yield of.of(row, records)


def on_the_page(sheet: Sheet) -> Iterator[str]:
    rule, finding = sheet.rule, sheet.finding
    yield from (sheet.dose, rule.id, rule.statement, rule.guidance, finding["message"], f"version {rule.version}")
    yield from (rule.source.label, f"section {rule.source.section}", f"revision: {rule.source.revision}")
    yield from sheet.flips
    yield from finding["assumptions"]
    yield from (load().word("assumptions", name) for name in finding["assumptions"])
    yield from (text for formula in sheet.formulae for text in formula)
    yield from (text for item in sheet.inputs for text in item)
    yield from (text for text in (sheet.margin, rule.override) if text)


def test_everything_of_the_page_is_there(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shown = told(run, capsys)
    found = list(sheets(run))
    assert {sheet.finding["verdict"] for sheet in found} == {"fail", "indeterminate"}
    assert any(sheet.margin for sheet in found)
    assert any(sheet.flips for sheet in found)
    assert any(sheet.formulae for sheet in found)
    assert any(sheet.rule.override for sheet in found)
    assert not [text for sheet in found for text in on_the_page(sheet) if " ".join(text.split()) not in shown]
    assert "Judged: 4 mg; limit: 3.3 mg" in shown


def test_a_decision_is_told_with_those_before_it(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for word in ("accepted", "disputed"):
        assert adjudicate(run, edited(run, partial(decide, word=word)), "--replace") == 0
    assert (
        "Decision: disputed: seen (A. Smith, 2026-01-02; until 2099-12-31) "
        "Decision before: accepted: seen (A. Smith, 2026-01-02; until 2099-12-31)"
    ) in told(run, capsys)


def decide(book: Workbook, word: str) -> None:
    sheet = book["warning"]
    (number,) = [number for number in range(2, sheet.max_row + 1) if get(sheet, number, "rule_id") == CRCL]
    for heading, value in {**ACCEPTED, "Decision": word, "Until": "2099-12-31"}.items():
        put(sheet, number, heading, value)
