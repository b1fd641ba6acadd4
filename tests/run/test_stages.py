"""The stages of a run by themselves: what each leaves for the others."""

from pathlib import Path
from typing import Any

import pytest

from bonefhir import pipeline
from bonefhir.errors import AccountingError
from bonefhir.settings import Settings
from tests.e2e.small import SUITES, no_suites, people


def test_a_suite_without_a_result_is_a_defect_of_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And not one suite less in run.json."""

    def all_but_labs(*given: Any, **options: Any) -> list[dict[str, Any]]:
        return [each for each in no_suites(*given, **options) if each["suite"] != "labs"]

    monkeypatch.setattr(SUITES, all_but_labs)
    with pytest.raises(AccountingError, match="suite labs"):
        pipeline.audit(Settings((str(people(tmp_path / "in", 1)),), tmp_path / "out"))
    assert [path.name for path in tmp_path.iterdir()] == ["in"]
