"""The same input gives the same bytes; another order of the same input, or other files around it, gives the same results.

Of two sources: a sample of the four hospitals, and generated patients, where everything that may be odd is. With `make test-deep`
also many of those, in files that are read in parts.
"""

import gzip
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bonefhir import pipeline, shards, tables, workers
from bonefhir.read.portions import SIZE, portions
from bonefhir.sample.write import write
from bonefhir.settings import Settings
from tests.e2e.small import SUITES, files, no_suites
from tests.generate.folders import write_ndjson
from tests.generate.patients import documents

ROOT = Path(__file__).parents[2]
PLACES = ("source_file", "source_line", "file", "line")
"""Columns that say where something stood: what is moved stands elsewhere."""

File = tuple[str, list[str]]
"""Name, and lines of NDJSON; or the one text of a Bundle."""


QUICK = ["sample", "generated"]
EVERY = [*QUICK, pytest.param("many", marks=pytest.mark.deep)]


@pytest.fixture(scope="module", params=EVERY)
def source(request: pytest.FixtureRequest, quick: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Without what semantics.md itself decides by reading order: see `in_any_order`."""
    folder = tmp_path_factory.mktemp(request.param) / "in"
    if request.param == "sample":
        write(folder, 24, 5)
        folder = folder / "fhir"
    else:
        write_ndjson(documents(8, {"generated": 40, "many": 600}[request.param]), folder, by_type=True)
    in_any_order(folder, tmp_path_factory.mktemp("before") / "out")
    return folder


def in_any_order(folder: Path, out: Path) -> None:
    """Takes out of two records of one dose the later one ("else the first in reading order"), and of two versions of a resource
    the earlier one ("then the later in reading order"), also where something else decides. Of three doubles the third may be one
    of the second only, so that it is done until nothing is left."""
    keep_last_versions(folder)
    while twice := doubles(folder, out):
        rewrite(folder, lambda name, twice=twice: name not in twice)  # type: ignore[misc]


def doubles(folder: Path, out: Path) -> set[str]:
    with pipeline.judged(Settings((str(folder),), out, jobs=1)) as judged:
        rows = pipeline.result(judged, tables.DATA_QUALITY).to_pylist()
    return {row["resource"] for row in rows if row["kind"] == "duplicate-dose"}


def keep_last_versions(folder: Path) -> None:
    counts: dict[str, int] = {}

    def count(name: str) -> bool:
        counts[name] = counts.get(name, 0) + 1
        return True

    def last(name: str) -> bool:
        counts[name] -= 1
        return counts[name] == 0 or name.endswith("/")

    rewrite(folder, count)
    rewrite(folder, last)


def rewrite(folder: Path, keep: Callable[[str], bool]) -> None:
    """Each file with only the resources to keep, asked for by type and id in the order of reading."""
    for name, lines in found_in(folder):
        kept = [one for line in lines if (one := pruned(json.loads(line), "", keep))]
        store(folder / name, [json.dumps(one) for one in kept])


def pruned(resource: dict[str, Any], full_url: str, keep: Callable[[str], bool]) -> dict[str, Any] | None:
    if resource["resourceType"] != "Bundle":
        identifier = resource.get("id") or full_url.removeprefix("urn:uuid:")
        return resource if keep(f"{resource['resourceType']}/{identifier}") else None
    entries = []
    for entry in resource["entry"]:
        kept = pruned(entry["resource"], entry.get("fullUrl", ""), keep) if "resource" in entry else None
        if kept or "resource" not in entry:
            entries.append({**entry, "resource": kept} if kept else entry)
    return {**resource, "entry": entries}


def found_in(folder: Path) -> list[File]:
    paths = [path for path in folder.rglob("*.*") if path.is_file()]
    names = sorted(path.relative_to(folder).as_posix() for path in paths)
    return [(name, lines_of(folder / name) or [(folder / name).read_text()]) for name in names]


def lines_of(path: Path) -> list[str]:
    if ".ndjson" not in path.name:
        return []
    content = path.read_bytes()
    return (gzip.decompress(content) if path.suffix == ".gz" else content).decode().splitlines()


def store(path: Path, lines: list[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    content = "".join(f"{line}\n" for line in lines).encode()
    path.write_bytes(PACKED.get(path.suffix, bytes)(content))


def zstd(content: bytes) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(content)
    return bytes(sink.getvalue().to_pybytes())


PACKED: dict[str, Callable[[bytes], bytes]] = {".gz": gzip.compress, ".zst": zstd}


@pytest.fixture(scope="module")
def quick() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SUITES, no_suites)
        yield


@pytest.fixture(scope="module")
def first(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run(source, tmp_path_factory.mktemp("first") / "out")


def run(source: Path | Iterable[Path], out: Path, jobs: int = 1) -> Path:
    sources = [source] if isinstance(source, Path) else source
    pipeline.audit(Settings(tuple(map(str, sources)), out, jobs=jobs))
    return out


# --------------------------------------------------------------------------------------------------- the same input, in order


@pytest.mark.parametrize(("size", "bucket"), [(SIZE, shards.LEAST), (10_000, 60)])
def test_two_processes_and_other_portions_and_buckets_do_not_differ(
    source: Path, first: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int, bucket: int
) -> None:
    monkeypatch.setattr(workers, "WORTH_A_POOL", 0)
    monkeypatch.setattr(shards, "LEAST", bucket)
    monkeypatch.setattr(shards, "MOST", bucket)
    monkeypatch.setattr("bonefhir.run.portions", partial(portions, size=size))
    assert files(run(source, tmp_path / "out", jobs=2)) == files(first)


def test_hash_seed_zone_and_locale_change_nothing(source: Path, first: Path, tmp_path: Path) -> None:
    code = "from tests.e2e import small; small.without_suites(); from bonefhir.cli import main; main()"
    path = os.pathsep.join((str(ROOT / "src"), str(ROOT)))
    environment = os.environ | {"PYTHONHASHSEED": "4711", "TZ": "Asia/Kolkata", "LC_ALL": "C", "PYTHONPATH": path}
    command = [sys.executable, "-c", code, "audit", str(source), "--out", str(tmp_path / "out"), "--jobs", "1", "--quiet"]
    subprocess.run(command, env=environment, check=True, capture_output=True)
    assert files(tmp_path / "out") == files(first)


# ----------------------------------------------------------------------------------------------------- in another order


def compressed(found: list[File], _: Random) -> list[File]:
    """What was plain, and plain what was compressed."""
    return [(name.removesuffix(".gz") if name.endswith(".gz") else f"{name}.gz", lines) for name, lines in found]


def compressed_by_zstd(found: list[File], _: Random) -> list[File]:
    return [(f"{name.removesuffix('.gz')}.zst", lines) for name, lines in found]


def files_in_another_order(found: list[File], chance: Random) -> list[File]:
    numbers = chance.sample(range(len(found)), len(found))
    return [(f"{number:03d}/{Path(name).name}", lines) for number, (name, lines) in zip(numbers, found, strict=True)]


def lines_in_another_order(found: list[File], chance: Random) -> list[File]:
    return [(name, shuffled(lines, chance)) for name, lines in found]


def shuffled(lines: list[str], chance: Random) -> list[str]:
    if len(lines) > 1:
        return chance.sample(lines, len(lines))
    one: dict[str, Any] = json.loads(lines[0])
    return [json.dumps(entries_in_another_order(one, chance))]


def entries_in_another_order(resource: dict[str, Any], chance: Random) -> dict[str, Any]:
    entries = resource.get("entry", [])
    inner = [{**e, "resource": entries_in_another_order(e["resource"], chance)} if "resource" in e else e for e in entries]
    return {**resource, "entry": chance.sample(inner, len(inner))} if entries else resource


def split(found: list[File], chance: Random) -> list[File]:
    parts = []
    for name, lines in found:
        numbers = range(min(len(lines), 7))
        parts += [(f"{chance.randrange(100):02d}-{number}-{Path(name).name}", lines[number::7]) for number in numbers]
    return parts


def joined(found: list[File], _: Random) -> list[File]:
    lines = [line for name, lines in found if ".ndjson" in name for line in lines]
    return [("all.ndjson", lines), *((name, lines) for name, lines in found if ".ndjson" not in name)]


def as_bundles(found: list[File], _: Random) -> list[File]:
    """The lines of a file as the entries of a Bundle, and that in another one."""
    packed = [(f"{name}.json", [bundle(map(json.loads, lines))]) if ".ndjson" in name else (name, lines) for name, lines in found]
    return [(name, [bundle([json.loads(line) for line in lines])] if name.endswith(".json") else lines) for name, lines in packed]


def bundle(resources: Iterable[dict[str, Any]]) -> str:
    return json.dumps({"resourceType": "Bundle", "type": "collection", "entry": [{"resource": one} for one in resources]})


def as_lines(found: list[File], _: Random) -> list[File]:
    """Every Bundle as a line among the lines."""
    lines = [line if ".ndjson" in name else json.dumps(json.loads(line)) for name, lines in found for line in lines]
    return [("all.ndjson", lines)]


def all_of_it(found: list[File], chance: Random) -> list[File]:
    return files_in_another_order(split(lines_in_another_order(joined(found, chance), chance), chance), chance)


CHANGES = (
    compressed, compressed_by_zstd, files_in_another_order, lines_in_another_order, split, joined, as_bundles, as_lines,
    all_of_it,
)  # fmt: skip


@pytest.mark.parametrize("change", CHANGES)
def test_the_order_of_reading_changes_no_result(
    change: Callable[[list[File], Random], list[File]], source: Path, first: Path, tmp_path: Path
) -> None:
    for name, lines in change(found_in(source), Random(3)):
        store(tmp_path / "in" / name, lines)
    assert_same_results(run(tmp_path / "in", tmp_path / "out"), first)


def test_the_order_of_sources_changes_no_result(source: Path, first: Path, tmp_path: Path) -> None:
    paths = [source / name for name, _ in found_in(source)]
    assert_same_results(run(reversed(paths), tmp_path / "out"), first)


def assert_same_results(out: Path, first: Path) -> None:
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
    return [json.dumps(row) for row in quality(out) if row["resource"] is not None]


def quality(out: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pq.read_table(out / "phi" / "data_quality.parquet").drop_columns(["file", "line"]).to_pylist()
    return rows


def rejects(out: Path) -> list[str]:
    lines = [json.loads(line) for line in (out / "phi" / "rejects.ndjson").read_text().splitlines()]
    return [json.dumps({key: line[key] for key in ("resourceType", "id", "reason") if key in line}) for line in lines]


def summary(out: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((out / "share" / "summary.json").read_text())
    return {key: value for key, value in content.items() if key not in ("files", "data_quality")}
