"""Findings in the forms of continuous integration, each judged by a schema that is not ours."""

import json
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import jsonschema
import pytest
import xmlschema

from bonefhir.report.ci import FORMATS, GITHUB_MOST, Finding, Help
from bonefhir.report.sarif import fingerprint

VENDOR = Path(__file__).parents[1] / "schemas" / "vendor"
SARIF = jsonschema.Draft202012Validator(json.loads((VENDOR / "sarif-2.1.0.json").read_text(encoding="utf-8")))
JUNIT = xmlschema.XMLSchema(VENDOR / "junit-10.xsd")

DOSE = "MedicationAdministration/DOSE-4711"
PLAIN = Finding("data/a.ndjson", 7, 3, "error", "ZA4-DOSE-MAX", "4.5 mg given", DOSE, "No more than 4 mg.")
HOSTILE = Finding(
    "a,b:%\n.ndjson",
    1,
    1,
    "info",
    "X",
    "<b>&\"'\n::error::x\u202e\x1b[31m",
    "MedicationAdministration/<2>",
    "]]> is not\nthe end.",
)
ABSOLUTE = replace(PLAIN, path="/data/b c.json", severity="warning")
ABOUT_A_FILE = replace(PLAIN, path="baseline.toml", rule_id="BASELINE-EXPIRED", dose_id="", statement="It has ended.")
NOT_UTF8 = replace(PLAIN, path="data/f\udcff.json")
ALL = [PLAIN, HOSTILE, ABSOLUTE, ABOUT_A_FILE]
RULES = {"ZA4-DOSE-MAX": Help("No more than 4 mg.", "Zometa US PI 2.1", "Look at the strength.", "error")}


def written(form: str, findings: list[Finding]) -> str:
    return FORMATS[form](findings, RULES)


def test_text_is_one_line_per_finding_and_hides_nothing() -> None:
    first, second, _, about = written("text", ALL).splitlines()
    assert first == f"data/a.ndjson:7:3: error ZA4-DOSE-MAX 4.5 mg given [{DOSE}]"
    assert "\u202e" not in second
    assert "\x1b" not in second
    assert about == "baseline.toml:7:3: error BASELINE-EXPIRED 4.5 mg given"


@pytest.mark.parametrize("form", ["text", "junit", "github"])
def test_a_name_that_is_not_utf8_is_shown_escaped(form: str) -> None:
    assert r"data/f\xff.json" in written(form, [NOT_UTF8])


@pytest.mark.parametrize("form", list(FORMATS))
def test_every_form_can_be_written_whatever_a_file_is_called(form: str) -> None:
    assert written(form, [NOT_UTF8, HOSTILE]).encode("utf-8")


def test_json_holds_every_field() -> None:
    assert json.loads(written("json", [PLAIN])) == [
        {
            "path": "data/a.ndjson",
            "line": 7,
            "column": 3,
            "severity": "error",
            "rule_id": "ZA4-DOSE-MAX",
            "message": "4.5 mg given",
            "dose_id": DOSE,
            "statement": "No more than 4 mg.",
        }
    ]


@pytest.mark.parametrize("findings", [ALL, [PLAIN], []], ids=len)
def test_junit_is_what_the_schema_of_jenkins_allows(findings: list[Finding]) -> None:
    text = written("junit", findings)
    JUNIT.validate(text)
    suite = ET.fromstring(text)
    assert suite.get("failures") == str(len(findings))
    assert [failure.get("type") for failure in suite.iter("failure")] == [finding.severity for finding in findings]
    assert len(list(suite.iter("testcase"))) == int(suite.get("tests") or 0) >= 1


@pytest.mark.parametrize("findings", [ALL, [PLAIN], []], ids=len)
def test_sarif_is_what_its_schema_allows(findings: list[Finding]) -> None:
    SARIF.validate(json.loads(written("sarif", findings)))


def test_junit_tells_place_source_and_guidance_on_lines_of_their_own() -> None:
    (failure,) = ET.fromstring(written("junit", [PLAIN])).iter("failure")
    assert failure.text == "data/a.ndjson:7:3\nZometa US PI 2.1\nLook at the strength."


def test_sarif_names_the_bytes_of_a_file() -> None:
    (result,) = json.loads(written("sarif", [NOT_UTF8]))["runs"][0]["results"]
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "data/f%FF.json"


def test_sarif_names_rules_levels_and_places() -> None:
    run = json.loads(written("sarif", ALL))["runs"][0]
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == ["BASELINE-EXPIRED", "X", "ZA4-DOSE-MAX"]
    assert "Zometa US PI 2.1" in rules[2]["help"]["text"]
    assert "Look at the strength." in rules[2]["help"]["markdown"]
    assert [result["level"] for result in run["results"]] == ["error", "note", "warning", "error"]
    assert [rules[result["ruleIndex"]]["id"] for result in run["results"]] == [finding.rule_id for finding in ALL]
    place = run["results"][0]["locations"][0]["physicalLocation"]
    assert place["artifactLocation"] == {"uri": "data/a.ndjson", "uriBaseId": "SRCROOT"}
    assert place["region"] == {"startLine": 7, "startColumn": 3}
    assert run["results"][2]["locations"][0]["physicalLocation"]["artifactLocation"] == {"uri": "file:///data/b%20c.json"}


def test_a_fingerprint_outlives_a_move_and_tells_doses_and_rules_apart() -> None:
    assert fingerprint(PLAIN) == fingerprint(replace(PLAIN, line=99, column=1, path="moved.ndjson", message="other words"))
    assert len({fingerprint(f) for f in (PLAIN, replace(PLAIN, dose_id="x"), replace(PLAIN, rule_id="x"), ABOUT_A_FILE)}) == 4


@pytest.mark.parametrize("form", ["sarif", "junit", "github"])
def test_what_is_made_to_be_uploaded_holds_no_value_and_no_id(form: str) -> None:
    text = written(form, [PLAIN, ABSOLUTE])
    assert "No more than 4 mg." in text
    assert "4.5" not in text
    assert "4711" not in text


def test_github_annotations_cannot_be_broken_out_of() -> None:
    lines = written("github", [PLAIN, HOSTILE]).splitlines()
    assert lines[0] == "::error file=data/a.ndjson,line=7,col=3,title=ZA4-DOSE-MAX::No more than 4 mg."
    assert lines[1] == "::notice file=a%2Cb%3A%25%0A.ndjson,line=1,col=1,title=X::]]> is not%0Athe end."
    assert len(lines) == 2


def test_github_gets_as_many_annotations_as_it_shows() -> None:
    lines = written("github", [PLAIN] * 12 + [ABSOLUTE] * 3).splitlines()
    assert [sum(line.startswith(f"::{level}") for line in lines) for level in ("error", "warning")] == [GITHUB_MOST, 3]
    assert lines[-1].startswith("bonefhir: 2 further findings")


@pytest.mark.parametrize("name", FORMATS)
def test_no_finding_is_no_fault(name: str) -> None:
    assert isinstance(written(name, []), str)
