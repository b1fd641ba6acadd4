"""The engine against the reference: on generated patients, every dose and rule, product, indication, verdict and reasons.

Differences that are known and listed in README.md ("Where the two may differ") are left out by what they are, not by patient.
"""

from pathlib import Path

import pytest

from tests.generate.folders import write_bundles, write_ndjson
from tests.generate.patients import documents
from tests.reference.compare import compare, known, summary
from tests.reference.evidence import Policy

POLICIES = (
    Policy(),
    Policy(weight="ideal"),
    Policy("adjusted", 30, 60, 2, (2.5, 4.5), 8.8, 1.15),
)


@pytest.mark.parametrize(
    ("profile", "form", "seed", "policy"), [("us", "ndjson", 1, POLICIES[0]), ("eu", "bundles", 2, POLICIES[2])]
)
def test_generated_patients(profile: str, form: str, seed: int, policy: Policy, tmp_path: Path) -> None:
    _check(seed, 300, profile, form, policy, tmp_path)


@pytest.mark.deep
@pytest.mark.parametrize("form", ["ndjson", "by-type", "bundles"])
@pytest.mark.parametrize("profile", ["us", "eu"])
@pytest.mark.parametrize("seed", range(100, 113))
def test_many_generated_patients(profile: str, form: str, seed: int, tmp_path: Path) -> None:
    """5,200 patients, in both profiles and three forms."""
    _check(seed, 400, profile, form, POLICIES[seed % 3], tmp_path)


def _check(seed: int, number: int, profile: str, form: str, policy: Policy, folder: Path) -> None:
    some = documents(seed, number)
    if form == "bundles":
        write_bundles(some, folder)
    else:
        write_ndjson(some, folder, by_type=form == "by-type")
    differences = [one for one in compare(folder, profile, policy) if not known(one)]
    assert not differences, summary(differences)
