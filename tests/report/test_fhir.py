"""What goes back into FHIR is valid R4 and counts what the report counts."""

import json
from datetime import date
from pathlib import Path

from fhir.resources.R4B.bundle import Bundle
from fhir.resources.R4B.detectedissue import DetectedIssue

from bonefhir.report.adjudication import Decisions
from bonefhir.report.detected_issues import write as write_issues
from bonefhir.report.findings import extracted
from bonefhir.report.write import write_all
from tests.report.fixtures import HOSTILE, evidence, make, outcomes, rule, verdict

A, W = rule("ZA4-A"), rule("ZA4-W", "warning")


def test_a_detected_issue_per_fail(tmp_path: Path) -> None:
    component = {**evidence("creatinine", A, 1), "resource": "Observation/panel#2"}
    rests_on = [evidence("amount", A, 1), component, {**component, "resource": None}]
    rows = [verdict(A, 1, "fail", evidence=rests_on), verdict(A, 90, "fail", evidence=[]), *outcomes(W, 1, 2, 3)]
    for n, text in enumerate(HOSTILE):
        rows.append(verdict(A, 50 + n, "fail", message=text, evidence=[{**component, "reported": text}]))
    make(tmp_path, [A, W], rows)
    with extracted(tmp_path / "phi" / "verdicts.parquet") as found:
        write_issues(tmp_path / "issues.ndjson", found, [A, W], Decisions((), date(2026, 1, 1)))
    lines = (tmp_path / "issues.ndjson").read_text("utf-8").splitlines()
    issues = [json.loads(line) for line in lines]
    for line in lines:
        DetectedIssue.model_validate_json(line)
    assert len(issues) == 1 + 2 + len(HOSTILE) + 1
    assert len({issue["id"] for issue in issues}) == len(issues)
    assert all(len(issue["id"]) <= 64 for issue in issues)
    first = issues[0]
    assert first["severity"] == "high"
    assert first["implicated"] == [{"reference": "MedicationAdministration/d000001"}]
    details = [item.get("detail") for item in first["evidence"]]
    assert details == [[{"reference": "MedicationAdministration/d000001"}], [{"reference": "Observation/panel"}], None]
    assert "evidence" not in next(issue for issue in issues if issue["implicated"][0]["reference"].endswith("d000090"))


def test_a_measure_report_per_rule(tmp_path: Path) -> None:
    write_all(tmp_path, make(tmp_path, [A, W], outcomes(A, 20, 5, 3)))
    text = (tmp_path / "phi" / "fhir" / "measure-reports.json").read_text()
    Bundle.model_validate_json(text)
    reports = {entry["resource"]["measure"]: entry["resource"] for entry in json.loads(text)["entry"]}
    group = reports["urn:bonefhir:rule:ZA4-A|1"]["group"][0]
    counts = {population["code"]["coding"][0]["code"]: population["count"] for population in group["population"]}
    assert counts == {"initial-population": 28, "denominator": 28, "denominator-exclusion": 3, "numerator": 5}
    assert group["measureScore"]["value"] == 0.2
    assert "measureScore" not in reports["urn:bonefhir:rule:ZA4-W|1"]["group"][0]


def test_without_doses_they_are_valid_too(tmp_path: Path) -> None:
    write_all(tmp_path, make(tmp_path, [A], []))
    Bundle.model_validate_json((tmp_path / "phi" / "fhir" / "measure-reports.json").read_text())
    assert (tmp_path / "phi" / "fhir" / "detected-issues.ndjson").read_text() == ""
