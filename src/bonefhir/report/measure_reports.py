"""phi/fhir/measure-reports.json: a Bundle with one summary MeasureReport of FHIR R4 per rule.

Populations as clinical quality measures mean them: the denominator is every dose of which the rule speaks, the indeterminate
ones are the denominator exclusions, the numerator is the doses that fail. So
score = numerator / (denominator - exclusions), which is fail / (pass + fail), and less is better.

Each report is stratified by product, indication and month of the doses; the strata of a stratifier add up to the group. What
is not known of a dose is a stratum of its own. There are no strata of sites: those are folders of the input, and what goes
back into FHIR must not change with how the files lay.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_OID, uuid5

from bonefhir.knowledge.model import Rule
from bonefhir.report.counts import Counts, RuleCount
from bonefhir.report.detected_issues import RULES
from bonefhir.report.identity import resource_id
from bonefhir.report.rates import wilson
from bonefhir.report.run_json import write_json
from bonefhir.report.slices import STRATIFIERS, Sliced, strata
from bonefhir.report.visible import visible
from bonefhir.vocabulary import FAIL, INDETERMINATE, PASS

_POPULATION = "http://terminology.hl7.org/CodeSystem/measure-population"
_NOTATION = "http://terminology.hl7.org/CodeSystem/measure-improvement-notation"
UNKNOWN = "unknown"
_ABSENT = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"


Strata = Mapping[str, list[dict[str, Any]]]
"""Name of a slice → cells of `strata` by it, of one rule."""


def write(path: Path, counts: Counts, sliced: Sliced) -> None:
    by_rule: dict[str, dict[str, list[dict[str, Any]]]] = {}
    for name in STRATIFIERS:
        for cell in sorted(strata(sliced, name), key=lambda cell: (cell[name] is None, cell[name] or "")):
            by_rule.setdefault(cell["rule_id"], {}).setdefault(name, []).append(cell)
    rows = sorted(counts.rules, key=lambda row: row.rule.id)
    entries = [_entry(as_report(row, counts, by_rule.get(row.rule.id, {}))) for row in rows]
    write_json(path, {"resourceType": "Bundle", "type": "collection", "entry": entries})


def _entry(report: dict[str, Any]) -> dict[str, Any]:
    return {"fullUrl": f"urn:uuid:{uuid5(NAMESPACE_OID, report['id'])}", "resource": report}


def id_of(rule: Rule) -> str:
    return resource_id("measure", rule.id)


def as_report(row: RuleCount, counts: Counts, strata: Strata) -> dict[str, Any]:
    group = _counted(row.doses)
    if strata:
        group["stratifier"] = list(_stratifiers(strata))
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


def _stratifiers(strata: Strata) -> Iterator[dict[str, Any]]:
    for name, cells in strata.items():
        values = [{"text": visible(cell[name]) if cell[name] else UNKNOWN} for cell in cells]
        yield {
            "code": [{"text": name}],
            "stratum": [{"value": value, **_counted(cell)} for value, cell in zip(values, cells, strict=True)],
        }


def _counted(doses: Mapping[str, Any]) -> dict[str, Any]:
    """Populations and score, of a group or a stratum."""
    passed, failed, unjudged = doses[PASS], doses[FAIL], doses[INDETERMINATE]
    counted: dict[str, Any] = {
        "population": [
            _population("initial-population", passed + failed + unjudged),
            _population("denominator", passed + failed + unjudged),
            _population("denominator-exclusion", unjudged),
            _population("numerator", failed),
        ]
    }
    share = wilson(failed, passed + failed)
    return counted if share is None else {**counted, "measureScore": {"value": round(share.value, 6)}}


def _population(code: str, number: int) -> dict[str, Any]:
    return {"code": {"coding": [{"system": _POPULATION, "code": code}]}, "count": number}


def _period(counts: Counts) -> dict[str, Any]:
    """Required by FHIR; where no dose has a date it says that it is unknown."""
    if counts.first is None or counts.last is None:
        return {"extension": [{"url": _ABSENT, "valueCode": "unknown"}]}
    return {"start": counts.first.isoformat(), "end": counts.last.isoformat()}
