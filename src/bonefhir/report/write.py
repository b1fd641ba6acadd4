"""Everything that a run leaves beside its tables, in one call."""

from datetime import date
from pathlib import Path

from bonefhir.report import (
    decision_store,
    detected_issues,
    findings_csv,
    measure_reports,
    phi_page,
    provenance,
    rejects,
    run_json,
    share_page,
    workbook,
)
from bonefhir.report.adjudication import Decisions
from bonefhir.report.counts import count
from bonefhir.report.facts import Facts
from bonefhir.report.slices import Sliced
from bonefhir.report.wording import load


def write_all(folder: Path, facts: Facts) -> None:
    """Writes run.json, the rest of phi/, and share/ of an output folder whose phi/*.parquet are there already.

    The pages are left out if the settings say so.

    Raises AccountingError if the tables and `facts` contradict each other; OSError if something cannot be written.
    """
    phi, share, fhir = folder / "phi", folder / "share", folder / "phi" / "fhir"
    share.mkdir(exist_ok=True)
    fhir.mkdir(exist_ok=True)
    sliced = Sliced(phi, facts.rule_counts["rule_id"].to_pylist())
    counts, wording, rules = count(phi, facts, sliced), load(facts.settings.language), facts.knowledge.rules
    decisions = Decisions(decision_store.load(decision_store.beside(facts.settings.out)), date.fromisoformat(facts.started[:10]))
    rejects.write(phi / "rejects.ndjson", facts)
    findings = facts.findings
    findings_csv.write(phi / "findings.csv", findings, rules)
    workbook.write(phi / "findings.xlsx", findings, rules, wording, decisions)
    detected_issues.write(fhir / "detected-issues.ndjson", findings, rules, decisions)
    provenance.write(fhir / "provenance.ndjson", findings, counts, facts)
    if facts.settings.html:
        phi_page.write(phi / "report.html", phi, findings, facts, counts, wording, decisions, sliced)
    measure_reports.write(fhir / "measure-reports.json", counts, sliced)
    share_page.write(share, facts, counts, wording, sliced)
    run_json.write(folder / "run.json", facts, counts, decisions.history)
