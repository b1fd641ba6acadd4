"""Reference pages made of the code. `python docs/hooks/reference.py` writes them; a test compares."""

import argparse
import sys
from collections.abc import Iterable, Iterator
from dataclasses import fields
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "src"))

from bonefhir.cli import parser
from bonefhir.configuration import CHOICES, NOT_IN_A_FILE, Validation
from bonefhir.contract.columns import WRITTEN, spelled
from bonefhir.contract.files import contents
from bonefhir.knowledge.kinds import EVERY_KIND, KINDS, Kind
from bonefhir.knowledge.load import load
from bonefhir.report.wording import load as load_wording
from bonefhir.settings import Settings

NOTE = "<!-- Made by `python docs/hooks/reference.py`: change the code, not this page. -->"

MEANINGS = {
    "profile": "whose labels apply",
    "conformance": "what fhir.resources checks: the evidence of verdicts, every resource of the types used, or nothing",
    "jobs": "processes; 0: one per core, as far as `memory` goes (if not, it says so): the first takes 250 MB, each other 220",
    "memory": "that all processes may take together, about, such as `2GiB` (a number: bytes): so many patients at a time",
    "parts": "where the stages leave tables for each other until the end, a URL that all workers reach; empty: beside the output",
    "rules": "folders of a site's own rules and overrides, relative to the file",
    "terminology": "CSV files of local codes, relative to the file",
    "fail_on": "exit 1 if a finding has at least this severity; `validate` begins at `error`, `audit` at `none`",
    "strict": "exit 3 if anything was rejected",
    "data_docs": "also Great Expectations' pages, in `share/data_docs`",
    "html": "the two `report.html`; `--no-html` leaves them out",
    "language": "of the two `report.html` and of `findings.xlsx`; the rest, and all statements and messages, is English",
    "weight": "body weight in the Cockcroft-Gault formula",
    "weight_window_days": "how old a body weight may be",
    "baseline_window_days": "how long before the first dose a baseline creatinine may lie",
    "vitamin_d_window_days": "how old a vitamin D may be",
    "albumin_window_days": "how far from calcium the albumin that corrects it may lie",
    "unknown_albumin": "lowest and highest albumin, in g/dL, where none is known",
    "calcium_limit_mg_dl": "lower limit of total and corrected calcium where the laboratory gives none",
    "calcium_limit_ionised_mmol_l": "the same of ionised calcium",
    "small_number": "groups smaller than this are suppressed in `share/`",
    "format": "`validate`: form of the findings on stdout",
    "report": "`validate`: the findings in files as well, `FORMAT=FILE`, relative to the file",
    "select": "`validate`: only these rules: ids or their beginnings",
    "ignore": "`validate`: not these rules",
    "baseline": "`validate`: file of accepted findings, relative to the file",
}


EXIT_CODES = {
    "0": "done. Without `--fail-on` also where there are findings, and where there was no dose to check: the text says so",
    "1": "a verdict `fail` has at least the severity of `--fail-on`",
    "2": "wrong command line, setting or baseline",
    "3": "the input cannot be read at all: a path that is not there, a folder without files, a run folder that is none; "
    "a source behind a URL that broke off; with `--strict` also if anything was rejected. Nothing is written",
    "4": "a rule, a label or a file of local codes is wrong; every fault is told",
    "5": "the output cannot be written, or a process of the run was ended from outside: nothing is left behind",
    "70": "a defect of bonefhir: type and place are printed, never the message, which could hold patient data",
    "130, 143": "interrupted, terminated: nothing was written, nothing is left behind",
}


def pages() -> dict[str, str]:
    made = {
        "commands": _commands(),
        "settings": _settings(),
        "words": _words(),
        "files": _files(),
        "columns": _columns(),
    }
    return {name: "\n".join([NOTE, *lines]) + "\n" for name, lines in made.items()}


def _commands() -> Iterator[str]:
    yield from (
        "# Commands",
        "",
        "`bonefhir COMMAND --help` says the same. Exit codes:",
        "",
        "| code | meaning |",
        "|---|---|",
    )
    yield from (f"| {code} | {meaning} |" for code, meaning in EXIT_CODES.items())
    yield ""
    for name, command in _actions(parser()).items():
        yield from _command(f"bonefhir {name}", command)


def _actions(of: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    found = [action for action in of._actions if isinstance(action, argparse._SubParsersAction)]
    return dict(found[0].choices) if found else {}


def _command(name: str, command: argparse.ArgumentParser) -> Iterator[str]:
    below = _actions(command)
    yield from (f"## {name}", "", command.description or "", "")
    if not below:
        yield from ("| | |", "|---|---|")
    for action in [] if below else command._actions:
        shown = [f"{flag} {action.metavar or _choices(action)}".strip() for flag in action.option_strings] or [
            str(action.metavar)
        ]
        yield f"| `{'`, `'.join(_cell(text) for text in shown)}` | {_cell(action.help or '')} |"
    yield ""
    for inner, one in below.items():
        yield from _command(f"{name} {inner}", one)


def _choices(action: argparse.Action) -> str:
    return "|".join(map(str, action.choices)) if action.choices else ""


def _settings() -> Iterator[str]:
    yield from (
        "# Settings",
        "",
        "In `[tool.bonefhir]` of the nearest `pyproject.toml`, else in `bonefhir.toml`; the command line wins.",
        "",
    )
    yield from ("| setting | default | meaning |", "|---|---|---|")
    seen = set()
    for field in (*fields(Settings), *fields(Validation)):
        if field.name in NOT_IN_A_FILE or field.name in seen:
            continue
        seen.add(field.name)
        choices = f" ({', '.join(f'`{c}`' for c in CHOICES[field.name])})" if field.name in CHOICES else ""
        yield f"| `{field.name.replace('_', '-')}` | {_default(field.default)} | {MEANINGS[field.name]}{choices} |"


def _default(value: object) -> str:
    if value in ((), None):
        return "none"
    if value == 1 << 30:
        return "`1GiB`"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{list(value)}`" if isinstance(value, tuple) else f"`{value}`"


def _files() -> Iterator[str]:
    yield from (
        "# Files",
        "",
        "The folder of a run: `phi/` names patients, `share/` holds counts only. Columns are on a page of their own.",
        "",
    )
    yield from ("| schema | of | |", "|---|---|---|")
    for name, schema in contents().items():
        yield f"| `schemas/{name}` | {_cell(schema['title'])} | {_cell(schema['description'])} |"
    yield from ("", "An editor checks a TOML file as it is typed if its first line names the schema, for example", "")
    yield from ("```toml", "#:schema ../../schemas/guideline.schema.json", "```", "")
    yield "A change of the form of `run.json` or of the folder has a new `format` in `run.json`; keys may be added within one."


def _columns() -> Iterator[str]:
    yield from (
        "# Columns",
        "",
        "The Parquet files of `phi/`. `schemas/datapackage.json` says the same to programs, as a Frictionless Data Package.",
    )
    yield "*phi*: may hold data of a patient."
    for table in WRITTEN:
        yield from ("", f"## {table.name}", "", f"{table.grain[0].upper()}{table.grain[1:]}.", "")
        yield from ("| column | type | meaning | unit | phi |", "|---|---|---|---|---|")
        for column in table:
            phi = "phi" if column.phi else ""
            yield f"| `{column.name}` | {_cell(spelled(column.type))} | {_cell(column.meaning)} | {column.unit} | {phi} |"


def _words() -> Iterator[str]:
    yield from ("# Words", "", "The names that rules, codes and settings may use, and the words that results are told in.", "")
    yield from _named()
    yield from ("", "## Kinds of rule", "")
    yield "What a `[[rule]]` of each kind must have and may have beside the fields of every rule, and the columns of its"
    yield from (f"examples; each may also have {_code(EVERY_KIND)}.", "")
    yield from ("| kind | must have | may have | columns of examples | as in |", "|---|---|---|---|---|")
    first = {rule.kind: rule.id for rule in reversed(load().rules)}
    for name, kind in KINDS.items():
        needed, optional = _parameters(kind)
        like = f"[{first[name]}](../rules/{first[name]}.md)"
        yield f"| `{name}` | {needed} | {optional} | {_code(kind.columns)} | {like} |"
    wording = load_wording()
    needed_for = wording.group("needed")
    yield from ("", "## Why a verdict is indeterminate", "", "| reason | meaning | what would be needed |", "|---|---|---|")
    yield from (f"| `{word}` | {said} | {needed_for[word]} |" for word, said in wording.group("reasons").items())
    for title, group in (("Assumptions", "assumptions"), ("Why something is rejected", "rejects"), ("Data quality", "quality")):
        yield from ("", f"## {title}", "", "| word | meaning |", "|---|---|")
        yield from (f"| `{word}` | {_cell(said)} |" for word, said in wording.group(group).items())


def _named() -> Iterator[str]:
    knowledge = load()
    yield from ("## Products", "", "| product | drug | what | labelled for; the first is assumed |", "|---|---|---|---|")
    for product in sorted(knowledge.products.values(), key=lambda one: one.name):
        yield f"| `{product.name}` | `{product.drug}` | {_cell(product.title)} | {_code(product.indications)} |"
    yield from ("", "## Labs and vital signs", "", "| name | what | unit |", "|---|---|---|")
    for lab in sorted(knowledge.measurements.values(), key=lambda one: one.name):
        yield f"| `{lab.name}` | {_cell(lab.title)} | {lab.unit} |"
    yield from ("", "## Value sets", "", "Conditions and procedures. An indication is a value set of conditions.", "")
    for of in ("Condition", "Procedure"):
        yield f"- {of}: {_code(sorted(one.name for one in knowledge.value_sets.values() if one.resource_type == of))}"


def _parameters(kind: Kind) -> tuple[str, str]:
    """A group of which a rule has exactly one is part of what it must have."""
    chosen = {name for group in kind.choices for name in group}
    groups = " or ".join(" and ".join(f"`{name}`" for name in group) for group in kind.choices)
    return ", ".join(filter(None, (_code(kind.required), groups))), _code(name for name in kind.optional if name not in chosen)


def _code(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;").replace("\n", " ")


if __name__ == "__main__":
    for page, content in pages().items():
        (ROOT / "docs" / "reference" / f"{page}.md").write_text(content, encoding="utf-8", newline="\n")
