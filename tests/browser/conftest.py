"""A browser, started once, and the runs whose reports it opens, made once."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from bonefhir.pipeline import audit
from bonefhir.settings import Settings
from tests.benchmarks import inputs
from tests.browser.chromium import Browser, programs, started

SAMPLE = Path(__file__).parents[2] / "sample_data"
NEEDED = "BONEFHIR_BROWSER"
"""Set by CI where it installed a browser: then its absence is a fault, and not a reason to skip."""

PATIENTS = 620
"""Of a synthetic clinic; they give a little over 10,000 findings."""


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    found = programs()
    if found is None:
        why = "no Chromium with its driver on this machine (Debian: apt-get install chromium chromium-driver)"
        if os.environ.get(NEEDED):
            pytest.fail(why)
        pytest.skip(why)
    with started(*found) as browser:
        yield browser


@pytest.fixture(scope="session")
def sample_run(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Asks for the browser first: without one the run is not worth its time."""
    out = tmp_path_factory.mktemp("sample") / "out"
    audit(Settings(sources=(str(SAMPLE),), out=out))
    return out


@pytest.fixture(scope="session")
def german_run(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("german") / "out"
    audit(Settings(sources=(str(SAMPLE),), out=out, language="de"))
    return out


@pytest.fixture(scope="session")
def large_run(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("large")
    inputs.dense(folder / "in", PATIENTS)
    audit(Settings(sources=(str(folder / "in"),), out=folder / "out"))
    return folder / "out"
