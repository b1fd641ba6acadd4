"""What a run tells when its tables are merged: the exports, each apart from the others, then the reports that need them all."""

import json
import resource
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from bonefhir import ledger as books
from bonefhir.errors import AccountingError, InputError
from bonefhir.read import sources
from bonefhir.report.facts import EXPORTS, WORK, Facts, Judged
from bonefhir.report.findings import Findings
from bonefhir.run import Run, places, seconds
from bonefhir.vocabulary import FAIL, INDETERMINATE, PASS

PASSES = 1
"""The input is read once: labs of people without a dose stand in phi/labs.parquet and in the ledger with their value, status and
version, so that a pass that finds the treated first would spare no decoding."""


@dataclass(frozen=True)
class Summary:
    """Counts of a finished run. verdicts: severity → verdict → count; rules: one row per rule; html: it has pages."""

    verdicts: dict[str, dict[str, int]]
    doses: int
    patients: int
    rejected: int
    rules: list[dict[str, Any]]
    data_quality: dict[str, int]
    out: Path
    html: bool = True

    def failed(self, fail_on: str) -> bool:
        """A verdict `fail` has at least this severity."""
        order = ("info", "warning", "error")
        return fail_on != "none" and any(self.verdicts.get(s, {}).get("fail", 0) for s in order[order.index(fail_on) :])


def findings(run: Run) -> Findings:
    """Those that are cut out while the verdicts are merged."""
    return Findings(run.work / "findings")


def suite_results(run: Run, name: str) -> Path:
    """Where the result of a suite is kept until the reports are written."""
    return run.work / f"suite.{name}.json"


def begin_reports(run: Run) -> None:
    """Before the first export."""
    from bonefhir.report.write import begin  # not at the top: `validate` writes no reports

    with places(run):
        begin(run.folder, Judged(**_judged(run)))


def export(run: Run, number: int) -> None:
    """Writes one of EXPORTS, or leaves what `report` needs of it."""
    from bonefhir.report import write

    with places(run):
        write.export(run.folder, Judged(**_judged(run)), EXPORTS[number])


def report(run: Run) -> Summary:
    """Writes every file of the output folder that is neither a table nor an export. Raises AccountingError."""
    from bonefhir.judge.suites import SUITES
    from bonefhir.report.write import write_reports

    with places(run):
        rejects = rejected(run)
        collected = Facts(
            **_judged(run),
            files=books.ledger(run),
            unused=books.unused(run),
            rejects=rejects,
            suites=[_result_of(run, name) for name in SUITES],
            seconds=seconds(run),
            peak_memory_bytes=_peak_memory(),
            work=dict(zip(WORK, (run.jobs, len(run.portions), len(run.buckets), PASSES), strict=True)),
            ignored=tuple(sources.ignored(run.settings.sources)),
        )
        write_reports(run.folder, collected)
        return _summary(run, collected)


def _result_of(run: Run, suite: str) -> dict[str, Any]:
    """Raises AccountingError if it was not run: a table that nobody has checked must not look like one that passed."""
    try:
        found: dict[str, Any] = json.loads(suite_results(run, suite).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise AccountingError(f"suite {suite}: there is no result of it: a defect of bonefhir") from None
    return found


def _judged(run: Run) -> dict[str, Any]:
    """The fields of Judged."""
    return {
        "settings": run.settings,
        "knowledge": run.knowledge,
        "rule_counts": books.rule_counts(run),
        "findings": findings(run),
        "started": json.loads((run.parts / "run.json").read_text(encoding="utf-8"))["started"],
    }


def rejected(run: Run) -> pa.Table:
    """REJECTS of the whole run. Raises InputError if there are any and the settings allow none."""
    rejects = books.rejects(run)
    if run.settings.strict and len(rejects):
        raise InputError(
            f"{len(rejects)} resources or files were rejected, and --strict allows none; run without it to see which"
        )
    return rejects


def _summary(run: Run, collected: Facts) -> Summary:
    phi = run.folder / "phi"
    rules = collected.rule_counts.to_pylist()
    severity = {rule.id: rule.severity for rule in run.knowledge.rules}
    by_severity: dict[str, dict[str, int]] = {}
    for row in rules:
        counts = by_severity.setdefault(severity[row["rule_id"]], {})
        for verdict in (PASS, FAIL, INDETERMINATE):
            counts[verdict] = counts.get(verdict, 0) + row[verdict]
    kinds = pc.value_counts(pq.read_table(phi / "data_quality.parquet", columns=["kind"])["kind"]).to_pylist()
    doses = pq.read_table(phi / "doses.parquet", columns=["patient_id"])
    return Summary(
        verdicts=by_severity,
        doses=len(doses),
        patients=len(pc.unique(doses["patient_id"])),
        rejected=len(collected.rejects),
        rules=rules,
        data_quality={row["values"]: row["counts"] for row in kinds},
        out=run.settings.out,
        html=run.settings.html,
    )


def _peak_memory() -> int:
    """Of this process and its children, in bytes."""
    return 1024 * max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
