"""phi/fhir/detected-issues.ndjson: a DetectedIssue of FHIR R4 per `fail`, for systems that take findings back.

`identified` is a period that begins on the day of the dose and has no end: the issue was found at some time from then on. When
a run found it stands in run.json; here it would make every run's output differ.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bonefhir.knowledge.model import Rule
from bonefhir.report.adjudication import Decision, Decisions
from bonefhir.report.findings import Findings
from bonefhir.report.identity import fingerprints, resource_ids
from bonefhir.report.json_texts import quoted
from bonefhir.report.visible import visible
from bonefhir.vocabulary import FAIL, SEVERITIES

RULES = "urn:bonefhir:rule"
"""System of the rules' ids. A URN: nobody should try to fetch it."""

DECISIONS_SYSTEM = "urn:bonefhir:decision"

SEVERITY = {"error": "high", "warning": "moderate", "info": "low"}

_NONE = pa.scalar("")
_IDS = "issues.arrows"
_ID = pa.schema([("id", pa.string())])


def write(path: Path, findings: Findings, rules: Sequence[Rule], decisions: Decisions) -> None:
    """Leaves the ids of the issues, which `ids` reads."""
    by_id = {rule.id: rule for rule in rules}
    with path.open("wb") as file, pa.ipc.new_stream(findings.beside(_IDS), _ID) as left:
        for severity in reversed(SEVERITIES):
            for part in findings.of(FAIL, severity):
                names = ids_of(part)
                left.write_batch(pa.record_batch([names], schema=_ID))
                lines = as_issues(part, names, by_id, decisions)
                file.write(pc.binary_join(pa.ListArray.from_arrays([0, len(lines)], lines), "")[0].as_buffer())


def ids_of(findings: pa.Table) -> pa.Array:
    return resource_ids("issue", *(findings[name].combine_chunks() for name in ("rule_id", "dose_id")))


def ids(findings: Findings) -> Iterator[pa.Array]:
    """Of the issues that were written, in order, in parts."""
    with findings.beside(_IDS).open("rb") as file, pa.ipc.open_stream(file) as reader:
        for batch in reader:
            yield batch["id"]


def as_issues(findings: pa.Table, names: pa.Array, rules: Mapping[str, Rule], decisions: Decisions) -> pa.Array:
    """A line of JSON for each finding. FHIR has no empty lists and objects: a key without anything is left out.

    names: the ids of the issues
    """
    columns = {name: findings[name].combine_chunks() for name in findings.column_names}
    return pc.binary_join_element_wise(
        '{"resourceType": "DetectedIssue", "id": "',
        names,
        '", "status": "final", ',
        _about(columns, rules),
        ', "patient": {"reference": ',
        quoted(columns["patient_id"]),
        "}",
        _identified(columns["dose_start"]),
        ', "implicated": [{"reference": ',
        quoted(columns["dose_id"]),
        "}]",
        _evidence(columns["evidence"]),
        ', "detail": ',
        quoted(columns["message"]),
        _mitigations(findings, decisions),
        "}\n",
        "",
    )


def _about(columns: Mapping[str, pa.Array], rules: Mapping[str, Rule]) -> pa.Array:
    """code and severity: the same for all findings of a rule."""
    names = ("rule_id", "severity", "rule_version")
    keys = pc.binary_join_element_wise(*(columns[name] for name in names), "\n").dictionary_encode()
    told = [_about_rule(rules, *key.split("\n", 2)) for key in keys.dictionary.to_pylist()]
    return pa.array(told, pa.string()).take(keys.indices)


def _about_rule(rules: Mapping[str, Rule], rule_id: str, severity: str, version: str) -> str:
    rule = rules[rule_id]
    coding = {"system": RULES, "version": version, "code": rule.id}
    code = {"coding": [coding], "text": f"{rule.statement} ({rule.citation})"}
    return f'"code": {json.dumps(code)}, "severity": {json.dumps(SEVERITY[severity])}'


def _identified(dose_starts: pa.Array) -> pa.Array:
    """From a day, month or year on; a time of day without an offset would be no date of FHIR."""
    days = pc.utf8_slice_codeunits(pc.fill_null(dose_starts, ""), 0, 10)
    return _where(days, ', "identifiedPeriod": {"start": ', quoted(days, show=False), "}")


def _evidence(evidence: pa.ListArray) -> pa.Array:
    items = evidence.flatten()
    role, reported, resource = (pc.fill_null(items.field(name), "") for name in ("role", "reported", "resource"))
    said = pc.binary_join_element_wise(role, pc.if_else(_all(role, reported), ": ", ""), reported, "")
    # A component has no address of its own: the Observation that holds it does.
    address = (
        pc.replace_substring_regex(resource, "(?s)#.*", "") if pc.any(pc.match_substring(resource, "#")).as_py() else resource
    )
    placed = pc.if_else(pc.match_substring(address, "/"), address, "")
    code = _where(said, '"code": [{"text": ', quoted(said), "}]")
    detail = _where(placed, '"detail": [{"reference": ', quoted(placed), "}]")
    entries = pc.binary_join_element_wise("{", code, pc.if_else(_all(code, detail), ", ", ""), detail, "}", "")
    kept = pc.not_equal(entries, "{}")
    of_finding = pc.list_parent_indices(evidence).filter(kept).to_numpy()
    offsets = np.append(0, np.cumsum(np.bincount(of_finding, minlength=len(evidence)))).astype(np.int32)
    joined = pc.binary_join(pa.ListArray.from_arrays(pa.array(offsets), entries.filter(kept)), ", ")
    return _where(joined, ', "evidence": [', joined, "]")


def _all(*texts: pa.Array) -> pa.Array:
    """Where none is empty."""
    first, second = (pc.not_equal(each, "") for each in texts)
    return pc.and_(first, second)


def _where(texts: pa.Array, before: str, middle: pa.Array, after: str) -> pa.Array:
    """The three joined where the text is not empty."""
    return pc.if_else(pc.equal(texts, ""), "", pc.binary_join_element_wise(before, middle, after, ""))


def _mitigations(findings: pa.Table, decisions: Decisions) -> pa.Array | pa.Scalar:
    """What people have made of the findings. FHIR wants a reference to the author, which may be a name and no more."""
    if not decisions.standing:
        return _NONE
    held = (decisions.held(mark) for mark in fingerprints(findings))
    return pa.array([f', "mitigation": [{json.dumps(_mitigation(one))}]' if one else "" for one in held], pa.string())


def _mitigation(decision: Decision) -> dict[str, object]:
    coding = {"system": DECISIONS_SYSTEM, "code": decision.decision}
    return {
        "action": {"coding": [coding], "text": f"{decision.decision}: {visible(decision.reason)}"},
        "date": decision.when,
        "author": {"display": visible(decision.who)},
    }
