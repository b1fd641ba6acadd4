"""phi/fhir/measure-reports.json: a Bundle with one summary MeasureReport of FHIR R4 per rule.

Populations as clinical quality measures mean them: the denominator is every dose of which the rule speaks, the indeterminate
ones are the denominator exclusions, the numerator is the doses that fail. So
score = numerator / (denominator - exclusions), which is fail / (pass + fail), and less is better.
"""

from pathlib import Path
from typing import Any
from uuid import NAMESPACE_OID, uuid5

from bonefhir.knowledge.model import Rule
from bonefhir.report.counts import Counts, RuleCount
from bonefhir.report.detected_issues import RULES
from bonefhir.report.identity import resource_id
from bonefhir.report.run_json import write_json
from bonefhir.vocabulary import FAIL, INDETERMINATE

_POPULATION = "http://terminology.hl7.org/CodeSystem/measure-population"
_NOTATION = "http://terminology.hl7.org/CodeSystem/measure-improvement-notation"
_ABSENT = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"


def write(path: Path, counts: Counts) -> None:
    rows = sorted(counts.rules, key=lambda row: row.rule.id)
    write_json(path, {"resourceType": "Bundle", "type": "collection", "entry": [_entry(row, counts) for row in rows]})


def _entry(row: RuleCount, counts: Counts) -> dict[str, Any]:
    report = as_report(row, counts)
    return {"fullUrl": f"urn:uuid:{uuid5(NAMESPACE_OID, report['id'])}", "resource": report}


def id_of(rule: Rule) -> str:
    return resource_id("measure", rule.id)


def as_report(row: RuleCount, counts: Counts) -> dict[str, Any]:
    group: dict[str, Any] = {
        "population": [
            _population("initial-population", row.applicable),
            _population("denominator", row.applicable),
            _population("denominator-exclusion", row.doses[INDETERMINATE]),
            _population("numerator", row.doses[FAIL]),
        ]
    }
    if row.share is not None:
        group["measureScore"] = {"value": round(row.share.value, 6)}
    return {
        "resourceType": "MeasureReport",
        "id": id_of(row.rule),
        "status": "complete",
        "type": "summary",
        "measure": f"{RULES}:{row.rule.id}|{row.rule.version}",
        "period": _period(counts),
        "improvementNotation": {"coding": [{"system": _NOTATION, "code": "decrease"}]},
        "group": [group],
    }


def _population(code: str, number: int) -> dict[str, Any]:
    return {"code": {"coding": [{"system": _POPULATION, "code": code}]}, "count": number}


def _period(counts: Counts) -> dict[str, Any]:
    """Required by FHIR; where no dose has a date it says that it is unknown."""
    if counts.first is None or counts.last is None:
        return {"extension": [{"url": _ABSENT, "valueCode": "unknown"}]}
    return {"start": counts.first.isoformat(), "end": counts.last.isoformat()}
