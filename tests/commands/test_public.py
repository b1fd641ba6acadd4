"""The public names: which they are, what they take, and that importing bonefhir loads nothing for them."""

import inspect
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest

import bonefhir

SOURCE = Path(__file__).parents[2] / "src"


def test_the_names_are_these() -> None:
    """A change here is a change for others: CHANGELOG.md says so."""
    assert bonefhir.__all__ == ["BonefhirError", "Rule", "Settings", "Summary", "__version__", "audit", "load_rules"]
    assert [name for name in bonefhir.__all__ if getattr(bonefhir, name, None) is None] == []
    assert dir(bonefhir) == sorted(bonefhir.__all__)
    with pytest.raises(AttributeError, match="no attribute 'judge_all'"):
        bonefhir.judge_all  # noqa: B018


def test_they_take_and_give_what_is_promised() -> None:
    assert list(inspect.signature(bonefhir.audit).parameters) == ["settings", "progress"]
    assert list(inspect.signature(bonefhir.load_rules).parameters) == ["folders"]
    promised = {"verdicts", "doses", "patients", "rejected", "rules", "data_quality", "out"}
    assert promised <= {field.name for field in fields(bonefhir.Summary)}
    promised = {"id", "version", "severity", "kind", "parameters", "products", "statement", "source", "guidance", "examples"}
    assert promised <= {field.name for field in fields(bonefhir.Rule)}
    assert {"sources", "out", "profile", "rules", "terminology"} <= {field.name for field in fields(bonefhir.Settings)}


def test_importing_loads_nothing_but_itself() -> None:
    code = "import sys; before = set(sys.modules); import bonefhir; print(*(m for m in set(sys.modules) - before if '.' in m))"
    ran = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": str(SOURCE)}, capture_output=True, text=True, check=True
    )
    assert not [name for name in ran.stdout.split() if name.startswith("bonefhir.")]


def test_rules_are_those_of_the_catalogue_and_of_a_site(tmp_path: Path) -> None:
    rules = bonefhir.load_rules()
    assert all(isinstance(rule, bonefhir.Rule) for rule in rules)
    text = "[[override]]\nrule = 'ZA4-ROUTE'\noff = true\nreason = 'x'\nreview = 2099-01-01\n"
    (tmp_path / "overrides.toml").write_text(text)
    assert len(bonefhir.load_rules([tmp_path])) == len(rules) - 1
