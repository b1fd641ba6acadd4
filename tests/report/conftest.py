"""A run over the sample, made once."""

from pathlib import Path

import pytest

from bonefhir.pipeline import audit
from bonefhir.settings import Settings

SAMPLE = Path(__file__).parents[2] / "sample_data"


@pytest.fixture(scope="session")
def sample_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("sample") / "out"
    audit(Settings(sources=(str(SAMPLE),), out=out))
    return out
