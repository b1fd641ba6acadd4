"""What goes back into FHIR is valid R4 and counts what the report counts."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import fhirkit
import pytest
from fhir.resources.R4B.bundle import Bundle
from fhir.resources.R4B.detectedissue import DetectedIssue
from fhir.resources.R4B.provenance import Provenance
from hypothesis import given
from hypothesis import strategies as st

from bonefhir.report import provenance
from bonefhir.report.adjudication import Decision, Decisions
from bonefhir.report.detected_issues import as_issues, ids_of
from bonefhir.report.detected_issues import write as write_issues
from bonefhir.report.identity import fingerprint
from bonefhir.report.write import write_all
from bonefhir.tables import VERDICTS
from tests.report.fixtures import HOSTILE, evidence, make, outcomes, rule, table_of, verdict
from tests.report.issues import as_issue

A, W = rule("ZA4-A"), rule("ZA4-W", "warning")


def test_a_detected_issue_per_fail(tmp_path: Path) -> None:
    component = {**evidence("creatinine", A, 1), "resource": "Observation/panel#2"}
    rests_on = [evidence("amount", A, 1), component, {**component, "resource": None}]
    rows = [verdict(A, 1, "fail", evidence=rests_on), verdict(A, 90, "fail", evidence=[]), *outcomes(W, 1, 2, 3)]
    for n, text in enumerate(HOSTILE):
        rows.append(verdict(A, 50 + n, "fail", message=text, evidence=[{**component, "reported": text}]))
    found = make(tmp_path, [A, W], rows).findings
    write_issues(tmp_path / "issues.ndjson", found, [A, W], Decisions((), date(2026, 1, 1)))
    lines = (tmp_path / "issues.ndjson").read_text("utf-8").splitlines()
    issues = [json.loads(line) for line in lines]
    for line in lines:
        DetectedIssue.model_validate_json(line)
        assert fhirkit.validate(line) == []
    assert len(issues) == 1 + 2 + len(HOSTILE) + 1
    assert len({issue["id"] for issue in issues}) == len(issues)
    assert all(len(issue["id"]) <= 64 for issue in issues)
    first = issues[0]
    assert first["identifiedPeriod"] == {"start": rows[0]["dose_start"][:10]}
    assert first["severity"] == "high"
    assert first["implicated"] == [{"reference": "MedicationAdministration/d000001"}]
    details = [item.get("detail") for item in first["evidence"]]
    assert details == [[{"reference": "MedicationAdministration/d000001"}], [{"reference": "Observation/panel"}], None]
    assert "evidence" not in next(issue for issue in issues if issue["implicated"][0]["reference"].endswith("d000090"))


def test_a_measure_report_per_rule(tmp_path: Path) -> None:
    write_all(tmp_path, make(tmp_path, [A, W], outcomes(A, 20, 5, 3)))
    text = (tmp_path / "phi" / "fhir" / "measure-reports.json").read_text()
    Bundle.model_validate_json(text)
    assert fhirkit.validate(text) == []
    reports = {entry["resource"]["measure"]: entry["resource"] for entry in json.loads(text)["entry"]}
    group = reports["urn:bonefhir:rule:ZA4-A|1"]["group"][0]
    counts = {population["code"]["coding"][0]["code"]: population["count"] for population in group["population"]}
    assert counts == {"initial-population": 28, "denominator": 28, "denominator-exclusion": 3, "numerator": 5}
    assert group["measureScore"]["value"] == 0.2
    assert "measureScore" not in reports["urn:bonefhir:rule:ZA4-W|1"]["group"][0]


def populations(counted: dict[str, Any]) -> dict[str, int]:
    return {one["code"]["coding"][0]["code"]: one["count"] for one in counted["population"]}


def test_strata_add_up_to_their_group(tmp_path: Path) -> None:
    rows = [*outcomes(A, 20, 5, 3), *outcomes(W, 4, 2, 3)]
    for number, row in enumerate(rows):
        row["product"] = ("zoledronic_acid_4mg", "zoledronic_acid_5mg")[number % 2]
        row["date"] = (date(2024, 1, 31), date(2024, 2, 1), None)[number % 3]
    write_all(tmp_path, make(tmp_path, [A, W], rows))
    text = (tmp_path / "phi" / "fhir" / "measure-reports.json").read_text()
    Bundle.model_validate_json(text)
    assert fhirkit.validate(text) == []
    for entry in json.loads(text)["entry"]:
        [group] = entry["resource"]["group"]
        whole = populations(group)
        strata = {one["code"][0]["text"]: one["stratum"] for one in group["stratifier"]}
        assert list(strata) == ["product", "indication", "month"]
        for found in strata.values():
            assert {name: sum(populations(one)[name] for one in found) for name in whole} == whole
        assert {one["value"]["text"] for one in strata["month"]} == {"2024-01", "2024-02", "unknown"}
        for one in (one for found in strata.values() for one in found):
            judged = populations(one)["denominator"] - populations(one)["denominator-exclusion"]
            assert one.get("measureScore", {}).get("value") == (
                round(populations(one)["numerator"] / judged, 6) if judged else None
            )


def test_without_doses_they_are_valid_too(tmp_path: Path) -> None:
    write_all(tmp_path, make(tmp_path, [A], []))
    Bundle.model_validate_json((tmp_path / "phi" / "fhir" / "measure-reports.json").read_text())
    assert (tmp_path / "phi" / "fhir" / "detected-issues.ndjson").read_text() == ""


def lines(path: Path) -> list[str]:
    return path.read_text("utf-8").splitlines()


def test_provenance_names_what_was_made_from_what_and_by_which_rules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provenance, "TARGETS", 2)
    facts = make(tmp_path, [A, W], [*outcomes(A, 20, 5, 3), *outcomes(W, 4, 2, 3)])
    write_all(tmp_path, facts)
    fhir = tmp_path / "phi" / "fhir"
    made = [json.loads(line) for line in lines(fhir / "provenance.ndjson")]
    for line in lines(fhir / "provenance.ndjson"):
        Provenance.model_validate_json(line)
        assert fhirkit.validate(line) == []
    reports = json.loads((fhir / "measure-reports.json").read_text())["entry"]
    issues = [json.loads(line) for line in lines(fhir / "detected-issues.ndjson")]
    targets = [target["reference"] for resource in made for target in resource["target"]]
    assert sorted(targets[: len(reports)]) == sorted(f"MeasureReport/{entry['resource']['id']}" for entry in reports)
    assert targets[len(reports) :] == [f"DetectedIssue/{issue['id']}" for issue in issues]
    assert [len(resource["target"]) for resource in made] == [2, 2, 2, 2, 1]
    hashes = {row["file"]: row["sha256"] for row in facts.files.to_pylist()}
    named = {entity["what"]["display"]: entity["what"]["identifier"]["value"] for entity in made[0]["entity"]}
    assert named == hashes
    referred = [entity["what"]["reference"] for resource in made[1:] for entity in resource["entity"]]
    assert set(referred) == {f"Provenance/{made[0]['id']}"}
    assert all(resource["policy"] == [f"urn:bonefhir:rules:{facts.knowledge.digest}"] for resource in made)
    assert len({resource["id"] for resource in made}) == len(made)


def test_a_dose_dated_in_part_or_without_offset_gives_valid_issues(tmp_path: Path) -> None:
    starts = ["2024", "2024-03", "2024-03-07", "2024-03-07T10:00:00", "2024-03-07T10:00:00.5+01:00"]
    found = make(tmp_path, [A], [verdict(A, n, "fail", dose_start=start) for n, start in enumerate(starts)]).findings
    write_issues(tmp_path / "issues.ndjson", found, [A], Decisions((), date(2026, 1, 1)))
    for start, line in zip(starts, lines(tmp_path / "issues.ndjson"), strict=True):
        DetectedIssue.model_validate_json(line)
        assert fhirkit.validate(line) == []
        assert json.loads(line)["identifiedPeriod"] == {"start": start[:10]}


def test_all_that_the_sample_gives_is_valid_twice(sample_run: Path) -> None:
    fhir = sample_run / "phi" / "fhir"
    for name, kind in (("detected-issues.ndjson", DetectedIssue), ("provenance.ndjson", Provenance)):
        assert lines(fhir / name)
        for line in lines(fhir / name):
            kind.model_validate_json(line)
            assert fhirkit.validate(line) == []
    text = (fhir / "measure-reports.json").read_text()
    Bundle.model_validate_json(text)
    assert fhirkit.validate(text) == []


TEXTS = st.text(st.sampled_from('a/#"\\\n\t é\u202e\u200b\U0001f600=;'), max_size=6) | st.sampled_from(
    ["", "Observation/a#1", "creatinine"]
)
EVIDENCE = st.fixed_dictionaries({name: st.none() | TEXTS for name in ("role", "reported", "resource")})
FINDING = st.fixed_dictionaries(
    {
        **dict.fromkeys(("dose_id", "patient_id", "message"), TEXTS),
        "dose_start": st.sampled_from([None, "", "2024", "2024-03-07T10:00:00Z"]),
        "rule_id": st.sampled_from(["ZA4-A", "ZA4-W"]),
        "rule_version": st.sampled_from(["1", 'two\n"']),
        "evidence": st.none() | st.lists(EVIDENCE, max_size=3),
        "severity": st.sampled_from(["error", "warning"]),
        "verdict": st.just("fail"),
    }
)


@given(st.lists(FINDING, max_size=5), st.booleans())
def test_issues_are_those_that_are_written_one_at_a_time(rows: list[dict[str, Any]], decide: bool) -> None:
    findings = table_of(VERDICTS, rows)
    said = ("ZA4-A", "1", "fail", "accepted", 'a "reason"\u202e', "who\n", "2026-01-01", "", "2026-01-01T00:00:00Z")
    marks = [fingerprint(row) for row in findings.to_pylist()][::2] if decide else []
    decisions = Decisions([Decision(mark, *said) for mark in marks], date(2026, 1, 1))
    rules = {one.id: one for one in (A, W)}
    slow = [as_issue(row, rules[row["rule_id"]], decisions.held(fingerprint(row))) for row in findings.to_pylist()]
    assert as_issues(findings, ids_of(findings), rules, decisions).to_pylist() == [json.dumps(issue) + "\n" for issue in slow]
