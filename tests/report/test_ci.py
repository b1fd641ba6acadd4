"""Findings in the forms of continuous integration."""

import json
import xml.etree.ElementTree as ET

import pytest

from bonefhir.report.ci import FORMATS, Finding

PLAIN = Finding("data/a.ndjson", 7, "error", "ZA4-DOSE-MAX", "4.5 mg given", "MedicationAdministration/1", "No more than 4 mg.")
HOSTILE = Finding(
    "a,b:%\n.ndjson", 1, "info", "X", "<b>&\"'\n::error::x\u202e\x1b[31m", "MedicationAdministration/<2>", "]]> is not the end."
)


def test_text_is_one_line_per_finding_and_hides_nothing() -> None:
    first, second = FORMATS["text"]([PLAIN, HOSTILE]).splitlines()
    assert first == "data/a.ndjson:7: error ZA4-DOSE-MAX 4.5 mg given [MedicationAdministration/1]"
    assert "\u202e" not in second
    assert "\x1b" not in second


def test_json_holds_every_field() -> None:
    found = json.loads(FORMATS["json"]([PLAIN]))
    assert found == [
        {
            "path": "data/a.ndjson",
            "line": 7,
            "severity": "error",
            "rule_id": "ZA4-DOSE-MAX",
            "message": "4.5 mg given",
            "dose_id": "MedicationAdministration/1",
            "statement": "No more than 4 mg.",
        }
    ]


def test_junit_is_xml_with_a_failure_per_finding() -> None:
    suite = ET.fromstring(FORMATS["junit"]([PLAIN, HOSTILE]))
    assert (suite.get("tests"), suite.get("failures")) == ("2", "2")
    assert [failure.get("type") for failure in suite.iter("failure")] == ["error", "info"]
    assert ET.fromstring(FORMATS["junit"]([])).get("failures") == "0"


def test_sarif_names_rules_levels_and_places() -> None:
    run = json.loads(FORMATS["sarif"]([PLAIN, HOSTILE]))["runs"][0]
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == ["X", "ZA4-DOSE-MAX"]
    assert [result["level"] for result in run["results"]] == ["error", "note"]
    place = run["results"][0]["locations"][0]["physicalLocation"]
    assert place == {"artifactLocation": {"uri": "data/a.ndjson"}, "region": {"startLine": 7}}


def test_github_annotations_cannot_be_broken_out_of() -> None:
    first, second = FORMATS["github"]([PLAIN, HOSTILE]).splitlines()
    assert first == "::error file=data/a.ndjson,line=7,title=ZA4-DOSE-MAX::4.5 mg given"
    assert second.startswith("::notice file=a%2Cb%3A%25%0A.ndjson,line=1,title=X::")
    assert second.count("\n") == 0


@pytest.mark.parametrize("name", FORMATS)
def test_no_finding_is_no_fault(name: str) -> None:
    assert isinstance(FORMATS[name]([]), str)
