"""Findings as tools of continuous integration want them: text like a linter's, JSON, JUnit, SARIF, GitHub annotations.

Messages hold numbers of patients: these outputs belong where the data belongs.
"""

import json
import xml.etree.ElementTree as ET
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from types import MappingProxyType
from urllib.parse import quote

from bonefhir import __version__
from bonefhir.report.visible import visible

SARIF_LEVELS = {"error": "error", "warning": "warning", "info": "note"}
GITHUB_LEVELS = {"error": "error", "warning": "warning", "info": "notice"}
SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


@dataclass(frozen=True)
class Finding:
    """A verdict `fail`, at the place of its dose. path: as a person would open it from the working folder; line: from 1."""

    path: str
    line: int
    severity: str
    rule_id: str
    message: str
    dose_id: str
    statement: str


def text(findings: Sequence[Finding]) -> str:
    """`path:line: severity RULE-ID message`, one per line."""
    lines = [f"{f.path}:{f.line}: {f.severity} {f.rule_id} {f.message} [{f.dose_id}]" for f in findings]
    return "".join(f"{visible(line)}\n" for line in lines)


def as_json(findings: Sequence[Finding]) -> str:
    return json.dumps([asdict(finding) for finding in findings], indent=2) + "\n"


def junit(findings: Sequence[Finding]) -> str:
    """A failed test case per finding; a single one that passes if there is none, as some readers refuse an empty suite."""
    suite = ET.Element("testsuite", name="bonefhir", tests=str(max(1, len(findings))), failures=str(len(findings)))
    for finding in findings:
        case = ET.SubElement(suite, "testcase", classname=finding.rule_id, name=finding.dose_id, file=visible(finding.path))
        failure = ET.SubElement(case, "failure", type=finding.severity, message=visible(finding.message))
        failure.text = visible(f"{finding.path}:{finding.line}: {finding.statement}")
    if not findings:
        ET.SubElement(suite, "testcase", classname="bonefhir", name="no finding")
    ET.indent(suite)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(suite, encoding="unicode") + "\n"


def sarif(findings: Sequence[Finding]) -> str:
    statements = {finding.rule_id: finding.statement for finding in findings}
    driver = {
        "name": "bonefhir",
        "version": __version__,
        "rules": [{"id": rule, "shortDescription": {"text": statements[rule]}} for rule in sorted(statements)],
    }
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": [_sarif_result(f) for f in findings]}
    return json.dumps({"$schema": SARIF_SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2) + "\n"


def _sarif_result(finding: Finding) -> dict[str, object]:
    place = {"artifactLocation": {"uri": quote(finding.path)}, "region": {"startLine": finding.line}}
    return {
        "ruleId": finding.rule_id,
        "level": SARIF_LEVELS[finding.severity],
        "message": {"text": visible(finding.message)},
        "locations": [{"physicalLocation": place, "logicalLocations": [{"fullyQualifiedName": finding.dose_id}]}],
        "partialFingerprints": {"dose/v1": f"{finding.rule_id}/{finding.dose_id}"},
    }


def github(findings: Sequence[Finding]) -> str:
    """Workflow commands. Their characters of control are escaped, so that no text of the data becomes a command."""
    return "".join(
        f"::{GITHUB_LEVELS[f.severity]} file={_property(f.path)},line={f.line},title={_property(f.rule_id)}::{_data(f.message)}\n"
        for f in findings
    )


def _data(words: str) -> str:
    return visible(words.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A"))


def _property(words: str) -> str:
    return _data(words).replace(":", "%3A").replace(",", "%2C")


FORMATS: Mapping[str, Callable[[Sequence[Finding]], str]] = MappingProxyType(
    {"text": text, "json": as_json, "junit": junit, "sarif": sarif, "github": github}
)
