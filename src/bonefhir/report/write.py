"""Everything that a run leaves beside its tables: first what is made of the findings or the verdicts alone, each apart from the
others and in any order, then what tells of the whole run.
"""

from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path

from bonefhir import memory
from bonefhir.report import (
    decision_store,
    detected_issues,
    finding_pages,
    findings_csv,
    measure_reports,
    phi_page,
    provenance,
    rejects,
    run_json,
    share_page,
    tally,
    workbook,
)
from bonefhir.report.adjudication import Decisions
from bonefhir.report.counts import count
from bonefhir.report.facts import EXPORTS, Facts, Judged
from bonefhir.report.slices import SLICES, STRATIFIERS, Sliced
from bonefhir.report.wording import load

_TALLY, _DECISIONS = "tally.npz", "decisions"


def write_all(folder: Path, facts: Facts) -> None:
    """Writes run.json, the rest of phi/, and share/ of an output folder whose phi/*.parquet are there already."""
    begin(folder, facts)
    for name in EXPORTS:
        export(folder, facts, name)
    write_reports(folder, facts)


def begin(folder: Path, judged: Judged) -> None:
    """Makes the folders, and keeps the decisions as they are now: all reports are to show the same. Raises InputError."""
    (folder / "share").mkdir(exist_ok=True)
    (folder / "phi" / "fhir").mkdir(exist_ok=True)
    now = decision_store.load(decision_store.beside(judged.settings.out))
    judged.findings.beside(_DECISIONS).write_text(decision_store.as_text(now), encoding="ascii")


# ------------------------------------------------------------------------------------------- each apart from the others


def export(folder: Path, judged: Judged, name: str) -> None:
    """Writes one of EXPORTS, or leaves what write_reports needs of it. Raises OSError if it cannot be written."""
    _WRITE[name](folder / "phi", judged)


def _pages(phi: Path, judged: Judged) -> None:
    if judged.settings.html:
        finding_pages.write(phi, judged, load(judged.settings.language), _decisions(judged))


def _tally(phi: Path, judged: Judged) -> None:
    tally.store(judged.findings.beside(_TALLY), _sliced(phi, judged).tally)


def _issues(phi: Path, judged: Judged) -> None:
    path = phi / "fhir" / "detected-issues.ndjson"
    detected_issues.write(path, judged.findings, judged.knowledge.rules, _decisions(judged))


def _csv(phi: Path, judged: Judged) -> None:
    findings_csv.write(phi / "findings.csv", judged.findings, judged.knowledge.rules)


def _workbook(phi: Path, judged: Judged) -> None:
    wording = load(judged.settings.language)
    workbook.write(phi / "findings.xlsx", judged.findings, judged.knowledge.rules, wording, _decisions(judged))


_WRITE: Mapping[str, Callable[[Path, Judged], None]] = {
    "tally": _tally,
    "pages": _pages,
    "issues": _issues,
    "csv": _csv,
    "workbook": _workbook,
}


def _decisions(judged: Judged) -> Decisions:
    kept = decision_store.load(judged.findings.beside(_DECISIONS))
    return Decisions(kept, date.fromisoformat(judged.started[:10]))


def _sliced(phi: Path, judged: Judged) -> Sliced:
    sliced = Sliced(phi, judged.rule_counts["rule_id"].to_pylist(), SLICES if judged.settings.html else STRATIFIERS)
    memory.release()  # to put the doses together takes several times what they are
    return sliced


# --------------------------------------------------------------------------------------------------------- the whole run


def write_reports(folder: Path, facts: Facts) -> None:
    """All that is left to be written when the exports are. The pages are left out if the settings say so.

    Raises AccountingError if the tables and `facts` contradict each other; OSError if something cannot be written.
    """
    phi, share, fhir = folder / "phi", folder / "share", folder / "phi" / "fhir"
    sliced, wording, decisions = _sliced(phi, facts), load(facts.settings.language), _decisions(facts)
    sliced.tally = tally.stored(facts.findings.beside(_TALLY))
    counts = count(phi, facts, sliced)
    rejects.write(phi / "rejects.ndjson", facts)
    provenance.write(fhir / "provenance.ndjson", facts.findings, counts, facts)
    if facts.settings.html:
        phi_page.write(phi / "report.html", phi, facts, counts, wording, decisions, sliced)
        memory.release()
    measure_reports.write(fhir / "measure-reports.json", counts, sliced)
    share_page.write(share, facts, counts, wording, sliced)
    run_json.write(folder / "run.json", facts, counts, decisions.history)
