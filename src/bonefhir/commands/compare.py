"""`bonefhir compare`: what is new, resolved and changed between two runs, and why. Prints ids of doses and values, like phi/."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from bonefhir.commands import forms
from bonefhir.commands.results import decisions_beside, facts, table
from bonefhir.settings import language_of

if TYPE_CHECKING:
    from bonefhir.report.comparison import Run

RESOURCES = {"labs": "resource", "conditions": "resource", "procedures": "resource", "doses": "dose_id", "patients": "patient_id"}
"""Table of phi/ → its column of ids."""


def run(options: argparse.Namespace) -> int:
    from bonefhir.report.comparison import compared
    from bonefhir.report.comparison_forms import FORMS
    from bonefhir.report.wording import load

    files = [forms.wanted(text, FORMS) for text in options.report or ()]
    before, after = opened(options.before), opened(options.after)
    found = compared(before, after, decisions_beside(options.after).standing)

    def made(form: str) -> str:
        """The page is in the language of the later run, like its reports; text and JSON are English."""
        return FORMS[form](found, load(language_of(after.facts.get("run", {}))) if form == "html" else load())

    for form, path in files:
        forms.write(path, made(form))
    print(made(options.format), end="")
    return 0


def opened(folder: Path) -> "Run":
    from bonefhir.report.comparison import Run

    about = facts(folder)
    tables = {name: table(folder, name) for name in ("verdicts", *RESOURCES)}
    columns = [tables[name][column] for name, column in RESOURCES.items()]
    return Run(about, tables["verdicts"], tables["doses"], columns)
