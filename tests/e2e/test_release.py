"""What others run of us: the list of parts, the hook of pre-commit, the action of GitHub."""

import json
import os
import shlex
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest
import yaml
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

ROOT = Path(__file__).parents[2]
BUNDLE = "sample_data/fhir/st-aldhelm/90082000.json"
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT / "src")}


def loaded(name: str) -> Any:
    return yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))


@pytest.fixture
def bonefhir(tmp_path: Path) -> Path:
    """The command as an installed one, in the folder of an environment."""
    script = tmp_path / "bonefhir" / "bin" / "bonefhir"
    script.parent.mkdir(parents=True)
    script.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m bonefhir.cli "$@"\n')
    script.chmod(0o755)
    return script


def test_the_list_of_parts_is_valid_and_names_every_pinned_package(tmp_path: Path) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    arguments = makefile.split("cyclonedx-py ")[1].split("requirements.lock")[0].replace("\\\n", " ")
    out = tmp_path / "sbom.json"
    command = [
        sys.executable,
        "-m",
        "cyclonedx_py",
        *arguments.replace("build/sbom.cdx.json", str(out)).split(),
        "requirements.lock",
    ]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    text = out.read_text(encoding="utf-8")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the validator's own libraries
        assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    parts = json.loads(text)["components"]
    pinned = {line.split("==")[0] for line in (ROOT / "requirements.lock").read_text().splitlines() if "==" in line.split(" ")[0]}
    assert {part["name"].lower() for part in parts} == pinned
    assert all(reference["hashes"] for part in parts for reference in part["externalReferences"][:1])


def test_the_hook_of_pre_commit_checks_the_files_that_it_is_given(bonefhir: Path) -> None:
    hooks = {hook["id"]: hook for hook in loaded(".pre-commit-hooks.yaml")}
    _, *arguments = hooks["bonefhir"]["entry"].split()
    ran = subprocess.run([bonefhir, *arguments, BUNDLE], cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    assert ran.returncode == 1
    assert ran.stdout.startswith(f"{BUNDLE}:")
    _, *arguments = hooks["bonefhir-rules"]["entry"].split()
    ran = subprocess.run([bonefhir, *arguments], cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout.strip().endswith("no fault")) == (0, True)


def test_the_action_validates_and_says_how_it_ended(bonefhir: Path, tmp_path: Path) -> None:
    """Its own script, as a runner would call it."""
    step = next(step for step in loaded("action.yml")["runs"]["steps"] if step.get("id") == "validate")
    output, sarif = tmp_path / "output", tmp_path / "out.sarif"
    given = dict.fromkeys(step["env"], "") | {"SOURCES": f"{BUNDLE} sample_data/fhir/harbor-road", "SARIF": str(sarif)}
    place = {"RUNNER_TEMP": str(bonefhir.parents[2]), "GITHUB_OUTPUT": str(output)}
    ran = subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", step["run"]],
        cwd=ROOT,
        env={**ENVIRONMENT, **given, **place},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 1, ran.stderr
    assert output.read_text() == "exit-code=1\n"
    assert f"::error file={BUNDLE},line=" in ran.stdout
    assert json.loads(sarif.read_text())["version"] == "2.1.0"


def test_the_action_puts_no_input_into_the_text_of_a_script() -> None:
    action = loaded("action.yml")
    assert not [step for step in action["runs"]["steps"] if "${{" in step.get("run", "")]
    step = next(step for step in action["runs"]["steps"] if step.get("id") == "validate")
    used = {value.split("inputs.")[1].split()[0] for value in step["env"].values()}
    assert used == set(action["inputs"]) - {"python-version"}
