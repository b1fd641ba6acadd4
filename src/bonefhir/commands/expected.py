"""Expected findings of a sample: `<name>.expected.toml` beside a file of FHIR says what it must yield, neither more nor less.

    [[finding]]
    rule = "ZA4-INF-MIN"
    dose = "MedicationAdministration/7"

`patient.json`, `patient.ndjson` and `patient.ndjson.gz` have `patient.expected.toml`; an empty one says: no finding at all.
"""

import re
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bonefhir.commands.entries import entries, text_faults
from bonefhir.errors import CommandLineError
from bonefhir.report.ci import Finding, Help

MISSING, OTHER = "EXPECTED-MISSING", "EXPECTED-OTHER"
HELP = {
    MISSING: Help("An expected finding was not found.", "", "The sample, the rule or the expectation has changed.", "error"),
    OTHER: Help("A finding is not among those expected of its file.", "", "State it among those expected, or mend it.", "error"),
}
_ENDINGS = re.compile(r"(\.(json|ndjson|jsonl))?(\.(gz|gzip|zst|zstd))?$", re.IGNORECASE)

Key = tuple[str, str]
"""rule, dose."""


@dataclass(frozen=True)
class Expectation:
    """What one file must yield. lines: where each stands."""

    path: Path
    lines: Mapping[Key, int]


def beside(path: Path) -> Path:
    return path.with_name(_ENDINGS.sub("", path.name, count=1) + ".expected.toml")


def read(paths: Sequence[str]) -> dict[str, Expectation]:
    """By the path of the file of FHIR, for those that have one. Raises CommandLineError with every fault."""
    found, faults = {}, []
    for path in paths:
        stated = beside(Path(path))
        if not stated.is_file():
            continue
        listed = entries(stated, "finding")
        told = [(number, fault) for number, e in enumerate(listed, start=1) for fault in text_faults(e.values, ("rule", "dose"))]
        wrong = [f"{stated}: finding {number}: {fault}" for number, fault in told]
        faults += wrong
        if not wrong:
            found[path] = Expectation(stated, {(e.values["rule"], e.values["dose"]): e.line for e in listed})
    if faults:
        raise CommandLineError("\n".join(faults))
    return found


def compared(findings: Sequence[Finding], expectations: Mapping[str, Expectation], rules: Container[str]) -> list[Finding]:
    """What is left to say: expected findings are silent, each other difference is one of severity `error`.

    rules: ids of those that ran; of others nothing can be missing.
    """
    left = []
    for finding in findings:
        expected = expectations.get(finding.path)
        if expected is None:
            left.append(finding)
        elif (finding.rule_id, finding.dose_id) not in expected.lines:
            said = f"not expected: {finding.severity} {finding.rule_id}: {finding.message}"
            words = f"{HELP[OTHER].statement[:-1]}: {finding.rule_id}."
            left.append(replace(finding, severity="error", rule_id=OTHER, message=said, statement=words))
    return left + [missing for path, expected in expectations.items() for missing in _missing(path, expected, findings, rules)]


def _missing(path: str, expected: Expectation, findings: Sequence[Finding], rules: Container[str]) -> list[Finding]:
    seen = {(finding.rule_id, finding.dose_id) for finding in findings if finding.path == path}
    about, words = str(expected.path), HELP[MISSING].statement
    return [
        Finding(about, line, 1, "error", MISSING, f"{path} does not yield {rule} for {dose}", "", words)
        for (rule, dose), line in expected.lines.items()
        if (rule, dose) not in seen and rule in rules
    ]
