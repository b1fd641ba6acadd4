"""`bonefhir rules`: the catalogue as the program sees it, and the lint of a site's rules."""

import argparse
import textwrap
from collections.abc import Sequence
from pathlib import Path

from bonefhir.commands.counted import counted
from bonefhir.errors import CommandLineError, KnowledgeError
from bonefhir.knowledge.load import load
from bonefhir.knowledge.model import Example, Knowledge, Rule


def run(options: argparse.Namespace) -> int:
    if options.action == "check":
        return check([options.folder] if options.folder else [])
    knowledge = load(options.rules or [])
    if options.action == "show":
        print(described(rule_of(knowledge, options.id)))
    else:
        for rule in chosen(knowledge, options.profile, options.product):
            print(f"{rule.id:24}{rule.severity:9}{', '.join(rule.profiles):8}{rule.kind:24}{rule.statement}")
    return 0


def check(folders: Sequence[Path]) -> int:
    """Lints (every fault of every file at once), then runs every example of every rule through the engine."""
    knowledge = load(folders)
    from bonefhir.judge.examples import faults_of

    faults = faults_of(knowledge)
    if faults:
        raise KnowledgeError(faults)
    examples = sum(len(rule.examples) for rule in knowledge.rules)
    print(f"{counted(len(knowledge.rules), 'rule')}, {counted(examples, 'example')}, no fault")
    return 0


def rule_of(knowledge: Knowledge, rule_id: str) -> Rule:
    for rule in knowledge.rules:
        if rule.id == rule_id.upper():
            return rule
    raise CommandLineError(f"there is no rule {rule_id}; `bonefhir rules list` shows all")


def chosen(knowledge: Knowledge, profile: str | None, product: str | None) -> list[Rule]:
    if product and product not in knowledge.products:
        raise CommandLineError(f"there is no product {product}; they are {', '.join(sorted(knowledge.products))}")
    return [
        rule
        for rule in sorted(knowledge.rules, key=lambda rule: rule.id)
        if (not profile or profile in rule.profiles) and (not product or product in rule.products)
    ]


def described(rule: Rule) -> str:
    """One rule in full, as plain text of 100 columns."""
    note = f" ({rule.source.note})" if rule.source.note else ""
    facts = {
        "severity": rule.severity,
        "products": ", ".join(rule.products),
        "indications": ", ".join(rule.indications) or "all of the product",
        "profiles": ", ".join(rule.profiles),
        "doses": rule.doses,
        "kind": rule.kind,
        **{name: str(value) for name, value in rule.parameters.items()},
        "source": f"{rule.citation}, revision {rule.source.revision}{note}",
        "file": f"{rule.file}:{rule.line}",
    }
    if rule.override:
        facts["changed by the site"] = rule.override
    lines = [f"{rule.id}, version {rule.version}", rule.statement, ""]
    lines += [textwrap.fill(f"{name + ':':22}{value}", 100, subsequent_indent=" " * 22) for name, value in facts.items()]
    lines += ["", *textwrap.wrap(rule.guidance, 100), "", *map(example, rule.examples)]
    return "\n".join(lines).rstrip()


def example(row: Example) -> str:
    inputs = ", ".join(f"{name} {cell or 'unknown'}" for name, cell in row.inputs.items())
    return f"  {row.verdict} {' '.join(row.reasons)}".rstrip() + f": {inputs}"
