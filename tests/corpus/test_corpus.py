"""Every file of the corpus comes out as its line in manifest.csv says."""

import csv
from pathlib import Path

import pytest

from bonefhir.read.sources import expand
from tests.corpus import cases
from tests.corpus.make import CASES, write, write_all
from tests.corpus.outcome import outcome
from tests.read.fhir import balance, scan_file

with (Path(__file__).parent / "manifest.csv").open(encoding="utf-8", newline="") as opened:
    EXPECTED = {row["file"]: (row["expected"], row["reason"], int(row["good"])) for row in csv.DictReader(opened)}


def test_the_manifest_lists_the_corpus() -> None:
    assert cases.__doc__
    assert list(EXPECTED) == list(CASES)


@pytest.mark.parametrize("file", EXPECTED)
def test_outcome(tmp_path: Path, file: str) -> None:
    assert outcome(write(tmp_path, file)) == EXPECTED[file]


def test_as_a_folder_every_file_is_accounted_for(tmp_path: Path) -> None:
    """The bad ones do not disturb the good ones, and nothing is lost."""
    write_all(tmp_path)
    files = expand([str(tmp_path)])
    assert {file.name for file in files} == set(CASES)
    for file in files:
        scanned = scan_file(file)
        assert balance(scanned) == scanned.read
        assert scanned.counts.bytes == file.path.stat().st_size
        assert scanned.counts.sha256
