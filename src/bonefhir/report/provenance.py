"""phi/fhir/provenance.ndjson: which program made the other resources of the run, from which inputs and by which rules.

The first Provenance of FHIR R4 is that of the MeasureReports and names every input with its hash; each further one is that of up
to a thousand DetectedIssues, in the order of their file, and refers to the first for the inputs. `recorded`, which FHIR
requires, says that the time is not given: a run's output does not depend on the clock, and run.json has the time.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from bonefhir import __version__
from bonefhir.report import detected_issues, measure_reports
from bonefhir.report.counts import Counts
from bonefhir.report.facts import Facts
from bonefhir.report.findings import Findings
from bonefhir.report.identity import resource_id
from bonefhir.report.run_json import run_id
from bonefhir.report.visible import visible

TARGETS = 1000
"""Of one resource: servers refuse very large ones."""

HASHES = "urn:bonefhir:sha256"
PROGRAM = "urn:bonefhir:program"
RULES_DIGEST = "urn:bonefhir:rules"
_ABSENT = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
_PARTICIPANT = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"


def write(path: Path, findings: Findings, counts: Counts, facts: Facts) -> None:
    """Once the issues are written, which have their ids."""
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(as_provenance(findings, counts, facts))


def as_provenance(findings: Findings, counts: Counts, facts: Facts) -> Iterator[str]:
    """Lines of JSON."""
    reports = sorted(measure_reports.id_of(row.rule) for row in counts.rules)
    if not reports:
        return
    run = run_id(facts)
    first = _made(facts, run, 0, list(_inputs(facts)))
    yield _line(first, "MeasureReport", pa.array(reports, pa.string()))
    inputs = {"role": "source", "what": {"reference": f"Provenance/{first['id']}", "display": "inputs of the run"}}
    for number, issues in enumerate(_issues(findings), start=1):
        yield _line(_made(facts, run, number, [inputs]), "DetectedIssue", issues)


def _line(resource: dict[str, Any], kind: str, ids: pa.Array) -> str:
    """With its targets, which are many and need no more than quotes."""
    targets = pc.binary_join_element_wise(f'{{"reference": "{kind}/', ids, '"}', "")
    listed = pc.binary_join(pa.ListArray.from_arrays([0, len(targets)], targets), ", ")[0].as_py()
    return json.dumps(resource).replace('"target": []', f'"target": [{listed}]', 1) + "\n"


def _made(facts: Facts, run: str, number: int, entities: list[dict[str, Any]]) -> dict[str, Any]:
    program = f"bonefhir {__version__}"
    resource: dict[str, Any] = {
        "resourceType": "Provenance",
        "id": resource_id("provenance", run, str(number)),
        "target": [],
        "_recorded": {"extension": [{"url": _ABSENT, "valueCode": "unknown"}]},
        "policy": [f"{RULES_DIGEST}:{facts.knowledge.digest}"],
        "activity": {"text": f"Audit of bone-modifying agents, run {run}"},
        "agent": [
            {
                "type": {"coding": [{"system": _PARTICIPANT, "code": "assembler"}]},
                "who": {"type": "Device", "identifier": {"system": PROGRAM, "value": program}, "display": program},
            }
        ],
    }
    return resource | ({"entity": entities} if entities else {})


def _inputs(facts: Facts) -> Iterator[dict[str, Any]]:
    """Every file that was read; one that could not be opened has no hash."""
    for row in facts.files.select(["file", "sha256"]).to_pylist():
        what: dict[str, Any] = {"display": visible(row["file"])}
        if row["sha256"]:
            what["identifier"] = {"system": HASHES, "value": row["sha256"]}
        yield {"role": "source", "what": what}


def _issues(findings: Findings) -> Iterator[pa.Array]:
    """Ids of the DetectedIssues, as many as fit into one resource at a time."""
    waiting = pa.array([], pa.string())
    for part in detected_issues.ids(findings):
        waiting = pa.concat_arrays([waiting, part])
        while len(waiting) >= TARGETS:
            yield waiting[:TARGETS]
            waiting = waiting[TARGETS:]
    if len(waiting):
        yield waiting
