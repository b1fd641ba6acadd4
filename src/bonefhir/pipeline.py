"""The stages of a run in order: the map of the program. Each is a function of a run's work folder; files pass between them.

    open_run → scan (portions of files) → deal → resolve_bucket → gather → audit_bucket → merge → check_suites → report → publish
                                             (each bucket of patients)     (each)      (each table)

The same functions run one after the other here, and as tasks of an orchestrator in flows/. Each may be run again: one that
was broken off writes anew what it had written, and a portion or bucket that is done is not done twice. The work folder lies
beside the output folder and becomes it by one rename at the end: an output folder that exists is complete.
"""

import gc
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bonefhir import conform, memory, tables, whole, work_folder
from bonefhir import ledger as books
from bonefhir.coded import coded, column_of, length
from bonefhir.copies import write_copies
from bonefhir.dealt import write_rows
from bonefhir.derive.bucket import bucket as bucket_of
from bonefhir.derive.derive import Derived, derive
from bonefhir.derive.output import doses_rows, quality_rows
from bonefhir.derive.series import Facts as InputFacts
from bonefhir.judge.rules import Doses, judge
from bonefhir.normalise import resolve as resolution
from bonefhir.parts import PLAIN, read_part, write_part, write_whole
from bonefhir.read.batch import forget
from bonefhir.read.portions import scan as scan_portion
from bonefhir.report.facts import EXPORTS, TOLD
from bonefhir.report.findings import cut_out
from bonefhir.reports import Summary, begin_reports, export, findings, rejected, report, suite_results
from bonefhir.run import (
    FACTS,
    Run,
    discard,
    facts,
    is_done,
    load_run,
    normalised,
    normalised_folder,
    open_run,
    places,
    publish,
    sorted_part,
    stage,
    write_json,
)
from bonefhir.scanned import begin_scan, write_scan
from bonefhir.settings import Settings
from bonefhir.workers import Each, alone, even, workers

__all__ = [
    "EXPORTS",
    "Run",
    "Summary",
    "at_work",
    "audit",
    "audit_bucket",
    "begin_reports",
    "check_suites",
    "deal",
    "discard",
    "export",
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
WHOLE = (tables.VERDICTS, tables.DOSES, tables.LABS, tables.DATA_QUALITY, tables.CONDITIONS, tables.PROCEDURES, tables.PATIENTS)
"""The tables of phi/: the one that takes longest to merge first, then the one that needs most memory, before the suites do."""


def audit(settings: Settings, progress: Callable[[str], None] | None = None) -> Summary:
    """All stages, one after the other."""
    from bonefhir.judge.suites import prepare

    with at_work(settings, progress, prepare) as (run, each):
        return finish(run, each, progress)


@contextmanager
def judged(settings: Settings) -> Iterator[Run]:
    """The stages up to the verdicts, and no more."""
    with at_work(settings) as (run, _):
        yield run


@contextmanager
def at_work(
    settings: Settings,
    progress: Callable[[str], None] | None = None,
    meanwhile: Callable[[], None] | None = None,
) -> Iterator[tuple[Run, Each]]:
    """The stages up to the verdicts, which lie in the run's buckets. The work folder goes in the end, whatever happens.

    meanwhile: what this process can do while others scan
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
            yield run, each
    finally:
        discard(run)


def finish(run: Run, each: Each | None = None, progress: Callable[[str], None] | None = None) -> Summary:
    """The stages after the verdicts. Beside the longest work of others, this process does what does not wait for it."""
    tell, each = progress or (lambda _: None), each or alone(run)
    left = {*WHOLE}
    for done, number in enumerate(each(merge, range(len(WHOLE))), start=1):
        tell(f"merge: {done} of {len(WHOLE)} tables")
        left.discard(WHOLE[number])
        if left == {tables.VERDICTS}:  # not sooner: to merge tables and to check others need most memory
            for table in WHOLE[1:]:
                check_suites(run, table)
    begin_reports(run)
    first, *others = range(len(EXPORTS))
    beside = each(export, [first], lambda: check_suites(run))  # no more: each holds pieces of the tables, and so do the suites
    summary = _reported(run, chain(beside, each(export, others)), tell)
    publish(run)
    return summary


def _reported(run: Run, exported: Iterator[int], tell: Callable[[str], None]) -> Summary:
    """The reports are written as soon as all is there of which they tell: the last exports may take longer."""
    told: set[str] = set()
    summary = None
    with work_folder.written(run.out), work_folder.flushing(run.folder) as flush, work_folder.removing(_merged(run)):
        for done, number in enumerate(exported, start=1):
            tell(f"report: {done} of {len(EXPORTS)} exports")
            flush()
            told.add(EXPORTS[number])
            if summary is None and told >= TOLD:
                tell("report")
                summary = report(run)
    return summary or report(run)


def _merged(run: Run) -> list[Path]:
    """Parts of tables that are merged: gigabytes, whose removal would be waited for. None if they are elsewhere."""
    return [] if run.settings.parts else [path for table in WHOLE for path in _parts(run, table)]


# ------------------------------------------------------------------------------------------------------------------ scan


@even
def scan(run: Run, number: int) -> None:
    """Reads one portion of the files into the read tables."""
    if is_done(run, "scan", number):
        return
    with stage(run, "scan", number):
        begin_scan(run, number)
        gates = None if run.settings.conformance == "none" else conform.gate
        found = scan_portion(run.files, run.portions[number], gates)
        write_scan(run, number, found)
        write_copies(run, number, found)


# --------------------------------------------------------------------------------------------------------------- resolve


def deal(run: Run) -> list[int]:
    """Finds what only the whole input can tell. Returns the numbers of the buckets of patients."""
    with stage(run, "resolve"):
        numbers = list(range(len(whole.deal(run))))
    memory.release()  # this process leads, and needs little until the suites
    return numbers


@even
def resolve_bucket(run: Run, bucket: int) -> None:
    """Decides what becomes of the resources of one bucket of patients, and leaves the normalised tables."""
    if is_done(run, "resolve", bucket + 1):
        return
    with stage(run, "resolve", bucket + 1):
        full = run.settings.conformance == "full"
        forget()
        # What was read goes before what was found is written.
        found = resolution.resolve(*whole.bucket(run, bucket), run.knowledge, full, run.file_names, whole.checking(run))
        _store_resolution(run, bucket, found)


def _store_resolution(run: Run, bucket: int, found: resolution.Resolved) -> None:
    """The rows of everybody, sorted, for phi/; and those of patients with a dose, for the audit."""
    folder = normalised_folder(run, bucket)
    folder.mkdir(exist_ok=True)
    treated = found.administrations["patient_id"].unique().cast(pa.string())
    for table, rows in ((tables.LABS, found.labs), (tables.CONDITIONS, found.conditions), (tables.PROCEDURES, found.procedures)):
        write_part(sorted_part(folder, table), table, coded(rows, PLAIN))
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
    with places(run):
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


@even
def audit_bucket(run: Run, bucket: int) -> None:
    """Derives the doses of one bucket of patients with their evidence, and judges them."""
    if is_done(run, "audit", bucket):
        return
    with stage(run, "audit", bucket):
        folder = run.parts / "audit" / f"{bucket:06d}"
        folder.mkdir(exist_ok=True)
        doses, superseded = _derived(run, bucket, folder)
        verdicts, counts = judge(doses, run.knowledge.rules, run.settings.profile)
        del doses
        write_part(folder / tables.VERDICTS.name, tables.VERDICTS, verdicts, np.arange(length(verdicts)))
        write_json(folder / "counts.json", {"rules": counts, "superseded": superseded})


def _derived(run: Run, bucket: int, folder: Path) -> tuple[Doses, list[int]]:
    """Writes the doses and what is said of their records. Returns what the rules see of them, and what they supersede: all
    that they were derived from goes, as to judge them needs most memory.
    """
    about = facts(run)
    about_input = InputFacts(about["last_date"], frozenset(about["lab_records"]), about["dental_records"])
    patients = bucket_of(*(normalised(run, table, bucket) for table in NORMALISED))
    derived = derive(patients, run.knowledge, run.settings, about_input)
    write_part(folder / tables.DOSES.name, tables.DOSES, doses_rows(derived), np.argsort(derived.place))
    quality = quality_rows(derived, patients.patients, about_input.last_date)
    write_part(folder / tables.DATA_QUALITY.name, tables.DATA_QUALITY, quality)
    return _doses(derived), derived.superseded.tolist()


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
        new = run.work / path.name  # what is left of a merge that is broken off must not be published
        if table is tables.VERDICTS:
            with cut_out(findings(run)) as see:
                write_whole(new, table, parts, see=see)
        else:
            write_whole(new, table, parts)
        new.replace(path)  # a table that is there is whole, and so are the findings


def check_suites(run: Run, merged: tables.Table | None = None) -> None:
    """Runs Great Expectations' suites over a table of phi/ that is merged; None: all that are left, with that of the rules, and
    makes the tables that are not there yet.
    """
    from bonefhir.judge.suite_tables import read
    from bonefhir.judge.suites import SUITES, run_suites

    phi = run.folder / "phi"
    for number, table in enumerate(WHOLE if merged is None else ()):
        if not (phi / f"{table.name}.parquet").is_file():
            merge(run, number)
    wanted = SUITES if merged is None else (merged.name,)
    names = [name for name in SUITES if name in wanted and not suite_results(run, name).is_file()]
    if not names:
        return
    with stage(run, "suites", SUITES.index(names[0])):
        docs = run.folder / "share" / "data_docs" if run.settings.data_docs and merged is None else None
        counts = books.rule_counts(run)
        results = run_suites(
            lambda s, cells: read(phi / f"{s.table}.parquet", s, cells), counts, run.knowledge, data_docs=docs, names=names
        )
        for found in results:
            path = suite_results(run, found["suite"])
            write_json(path.with_suffix(".new"), found)
            path.with_suffix(".new").replace(path)  # one that is there is not run again
    gc.collect()  # Great Expectations ties what it was given into circles
    memory.release()


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
