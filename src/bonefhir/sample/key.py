"""The answer key: everything that an audit with the default settings must find in the sample, and nothing else."""

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

from bonefhir.sample.case import Case
from bonefhir.sample.hospitals.base import Places
from bonefhir.sample.model import Finding, Record

COLUMNS = ("kind", "id", "rule_id", "outcome", "reasons", "planted")
SCENARIO_COLUMNS = ("scenario", "hospital", "patient_id", "look_at", "findings", "planted")


def write_key(path: Path, records: Iterable[Record], places: Places) -> None:
    """One row per finding.

    kind     verdict, reject or data-quality
    id       the dose, the place (file:line, or file#entry of a Bundle), or the resource
    rule_id  the rule, the reason of the reject, or the kind of the data-quality finding
    outcome  fail or indeterminate, rejected, or the severity
    reasons  of an indeterminate verdict, separated by a blank
    planted  the scenario that it comes from, in words
    """
    rows = sorted(row(finding, places) for record in records for finding in record.findings)
    save(path, COLUMNS, rows)


def row(finding: Finding, places: Places) -> tuple[str, ...]:
    reference = finding.entry.reference
    where = places[reference] if finding.kind == "reject" else reference
    return (finding.kind, where, finding.rule, finding.outcome, " ".join(finding.reasons), finding.planted)


def write_scenarios(path: Path, cases: Iterable[Case]) -> None:
    """One row per scenario planted, traps without a finding included."""
    rows = [
        (it.scenario, case.hospital.key, case.record.patient.reference, it.reference, str(it.findings), it.title)
        for case in cases
        for it in case.record.planted
    ]
    save(path, SCENARIO_COLUMNS, sorted(rows))


def save(path: Path, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)
