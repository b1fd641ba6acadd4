"""overrides.toml of a site: what it changes in rules that it did not write, with a reason and a date of review."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bonefhir.knowledge.faults import Faults, Place, unknown
from bonefhir.knowledge.fields import CHECKS, Names, at, check_table
from bonefhir.knowledge.files import Document
from bonefhir.knowledge.kinds import KINDS
from bonefhir.knowledge.model import Rule
from bonefhir.knowledge.rules import check_choices, frozen

REQUIRED = {"rule": "text", "reason": "text", "review": "date"}
OPTIONAL = {"severity": "severity", "off": "yes", "parameters": "table"}


def apply(document: Document, content: Mapping[str, Any], rules: dict[str, Rule], names: Names, faults: Faults) -> list[str]:
    """Changes `rules` and says in words what was changed."""
    said: list[str] = []
    for key in content:
        if key != "override":
            faults.add(document.place_of_key(key), unknown("field", key, ("override",)))
    tables = content.get("override", [])
    if CHECKS["tables"](tables, names):
        faults.add(document.place(), "overrides are tables: [[override]] with rule, reason, review and what changes")
        return said
    seen: set[str] = set()
    for table in tables:
        line = document.line_of(rf'^\s*rule\s*=\s*"{table.get("rule", "")}"')
        changed = _changed(table, rules, names, document, line, faults)
        if table.get("rule") in seen:
            faults.add(document.place(line), f"rule '{table['rule']}' is overridden twice")
        seen.add(str(table.get("rule")))
        if changed is not None:
            said.append(changed)
    return said


def _changed(
    table: Mapping[str, Any], rules: dict[str, Rule], names: Names, document: Document, line: int, faults: Faults
) -> str | None:
    before = len(faults.found)
    check_table(table, REQUIRED, OPTIONAL, names, lambda key, m: faults.add(document.place_of_key(key or "rule", line), m))
    changes = [key for key in OPTIONAL if key in table]
    if not changes or ("off" in table and len(changes) > 1):
        faults.add(document.place(line), "an override gives severity, parameters or both, or off = true")
    rule = rules.get(str(table.get("rule")))
    if rule is None:
        faults.add(document.place(line), unknown("rule", table.get("rule"), rules))
    if rule is None or len(faults.found) > before:
        return None
    if "off" in table:
        del rules[rule.id]
        return f"{rule.id}: off ({_why(table)})"
    return _with_changes(rule, table, rules, names, document.place(line), faults)


def _with_changes(
    rule: Rule, table: Mapping[str, Any], rules: dict[str, Rule], names: Names, place: Place, faults: Faults
) -> str | None:
    new = table.get("parameters", {})
    parameters = {**rule.parameters, **{key: frozen(value) for key, value in new.items()}}
    kind = KINDS[rule.kind]
    before = len(faults.found)
    check_table(new, {}, {**kind.required, **kind.optional}, names, at(place, faults, "parameter: "))
    check_choices({"kind": rule.kind, **parameters}, at(place, faults))
    if len(faults.found) > before:
        return None
    rules[rule.id] = replace(
        rule,
        severity=table.get("severity", rule.severity),
        parameters=parameters,
        examples=() if new else rule.examples,
        override=_why(table),
    )
    changes = [f"severity {rule.severity} → {table['severity']}"] if "severity" in table else []
    changes += [f"{key} {_shown(rule.parameters.get(key))} → {_shown(frozen(new[key]))}" for key in sorted(new)]
    return f"{rule.id}: {', '.join(changes)} ({_why(table)})"


def _shown(value: Any) -> str:
    return "none" if value is None else str(value)


def _why(table: Mapping[str, Any]) -> str:
    return f"{table['reason']}; review {table['review'].isoformat()}"
