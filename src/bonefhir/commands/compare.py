"""`bonefhir compare`: what is new, gone and changed between two runs. Prints ids of doses, like phi/."""

import argparse
from collections.abc import Mapping
from typing import Any

from bonefhir.commands.results import facts, table
from bonefhir.report.visible import visible
from bonefhir.vocabulary import PASS

Key = tuple[str, str]


def run(options: argparse.Namespace) -> int:
    lines = differences(facts(options.before), facts(options.after))
    lines += changes(_verdicts(options.before), _verdicts(options.after))
    print("\n".join(map(visible, lines)))
    return 0


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """What was run, where it differs: a change of verdict may come from new data, other rules or another program."""
    names = [name for name in ("version", "rules_digest", "profile") if before.get(name) != after.get(name)]
    lines = [f"{name}: {before.get(name)} → {after.get(name)}" for name in names]
    settings = [(name, before.get("settings", {}).get(name), value) for name, value in after.get("settings", {}).items()]
    lines += [f"setting {name}: {old} → {new}" for name, old, new in settings if old != new]
    old_inputs, new_inputs = _inputs(before), _inputs(after)
    if old_inputs != new_inputs:
        lines.append(f"inputs: {len(old_inputs - new_inputs)} gone or changed, {len(new_inputs - old_inputs)} new or changed")
    return lines or ["same program, rules, settings and inputs"]


def _inputs(run: Mapping[str, Any]) -> set[tuple[str, str]]:
    return {(item["file"], item["sha256"]) for item in run.get("inputs", [])}


def changes(before: Mapping[Key, str], after: Mapping[Key, str]) -> list[str]:
    """Findings are verdicts that are not `pass`."""
    new = sorted(key for key, verdict in after.items() if verdict != PASS and key not in before)
    gone = sorted(key for key, verdict in before.items() if verdict != PASS and key not in after)
    changed = sorted(key for key in before.keys() & after.keys() if before[key] != after[key])
    lines = ["", f"{len(new)} new findings, {len(gone)} gone, {len(changed)} verdicts changed"]
    lines += [f"  new      {dose}  {rule}  {after[dose, rule]}" for dose, rule in new]
    lines += [f"  gone     {dose}  {rule}  {before[dose, rule]}" for dose, rule in gone]
    lines += [f"  changed  {dose}  {rule}  {before[dose, rule]} → {after[dose, rule]}" for dose, rule in changed]
    return lines


def _verdicts(run: Any) -> dict[Key, str]:
    found = table(run, "verdicts")
    keys = zip(found["dose_id"].to_pylist(), found["rule_id"].to_pylist(), strict=True)
    return dict(zip(keys, found["verdict"].to_pylist(), strict=True))
