"""The stages of a run in order: the map of the program. Each is a function of a run's work folder; files pass between them.

    open_run → scan (portions of files) → resolve → audit_bucket (each bucket of patients) → check_suites → report → publish

The same functions run one after the other here, and as tasks of an orchestrator in flows/. The work folder lies beside the
output folder and becomes it by one rename at the end: an output folder that exists is complete.
"""

import json
import resource
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import repeat
from multiprocessing import get_context
from os import cpu_count
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from bonefhir import conform, log, tables
from bonefhir import ledger as books
from bonefhir.coded import coded
from bonefhir.derive.bucket import bucket as bucket_of
from bonefhir.derive.derive import derive
from bonefhir.derive.output import doses_table, quality_table
from bonefhir.derive.series import Facts as InputFacts
from bonefhir.errors import InputError
from bonefhir.judge.rules import Doses, judge
from bonefhir.normalise import buckets
from bonefhir.normalise import resolve as resolution
from bonefhir.parts import read_part, write_part, write_whole
from bonefhir.read import sources
from bonefhir.read.portions import scan as scan_portion
from bonefhir.read.sources import SourceFile
from bonefhir.report.facts import Facts
from bonefhir.run import (
    Run,
    discard,
    facts,
    load_run,
    normalised,
    open_run,
    publish,
    seconds,
    stage,
    write_json,
    write_parquet,
)
from bonefhir.scanned import Scanned, write_scan
from bonefhir.settings import Settings
from bonefhir.vocabulary import FAIL, INDETERMINATE, PASS
from bonefhir.work_folder import written

__all__ = [
    "Run",
    "Summary",
    "audit",
    "audit_bucket",
    "check_suites",
    "discard",
    "finish",
    "judged",
    "load_run",
    "open_run",
    "publish",
    "rejected",
    "report",
    "resolve",
    "result",
    "scan",
]

NORMALISED = (tables.ADMINISTRATIONS, tables.LABS, tables.CONDITIONS, tables.PROCEDURES, tables.PATIENTS)
RESULTS = (tables.VERDICTS, tables.DOSES, tables.DATA_QUALITY)
"""What each bucket leaves, sorted; merged they are tables of phi/."""
WHOLE = (*RESULTS, tables.LABS, tables.CONDITIONS, tables.PROCEDURES, tables.PATIENTS)
"""The tables of phi/."""

WORTH_A_POOL = 64 << 20
"""Bytes on disk from which on a process per core is started: each costs half a second."""

WORTH_A_TASK = 100_000
"""Resources that are checked in one process before another one is started: they take some two seconds."""


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

    with judged(settings, progress, meanwhile=prepare) as run:
        return finish(run, progress)


@contextmanager
def judged(
    settings: Settings, progress: Callable[[str], None] | None = None, meanwhile: Callable[[], None] | None = None
) -> Iterator[Run]:
    """The stages up to the verdicts, which lie in the run's buckets. The work folder goes in the end, whatever happens.

    meanwhile: what this process can do while others scan
    """
    tell = progress or (lambda _: None)
    run = open_run(settings)
    try:
        for done, _ in enumerate(_each(run, scan, range(len(run.portions)), meanwhile), start=1):
            tell(f"scan: {done} of {len(run.portions)} parts")
        tell("resolve")
        numbers = resolve(run, run.settings.jobs or cpu_count() or 1)
        for done, _ in enumerate(_each(run, audit_bucket, numbers), start=1):
            tell(f"audit: {done} of {len(numbers)} buckets")
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


def _each(
    run: Run, work: Callable[[Run, int], None], numbers: Sequence[int], meanwhile: Callable[[], None] | None = None
) -> Iterator[int]:
    """Numbers of portions or buckets as they are done: in a process per core where there is enough to do, else here."""
    jobs = min(run.settings.jobs or cpu_count() or 1, len(numbers))
    if jobs <= 1 or sum(f.path.stat().st_size for f in run.files if f.path.is_file()) < WORTH_A_POOL:
        for number in numbers:
            work(run, number)
            yield number
        return
    pa.default_memory_pool().release_unused()  # what the stage before has needed: the processes need it now
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), initializer=log.set_up) as pool:
        waiting = {pool.submit(_in_a_process, work, str(run.parts), number): number for number in numbers}
        try:
            if meanwhile:
                meanwhile()
            for future in as_completed(waiting):
                future.result()
                yield waiting[future]
        finally:
            pool.shutdown(cancel_futures=True)  # of a run that fails or is to end, what has not begun never does


def _in_a_process(work: Callable[[Run, int], None], folder: str, number: int) -> None:
    work(load_run(folder), number)


# ------------------------------------------------------------------------------------------------------------------ scan


def scan(run: Run, number: int) -> None:
    """Reads one portion of the files into the read tables."""
    with stage(run, "scan", number):
        gates = None if run.settings.conformance == "none" else conform.gate
        write_scan(run, number, scan_portion(run.files, run.portions[number], gates))


# --------------------------------------------------------------------------------------------------------------- resolve


def resolve(run: Run, jobs: int = 1) -> list[int]:
    """Decides what only the whole input can decide, and leaves the normalised tables by bucket of patients.

    jobs: processes that check what is to be evidence. Returns the numbers of the buckets.
    """
    with stage(run, "resolve"):
        scanned = Scanned(run)
        read = {table.name: scanned.table(table) for table in tables.READ_TABLES}
        full_urls = scanned.table(tables.FULL_URLS)
        names = pa.array([f.name for f in run.files], pa.string())
        check = partial(_check, {f.number: f for f in run.files}, jobs)
        found = resolution.resolve(read, full_urls, run.knowledge, run.settings.conformance, names, check)
        return list(range(_store_resolution(run, found)))


def _check(files: Mapping[int, SourceFile], jobs: int, candidates: pd.DataFrame) -> pd.DataFrame:
    """As conform.check, in a process per core where there is enough to check."""
    parts = conform.pieces(candidates, WORTH_A_TASK)
    if min(jobs, len(parts)) <= 1:
        return conform.check(files, candidates)
    with ProcessPoolExecutor(min(jobs, len(parts)), mp_context=get_context("spawn"), initializer=log.set_up) as pool:
        return conform.together(list(pool.map(conform.check, repeat(files), parts)))


def _store_resolution(run: Run, found: resolution.Resolved) -> int:
    """Returns the number of buckets."""
    folder = run.parts / "normalised"
    number = buckets.count(len(found.administrations), len(found.labs))
    for bucket in range(number):
        (folder / f"{bucket:06d}").mkdir(exist_ok=True)
    by_patient = (found.administrations, found.labs, found.conditions, found.procedures, found.patients)
    for table, whole in zip(NORMALISED, by_patient, strict=True):
        for bucket, rows in enumerate(buckets.split(whole, number)):
            write_parquet(rows, folder / f"{bucket:06d}" / f"{table.name}.parquet")
    write_parquet(found.rejects, folder / f"{tables.REJECTS.name}.parquet")
    write_parquet(found.quality, folder / f"{tables.DATA_QUALITY.name}.parquet")
    about = {
        "last_date": int(found.facts.last_date.astype("datetime64[D]").astype(np.int64)),
        "lab_records": sorted(found.facts.lab_records),
        "dental_records": found.facts.dental_records,
        "per_file": found.per_file.tolist(),
    }
    write_json(folder / "facts.json", about)
    return number


# ----------------------------------------------------------------------------------------------------------------- audit


def audit_bucket(run: Run, bucket: int) -> None:
    """Derives the doses of one bucket of patients with their evidence, and judges them."""
    with stage(run, "audit", bucket):
        about = facts(run)
        about_input = InputFacts(about["last_date"], frozenset(about["lab_records"]), about["dental_records"])
        patients = bucket_of(*(normalised(run, table, bucket) for table in NORMALISED))
        derived = derive(patients, run.knowledge, run.settings, about_input)
        frame = derived.frame
        doses = Doses(
            columns=derived.columns.data | {"amount_unit": frame["amount_unit"].to_numpy(dtype=object)},
            by_rule=derived.by_rule,
            dose_id=frame["dose_id"].to_numpy(dtype=object),
            patient_id=frame["patient_id"].to_numpy(dtype=object),
            product=frame["product"].to_numpy(dtype=object),
            indication=frame["indication"].to_numpy(dtype=object),
            rule_indication=frame["rule_indication"].to_numpy(dtype=object),
            start=frame["start"].to_numpy(dtype=object),
            assumptions=frame["dose_assumptions"].to_numpy(dtype=np.int64),
            evidence=derived.evidence.of,
        )
        verdicts, counts = judge(doses, run.knowledge.rules, run.settings.profile)
        folder = run.parts / "audit" / f"{bucket:06d}"
        folder.mkdir(exist_ok=True)
        quality = quality_table(derived, patients.patients, about_input.last_date)
        parts = (verdicts, coded(doses_table(derived)), coded(quality))
        for table, rows in zip(RESULTS, parts, strict=True):
            write_part(folder / table.name, table, rows)
        write_json(folder / "counts.json", {"rules": counts.to_dict("records"), "superseded": derived.superseded.tolist()})


# ---------------------------------------------------------------------------------------------------------------- suites


def check_suites(run: Run) -> None:
    """Merges the buckets into the tables of phi/, and runs the Great Expectations suites over them."""
    from bonefhir.judge.suite_tables import read
    from bonefhir.judge.suites import run_suites

    with stage(run, "suites"):
        phi = run.folder / "phi"
        for table in WHOLE:
            write_whole(phi / f"{table.name}.parquet", table, list(_parts(run, table)))
        docs = run.folder / "share" / "data_docs" if run.settings.data_docs else None
        counts = books.rule_counts(run)
        results = run_suites(lambda s, cells: read(phi / f"{s.table}.parquet", s, cells), counts, run.knowledge, data_docs=docs)
        write_json(run.work / "suites.json", results)


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
        yield _sorted_part(run, table, pa.concat_tables([normalised(run, table), books.file_quality(run)]), "all")
    elif table not in RESULTS:
        for folder in run.buckets:
            yield _sorted_part(run, table, normalised(run, table, int(folder.name)), folder.name)


def _sorted_part(run: Run, table: tables.Table, rows: pa.Table, name: str) -> Path:
    path = run.work / "sorted" / f"{table.name}.{name}"
    path.parent.mkdir(exist_ok=True)
    write_part(path, table, coded(rows))
    return path


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
