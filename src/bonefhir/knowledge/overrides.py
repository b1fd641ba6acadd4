"""overrides.toml of a site: what it changes in rules that it did not write, with a reason and a date of review."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from bonefhir.knowledge import examples
from bonefhir.knowledge.faults import Faults, Place, unknown
from bonefhir.knowledge.fields import CHECKS, Names, at, check_table
from bonefhir.knowledge.files import Document
from bonefhir.knowledge.kinds import KINDS
from bonefhir.knowledge.model import Example, Rule
from bonefhir.knowledge.rules import check_choices, first_text_line, frozen

REQUIRED = {"rule": "text", "reason": "text", "review": "date"}
OPTIONAL = {"severity": "severity", "off": "yes", "parameters": "table", "examples": "text"}


@dataclass(frozen=True)
class Override:
    """One [[override]] table and where it stands."""

    document: Document
    table: Mapping[str, Any]
    line: int

    @property
    def place(self) -> Place:
        return self.document.place(self.line)

    @property
    def why(self) -> str:
        return f"{self.table['reason']}; review {self.table['review'].isoformat()}"


def apply(document: Document, content: Mapping[str, Any], rules: dict[str, Rule], names: Names, faults: Faults) -> list[str]:
    """Changes `rules` and says in words what was changed."""
    for key in content:
        if key != "override":
            faults.add(document.place_of_key(key), unknown("field", key, ("override",)))
    tables = content.get("override", [])
    if CHECKS["tables"](tables, names):
        faults.add(document.place(), "overrides are tables: [[override]] with rule, reason, review and what changes")
        return []
    lines = [document.line_of_value("rule", table.get("rule")) for table in tables]
    overrides = [Override(document, table, line) for table, line in zip(tables, lines, strict=True)]
    return [said for one in overrides if (said := _apply_one(one, rules, names, faults)) is not None]


def _apply_one(one: Override, rules: dict[str, Rule], names: Names, faults: Faults) -> str | None:
    before = len(faults.found)
    rule = _rule_to_change(one, rules, names, faults)
    if rule is None or len(faults.found) > before:
        return None
    if "off" in one.table:
        del rules[rule.id]
        return f"{rule.id}: off ({one.why})"
    return _change(one, rule, rules, names, faults)


def _rule_to_change(one: Override, rules: Mapping[str, Rule], names: Names, faults: Faults) -> Rule | None:
    table, wanted = one.table, str(one.table.get("rule"))

    def report(key: str | None, message: str) -> None:
        faults.add(one.document.place_of_key(key or "rule", one.line), message)

    check_table(table, REQUIRED, OPTIONAL, names, report)
    changes = [key for key in ("severity", "parameters") if key in table]
    if bool(changes) == ("off" in table) or ("examples" in table and "parameters" not in table):
        report(None, "an override gives severity, parameters (with examples of its own) or both, or off = true")
    rule = rules.get(wanted)
    if rule is None:
        report("rule", unknown("rule", wanted, rules))
    elif rule.override:
        report("rule", f"rule '{wanted}' is overridden already")
    return rule


def _change(one: Override, rule: Rule, rules: dict[str, Rule], names: Names, faults: Faults) -> str | None:
    """New parameters void the rule's examples: they hold for the old ones."""
    new = one.table.get("parameters", {})
    parameters = {**rule.parameters, **{key: frozen(value) for key, value in new.items()}}
    kind = KINDS[rule.kind]
    before = len(faults.found)
    check_table(new, {}, {**kind.required, **kind.optional}, names, at(one.place, faults, "parameter: "))
    check_choices({"kind": rule.kind, **parameters}, at(one.place, faults))
    if len(faults.found) > before:
        return None
    severity = one.table.get("severity", rule.severity)
    kept = _examples(one, rule.kind, faults) if new else rule.examples
    rules[rule.id] = replace(rule, severity=severity, parameters=parameters, examples=kept, override=one.why)
    changes = [f"severity {rule.severity} → {severity}"] if "severity" in one.table else []
    changes += [f"{key} {_shown(rule.parameters.get(key))} → {_shown(parameters[key])}" for key in sorted(new)]
    return f"{rule.id}: {', '.join(changes)} ({one.why})"


def _examples(one: Override, kind: str, faults: Faults) -> tuple[Example, ...]:
    if "examples" not in one.table:
        return ()
    line = first_text_line(one.document, one.document.line_of(r"^\s*examples\s*=", one.line))
    return examples.read(one.table["examples"], kind, line, one.document.name, faults)


def _shown(value: Any) -> str:
    return "none" if value is None else str(value)
