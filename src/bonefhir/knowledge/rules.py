"""[[rule]] tables of labels/ and guidelines/: kind, parameters, source, guidance and examples."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bonefhir.knowledge import examples
from bonefhir.knowledge.faults import Faults, Place, unknown
from bonefhir.knowledge.fields import Names, Report, check_table
from bonefhir.knowledge.files import Document
from bonefhir.knowledge.kinds import KINDS
from bonefhir.knowledge.model import Rule, Source

REQUIRED = {
    "id": "text",
    "version": "text",
    "profiles": "profiles",
    "severity": "severity",
    "kind": "text",
    "statement": "text",
    "source": "table",
    "guidance": "text",
    "examples": "text",
}
OPTIONAL = {"indications": "indications", "doses": "doses"}
PRODUCTS = {"products": "products"}
SOURCE_REQUIRED = {"label": "text", "section": "text", "revision": "text"}
SOURCE_OPTIONAL = {"note": "text"}
_ID = re.compile(r"[A-Z][A-Z0-9]*(?:-[A-Z0-9]+)+")


@dataclass(frozen=True)
class Found:
    """A rule's table, with the product of the label that it stands in; None: in a guideline."""

    document: Document
    table: Mapping[str, Any]
    product: str | None

    @property
    def line(self) -> int:
        """Of its id; of the file's first rule if it has none."""
        return self.document.line_of_value("id", self.table.get("id"))


def read(found: Sequence[Found], names: Names, faults: Faults) -> dict[str, Rule]:
    """Every rule by id. One id twice is a fault: a site changes a rule in overrides.toml."""
    rules: dict[str, Rule] = {}
    for one in found:
        rule = _read_rule(one, names, faults)
        if rule is None:
            continue
        if rule.id in rules:
            known = rules[rule.id]
            message = f"rule '{rule.id}' already stands at {known.file}:{known.line}; change a shipped rule in overrides.toml"
            faults.add(Place(rule.file, rule.line), message)
        else:
            rules[rule.id] = rule
    return rules


def _read_rule(one: Found, names: Names, faults: Faults) -> Rule | None:
    document, table, line = one.document, one.table, one.line
    before = len(faults.found)

    def report(key: str | None, message: str) -> None:
        place = document.place_of_key(key, line) if key else document.place(line)
        faults.add(place, f"rule '{table.get('id', '?')}': {message}")

    check_rule(table, one.product is None, names, report)
    if len(faults.found) > before:
        return None
    kind = table["kind"]
    first = document.line_of(r"^\s*examples\s*=", line)
    return Rule(
        id=table["id"],
        version=table["version"],
        products=tuple(table.get("products", (one.product,))),
        indications=tuple(table.get("indications", ())),
        profiles=tuple(table["profiles"]),
        severity=table["severity"],
        kind=kind,
        doses=table.get("doses", "all"),
        parameters={key: frozen(table[key]) for key in table if key in _parameters(kind)},
        statement=table["statement"],
        source=Source(**table["source"]),
        guidance=table["guidance"],
        examples=examples.read(table["examples"], kind, first_text_line(document, first), document.name, faults),
        file=document.name,
        line=line,
    )


def first_text_line(document: Document, line: int) -> int:
    """The line on which a multi-line text begins: TOML drops the line break right after the quotes."""
    written = document.text.split("\n")[line - 1].rstrip()
    return line + 1 if written.endswith(('"""', "'''")) else line


def check_rule(table: Mapping[str, Any], guideline: bool, names: Names, report: Report) -> None:
    """Everything of a rule's table but its examples."""
    kind = KINDS.get(table["kind"]) if isinstance(table.get("kind"), str) else None
    if "kind" in table and kind is None:
        report("kind", unknown("kind of rule", table["kind"], KINDS))
        return
    required = {**REQUIRED, **(PRODUCTS if guideline else {}), **(kind.required if kind else {})}
    check_table(table, required, {**OPTIONAL, **(kind.optional if kind else {})}, names, report)
    if isinstance(table.get("source"), dict):
        in_source: Report = lambda _, message: report("source", f"in its source: {message}")  # noqa: E731
        check_table(table["source"], SOURCE_REQUIRED, SOURCE_OPTIONAL, names, in_source)
    if isinstance(table.get("id"), str) and not _ID.fullmatch(table["id"]):
        report("id", "an id is upper case with hyphens, such as ZA4-DOSE-MAX")
    check_choices(table, report)


def check_choices(table: Mapping[str, Any], report: Report) -> None:
    """Exactly one of the groups of parameters that exclude each other, complete."""
    choices = KINDS[table["kind"]].choices if table.get("kind") in KINDS else ()
    given = [group for group in choices if any(name in table for name in group)]
    if not choices or (len(given) == 1 and all(name in table for name in given[0])):
        return
    report(None, f"needs exactly one of: {' or '.join(' with '.join(group) for group in choices)}")


def _parameters(kind: str) -> frozenset[str]:
    return frozenset({*KINDS[kind].required, *KINDS[kind].optional})


def frozen(value: Any) -> Any:
    """Lists as tuples: a rule does not change."""
    return tuple(frozen(one) for one in value) if isinstance(value, list) else value
