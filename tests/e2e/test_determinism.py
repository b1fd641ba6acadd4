"""The same input gives the same bytes; another order of the same input gives the same results."""

import gzip
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bonefhir import pipeline, tables
from bonefhir.sample.write import write
from bonefhir.settings import Settings
from tests.e2e.small import SUITES, files, no_suites

ROOT = Path(__file__).parents[2]
PLACES = ("source_file", "source_line", "file", "line")
"""Columns that say where something stood: what is moved stands elsewhere."""

File = tuple[str, list[str]]
"""Name, and lines of NDJSON; or the one text of a Bundle."""


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Without the dose that stands in two records alike: of those, semantics.md keeps the first one read."""
    folder = tmp_path_factory.mktemp("sample") / "in"
    write(folder, 24, 5)
    twice = [row.split(",")[3] for row in (folder / "scenarios.csv").read_text().splitlines() if row.startswith("dose-twice,")]
    for path in (folder / "fhir").rglob("*.*"):
        if lines := [line for line in lines_of(path) if not any(f'"id":"{i.split("/")[1]}"' in compact(line) for i in twice)]:
            store(path, lines)
    return folder / "fhir"


def compact(line: str) -> str:
    return line.replace('": ', '":')


def lines_of(path: Path) -> list[str]:
    if ".ndjson" not in path.name:
        return []
    content = path.read_bytes()
    return (gzip.decompress(content) if path.suffix == ".gz" else content).decode().splitlines()


def store(path: Path, lines: list[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    content = "".join(f"{line}\n" for line in lines).encode()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)


@pytest.fixture(scope="module")
def quick() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SUITES, no_suites)
        yield


@pytest.fixture(scope="module")
def first(sample: Path, quick: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run(sample, tmp_path_factory.mktemp("first") / "out")


def run(source: Path, out: Path, jobs: int = 1) -> Path:
    pipeline.audit(Settings((str(source),), out, jobs=jobs))
    return out


# --------------------------------------------------------------------------------------------------- the same input, in order


def test_two_processes_do_not_differ_from_one(sample: Path, first: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "WORTH_A_POOL", 0)
    assert files(run(sample, tmp_path / "out", jobs=2)) == files(first)


def test_hash_seed_zone_and_locale_change_nothing(sample: Path, first: Path, tmp_path: Path) -> None:
    code = f"import {SUITES.rpartition('.')[0]} as s; s.run_suites = lambda *_, **__: []; from bonefhir.cli import main; main()"
    environment = os.environ | {"PYTHONHASHSEED": "4711", "TZ": "Asia/Kolkata", "LC_ALL": "C", "PYTHONPATH": str(ROOT / "src")}
    command = [sys.executable, "-c", code, "audit", str(sample), "--out", str(tmp_path / "out"), "--jobs", "1", "--quiet"]
    subprocess.run(command, env=environment, check=True, capture_output=True)
    assert files(tmp_path / "out") == files(first)


# ----------------------------------------------------------------------------------------------------- in another order


def as_it_is(found: list[File], _: Random) -> list[File]:
    """Only compressed where it was plain, and plain where it was compressed."""
    return [(name.removesuffix(".gz") if name.endswith(".gz") else f"{name}.gz", lines) for name, lines in found]


def files_in_another_order(found: list[File], chance: Random) -> list[File]:
    numbers = chance.sample(range(len(found)), len(found))
    return [(f"{number:03d}/{Path(name).name}", lines) for number, (name, lines) in zip(numbers, found, strict=True)]


def lines_in_another_order(found: list[File], chance: Random) -> list[File]:
    return [(name, shuffled(lines, chance)) for name, lines in found]


def shuffled(lines: list[str], chance: Random) -> list[str]:
    if len(lines) > 1:
        return chance.sample(lines, len(lines))
    bundle: dict[str, Any] = json.loads(lines[0])
    chance.shuffle(bundle["entry"])
    return [json.dumps(bundle)]


def split(found: list[File], chance: Random) -> list[File]:
    parts = []
    for name, lines in found:
        numbers = range(min(len(lines), 7))
        parts += [(f"{chance.randrange(100):02d}-{number}-{Path(name).name}", lines[number::7]) for number in numbers]
    return parts


def joined(found: list[File], _: Random) -> list[File]:
    lines = [line for name, lines in found if ".ndjson" in name for line in lines]
    return [("all.ndjson", lines), *((name, lines) for name, lines in found if ".ndjson" not in name)]


def all_of_it(found: list[File], chance: Random) -> list[File]:
    return files_in_another_order(split(lines_in_another_order(joined(found, chance), chance), chance), chance)


@pytest.mark.parametrize("change", [as_it_is, files_in_another_order, lines_in_another_order, split, joined, all_of_it])
def test_the_order_of_reading_changes_no_result(
    change: Callable[[list[File], Random], list[File]], sample: Path, first: Path, tmp_path: Path
) -> None:
    found = [
        (path.relative_to(sample).as_posix(), lines_of(path) or [path.read_text()])
        for path in sorted(sample.rglob("*.*"))
        if path.is_file()
    ]
    for name, lines in change(found, Random(3)):
        store(tmp_path / "in" / name, lines)
    out = run(tmp_path / "in", tmp_path / "out")
    for name in ("phi/verdicts.parquet", "phi/findings.csv", "phi/fhir/detected-issues.ndjson", "phi/fhir/measure-reports.json"):
        assert (out / name).read_bytes() == (first / name).read_bytes(), name
    for table in (tables.DOSES, tables.LABS, tables.CONDITIONS, tables.PROCEDURES, tables.PATIENTS):
        assert columns(out, table) == columns(first, table), table.name
    assert sorted(findings(out)) == sorted(findings(first))
    assert sorted(rejects(out)) == sorted(rejects(first))
    assert summary(out) == summary(first)


def columns(out: Path, table: tables.Table) -> dict[str, bytes]:
    """Each column with its dictionary, as bytes."""
    found = pq.read_table(out / "phi" / f"{table.name}.parquet").combine_chunks()
    return {name: serialised(found.select([name])) for name in found.column_names if name not in PLACES}


def serialised(found: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, found.schema) as writer:
        writer.write_table(found)
    written: bytes = sink.getvalue().to_pybytes()
    return written


def findings(out: Path) -> list[str]:
    """Of data quality, but not those about a file."""
    found = pq.read_table(out / "phi" / "data_quality.parquet").drop_columns(["file", "line"]).to_pylist()
    return [json.dumps(row) for row in found if row["resource"] is not None]


def rejects(out: Path) -> list[str]:
    lines = [json.loads(line) for line in (out / "phi" / "rejects.ndjson").read_text().splitlines()]
    return [json.dumps({key: line[key] for key in ("resourceType", "id", "reason") if key in line}) for line in lines]


def summary(out: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((out / "share" / "summary.json").read_text())
    return {key: value for key, value in content.items() if key not in ("files", "data_quality")}
