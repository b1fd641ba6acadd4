"""phi/fhir/detected-issues.ndjson: a DetectedIssue of FHIR R4 per `fail`, for systems that take findings back.

`identified` is a period that begins on the day of the dose and has no end: the issue was found at some time from then on. When
a run found it stands in run.json; here it would make every run's output differ.
"""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from bonefhir.knowledge.model import Rule
from bonefhir.report.adjudication import Decision, Decisions
from bonefhir.report.findings import Findings
from bonefhir.report.identity import fingerprint, resource_id
from bonefhir.report.visible import visible
from bonefhir.vocabulary import FAIL, SEVERITIES

RULES = "urn:bonefhir:rule"
"""System of the rules' ids. A URN: nobody should try to fetch it."""

DECISIONS_SYSTEM = "urn:bonefhir:decision"

SEVERITY = {"error": "high", "warning": "moderate", "info": "low"}


def write(path: Path, findings: Findings, rules: Sequence[Rule], decisions: Decisions) -> None:
    by_id = {rule.id: rule for rule in rules}
    with path.open("w", encoding="utf-8", newline="\n") as file:
        for severity in reversed(SEVERITIES):
            for part in findings.of(FAIL, severity):
                for finding in part.to_pylist():
                    decision = decisions.held(fingerprint(finding)) if decisions.standing else None
                    file.write(json.dumps(as_issue(finding, by_id[finding["rule_id"]], decision)) + "\n")


def id_of(rule_id: str, dose_id: str) -> str:
    return resource_id("issue", rule_id, dose_id)


def as_issue(finding: dict[str, Any], rule: Rule, decision: Decision | None = None) -> dict[str, Any]:
    coding = {"system": RULES, "version": finding["rule_version"], "code": rule.id}
    issue: dict[str, Any] = {
        "resourceType": "DetectedIssue",
        "id": id_of(rule.id, finding["dose_id"]),
        "status": "final",
        "code": {"coding": [coding], "text": f"{rule.statement} ({rule.citation})"},
        "severity": SEVERITY[finding["severity"]],
        "patient": {"reference": visible(finding["patient_id"])},
        "identifiedPeriod": _identified(finding["dose_start"]),
        "implicated": [{"reference": visible(finding["dose_id"])}],
        "evidence": list(_evidence(finding["evidence"] or [])),
        "detail": visible(finding["message"]),
        "mitigation": [] if decision is None else [_mitigation(decision)],
    }
    # FHIR has no empty lists and objects.
    return {name: value for name, value in issue.items() if value not in ([], {})}


def _identified(dose_start: str | None) -> dict[str, str]:
    """From a day, month or year on; a time of day without an offset would be no date of FHIR."""
    return {"start": dose_start[:10]} if dose_start else {}


def _mitigation(decision: Decision) -> dict[str, Any]:
    """What people have made of the finding. FHIR wants a reference to the author, which may be a name and no more."""
    coding = {"system": DECISIONS_SYSTEM, "code": decision.decision}
    return {
        "action": {"coding": [coding], "text": f"{decision.decision}: {visible(decision.reason)}"},
        "date": decision.when,
        "author": {"display": visible(decision.who)},
    }


def _evidence(items: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for item in items:
        said = ": ".join(text for text in (item["role"], item["reported"]) if text)
        entry: dict[str, Any] = {"code": [{"text": visible(said)}]} if said else {}
        # A component has no address of its own: the Observation that holds it does.
        reference = (item["resource"] or "").partition("#")[0]
        if "/" in reference:
            entry["detail"] = [{"reference": visible(reference)}]
        if entry:
            yield entry
