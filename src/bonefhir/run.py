"""A run on its way: its settings, its files, and what its stages leave for each other.

How its work folder is made, held, published and removed stands in work_folder.py. In it are

    publish/                    what will be the output folder
    lock, replaced/             held while the run lives; the earlier run while this one takes its place

and there too, or where the setting `parts` says, so that workers on other machines can reach it,

    run.json, seconds/          settings and files, wall times
    scan/<portion>/             read tables and counts of some files, or of a range of one
    normalised/                 what only the whole input can tell, and books of what belongs to nobody
    normalised/<bucket>/        normalised tables and books of one bucket of patients
    audit/<bucket>/             verdicts, doses and data quality of one bucket of patients
"""

import json
import os
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from os import cpu_count
from pathlib import Path
from typing import Any

import pyarrow as pa

from bonefhir import shards, tables, work_folder
from bonefhir.dealt import read_rows
from bonefhir.errors import InputError, OutputError
from bonefhir.knowledge.load import load
from bonefhir.knowledge.model import Knowledge
from bonefhir.read import sources
from bonefhir.read.portions import Portion, portions, unpacked
from bonefhir.read.sources import SourceFile
from bonefhir.report import decision_store
from bonefhir.settings import Settings

STAGES = ("scan", "resolve", "audit", "merge", "suites")

FACTS = "facts.json"
"""What resolving has found out about a bucket, and about the whole input."""


@dataclass(frozen=True)
class Run:
    """A run on its way: what its settings say and where its files lie.

    shards          into which patients are dealt while files are read
    bucket_size     resources, about, that are worked on together
    jobs            processes
    """

    work: Path
    settings: Settings
    files: tuple[SourceFile, ...]
    portions: tuple[Portion, ...]
    shards: int
    bucket_size: int
    jobs: int

    @property
    def knowledge(self) -> Knowledge:
        return knowledge_of(self.settings.rules, self.settings.terminology)

    @property
    def folder(self) -> Path:
        """What will be published."""
        return self.work / work_folder.FINISHED

    @property
    def parts(self) -> Path:
        """Where the stages leave tables for each other."""
        if not self.settings.parts:
            return self.work
        from bonefhir.read import remote

        return remote.folder(f"{self.settings.parts.rstrip('/')}/{self.work.name.lstrip('.')}")

    @property
    def out(self) -> Path:
        """Where it will be published."""
        return work_folder.absolute(self.settings.out)

    @property
    def file_names(self) -> pa.Array:
        """By number."""
        return pa.array([file.name for file in self.files], pa.string())

    @property
    def resolved(self) -> list[Path]:
        """Folders of the buckets that have been resolved."""
        return sorted(path for path in (self.parts / "normalised").iterdir() if path.is_dir())

    @property
    def buckets(self) -> list[Path]:
        """Folders of the buckets that have been audited."""
        return sorted((self.parts / "audit").iterdir())


@lru_cache(maxsize=4)
def knowledge_of(rules: tuple[Path, ...], terminology: tuple[Path, ...]) -> Knowledge:
    return load([*rules, *terminology])


def open_run(settings: Settings) -> Run:
    """Refuses what cannot work before any work is done: rules, sources, output, decisions."""
    knowledge_of(settings.rules, settings.terminology)
    files = _files(settings)
    out = work_folder.absolute(settings.out)
    work_folder.refuse_unusable(out)
    cut = tuple(portions(files))
    jobs = settings.jobs or shards.processes(settings.memory, cpu_count() or 1)
    size = shards.bucket_size(settings.memory, jobs)
    run = Run(work_folder.make_beside(out), settings, files, cut, shards.count(unpacked(files), size), size, jobs)
    work_folder.sweep(out)
    try:
        decision_store.load(decision_store.beside(out))
        with work_folder.written(out):
            (run.folder / "phi").mkdir(parents=True)
            _make_parts(run)
            started = datetime.now(UTC).isoformat(timespec="seconds")
            listed = [asdict(file) | {"path": str(file.path)} for file in files]
            content: dict[str, Any] = {"work": str(run.work), "settings": settings.as_json(), "started": started, "files": listed}
            content |= {"shards": run.shards, "bucket_size": size, "jobs": jobs}
            write_json(run.parts / "run.json", content | {"portions": [asdict(portion) for portion in run.portions]})
    except BaseException:
        discard(run)
        raise
    return run


def _make_parts(run: Run) -> None:
    if run.settings.parts:
        from bonefhir.read import remote

        remote.make(run.parts)
    for name in ("scan", "normalised", "audit", "seconds"):
        (run.parts / name).mkdir(exist_ok=True)


def _files(settings: Settings) -> tuple[SourceFile, ...]:
    """The files to read, but not those of the earlier run that this one replaces, if it lies in a folder that is read."""
    out = work_folder.absolute(settings.out)
    for source in settings.sources:
        if "://" not in source and Path(os.path.realpath(source)).is_relative_to(os.path.realpath(out)):
            raise OutputError(f"{settings.out}: holds the input {source} and would be replaced; name a folder outside of it")
    found = sources.expand(settings.sources)
    left = [file for file in found if file.url is not None or not work_folder.absolute(file.path).is_relative_to(out)]
    if not left:
        raise InputError(f"{settings.out}: holds all that there is to read; name another source, or another folder for the run")
    return tuple(replace(file, number=number) for number, file in enumerate(left))


def load_run(parts: Path | str) -> Run:
    """A run that open_run has made, in another process: with the files that it has found, whatever has come since.

    parts: its folder, or the URL of it
    """
    with _reached(str(parts)):
        stored = json.loads((_place(parts) / "run.json").read_text(encoding="utf-8"))
    settings = Settings.from_json(stored["settings"])
    files = tuple(SourceFile(**file | {"path": Path(file["path"])}) for file in stored["files"])
    cut = tuple(Portion(tuple(each.pop("files")), **each) for each in stored["portions"])
    return Run(Path(stored["work"]), settings, files, cut, stored["shards"], stored["bucket_size"], stored["jobs"])


def _place(parts: Path | str) -> Path:
    if "://" not in str(parts):
        return Path(parts)
    from bonefhir.read import remote

    return remote.folder(str(parts))


def publish(run: Run) -> None:
    """Renames, and nothing else: an output folder that exists is complete. Raises OutputError."""
    work_folder.put_into_place(run.work, run.out)
    discard(run)


def discard(run: Run) -> None:
    """Removes the work folder and the parts, whatever is in them."""
    work_folder.remove(run.work)
    if run.settings.parts:
        from bonefhir.read import remote

        remote.remove(run.parts)


# ------------------------------------------------------------------------------------------------ what lies in it


def normalised(run: Run, table: tables.Table, bucket: int) -> pa.Table:
    """What was resolved of a bucket of patients; of all but Patients, what concerns those with a dose."""
    return read_rows(normalised_folder(run, bucket), table)


def normalised_folder(run: Run, bucket: int) -> Path:
    return run.parts / "normalised" / f"{bucket:06d}"


def sorted_part(folder: Path, table: tables.Table) -> Path:
    """Of a bucket: its rows of a table of phi/, everybody's."""
    return folder / f"{table.name}.sorted"


def facts(run: Run) -> dict[str, Any]:
    """About the whole input."""
    found: dict[str, Any] = json.loads((run.parts / "normalised" / FACTS).read_text(encoding="utf-8"))
    return found


@contextmanager
def stage(run: Run, name: str, number: int = 0) -> Iterator[None]:
    """Keeps its wall time."""
    started = time.perf_counter()
    with places(run):
        yield
        _seconds(run, name, number).write_text(f"{time.perf_counter() - started:.3f}", encoding="ascii")


def is_done(run: Run, name: str, number: int) -> bool:
    """The stage was run for this portion or bucket. An orchestrator that loses a worker has it done again, and by then others may
    read what it has left.
    """
    path = _seconds(run, name, number)
    return path.is_file() and path.stat().st_size > 0  # empty: this was broken off, too


def _seconds(run: Run, name: str, number: int) -> Path:
    return run.parts / "seconds" / f"{name}.{number:06d}"


@contextmanager
def places(run: Run) -> Iterator[None]:
    """What is refused here by the operating system is a fault of the output, or of where the parts are. Raises OutputError."""
    with work_folder.written(run.out), _reached(run.settings.parts):
        yield


def _reached(parts: str) -> AbstractContextManager[None]:
    if "://" not in parts:
        return nullcontext()
    from bonefhir.read import remote

    return remote.parts(parts)


def seconds(run: Run) -> dict[str, float]:
    """Sum of each stage, in order."""
    total: dict[str, float] = {}
    for path in sorted((run.parts / "seconds").iterdir()):
        name = path.name.split(".")[0]
        total[name] = total.get(name, 0.0) + float(path.read_text(encoding="ascii"))
    return {name: round(total[name], 3) for name in STAGES if name in total}


def write_json(path: Path, content: Any) -> None:
    """ASCII, as paths may hold bytes that are no UTF-8."""
    path.write_text(json.dumps(content), encoding="ascii")
