"""run.json: what was run on what, and how it went. Only `run` may differ between two runs on the same input."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import msgspec

from bonefhir import __version__
from bonefhir.report.adjudication import Decision, of_rules
from bonefhir.report.counts import LEDGER, OUTCOMES, Counts, RuleCount, by_kind
from bonefhir.report.facts import Facts
from bonefhir.report.identity import rule_digest

FORMAT = 1
"""Of the whole output folder. Changed only with the contract."""

WHERE = ("sources", "out", "jobs", "memory", "parts", "html", "language")
"""Settings that say where, how fast and in which forms, not what: the same input gives the same bytes from another place."""


def write(path: Path, facts: Facts, counts: Counts, history: Sequence[Decision]) -> None:
    """history: the decisions that the reports have shown: an input of the run like the others."""
    write_json(path, as_json(facts, counts) | {"decisions": _decisions(history, counts)})


def write_json(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json_text(content), encoding="utf-8", newline="\n")


def json_text(content: dict[str, Any]) -> str:
    """ASCII, so that no name of a file can turn the words of a terminal round. Refuses NaN, which is no JSON."""
    # json.dumps indents in Python, an item at a time.
    return msgspec.json.format(json.dumps(content, allow_nan=False), indent=2) + "\n"


def as_json(facts: Facts, counts: Counts) -> dict[str, Any]:
    settings = facts.settings.as_json()
    where = {name: settings.pop(name) for name in WHERE}
    return {
        "format": FORMAT,
        "program": "bonefhir",
        "version": __version__,
        "run_id": run_id(facts),
        "rules_digest": facts.knowledge.digest,
        "profile": facts.settings.profile,
        "settings": settings,
        "overrides": list(facts.knowledge.overrides),
        "inputs": facts.files.select(["file", "format", "compression", "bytes", "sha256"]).to_pylist(),
        "ignored": list(facts.ignored),
        "ledger": _ledger(facts, counts),
        "unused": dict(sorted(facts.unused.items())),
        "incomplete": list(counts.incomplete),
        "doses": counts.doses,
        "patients": counts.patients,
        "period": {"first": _iso(counts.first), "last": _iso(counts.last)},
        "verdicts": {row.rule.id: _verdicts(row) for row in sorted(counts.rules, key=lambda row: row.rule.id)},
        "reasons": {row.reason: row.verdicts for row in counts.reasons},
        "rejects": dict(counts.rejects),
        "data_quality": dict(sorted(by_kind(counts).items())),
        "suites": facts.suites,
        "run": {
            "started": facts.started,
            "seconds": dict(facts.seconds),
            "peak_memory_bytes": facts.peak_memory_bytes,
            "work": dict(facts.work),
            **where,
        },
    }


def _decisions(history: Sequence[Decision], counts: Counts) -> dict[str, Any]:
    """Whatever the day: what has expired by then is not told here, as only `run` may depend on the clock."""
    decided = of_rules(history, (row.rule for row in counts.rules))
    return {"recorded": len(history), "rules": {rule: asdict(one) for rule, one in sorted(decided.items())}}


def _ledger(facts: Facts, counts: Counts) -> dict[str, Any]:
    names = [*LEDGER, "empty_entries"]
    return {"total": dict(counts.ledger), "files": facts.files.select(["file", *names]).to_pylist()}


def _verdicts(row: RuleCount) -> dict[str, Any]:
    rule = row.rule
    about = {"version": rule.version, "digest": rule_digest(rule), "severity": rule.severity}
    return about | {outcome: row.doses[outcome] for outcome in OUTCOMES}


def run_id(facts: Facts) -> str:
    """Twelve digits for what was run on what: the same input, rules, settings and program have the same one."""
    settings = {name: value for name, value in facts.settings.as_json().items() if name not in WHERE}
    inputs = sorted(zip(facts.files["file"].to_pylist(), facts.files["sha256"].to_pylist(), strict=True), key=str)
    said = json.dumps([__version__, facts.knowledge.digest, settings, inputs], sort_keys=True)
    return hashlib.sha256(said.encode()).hexdigest()[:12]


def _iso(day: Any) -> str | None:
    return None if day is None else day.isoformat()
