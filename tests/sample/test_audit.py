"""`bonefhir audit` of a sample finds exactly its answer key: no fault missed, none invented."""

import csv
import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from bonefhir.pipeline import audit
from bonefhir.sample import write
from bonefhir.settings import Settings

SAMPLE = Path(__file__).parents[2] / "sample_data"
Row = tuple[str, str, str, str, str]


def key(folder: Path) -> set[Row]:
    with (folder / "answer_key.csv").open(encoding="utf-8", newline="") as file:
        return {(row["kind"], row["id"], row["rule_id"], row["outcome"], row["reasons"]) for row in csv.DictReader(file)}


def found(folder: Path, out: Path) -> set[Row]:
    """What an audit reports, in the words of the key."""
    audit(Settings(sources=(str(folder),), out=out, jobs=1))
    return verdicts(out) | quality(out) | rejects(out)


def verdicts(out: Path) -> set[Row]:
    rows = pq.read_table(out / "phi/verdicts.parquet", columns=["dose_id", "rule_id", "verdict", "reasons"]).to_pylist()
    return {("verdict", r["dose_id"], r["rule_id"], r["verdict"], " ".join(r["reasons"])) for r in rows if r["verdict"] != "pass"}


def quality(out: Path) -> set[Row]:
    rows = pq.read_table(out / "phi/data_quality.parquet").to_pylist()
    return {("data-quality", row["resource"], row["kind"], row["severity"], "") for row in rows}


def rejects(out: Path) -> set[Row]:
    rows = [json.loads(line) for line in (out / "phi/rejects.ndjson").read_text(encoding="utf-8").splitlines()]
    return {("reject", place(row), row["reason"], "rejected", "") for row in rows}


def place(row: dict[str, str]) -> str:
    return f"{row['file']}#{row['entry']}" if "entry" in row else f"{row['file']}:{row.get('line')}"


def test_of_the_committed_sample(tmp_path: Path) -> None:
    assert found(SAMPLE, tmp_path / "out") == key(SAMPLE)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_of_new_samples(seed: int, tmp_path: Path) -> None:
    write(tmp_path / "sample", patients=150, seed=seed)
    assert found(tmp_path / "sample", tmp_path / "out") == key(tmp_path / "sample")
