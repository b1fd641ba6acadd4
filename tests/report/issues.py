"""DetectedIssues written the slow and obvious way: what report/detected_issues.py writes a column at a time."""

from collections.abc import Iterator
from typing import Any

from bonefhir.knowledge.model import Rule
from bonefhir.report.adjudication import Decision
from bonefhir.report.detected_issues import DECISIONS_SYSTEM, RULES, SEVERITY
from bonefhir.report.identity import resource_id
from bonefhir.report.visible import visible


def as_issue(finding: dict[str, Any], rule: Rule, decision: Decision | None) -> dict[str, Any]:
    """The obvious way, a finding at a time."""
    coding = {"system": RULES, "version": finding["rule_version"], "code": rule.id}
    issue: dict[str, Any] = {
        "resourceType": "DetectedIssue",
        "id": resource_id("issue", rule.id, finding["dose_id"]),
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
