"""The engine against the reference: on generated patients, every dose and rule, product, indication, verdict and reasons.

Differences that are known and listed in README.md ("Where the two may differ") are left out by what they are, not by patient.
"""

from pathlib import Path

import pytest

from tests.generate.folders import write_bundles, write_ndjson
from tests.generate.patients import documents
from tests.reference.compare import compare, known, summary


@pytest.mark.parametrize(("profile", "form", "seed"), [("us", "ndjson", 1), ("eu", "bundles", 2)])
def test_generated_patients(profile: str, form: str, seed: int, tmp_path: Path) -> None:
    _check(seed, 300, profile, form, tmp_path)


@pytest.mark.deep
@pytest.mark.parametrize("form", ["ndjson", "by-type", "bundles"])
@pytest.mark.parametrize("profile", ["us", "eu"])
@pytest.mark.parametrize("seed", range(100, 104))
def test_many_generated_patients(profile: str, form: str, seed: int, tmp_path: Path) -> None:
    _check(seed, 400, profile, form, tmp_path)


def _check(seed: int, number: int, profile: str, form: str, folder: Path) -> None:
    some = documents(seed, number)
    if form == "bundles":
        write_bundles(some, folder)
    else:
        write_ndjson(some, folder, by_type=form == "by-type")
    differences = [one for one in compare(folder, profile) if not known(one)]
    assert not differences, summary(differences)
