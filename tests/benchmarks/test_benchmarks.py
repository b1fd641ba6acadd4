"""The benchmarks measure what they say: inputs that are valid FHIR, opponents that agree, numbers of the whole process tree."""

import json
import os
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from fhir.resources.R4B import get_fhir_model_class

from tests.benchmarks import inputs, plain_decode, plain_fhir, run
from tests.benchmarks.measure import measured

Write = Callable[[Path], int]
WRITERS: dict[str, Write] = {
    "sparse": lambda folder: inputs.sparse(folder, 9),
    "dense": lambda folder: inputs.dense(folder, 10),
    "bundles": lambda folder: inputs.bundles(folder, 3),
}


@pytest.mark.parametrize("case", WRITERS)
def test_inputs_are_the_same_each_time_and_of_the_number_that_they_say(case: str, tmp_path: Path) -> None:
    written = WRITERS[case](tmp_path / "a")
    WRITERS[case](tmp_path / "b")
    assert plain_decode.decode(tmp_path / "a") == written
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()


@pytest.mark.parametrize("style", ["compact", "sorted", "spaced", "pretty"])
def test_inputs_are_valid(style: str, tmp_path: Path) -> None:
    seen: Counter[str] = Counter()
    if style == "pretty":
        inputs.bundles(tmp_path, 1, style)
        lines = [json.dumps(e["resource"]) for p in tmp_path.iterdir() for e in json.loads(p.read_bytes())["entry"]]
    else:
        inputs.sparse(tmp_path, 1, style)
        lines = [line for p in tmp_path.iterdir() for line in p.read_text(encoding="utf-8").splitlines()]
    for line in lines:
        name = json.loads(line)["resourceType"]
        seen[name] += 1
        if seen[name] < 25:
            get_fhir_model_class(name).model_validate_json(line)
    assert len(seen) == (5 if style == "pretty" else 8)


def test_packed_inputs_hold_the_same_lines(tmp_path: Path) -> None:
    written = inputs.dense(tmp_path, 2, packed=True)
    assert plain_decode.read(tmp_path) == written


def test_an_observation_has_the_size_of_a_real_one(tmp_path: Path) -> None:
    inputs.sparse(tmp_path, 1)
    sizes = [len(line) for line in (tmp_path / "Observation.0000.ndjson").read_bytes().splitlines()]
    assert 1000 < sum(sizes) / len(sizes) < 1500


@pytest.mark.parametrize("case", ["sparse", "dense"])
def test_both_plain_ways_find_the_same(case: str, tmp_path: Path) -> None:
    pytest.importorskip("duckdb", reason="see requirements.txt of the benchmarks")
    from tests.benchmarks import plain_duckdb

    WRITERS[case](tmp_path / "in")
    plain_fhir.run(tmp_path / "in", tmp_path / "a.csv")
    plain_duckdb.run(tmp_path / "in", tmp_path / "b.csv")
    found = (tmp_path / "a.csv").read_text(encoding="utf-8").splitlines()
    assert found == (tmp_path / "b.csv").read_text(encoding="utf-8").splitlines()
    assert len(found) > 5


def test_the_plain_way_reads_bundles(tmp_path: Path) -> None:
    written = inputs.bundles(tmp_path / "in", 2)
    assert plain_fhir.run(tmp_path / "in", tmp_path / "a.csv") == written
    assert "no-calcium" not in (tmp_path / "a.csv").read_text(encoding="utf-8")


def test_children_are_measured_too() -> None:
    child = "x = bytearray(200_000_000); import time; sum(range(10_000_000)); time.sleep(0.3)"
    found = measured([sys.executable, "-c", f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"])
    assert found.peak > 200_000_000
    assert found.cpu > 0.05
    assert found.wall > 0.3


def test_a_failed_command_is_no_result() -> None:
    with pytest.raises(RuntimeError, match="exit code 3"):
        measured([sys.executable, "-c", "raise SystemExit(3)"])


@pytest.mark.deep
def test_a_whole_run(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    root = Path(__file__).parents[2]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(map(str, (root / "src", root, *sys.path))))
    run.main(["--scale", "small", "--out", str(tmp_path)])
    results = json.loads((tmp_path / "results.json").read_text(encoding="utf-8"))["results"]
    assert {r["case"] for r in results} == set(run.CASES)
    assert all(r["median"]["cpu"] > 0 for r in results)
    assert capsys.readouterr().out.strip() == (tmp_path / "results.md").read_text(encoding="utf-8").strip()
