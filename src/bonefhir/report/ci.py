"""Findings as tools of continuous integration want them: text like a compiler's, JSON, JUnit, SARIF, GitHub annotations.

Text and JSON hold numbers and ids of patients: they belong where the data belongs. The other three are made to be uploaded and
kept by other programs, so they say which rule, where in which file, and no value and no id of a patient or a dose.
"""

import json
import xml.etree.ElementTree as ET
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from types import MappingProxyType

from bonefhir.report.visible import visible
from bonefhir.vocabulary import SEVERITIES

GITHUB_LEVELS = {"error": "error", "warning": "warning", "info": "notice"}
GITHUB_MOST = 10
"""Annotations of each level that GitHub shows of one step; it drops what follows without a word."""


@dataclass(frozen=True)
class Finding:
    """A verdict `fail`, at the place of its dose, or what is wrong with a file of accepted or expected findings.

    path            as a person would open it from the working folder
    line, column    where the dose begins, from 1; column in characters
    dose_id         '' where it is about a file
    statement       what the rule asks for: no value of a patient
    """

    path: str
    line: int
    column: int
    severity: str
    rule_id: str
    message: str
    dose_id: str
    statement: str

    @property
    def place(self) -> str:
        return f"{self.path}:{self.line}:{self.column}"


@dataclass(frozen=True)
class Help:
    """What a reader who does not know the rule is told of it."""

    statement: str
    source: str
    guidance: str
    severity: str


Format = Callable[[Sequence[Finding], Mapping[str, Help]], str]


def text(findings: Sequence[Finding], _: Mapping[str, Help]) -> str:
    """`path:line:column: severity RULE-ID message [dose]`, one per line."""
    lines = [f"{f.place}: {f.severity} {f.rule_id} {f.message}{f' [{f.dose_id}]' if f.dose_id else ''}" for f in findings]
    return "".join(f"{visible(line)}\n" for line in lines)


def as_json(findings: Sequence[Finding], _: Mapping[str, Help]) -> str:
    return json.dumps([asdict(finding) for finding in findings], indent=2) + "\n"


def junit(findings: Sequence[Finding], rules: Mapping[str, Help]) -> str:
    """A failed test case per finding; a single one that passes if there is none, as some readers refuse an empty suite.

    Attributes and elements are those of Jenkins' junit-10.xsd.
    """
    counts = {"tests": str(max(1, len(findings))), "failures": str(len(findings)), "errors": "0", "skipped": "0"}
    suite = ET.Element("testsuite", {"name": "bonefhir", **counts})
    for finding in findings:
        case = ET.SubElement(suite, "testcase", classname=f"bonefhir.{finding.rule_id}", name=visible(finding.place))
        failure = ET.SubElement(case, "failure", type=finding.severity, message=visible(finding.statement))
        known = rules.get(finding.rule_id)
        failure.text = "\n".join(map(visible, (finding.place, *((known.source, known.guidance) if known else ()))))
    if not findings:
        ET.SubElement(suite, "testcase", classname="bonefhir", name="no finding")
    ET.indent(suite)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(suite, encoding="unicode") + "\n"


def github(findings: Sequence[Finding], _: Mapping[str, Help]) -> str:
    """Workflow commands, gravest first, as many as GitHub shows, and a plain line that says how many there are more.

    Their characters of control are escaped, so that no text of the data becomes a command.
    """
    lines, left = [], 0
    for severity in reversed(SEVERITIES):
        of_this = [finding for finding in findings if finding.severity == severity]
        lines += [_annotation(finding) for finding in of_this[:GITHUB_MOST]]
        left += len(of_this[GITHUB_MOST:])
    if left:
        lines.append(f"bonefhir: {left} further findings; GitHub shows {GITHUB_MOST} annotations of each level")
    return "".join(f"{line}\n" for line in lines)


def _annotation(finding: Finding) -> str:
    place = f"file={_property(finding.path)},line={finding.line},col={finding.column},title={_property(finding.rule_id)}"
    return f"::{GITHUB_LEVELS[finding.severity]} {place}::{_data(finding.statement)}"


def _data(words: str) -> str:
    return visible(words.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A"))


def _property(words: str) -> str:
    return _data(words).replace(":", "%3A").replace(",", "%2C")


def sarif(findings: Sequence[Finding], rules: Mapping[str, Help]) -> str:
    from bonefhir.report.sarif import log

    return json.dumps(log(findings, rules), indent=2) + "\n"


FORMATS: Mapping[str, Format] = MappingProxyType(
    {"text": text, "json": as_json, "junit": junit, "sarif": sarif, "github": github}
)
