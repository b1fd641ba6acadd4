"""run.json and rejects.ndjson: keys, sums, order; and that only `run` differs between two runs."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from bonefhir.errors import AccountingError
from bonefhir.report.facts import Facts
from bonefhir.report.identity import rule_digest
from bonefhir.report.write import write_all
from tests.report.fixtures import HOSTILE, file_row, make, outcomes, quality, reject, rule, verdict

A, W = rule("ZA4-A"), rule("ZA4-W", "warning")
KEYS = {"format", "version", "rules_digest", "profile", "settings", "overrides", "inputs", "ledger", "unused", "verdicts"}


def build(folder: Path, **changes: Any) -> Facts:
    rows = outcomes(A, 20, 12, 9) + outcomes(W, 30, 0, 2) + [verdict(A, 900, "fail", message=text) for text in HOSTILE[:1]]
    qualities = [quality("no-unit"), quality("unit-suspect"), quality("no-unit", "error")]
    facts = dataclasses.replace(make(folder, [A, W], rows, qualities, _files(), _rejects()), **changes)
    write_all(folder, facts)
    return facts


def _files() -> list[dict[str, Any]]:
    return [file_row("a.ndjson"), file_row("b.json", format="bundle", compression="gzip"), file_row("c.ndjson", format=None)]


def _rejects() -> list[dict[str, Any]]:
    nested = reject(0, "no-patient", line=9, entry="3/0", resource_type="Observation", id="o9", stage="resolve")
    whole, first = reject(2, "encoding", line=None), reject(0)
    return [nested, whole, reject(1, "not-fhir", entry="10", path="gender"), reject(1, "no-id", entry="2"), first]


def test_keys_and_counts(tmp_path: Path) -> None:
    build(tmp_path)
    run = json.loads((tmp_path / "run.json").read_text())
    assert set(run) >= KEYS | {"rejects", "data_quality", "suites", "run"}
    assert run["format"] == 1
    assert run["inputs"][1] == {"file": "b.json", "format": "bundle", "compression": "gzip", "bytes": 1000, "sha256": "ab" * 32}
    assert run["ledger"]["total"]["read"] == 300
    assert [file["file"] for file in run["ledger"]["files"]] == ["a.ndjson", "b.json", "c.ndjson"]
    assert run["unused"] == {"Claim": 4, "Encounter": 30}
    counted = run["verdicts"]["ZA4-A"]
    assert counted.pop("digest") == rule_digest(rule("ZA4-A")) != rule_digest(rule("ZA4-A", severity="info"))
    assert counted == {"version": "1", "severity": "error", "pass": 20, "fail": 13, "indeterminate": 9, "not_applicable": 0}
    assert run["rejects"] == {"encoding": 1, "no-id": 1, "no-patient": 1, "not-fhir": 1, "not-json": 1}
    assert run["data_quality"] == {"no-unit": 2, "unit-suspect": 1}
    assert run["run"]["seconds"] == {"scan": 1.25, "report": 0.5}
    assert run["run"]["peak_memory_bytes"] == 123


def test_only_run_may_differ(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    build(first)
    build(second, started="2031-12-31T00:00:00Z", seconds={"scan": 9.0}, peak_memory_bytes=7)
    for path in sorted(file for file in first.rglob("*") if file.is_file() and file.name != "run.json"):
        assert path.read_bytes() == (second / path.relative_to(first)).read_bytes(), path.name
    one, two = (json.loads((folder / "run.json").read_text()) for folder in (first, second))
    assert one.pop("run") != two.pop("run")
    assert one == two


def test_rejects_have_the_keys_and_the_order_of_the_contract(tmp_path: Path) -> None:
    build(tmp_path)
    rejects = [json.loads(line) for line in (tmp_path / "phi" / "rejects.ndjson").read_text().splitlines()]
    said = {"stage": "read", "detail": "what is wrong"}
    assert rejects == [
        {"file": "a.ndjson", "line": 1, "reason": "not-json", **said},
        {
            "file": "a.ndjson",
            "line": 9,
            "entry": "3/0",
            "resourceType": "Observation",
            "id": "o9",
            "reason": "no-patient",
            **said,
            "stage": "resolve",
        },
        {"file": "b.json", "entry": 2, "reason": "no-id", **said},
        {"file": "b.json", "entry": 10, "reason": "not-fhir", "path": "gender", **said},
        {"file": "c.ndjson", "reason": "encoding", **said},
    ]


def test_counts_that_contradict_the_tables_are_a_defect(tmp_path: Path) -> None:
    facts = make(tmp_path, [A], outcomes(A, 5))
    wrong = facts.rule_counts.set_column(1, "pass", [[6]])
    with pytest.raises(AccountingError, match="ZA4-A"):
        write_all(tmp_path, dataclasses.replace(facts, rule_counts=wrong))


def test_verdicts_of_a_rule_that_was_not_counted_are_a_defect(tmp_path: Path) -> None:
    facts = make(tmp_path, [A, W], outcomes(A, 5) + outcomes(W, 5))
    with pytest.raises(AccountingError, match="ZA4-W"):
        write_all(tmp_path, dataclasses.replace(facts, rule_counts=facts.rule_counts.slice(0, 1)))
