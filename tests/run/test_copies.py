"""A packed file is unpacked once more at most, however many buckets of patients need something of it."""

import gzip
import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import fsspec
import pytest

from bonefhir import conform, copies, pipeline, shards
from bonefhir.read.portions import portions
from bonefhir.read.positions import read_back
from bonefhir.settings import Settings
from tests.e2e.small import SUITES, files, no_suites
from tests.spec.case import Resource, dose, lab, metastases, patient


def resources() -> list[Resource]:
    """Of 40 patients. Of each something goes past the gate: a time without seconds; of every fourth something invalid as well."""
    found: list[Resource] = []
    for number in range(40):
        about = {"subject": {"reference": f"Patient/p{number}"}}
        wrong: dict[str, Any] = {"surname": "?"} if number % 4 == 0 else {}
        found += [
            patient(id=f"p{number}"),
            metastases() | about | {"id": f"c{number}"},
            lab("creatinine", 1.1, "2024-02-29T08:00Z", id=f"o{number}", **about, **wrong),
            dose(4, "2024-03-01T10:00:00Z", id=f"d{number}", **about),
        ]
    return found


def test_a_packed_file_is_read_again_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SUITES, no_suites)
    (tmp_path / "plain").mkdir()
    (tmp_path / "packed").mkdir()
    content = "".join(f"{json.dumps(each)}\n" for each in resources()).encode()
    (tmp_path / "plain" / "a.ndjson").write_bytes(content)
    (tmp_path / "packed" / "a.ndjson").write_bytes(gzip.compress(content))  # of the same name, so that all the rest is the same
    pipeline.audit(Settings((str(tmp_path / "plain"),), tmp_path / "one"))
    monkeypatch.setattr(shards, "LEAST", 20)
    monkeypatch.setattr(shards, "MOST", 20)
    again: list[int] = []

    def counted(file: Any, positions: Sequence[Any]) -> Any:
        again.append(len(positions))
        return read_back(file, positions)

    monkeypatch.setattr(conform, "read_back", counted)
    monkeypatch.setattr(copies, "read_back", counted)
    pipeline.audit(Settings((str(tmp_path / "packed"),), tmp_path / "many"))
    assert again == [40]
    one, many = files(tmp_path / "one"), files(tmp_path / "many")
    assert {name for name in one if one[name] != many[name]} <= {"run.json", "phi/data_quality.parquet", *PAGES}
    assert one["phi/verdicts.parquet"] == many["phi/verdicts.parquet"]
    assert one["phi/rejects.ndjson"] == many["phi/rejects.ndjson"]
    assert len(one["phi/rejects.ndjson"].splitlines()) == 10


def test_of_a_file_elsewhere_each_range_has_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also of a Bundle on a line, of which more lies behind the cut than before it."""
    monkeypatch.setattr(SUITES, no_suites)
    monkeypatch.setattr(shards, "LEAST", 20)
    monkeypatch.setattr(shards, "MOST", 20)
    monkeypatch.setattr("bonefhir.run.portions", partial(portions, size=1500))
    every = resources()
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": each} for each in every[60:100]]}
    content = "".join(f"{json.dumps(each)}\n" for each in [*every[:60], bundle, *every[100:]]).encode()
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.ndjson").write_bytes(content)
    memory = fsspec.filesystem("memory")
    memory.pipe_file("/ranges/a.ndjson", content)
    pipeline.audit(Settings((str(tmp_path / "in"),), tmp_path / "here"))
    monkeypatch.setattr(conform, "read_back", refuse)
    pipeline.audit(Settings(("memory://ranges",), tmp_path / "there"))
    memory.rm("/ranges", recursive=True)
    here, there = files(tmp_path / "here"), files(tmp_path / "there")
    assert here == there
    assert len(here["phi/rejects.ndjson"].splitlines()) == 10


def refuse(*_: Any) -> None:
    raise AssertionError("read again, though there is a copy")


PAGES = ("phi/report.html", "share/report.html", "share/summary.json", "phi/fhir/provenance.ndjson")
"""They tell the hash of the file, and that its name does not say that it is packed."""
