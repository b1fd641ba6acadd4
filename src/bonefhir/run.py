"""A run on its way: its work folder, what lies in it, and the one rename that publishes it.

The work folder lies beside the output folder and is hidden; `publish` in it becomes the output folder at the end.

    run.json, seconds/          settings, wall times
    scan/<file>/                read tables and counts of one file
    normalised/                 normalised tables, facts about the whole input
    audit/<bucket>/             verdicts, doses and data quality of one bucket of patients
    publish/                    what will be the output folder
"""

import json
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from bonefhir import tables
from bonefhir.errors import OutputError
from bonefhir.knowledge.load import load
from bonefhir.knowledge.model import Knowledge
from bonefhir.read import sources
from bonefhir.read.scan import Scan
from bonefhir.read.sources import SourceFile
from bonefhir.settings import Settings

STAGES = ("scan", "resolve", "audit", "suites")


@dataclass(frozen=True)
class Run:
    """A run on its way: what its settings say and where its files lie."""

    work: Path
    settings: Settings
    files: tuple[SourceFile, ...]

    @property
    def knowledge(self) -> Knowledge:
        return knowledge_of(self.settings.rules, self.settings.terminology)

    @property
    def folder(self) -> Path:
        """What will be published."""
        return self.work / "publish"

    @property
    def buckets(self) -> list[Path]:
        """Folders of the buckets that have been audited."""
        return sorted((self.work / "audit").iterdir())


@lru_cache(maxsize=4)
def knowledge_of(rules: tuple[Path, ...], terminology: tuple[Path, ...]) -> Knowledge:
    return load([*rules, *terminology])


def open_run(settings: Settings) -> Run:
    """Refuses what cannot work before any work is done: rules, sources, output."""
    knowledge_of(settings.rules, settings.terminology)
    files = tuple(sources.expand(settings.sources))
    _refuse_foreign(settings.out)
    try:
        settings.out.parent.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix=f".{settings.out.name}.", suffix=".work", dir=settings.out.parent))
    except OSError as error:
        raise OutputError(
            f"{settings.out}: cannot make a folder beside it: {error.strerror}; name a folder that can be written"
        ) from None
    run = Run(work, settings, files)
    for name in ("scan", "normalised", "audit", "publish/phi"):
        (work / name).mkdir(parents=True)
    write_json(work / "run.json", {"settings": settings.as_json(), "started": datetime.now(UTC).isoformat(timespec="seconds")})
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
    settings = Settings(**{name: _typed(name, value) for name, value in stored.items()})
    return Run(work, settings, tuple(sources.expand(settings.sources)))


def _typed(name: str, value: Any) -> Any:
    if name == "out":
        return Path(value)
    if name in ("rules", "terminology"):
        return tuple(Path(v) for v in value)
    return tuple(value) if isinstance(value, list) else value


def publish(run: Run) -> None:
    """One rename. An earlier run is moved aside first and removed afterwards, so that there is always a whole one."""
    out, aside = run.settings.out, run.work / "replaced"
    try:
        if out.exists():
            out.replace(aside)
        run.folder.replace(out)
    except OSError as error:
        if aside.exists() and not out.exists():
            aside.replace(out)
        raise OutputError(f"{out}: the finished run cannot be moved there: {error.strerror}") from None
    discard(run)


def discard(run: Run) -> None:
    """Removes the work folder, whatever is in it."""
    shutil.rmtree(run.work, ignore_errors=True)


# ------------------------------------------------------------------------------------------------ what lies in it


def write_scan(folder: Path, scanned: Scan) -> None:
    """Empty tables are not written: a folder of bundles has many small files."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    all_tables = {**scanned.tables, "rejects": scanned.rejects, "full_urls": scanned.full_urls}
    for name, table in all_tables.items():
        if len(table):
            pq.write_table(table, folder / f"{name}.parquet")
    counts = {
        name: getattr(scanned, name) for name in ("read", "unused", "empty_entries", "format", "compression", "bytes", "sha256")
    }
    write_json(folder / "counts.json", counts | {"warnings": scanned.warnings})


def scanned(run: Run, name: str, schema: pa.Schema) -> pa.Table:
    """One read table of all files, in reading order."""
    paths = [p for p in (run.work / "scan" / f"{n:06d}" / f"{name}.parquet" for n in range(len(run.files))) if p.exists()]
    parts = [pq.read_table(path, schema=schema, partitioning=None) for path in paths]
    return pa.concat_tables([schema.empty_table(), *parts]).unify_dictionaries()


def scan_counts(run: Run) -> list[dict[str, Any]]:
    return [
        json.loads((run.work / "scan" / f"{n:06d}" / "counts.json").read_text(encoding="utf-8")) for n in range(len(run.files))
    ]


def normalised(run: Run, table: tables.Table) -> pa.Table:
    return pq.read_table(run.work / "normalised" / f"{table.name}.parquet", schema=table.schema)


def facts(run: Run) -> dict[str, Any]:
    """What resolve() has found out about the whole input."""
    found: dict[str, Any] = json.loads((run.work / "normalised" / "facts.json").read_text(encoding="utf-8"))
    return found


@contextmanager
def timed(run: Run, stage: str, number: int = 0) -> Iterator[None]:
    started = time.perf_counter()
    yield
    folder = run.work / "seconds"
    folder.mkdir(exist_ok=True)
    (folder / f"{stage}.{number:06d}").write_text(f"{time.perf_counter() - started:.3f}", encoding="ascii")


def seconds(run: Run) -> dict[str, float]:
    """Sum of each stage, in order."""
    total: dict[str, float] = {}
    for path in sorted((run.work / "seconds").iterdir()):
        stage = path.name.split(".")[0]
        total[stage] = total.get(stage, 0.0) + float(path.read_text(encoding="ascii"))
    return {stage: round(total[stage], 3) for stage in STAGES if stage in total}


def write_json(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
