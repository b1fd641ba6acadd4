"""A page per rule, made when the site is built: meaning, source, evidence, examples, how it may be wrong, what to do."""

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

sys.path.insert(0, str(Path(__file__).parents[2] / "src"))

from bonefhir.knowledge.kind_words import in_words, plain
from bonefhir.knowledge.kinds import COLUMNS, KINDS
from bonefhir.knowledge.load import load
from bonefhir.knowledge.model import Knowledge, Rule

REPAIRS = {
    "no-route": "Chart the route, with a SNOMED CT or NCI code.",
    "no-dose": "Chart the dose as a quantity with a UCUM unit.",
    "no-duration": "Chart the period of the infusion, with its end from the pump, or the rate.",
    "no-creatinine": "Send serum creatinine with a LOINC code, a UCUM unit and its time.",
    "no-baseline": "Send the creatinine from before the first dose as well: the export must begin before the treatment.",
    "no-egfr": "Send the eGFR that the laboratory reported, with a LOINC code.",
    "no-age": "Send Patient.birthDate.",
    "no-weight": "Send body weight with LOINC 29463-7 and its time.",
    "no-calcium": "Send calcium, and albumin with it, with LOINC codes and UCUM units.",
    "no-counts": "Send the blood count with LOINC codes and UCUM units.",
}


def on_files(files: Files, config: Any) -> Files:
    for path, text in pages(load()):
        files.append(File.generated(config, path, content=text))
    return files


def pages(knowledge: Knowledge) -> Iterator[tuple[str, str]]:
    yield "rules/index.md", "\n".join(_index(knowledge)) + "\n"
    for rule in knowledge.rules:
        yield f"rules/{rule.id}.md", "\n".join(_page(rule, knowledge)) + "\n"


def _index(knowledge: Knowledge) -> Iterator[str]:
    yield from (
        "# Rules",
        "",
        f"{len(knowledge.rules)} rules. *Confirm each source in the current label before an audit rests on it.*",
        "",
    )
    yield from ("| rule | severity | statement | source |", "|---|---|---|---|")
    for rule in knowledge.rules:
        yield f"| [{rule.id}]({rule.id}.md) | {rule.severity} | {_cell(rule.statement)} | {_cell(rule.citation)} |"


def _page(rule: Rule, knowledge: Knowledge) -> Iterator[str]:
    products = ", ".join(knowledge.products[name].title for name in rule.products)
    indications = ", ".join(plain(name) for name in rule.indications) or "every indication of the product"
    yield from (f"# {rule.id}", "", f"**{rule.statement}**", "", "## What it means", "", f"{in_words(rule)}", "")
    yield from ("| | |", "|---|---|", f"| severity | {rule.severity} |", f"| products | {_cell(products)} |")
    yield from (
        f"| indications | {_cell(indications)} |",
        f"| doses | {rule.doses} |",
        f"| profiles | {', '.join(rule.profiles)} |",
    )
    yield from (f"| version | {rule.version} |", f"| kind | `{rule.kind}` |")
    yield from (f"| `{name}` | {_cell(plain(value))} |" for name, value in rule.parameters.items() if not _nested(value))
    yield from ("", "## Source", "", f"{rule.citation}, revision {rule.source.revision}.", "")
    if rule.source.note:
        yield from (rule.source.note, "")
    yield from (
        "## Evidence needed",
        "",
        "Inputs of its kind: " + ", ".join(f"`{name}`" for name in KINDS[rule.kind].columns) + ".",
        "",
    )
    yield from ("## Examples", "", *_examples(rule), "", "They are run as tests.", "")
    yield from ("## How it may be wrong", "", rule.guidance, "", "## How to mend the data", "", *_repairs(rule))


def _examples(rule: Rule) -> Iterator[str]:
    names = list(dict.fromkeys(name for example in rule.examples for name in example.inputs))
    yield "| " + " | ".join([*names, "verdict"]) + " |"
    yield "|---" * (len(names) + 1) + "|"
    for example in rule.examples:
        cells = [_cell(example.inputs.get(name, "")) or _blank(name) for name in names]
        yield "| " + " | ".join([*cells, " ".join((example.verdict, *example.reasons))]) + " |"


def _blank(name: str) -> str:
    """A quantity is missing; of anything else nothing is said."""
    return "*missing*" if COLUMNS[name].missing or COLUMNS[name].type == "interval" else ""


def _repairs(rule: Rule) -> Iterator[str]:
    reasons = {COLUMNS[name].missing for name in KINDS[rule.kind].columns} | {r for e in rule.examples for r in e.reasons}
    told = [f"- `{reason}`: {text}" for reason, text in REPAIRS.items() if reason in reasons]
    yield from told or ["A verdict of this rule rests on what the export holds: see that the export is complete and coded."]


def _nested(value: Any) -> bool:
    """Bands and tables of counts: the words above the table say them."""
    return isinstance(value, Mapping) or (isinstance(value, tuple) and any(isinstance(one, Mapping) for one in value))


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
