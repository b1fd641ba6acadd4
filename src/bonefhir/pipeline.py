"""The stages of a run in order: the map of the program. Each is a function of a run's work folder; files pass between them.

    open_run → scan (each file) → resolve → audit_bucket (each bucket of patients) → check_suites → report → publish

The same functions run one after the other here, and as tasks of an orchestrator in flows/. The work folder lies beside the
output folder and becomes it by one rename at the end: an output folder that exists is complete.
"""

import json
import os
import resource
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from bonefhir import conform, tables
from bonefhir.derive.derive import derive
from bonefhir.derive.bucket import bucket as bucket_of
from bonefhir.derive.output import doses_table, evidence_of, quality_table
from bonefhir.derive.series import Facts as InputFacts
from bonefhir.errors import AccountingError, BonefhirError, InputError, OutputError
from bonefhir.judge.rules import Doses, judge
from bonefhir.judge.suites import run_suites
from bonefhir.knowledge.load import load
from bonefhir.knowledge.model import Knowledge
from bonefhir.normalise import resolve as resolution
from bonefhir.normalise.fates import FATES
from bonefhir.read import sources
from bonefhir.read.scan import Scan, scan_file
from bonefhir.read.sources import SourceFile
from bonefhir.report.facts import Facts
from bonefhir.report.write import write_all
from bonefhir.settings import Settings

NORMALISED = (tables.ADMINISTRATIONS, tables.LABS, tables.CONDITIONS, tables.PROCEDURES, tables.PATIENTS)
RESULTS = (tables.VERDICTS, tables.DOSES, tables.DATA_QUALITY)
"""What each bucket leaves; concatenated they are the tables of phi/."""


@dataclass(frozen=True)
class Run:
    """A run on its way: what its settings say and where its files lie."""

    work: Path
    settings: Settings
    files: tuple[SourceFile, ...]

    @property
    def knowledge(self) -> Knowledge:
        return _knowledge(self.settings.rules, self.settings.terminology)

    @property
    def folder(self) -> Path:
        """What will be published."""
        return self.work / "publish"


@dataclass(frozen=True)
class Summary:
    """Counts of a finished run. verdicts: severity → verdict → count; rules: one row per rule."""

    verdicts: dict[str, dict[str, int]]
    doses: int
    patients: int
    rejected: int
    rules: list[dict[str, Any]]
    data_quality: dict[str, int]
    out: Path

    def failed(self, fail_on: str) -> bool:
        """A verdict `fail` has at least this severity."""
        order = ("info", "warning", "error")
        return fail_on != "none" and any(self.verdicts.get(s, {}).get("fail", 0) for s in order[order.index(fail_on) :])


@lru_cache(maxsize=4)
def _knowledge(rules: tuple[Path, ...], terminology: tuple[Path, ...]) -> Knowledge:
    return load([*rules, *terminology])


def audit(settings: Settings, progress: Callable[[str], None] | None = None) -> Summary:
    """All stages, one after the other."""
    tell = progress or (lambda _: None)
    run = open_run(settings)
    try:
        for number in range(len(run.files)):
            tell(f"scan: {number + 1} of {len(run.files)} files")
            scan(run, number)
        tell("resolve")
        buckets = resolve(run)
        for number, bucket in enumerate(buckets):
            tell(f"audit: {number + 1} of {len(buckets)} buckets")
            audit_bucket(run, bucket)
        tell("suites")
        check_suites(run)
        tell("report")
        summary = report(run)
        publish(run)
    except BaseException:
        discard(run)
        raise
    return summary


# ------------------------------------------------------------------------------------------------------------ open, load


def open_run(settings: Settings) -> Run:
    """Refuses what cannot work before any work is done: rules, sources, output."""
    _knowledge(settings.rules, settings.terminology)
    files = tuple(sources.expand(settings.sources))
    _refuse_foreign(settings.out)
    try:
        settings.out.parent.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix=f".{settings.out.name}.", suffix=".work", dir=settings.out.parent))
    except OSError as error:
        raise OutputError(f"{settings.out}: cannot make a folder beside it: {error.strerror}; name a folder that can be written") from None
    run = Run(work, settings, files)
    for name in ("scan", "normalised", "audit", "publish/phi"):
        (work / name).mkdir(parents=True)
    _write_json(work / "run.json", {"settings": settings.as_json(), "started": datetime.now(UTC).isoformat(timespec="seconds")})
    return run


def _refuse_foreign(out: Path) -> None:
    """Only a folder that an earlier run has made, or an empty one, is ever replaced."""
    if not out.exists():
        return
    if not out.is_dir() or out.is_symlink():
        raise OutputError(f"{out}: exists and is no folder; name another one")
    if any(out.iterdir()) and not (out / "run.json").is_file():
        raise OutputError(f"{out}: is not empty and holds no earlier run; name another folder, or empty it")


def load_run(work: Path) -> Run:
    """A run that open_run has made, in another process."""
    stored = json.loads((work / "run.json").read_text(encoding="utf-8"))["settings"]
    types = {f.name: f.type for f in fields(Settings)}
    settings = Settings(**{name: _typed(name, value, types) for name, value in stored.items()})
    return Run(work, settings, tuple(sources.expand(settings.sources)))


def _typed(name: str, value: Any, types: dict[str, Any]) -> Any:
    if name == "out":
        return Path(value)
    if name in ("rules", "terminology"):
        return tuple(Path(v) for v in value)
    return tuple(value) if isinstance(value, list) else value


# ------------------------------------------------------------------------------------------------------------------ scan


def scan(run: Run, number: int) -> None:
    """Reads one file into the read tables."""
    with _timed(run, "scan", number):
        _write_scan(run.work / "scan" / f"{number:06d}", scan_file(run.files[number]))


def _write_scan(folder: Path, scanned: Scan) -> None:
    """Empty tables are not written: a folder of bundles has many small files."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    all_tables = {**scanned.tables, "rejects": scanned.rejects, "full_urls": scanned.full_urls}
    for name, table in all_tables.items():
        if len(table):
            pq.write_table(table, folder / f"{name}.parquet")
    counts = {name: getattr(scanned, name) for name in ("read", "unused", "empty_entries", "format", "compression", "bytes", "sha256")}
    _write_json(folder / "counts.json", counts | {"warnings": scanned.warnings})


def _scanned(run: Run, name: str, schema: pa.Schema) -> pa.Table:
    """One read table of all files, in reading order."""
    paths = [p for p in (run.work / "scan" / f"{n:06d}" / f"{name}.parquet" for n in range(len(run.files))) if p.exists()]
    parts = [pq.read_table(path, schema=schema, partitioning=None) for path in paths]
    return pa.concat_tables([schema.empty_table(), *parts]).unify_dictionaries()


def _scan_counts(run: Run) -> list[dict[str, Any]]:
    return [json.loads((run.work / "scan" / f"{n:06d}" / "counts.json").read_text(encoding="utf-8")) for n in range(len(run.files))]


# --------------------------------------------------------------------------------------------------------------- resolve


def resolve(run: Run) -> list[int]:
    """Decides what only the whole input can decide, and leaves the normalised tables by bucket of patients."""
    with _timed(run, "resolve"):
        read = {table.name: _scanned(run, table.name, table.schema) for table in tables.READ_TABLES}
        full_urls = _scanned(run, "full_urls", tables.FULL_URLS.schema)
        files = {f.number: f for f in run.files}
        names = pa.array([f.name for f in run.files], pa.string())
        found = resolution.resolve(
            read, full_urls, run.knowledge, run.settings.conformance, names, lambda candidates: conform.check(files, candidates)
        )
        _store_resolution(run, found)
    return [0]


def _store_resolution(run: Run, found: resolution.Resolved) -> None:
    folder = run.work / "normalised"
    for table, rows in (
        (tables.ADMINISTRATIONS, found.administrations),
        (tables.LABS, found.labs),
        (tables.CONDITIONS, found.conditions),
        (tables.PROCEDURES, found.procedures),
        (tables.PATIENTS, found.patients),
        (tables.REJECTS, found.rejects),
        (tables.DATA_QUALITY, found.quality),
    ):
        pq.write_table(rows, folder / f"{table.name}.parquet")
    facts = {
        "last_date": int(found.facts.last_date.astype("datetime64[D]").astype(np.int64)),
        "lab_records": sorted(found.facts.lab_records),
        "dental_records": found.facts.dental_records,
        "per_file": found.per_file.tolist(),
    }
    _write_json(folder / "facts.json", facts)


def _normalised(run: Run, table: tables.Table) -> pa.Table:
    return pq.read_table(run.work / "normalised" / f"{table.name}.parquet", schema=table.schema)


def _facts(run: Run) -> dict[str, Any]:
    facts: dict[str, Any] = json.loads((run.work / "normalised" / "facts.json").read_text(encoding="utf-8"))
    return facts


# ----------------------------------------------------------------------------------------------------------------- audit


def audit_bucket(run: Run, bucket: int) -> None:
    """Derives the doses of one bucket of patients with their evidence, and judges them."""
    with _timed(run, "audit", bucket):
        facts = _facts(run)
        about_input = InputFacts(facts["last_date"], frozenset(facts["lab_records"]), facts["dental_records"])
        patients = bucket_of(*(_normalised(run, table) for table in NORMALISED))
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
            evidence=evidence_of(derived),
        )
        verdicts, counts = judge(doses, run.knowledge.rules, run.settings.profile)
        folder = run.work / "audit" / f"{bucket:06d}"
        folder.mkdir(exist_ok=True)
        parts = (verdicts, doses_table(derived), quality_table(derived))
        for table, rows in zip(RESULTS, parts, strict=True):
            pq.write_table(rows, folder / f"{table.name}.parquet")
        _write_json(folder / "counts.json", {"rules": counts.to_dict("records"), "superseded": derived.superseded.tolist()})


# ---------------------------------------------------------------------------------------------------------------- suites


def check_suites(run: Run) -> None:
    """Concatenates the buckets into the tables of phi/, and runs the Great Expectations suites over them."""
    with _timed(run, "suites"):
        _write_tables(run)
        phi = run.folder / "phi"
        names = ("doses", "labs", "patients", "verdicts")
        frames = {name: pq.read_table(phi / f"{name}.parquet").to_pandas() for name in names}
        docs = run.folder / "share" / "data_docs" if run.settings.data_docs else None
        _write_json(run.work / "suites.json", run_suites(frames, run.knowledge, data_docs=docs))


def _write_tables(run: Run) -> None:
    phi = run.folder / "phi"
    for table in RESULTS:
        parts = [pq.read_table(f / f"{table.name}.parquet", schema=table.schema) for f in _buckets(run)]
        whole = pa.concat_tables([table.empty(), *parts]).unify_dictionaries()
        if table is tables.DATA_QUALITY:
            whole = pa.concat_tables([whole, _normalised(run, table), _file_quality(run)])
        pq.write_table(_sorted(whole, table), phi / f"{table.name}.parquet")
    for table in (tables.LABS, tables.CONDITIONS, tables.PROCEDURES, tables.PATIENTS):
        pq.write_table(_sorted(_normalised(run, table), table), phi / f"{table.name}.parquet")


_ORDER = {
    "verdicts": ("dose_id", "rule_id"),
    "doses": ("dose_id",),
    "data_quality": ("kind", "resource", "file", "line", "detail"),
    "labs": ("resource", "analyte"),
    "conditions": ("resource", "value_set"),
    "procedures": ("resource", "value_set"),
    "patients": ("patient_id",),
}
"""Order of the rows: by what they are, never by how they were read."""


def _sorted(rows: pa.Table, table: tables.Table) -> pa.Table:
    """Arrow sorts no dictionaries: the keys are decoded for it."""
    names = _ORDER[table.name]
    keys = pa.table({n: rows[n].cast(pa.string()) if table.schema.field(n).type == tables.SYMBOL else rows[n] for n in names})
    return rows.take(pc.sort_indices(keys, sort_keys=[(name, "ascending") for name in names]))


def _buckets(run: Run) -> list[Path]:
    return sorted((run.work / "audit").iterdir())


def _file_quality(run: Run) -> pa.Table:
    """Warnings about files, and needed resource types of which there is nothing."""
    rows = [
        (kind, run.files[number].name, line, detail)
        for number, counts in enumerate(_scan_counts(run))
        for kind, line, detail in counts["warnings"]
    ]
    text = pa.string()
    columns = {
        "kind": pa.array([kind for kind, _, _, _ in rows], text),
        "severity": pa.array(["warning"] * len(rows), text),
        "resource": pa.nulls(len(rows), text),
        "patient_id": pa.nulls(len(rows), text),
        "file": pa.array([file for _, file, _, _ in rows], text),
        "line": pa.array([line for _, _, line, _ in rows], pa.int64()),
        "detail": pa.array([detail for _, _, _, detail in rows], text),
    }
    return tables.build(tables.DATA_QUALITY, columns)


# ---------------------------------------------------------------------------------------------------------------- report


def report(run: Run) -> Summary:
    """Writes every file of the output folder that is no table."""
    started = time.perf_counter()
    ledger = _ledger(run)
    rejects = _rejects(run)
    if run.settings.strict and len(rejects):
        raise InputError(f"{len(rejects)} resources or files were rejected, and --strict allows none; run without it to see which")
    counts = _rule_counts(run)
    facts = Facts(
        settings=run.settings,
        knowledge=run.knowledge,
        files=ledger,
        unused=_unused(run),
        rejects=rejects,
        rule_counts=counts,
        suites=json.loads((run.work / "suites.json").read_text(encoding="utf-8")),
        seconds=_seconds(run) | {"report": round(time.perf_counter() - started, 3)},
        peak_memory_bytes=_peak_memory(),
        started=json.loads((run.work / "run.json").read_text(encoding="utf-8"))["started"],
    )
    try:
        write_all(run.folder, facts)
    except OSError as error:
        raise OutputError(f"{run.settings.out}: cannot be written: {error.strerror}") from None
    return _summary(run, facts)


def _ledger(run: Run) -> pa.Table:
    """FILES. Raises AccountingError unless every resource that was read ended in exactly one fate."""
    per_file = np.array(_facts(run)["per_file"], dtype=np.int64).reshape(len(run.files), len(FATES))
    used, superseded = FATES.index("used"), FATES.index("superseded")
    for folder in _buckets(run):
        for seq in json.loads((folder / "counts.json").read_text(encoding="utf-8"))["superseded"]:
            per_file[seq >> 40, used] -= 1
            per_file[seq >> 40, superseded] += 1
    scans = _scan_counts(run)
    early = _scanned(run, "rejects", tables.REJECTS.schema)["file"].to_numpy()
    per_file[:, FATES.index("rejected")] += np.bincount(early, minlength=len(run.files))[: len(run.files)]
    per_file[:, FATES.index("irrelevant")] += np.array([sum(counts["unused"].values()) for counts in scans], dtype=np.int64)
    read = np.array([counts["read"] for counts in scans], dtype=np.int64)
    wrong = np.flatnonzero(per_file.sum(axis=1) != read)
    if len(wrong):
        raise AccountingError(f"the ledger does not add up for file number {int(wrong[0])} of {len(run.files)}: a defect of bonefhir")
    columns: dict[str, object] = {"file": pa.array([f.name for f in run.files], pa.string()), "read": read}
    for name in ("format", "compression", "sha256"):
        columns[name] = pa.array([counts[name] for counts in scans], pa.string())
    for name in ("bytes", "empty_entries"):
        columns[name] = pa.array([counts[name] for counts in scans], pa.int64())
    return tables.build(tables.FILES, columns | {fate: per_file[:, number] for number, fate in enumerate(FATES)})


def _rejects(run: Run) -> pa.Table:
    parts = [_scanned(run, "rejects", tables.REJECTS.schema), _normalised(run, tables.REJECTS)]
    return pa.concat_tables(parts).sort_by([("file", "ascending"), ("line", "ascending"), ("entry", "ascending"), ("id", "ascending")])


def _unused(run: Run) -> dict[str, int]:
    total: dict[str, int] = {}
    for counts in _scan_counts(run):
        for name, number in counts["unused"].items():
            total[name] = total.get(name, 0) + number
    return dict(sorted(total.items()))


def _rule_counts(run: Run) -> pa.Table:
    names = ("pass", "fail", "indeterminate", "not_applicable")
    total = {rule.id: dict.fromkeys(names, 0) for rule in run.knowledge.rules if run.settings.profile in rule.profiles}
    for folder in _buckets(run):
        for row in json.loads((folder / "counts.json").read_text(encoding="utf-8"))["rules"]:
            for name in names:
                total[row["rule_id"]][name] += row[name]
    return pa.table({"rule_id": list(total), **{name: [counts[name] for counts in total.values()] for name in names}})


def _summary(run: Run, facts: Facts) -> Summary:
    phi = run.folder / "phi"
    verdicts = pq.read_table(phi / "verdicts.parquet", columns=["severity", "verdict"])
    grouped = verdicts.group_by(["severity", "verdict"]).aggregate([([], "count_all")]).to_pylist()
    by_severity: dict[str, dict[str, int]] = {}
    for row in grouped:
        by_severity.setdefault(row["severity"], {})[row["verdict"]] = row["count_all"]
    kinds = pc.value_counts(pq.read_table(phi / "data_quality.parquet", columns=["kind"])["kind"]).to_pylist()
    doses = pq.read_table(phi / "doses.parquet", columns=["patient_id"])
    return Summary(
        verdicts=by_severity,
        doses=len(doses),
        patients=len(pc.unique(doses["patient_id"])),
        rejected=len(facts.rejects),
        rules=facts.rule_counts.to_pylist(),
        data_quality={row["values"]: row["counts"] for row in kinds},
        out=run.settings.out,
    )


# --------------------------------------------------------------------------------------------------------------- publish


def publish(run: Run) -> None:
    """One rename. An earlier run is moved aside first and removed afterwards, so that there is always a whole one."""
    out, aside = run.settings.out, run.work / "replaced"
    try:
        if out.exists():
            os.replace(out, aside)
        os.replace(run.folder, out)
    except OSError as error:
        if aside.exists() and not out.exists():
            os.replace(aside, out)
        raise OutputError(f"{out}: the finished run cannot be moved there: {error.strerror}") from None
    discard(run)


def discard(run: Run) -> None:
    """Removes the work folder, whatever is in it."""
    shutil.rmtree(run.work, ignore_errors=True)


# ---------------------------------------------------------------------------------------------------------------- books


@contextmanager
def _timed(run: Run, stage: str, number: int = 0) -> Iterator[None]:
    started = time.perf_counter()
    yield
    folder = run.work / "seconds"
    folder.mkdir(exist_ok=True)
    (folder / f"{stage}.{number:06d}").write_text(f"{time.perf_counter() - started:.3f}", encoding="ascii")


def _seconds(run: Run) -> dict[str, float]:
    """Sum of each stage, in order."""
    total: dict[str, float] = {}
    for path in sorted((run.work / "seconds").iterdir()):
        stage = path.name.split(".")[0]
        total[stage] = total.get(stage, 0.0) + float(path.read_text(encoding="ascii"))
    return {stage: round(total[stage], 3) for stage in ("scan", "resolve", "audit", "suites") if stage in total}


def _peak_memory() -> int:
    """Of this process and its children, in bytes."""
    return 1024 * max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))


def _write_json(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
