"""The verdicts `fail` of a run that has been judged, at the places of their doses; and what it rejected."""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow.compute as pc

from bonefhir import tables
from bonefhir.knowledge.model import Rule
from bonefhir.ledger import parts_of_quality
from bonefhir.parts import read_part
from bonefhir.pipeline import Run, rejected, result
from bonefhir.read.places import columns_of
from bonefhir.report.ci import Finding
from bonefhir.report.visible import visible
from bonefhir.scanned import Scanned
from bonefhir.vocabulary import FAIL

Row = Mapping[str, Any]
Place = tuple[str, int, int]
"""path, line, column."""


def findings(run: Run, rules: Mapping[str, Rule]) -> list[Finding]:
    """Of these rules, by place, then rule."""
    verdicts = result(run, tables.VERDICTS, ["rule_id", "dose_id", "verdict", "severity", "message"])
    failed = [row for row in verdicts.filter(pc.field("verdict") == FAIL).to_pylist() if row["rule_id"] in rules]
    places = dict(_places(run, {row["dose_id"] for row in failed}))
    found = [_finding(row, places[row["dose_id"]], rules[row["rule_id"]]) for row in failed]
    return sorted(found, key=lambda f: (f.path, f.line, f.column, f.rule_id, f.dose_id))


def _finding(row: Row, place: Place, rule: Rule) -> Finding:
    return Finding(*place, row["severity"], row["rule_id"], row["message"], row["dose_id"], rule.statement)


def _places(run: Run, wanted: set[str]) -> Iterator[tuple[str, Place]]:
    """Where each dose begins. A path is as a person would open it, not as the reports name it."""
    files = {file.name: file for file in run.files}
    offsets = _offsets(run)
    by_file: dict[str, list[Row]] = {}
    for dose in result(run, tables.DOSES, ["dose_id", "source_file", "source_line"]).to_pylist():
        if dose["dose_id"] in wanted:
            by_file.setdefault(dose["source_file"], []).append(dose)
    for name, here in by_file.items():
        file = files[name]
        starts = [offsets.get((file.number, dose["source_line"], dose["dose_id"].partition("/")[2]), 0) for dose in here]
        for dose, column in zip(here, columns_of(file, starts), strict=True):
            yield dose["dose_id"], (file.url or str(file.path), dose["source_line"] or 1, column)


def _offsets(run: Run) -> dict[tuple[int, int, str], int]:
    """Of every MedicationAdministration: file, line, id → its first byte."""
    rows = Scanned(run).table(tables.ADMINISTRATIONS_READ).select(["file", "line", "id", "offset"]).to_pylist()
    return {(row["file"], row["line"], row["id"]): row["offset"] for row in reversed(rows)}


def doses(run: Run) -> int:
    return len(result(run, tables.DOSES, ["dose_id"]))


def quality(run: Run) -> dict[str, int]:
    """Findings on data quality, counted by kind."""
    table = tables.DATA_QUALITY
    parts = [result(run, table, ["kind"]), *(read_part(part, table, ["kind"]) for part in parts_of_quality(run))]
    return dict(sorted(Counter(kind for part in parts for kind in part["kind"].to_pylist()).items()))


def rejects(run: Run, most: int) -> tuple[list[str], int]:
    """A line for each of the first ones, with the reason and the element, and no value; and how many there are.

    Raises InputError if the settings allow none.
    """
    found = rejected(run)
    return [visible(_reject(run, row)) for row in found.slice(0, most).to_pylist()], len(found)


def _reject(run: Run, row: Row) -> str:
    file = run.files[row["file"]]
    element = f" {row['resource_type'] or 'resource'}{'.' + row['path'] if row['path'] else ''}"
    return f"{file.url or file.path}:{row['line'] or 1}: rejected {row['reason']}{element}"
