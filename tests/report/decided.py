"""A small run with its workbook, and people who fill it in."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from openpyxl import Workbook, load_workbook
from openpyxl.worksheet.worksheet import Worksheet

from bonefhir.cli import main
from bonefhir.report import decision_store
from bonefhir.report.write import write_all
from tests.report.fixtures import evidence, make, rule, verdict

A, W = rule("ZA4-A"), rule("ZA4-W", "warning")
RULES = [A, W]
STARTED = "2026-01-01T00:00:00+00:00"
ACCEPTED = {"Decision": "accepted", "Reason": "seen", "Who": "A. Smith", "When": "2026-01-02"}
Cells = Mapping[str, Any]


def rows(**changes: Any) -> list[dict[str, Any]]:
    """Three errors that fail, one that is indeterminate, two warnings, one pass."""
    words = ("fail", "fail", "fail", "indeterminate", "pass")
    found = [verdict(A, number, word) for number, word in enumerate(words)]
    return [*found, verdict(W, 0, "fail"), verdict(W, 1, "fail", **changes)]


def run(folder: Path, verdicts: Sequence[dict[str, Any]] | None = None, started: str = STARTED, **settings: Any) -> Path:
    """Its folder, in which it must be the first. settings: without pages, unless they say so."""
    facts = make(folder, RULES, rows() if verdicts is None else verdicts, **{"html": False, **settings})
    write_all(folder, replace(facts, started=started))
    return folder


def changed_evidence(number: int) -> dict[str, Any]:
    return {"evidence": [evidence("amount", A, number) | {"reported": "4.1 mg", "value_low": 4.1, "value_high": 4.1}]}


def edited(out: Path, change: Callable[[Workbook], object], name: str = "edited.xlsx") -> Path:
    """The run's workbook after somebody has worked on it."""
    book = load_workbook(out / "phi" / "findings.xlsx")
    change(book)
    path = out.parent / name
    book.save(path)
    return path


def filled(out: Path, decisions: Mapping[tuple[str, int], Cells], name: str = "edited.xlsx") -> Path:
    """decisions: (sheet, row) → cells by heading."""

    def fill(book: Workbook) -> None:
        for (sheet, number), cells in decisions.items():
            for heading, value in cells.items():
                put(book[sheet], number, heading, value)

    return edited(out, fill, name)


def put(sheet: Worksheet, number: int, heading: str, value: Any) -> None:
    sheet.cell(number, place(sheet, heading)).value = value


def get(sheet: Worksheet, number: int, heading: str) -> Any:
    return sheet.cell(number, place(sheet, heading)).value


def place(sheet: Worksheet, heading: str) -> int:
    return [cell.value for cell in sheet[1]].index(heading) + 1


def adjudicate(out: Path, file: Path, *more: str) -> int:
    return main(["adjudicate", str(out), str(file), *more])


def recorded(out: Path) -> dict[tuple[str, str], str]:
    """(rule, finding) → the last decision."""
    return {(one.rule_id, one.finding): one.decision for one in decision_store.load(decision_store.beside(out))}
