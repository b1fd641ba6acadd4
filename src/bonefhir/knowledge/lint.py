"""What `bonefhir rules check` says about a folder of rules besides its faults: where knowledge is thin, and what is due."""

import datetime as dt
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bonefhir.errors import KnowledgeError
from bonefhir.knowledge.load import load
from bonefhir.knowledge.model import Code, Knowledge, Rule
from bonefhir.vocabulary import FAIL, INDETERMINATE, PASS

NEVER_INDETERMINATE = frozenset({"course_max", "indication_not"})
"""Kinds whose inputs are always known."""

_REVIEW = re.compile(r"review (\d{4}-\d{2}-\d{2})\)$")


@dataclass(frozen=True)
class Lint:
    """faults: the folder cannot be used. warnings: it can, and someone should look. Each 'file:line: message'."""

    faults: tuple[str, ...]
    warnings: tuple[str, ...]


def lint(folders: Sequence[Path] = (), today: dt.date | None = None) -> Lint:
    """Of a site's folders; without any, of the shipped checks. `today` tells which reviews are due; None: not asked."""
    try:
        knowledge = load(folders)
    except KnowledgeError as error:
        return Lint(tuple(error.faults), ())
    ours = tuple(folder.as_posix() for folder in folders) or ("checks",)
    return Lint((), tuple(line for line in warnings(knowledge) if line.startswith(ours)) + tuple(of_overrides(knowledge, today)))


def warnings(knowledge: Knowledge) -> list[str]:
    """Of everything that was loaded, by file and line."""
    found = [(rule.file, rule.line, f"rule '{rule.id}' {text}") for rule in knowledge.rules for text in _of_rule(rule)]
    for product in knowledge.products.values():
        found += [(product.file, 1, text) for text in _of_codes(product.codes)]
        if product.name == knowledge.drugs[product.drug].default:
            found += [(product.file, 1, text) for text in _of_codes(knowledge.drugs[product.drug].codes)]
    return [f"{file}:{line}: {text}" for file, line, text in sorted(found)]


def _of_rule(rule: Rule) -> Iterable[str]:
    if "to be confirmed" in f"{rule.source.section} {rule.source.revision}":
        yield "cites a label whose section or revision is to be confirmed"
    verdicts = {example.verdict for example in rule.examples}
    for verdict in (PASS, FAIL):
        if verdicts and verdict not in verdicts:
            yield f"has no example that is '{verdict}'"
    if verdicts and INDETERMINATE not in verdicts and rule.kind not in NEVER_INDETERMINATE:
        yield "has no example that cannot be evaluated"


def _of_codes(codes: Sequence[Code]) -> Iterable[str]:
    for code in codes:
        if code.status != "verified":
            yield f"code {code.code} of {code.system} is {code.status}: confirm its meaning"


def of_overrides(knowledge: Knowledge, today: dt.date | None = None) -> Iterable[str]:
    """Overrides that nothing tests any more, and those whose review is due."""
    for rule in knowledge.rules:
        if rule.override and not rule.examples:
            yield f"{rule.id} is overridden without examples of its own"
    for line in knowledge.overrides:
        found = _REVIEW.search(line)
        if today and found and dt.date.fromisoformat(found.group(1)) < today:
            yield f"override of {line}: its review is due"
