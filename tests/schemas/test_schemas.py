"""schemas/ is what the code says, and what a run and the shipped rules are."""

import datetime as dt
import json
import tomllib
from dataclasses import fields
from pathlib import Path
from typing import Any

import jsonschema
import pyarrow.parquet as pq
import pytest
from openpyxl import load_workbook

from bonefhir.cli import main
from bonefhir.configuration import Validation
from bonefhir.contract.columns import spelled
from bonefhir.contract.files import contents, text
from bonefhir.contract.inputs import TYPES
from bonefhir.knowledge.fields import CHECKS
from bonefhir.knowledge.kinds import KINDS

ROOT = Path(__file__).parents[2]
SCHEMAS = ROOT / "schemas"
CHECKS_FOLDER = ROOT / "checks"
SAMPLE = ROOT / "sample_data" / "fhir"


def validator(name: str) -> jsonschema.Draft202012Validator:
    schema = json.loads((SCHEMAS / f"{name}.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker())


def as_json(value: Any) -> Any:
    """TOML as an editor hands it to a JSON Schema: dates are texts."""
    if isinstance(value, dict):
        return {key: as_json(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [as_json(inner) for inner in value]
    return value.isoformat() if isinstance(value, dt.date) else value


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("schemas") / "out"
    assert main(["audit", str(SAMPLE), "--out", str(out), "--quiet"]) == 0
    return out


def test_the_files_are_those_of_the_code() -> None:
    """If this fails: `python -m bonefhir.contract`."""
    stored = {path.name: path.read_text(encoding="utf-8") for path in SCHEMAS.iterdir()}
    assert stored == {name: text(content) for name, content in contents().items()}


def test_run_json_and_summary_json_are_as_promised(run: Path) -> None:
    validator("run").validate(json.loads((run / "run.json").read_text(encoding="utf-8")))
    validator("summary").validate(json.loads((run / "share" / "summary.json").read_text(encoding="utf-8")))


def test_rejects_are_as_promised(run: Path) -> None:
    lines = (run / "phi" / "rejects.ndjson").read_text(encoding="utf-8").splitlines()
    assert lines
    for line in lines:
        validator("reject").validate(json.loads(line))


def test_findings_are_as_promised(capsys: pytest.CaptureFixture[str]) -> None:
    main(["validate", str(SAMPLE / "harbor-road"), "--format", "json", "--quiet"])
    validator("findings").validate(json.loads(capsys.readouterr().out))


def test_decisions_are_as_promised(run: Path) -> None:
    workbook = load_workbook(run / "phi" / "findings.xlsx")
    heads = [cell.value for cell in workbook["error"][1]]
    for heading, value in {"Decision": "accepted", "Reason": "seen", "Who": "A"}.items():
        workbook["error"].cell(2, heads.index(heading) + 1).value = value
    workbook.save(run.parent / "filled.xlsx")
    assert main(["adjudicate", str(run), str(run.parent / "filled.xlsx")]) == 0
    stored = json.loads((run.parent / "bonefhir-decisions.json").read_text(encoding="utf-8"))
    validator("decisions").validate(stored)
    stored["decisions"][0]["decision"] = "perhaps"
    assert not validator("decisions").is_valid(stored)


def test_a_comparison_is_as_promised(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = run.parent / "eu"
    assert main(["audit", str(SAMPLE), "--out", str(other), "--quiet", "--no-html", "--profile", "eu"]) == 0
    capsys.readouterr()
    assert main(["compare", str(run), str(other), "--format", "json"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert content["counts"]["new"]
    validator("comparison").validate(content)


def test_a_history_is_as_promised(run: Path) -> None:
    assert main(["history", str(run.parent)]) == 0
    validator("history").validate(json.loads((run.parent / "bonefhir-history.json").read_text(encoding="utf-8")))


def test_the_columns_of_every_table_are_those_of_the_data_package(run: Path) -> None:
    package = json.loads((SCHEMAS / "datapackage.json").read_text(encoding="utf-8"))
    assert {resource["path"] for resource in package["resources"]} == {f"phi/{p.name}" for p in (run / "phi").glob("*.parquet")}
    for resource in package["resources"]:
        schema = pq.read_schema(run / resource["path"])
        assert {f["name"]: f["arrowType"] for f in resource["schema"]["fields"]} == {f.name: spelled(f.type) for f in schema}
        key = resource["schema"].get("primaryKey")
        rows = pq.read_table(run / resource["path"], columns=key)
        assert key is None or rows.num_rows == rows.group_by(key).aggregate([]).num_rows


@pytest.mark.parametrize("folder", ["labels", "guidelines", "measurements"])
def test_every_shipped_file_is_as_its_schema_says(folder: str) -> None:
    check = validator(folder.removesuffix("s"))
    files = sorted((CHECKS_FOLDER / folder).glob("*.toml"))
    assert files
    for path in files:
        check.validate(as_json(tomllib.loads(path.read_text(encoding="utf-8"))))


def rule(**changed: Any) -> dict[str, Any]:
    shipped = tomllib.loads((CHECKS_FOLDER / "labels" / "zoledronic_acid_4mg.toml").read_text(encoding="utf-8"))["rule"]
    one = next(rule for rule in shipped if rule["kind"] == "duration_min")
    return {key: value for key, value in {**one, "products": ["pamidronate"], **changed}.items() if value is not None}


@pytest.mark.parametrize(
    "changed",
    [{"severity": "fatal"}, {"min_minutes": "15"}, {"min_minutes": None}, {"max": 3}, {"kind": "no_such"}, {"id": "lower"}],
    ids=str,
)
def test_an_editor_is_told_of_a_wrong_rule(changed: dict[str, Any]) -> None:
    check = validator("guideline")
    check.validate({"rule": [rule()]})
    assert not check.is_valid({"rule": [rule(**changed)]})


def test_every_type_and_kind_has_its_schema() -> None:
    assert set(TYPES) == set(CHECKS)
    assert set(KINDS) == set(contents()["guideline.schema.json"]["properties"]["rule"]["items"]["properties"]["kind"]["enum"])


def test_settings_of_a_file_are_as_their_schema_says() -> None:
    check = validator("configuration")
    check.validate({"profile": "eu", "fail-on": "error", "rules": ["x"], "weight-window-days": 60, "unknown-albumin": [2.0, 5.0]})
    check.validate({"select": ["ZA4"], "ignore": [], "baseline": "b.toml", "format": "sarif", "report": ["junit=a.xml"]})
    for wrong in ({"colour": "red"}, {"profile": "uk"}, {"jobs": -1}, {"strict": "yes"}):
        assert not check.is_valid(wrong)
    known = contents()["configuration.schema.json"]["properties"]
    assert {field.name.replace("_", "-") for field in fields(Validation)} <= set(known)
