"""The stages of a run in order: the map of the program. Each is a function of a run's work folder; files pass between them.

    open_run → scan (portions of files) → deal → resolve_bucket → gather → audit_bucket → merge → check_suites → report → publish
                                             (each bucket of patients)     (each)      (each table)

The same functions run one after the other here, and as tasks of an orchestrator in flows/. The work folder lies beside the
output folder and becomes it by one rename at the end: an output folder that exists is complete.
"""

import json
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from bonefhir import conform, tables, whole
from bonefhir import ledger as books
from bonefhir.coded import coded, column_of
from bonefhir.copies import write_copies
from bonefhir.dealt import write_rows
from bonefhir.derive.bucket import bucket as bucket_of
from bonefhir.derive.derive import Derived, derive
from bonefhir.derive.output import doses_rows, quality_rows
from bonefhir.derive.series import Facts as InputFacts
from bonefhir.errors import InputError
from bonefhir.judge.rules import Doses, judge
from bonefhir.normalise import resolve as resolution
from bonefhir.parts import read_part, write_part, write_whole
from bonefhir.read import sources
from bonefhir.read.portions import scan as scan_portion
from bonefhir.report.facts import WORK, Facts
from bonefhir.report.findings import Findings, cut_out
from bonefhir.run import (
    FACTS,
    Run,
    discard,
    facts,
    load_run,
    normalised,
    normalised_folder,
    open_run,
    publish,
    seconds,
    sorted_part,
    stage,
    write_json,
)
from bonefhir.scanned import write_scan
from bonefhir.settings import Settings
from bonefhir.vocabulary import FAIL, INDETERMINATE, PASS
from bonefhir.work_folder import written
from bonefhir.workers import workers

__all__ = [
    "Run",
    "Summary",
    "audit",
    "audit_bucket",
    "check_suites",
    "deal",
    "discard",
    "finish",
    "gather",
    "judged",
    "load_run",
    "merge",
    "open_run",
    "publish",
    "rejected",
    "report",
    "resolve",
    "resolve_bucket",
    "result",
    "scan",
]

NORMALISED = (tables.ADMINISTRATIONS, tables.LABS, tables.CONDITIONS, tables.PROCEDURES, tables.PATIENTS)
RESULTS = (tables.VERDICTS, tables.DOSES, tables.DATA_QUALITY)
"""What the audit of each bucket leaves, sorted; merged they are tables of phi/."""
WHOLE = (tables.VERDICTS, tables.LABS, tables.DOSES, tables.DATA_QUALITY, tables.CONDITIONS, tables.PROCEDURES, tables.PATIENTS)
"""The tables of phi/, the largest first."""

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


def audit(settings: Settings, progress: Callable[[str], None] | None = None) -> Summary:
    """All stages, one after the other."""
    from bonefhir.judge.suites import prepare

    with judged(settings, progress, meanwhile=prepare, merged=True) as run:
        return finish(run, progress)


@contextmanager
def judged(
    settings: Settings,
    progress: Callable[[str], None] | None = None,
    meanwhile: Callable[[], None] | None = None,
    merged: bool = False,
) -> Iterator[Run]:
    """The stages up to the verdicts, which lie in the run's buckets. The work folder goes in the end, whatever happens.

    meanwhile: what this process can do while others scan
    merged: the tables of phi/ are made as well
    """
    tell = progress or (lambda _: None)
    run = open_run(settings)
    try:
        with workers(run) as each:
            for done, _ in enumerate(each(scan, range(len(run.portions)), meanwhile), start=1):
                tell(f"scan: {done} of {len(run.portions)} parts")
            tell("resolve")
            numbers = deal(run)
            for done, _ in enumerate(each(resolve_bucket, numbers), start=1):
                tell(f"resolve: {done} of {len(numbers)} buckets")
            gather(run)
            for done, _ in enumerate(each(audit_bucket, numbers), start=1):
                tell(f"audit: {done} of {len(numbers)} buckets")
            for done, _ in enumerate(each(merge, range(len(WHOLE) if merged else 0)), start=1):
                tell(f"merge: {done} of {len(WHOLE)} tables")
        yield run
    finally:
        discard(run)


def finish(run: Run, progress: Callable[[str], None] | None = None) -> Summary:
    """The stages after the verdicts."""
    tell = progress or (lambda _: None)
    tell("suites")
    check_suites(run)
    tell("report")
    summary = report(run)
    publish(run)
    return summary


# ------------------------------------------------------------------------------------------------------------------ scan


def scan(run: Run, number: int) -> None:
    """Reads one portion of the files into the read tables."""
    with stage(run, "scan", number):
        gates = None if run.settings.conformance == "none" else conform.gate
        found = scan_portion(run.files, run.portions[number], gates)
        write_scan(run, number, found)
        write_copies(run, number, found)


# --------------------------------------------------------------------------------------------------------------- resolve


def deal(run: Run) -> list[int]:
    """Finds what only the whole input can tell. Returns the numbers of the buckets of patients."""
    with stage(run, "resolve"):
        return list(range(len(whole.deal(run))))


def resolve_bucket(run: Run, bucket: int) -> None:
    """Decides what becomes of the resources of one bucket of patients, and leaves the normalised tables."""
    with stage(run, "resolve", bucket + 1):
        read, others = whole.bucket(run, bucket)
        full = run.settings.conformance == "full"
        found = resolution.resolve(read, others, run.knowledge, full, run.file_names, whole.checking(run))
        _store_resolution(run, bucket, found)


def _store_resolution(run: Run, bucket: int, found: resolution.Resolved) -> None:
    """The rows of everybody, sorted, for phi/; and those of patients with a dose, for the audit."""
    folder = normalised_folder(run, bucket)
    folder.mkdir(exist_ok=True)
    treated = found.administrations["patient_id"].unique().cast(pa.string())
    for table, rows in ((tables.LABS, found.labs), (tables.CONDITIONS, found.conditions), (tables.PROCEDURES, found.procedures)):
        write_part(sorted_part(folder, table), table, coded(rows))
        write_rows(folder, table, _rows_about(rows, treated))
    write_part(sorted_part(folder, tables.PATIENTS), tables.PATIENTS, coded(found.patients))
    write_rows(folder, tables.PATIENTS, found.patients)
    write_rows(folder, tables.ADMINISTRATIONS, found.administrations)
    books.write(folder, found.books)
    about = {
        "last_date": int(found.facts.last_date.astype("datetime64[D]").astype(np.int64)),
        "lab_records": sorted(found.facts.lab_records),
        "dental_records": found.facts.dental_records,
    }
    write_json(folder / FACTS, about)


def _rows_about(rows: pa.Table, patients: pa.Array) -> pa.Table:
    """Of these patients."""
    ids = column_of(rows["patient_id"])
    wanted = np.append(pc.is_in(ids.texts, patients).to_numpy(zero_copy_only=False), False)[ids.codes]
    return rows if wanted.all() else rows.filter(pa.array(wanted))


def gather(run: Run) -> None:
    """Facts about the whole input, from those of the buckets."""
    read = [json.loads((folder / FACTS).read_text(encoding="utf-8")) for folder in run.resolved]
    about = {
        "last_date": max(each["last_date"] for each in read),  # NEVER is the least number
        "lab_records": sorted({analyte for each in read for analyte in each["lab_records"]}),
        "dental_records": any(each["dental_records"] for each in read),
    }
    write_json(run.parts / "normalised" / FACTS, about)


def resolve(run: Run) -> list[int]:
    """All of this, one bucket after the other. Returns their numbers."""
    numbers = deal(run)
    for number in numbers:
        resolve_bucket(run, number)
    gather(run)
    return numbers


# ----------------------------------------------------------------------------------------------------------------- audit


def audit_bucket(run: Run, bucket: int) -> None:
    """Derives the doses of one bucket of patients with their evidence, and judges them."""
    with stage(run, "audit", bucket):
        about = facts(run)
        about_input = InputFacts(about["last_date"], frozenset(about["lab_records"]), about["dental_records"])
        patients = bucket_of(*(normalised(run, table, bucket) for table in NORMALISED))
        derived = derive(patients, run.knowledge, run.settings, about_input)
        doses = _doses(derived)
        verdicts, counts = judge(doses, run.knowledge.rules, run.settings.profile)
        folder = run.parts / "audit" / f"{bucket:06d}"
        folder.mkdir(exist_ok=True)
        parts = (verdicts, doses_rows(derived), quality_rows(derived, patients.patients, about_input.last_date))
        for table, rows in zip(RESULTS, parts, strict=True):
            write_part(folder / table.name, table, rows)
        write_json(folder / "counts.json", {"rules": counts.to_dict("records"), "superseded": derived.superseded.tolist()})


def _doses(derived: Derived) -> Doses:
    """What the rules see of them."""
    doses = derived.doses
    words = {"amount_unit": doses.words("amount_unit"), "route": doses.words("route"), "indication": derived.indication}
    return Doses(
        columns={**derived.columns.data, **words},
        by_rule=derived.by_rule,
        dose_id=derived.dose_id,
        place=derived.place,
        patient_id=doses.texts["patient_id"],
        product=derived.product,
        indication=derived.indication,
        rule_indication=derived.rule_indication,
        start=doses.texts["start"],
        assumptions=derived.assumptions,
        evidence=derived.evidence.of,
    )


# ---------------------------------------------------------------------------------------------------------------- suites


def merge(run: Run, number: int) -> None:
    """Makes one of the tables of phi/ from what the buckets have left; with the verdicts, the findings among them."""
    table = WHOLE[number]
    with stage(run, "merge", number):
        path, parts = run.folder / "phi" / f"{table.name}.parquet", list(_parts(run, table))
        if table is tables.VERDICTS:
            with cut_out(_findings(run)) as see:
                write_whole(path, table, parts, see=see)
        else:
            write_whole(path, table, parts)


def check_suites(run: Run) -> None:
    """Runs the Great Expectations suites over the tables of phi/; makes those that are not there yet."""
    from bonefhir.judge.suite_tables import read
    from bonefhir.judge.suites import run_suites

    phi = run.folder / "phi"
    for number, table in enumerate(WHOLE):
        if not (phi / f"{table.name}.parquet").is_file():
            merge(run, number)
    with stage(run, "suites"):
        docs = run.folder / "share" / "data_docs" if run.settings.data_docs else None
        counts = books.rule_counts(run)
        results = run_suites(lambda s, cells: read(phi / f"{s.table}.parquet", s, cells), counts, run.knowledge, data_docs=docs)
        write_json(run.work / "suites.json", results)


def _findings(run: Run) -> Findings:
    return Findings(run.work / "findings")


def result(run: Run, table: tables.Table, columns: list[str] | None = None) -> pa.Table:
    """One of RESULTS of all buckets, in no particular order."""
    names = columns or table.names
    parts = [read_part(folder / table.name, table, names) for folder in run.buckets]
    return pa.concat_tables([table.empty().select(names), *parts]).unify_dictionaries()


def _parts(run: Run, table: tables.Table) -> Iterator[Path]:
    """Sorted parts of a table: what the buckets left, and what was known before them."""
    if table in RESULTS:
        yield from (folder / table.name for folder in run.buckets)
    if table is tables.DATA_QUALITY:
        yield from books.parts_of_quality(run)
    elif table not in RESULTS:
        yield from (sorted_part(folder, table) for folder in run.resolved)


# ---------------------------------------------------------------------------------------------------------------- report


def report(run: Run) -> Summary:
    """Writes every file of the output folder that is no table."""
    from bonefhir.report.write import write_all  # not at the top: `validate` writes none of them

    rejects = rejected(run)
    collected = Facts(
        settings=run.settings,
        knowledge=run.knowledge,
        files=books.ledger(run),
        unused=books.unused(run),
        rejects=rejects,
        rule_counts=books.rule_counts(run),
        suites=json.loads((run.work / "suites.json").read_text(encoding="utf-8")),
        seconds=seconds(run),
        peak_memory_bytes=_peak_memory(),
        findings=_findings(run),
        work=dict(zip(WORK, (run.jobs, len(run.portions), len(run.buckets), PASSES), strict=True)),
        ignored=tuple(sources.ignored(run.settings.sources)),
        started=json.loads((run.parts / "run.json").read_text(encoding="utf-8"))["started"],
    )
    with written(run.out):
        write_all(run.folder, collected)
    return _summary(run, collected)


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
