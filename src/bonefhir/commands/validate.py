"""`bonefhir validate`: the checks of `audit` for CI. Findings on stdout and in files, in the form that a tool wants.

Unless a folder is asked for, no report is written and no Great Expectations suite runs: those are for a hospital's whole data.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bonefhir import work_folder
from bonefhir.commands import baseline, expected, forms
from bonefhir.commands.audit import NOTHING, clear_progress, progress, settings_of
from bonefhir.commands.counted import counted
from bonefhir.configuration import FORMATS, Validation, validation_from
from bonefhir.errors import CommandLineError
from bonefhir.knowledge.model import Rule
from bonefhir.report import ci
from bonefhir.report.ci import Finding, Help
from bonefhir.starting import undisturbed
from bonefhir.vocabulary import SEVERITIES

OPTIONS = ("format", "report", "select", "ignore", "baseline", "fail_on")
REJECTS_SHOWN = 20


@dataclass(frozen=True)
class Judged:
    """What a run has found.

    paths       the files it read
    rejects     lines for a person, without a value, of the first REJECTS_SHOWN of `rejected`
    quality     counts
    """

    findings: list[Finding]
    rules: Mapping[str, Rule]
    paths: list[str]
    rejects: list[str]
    rejected: int
    quality: Mapping[str, int]
    doses: int


def run(options: argparse.Namespace) -> int:
    wanted = _validation_of(options)
    files = [forms.wanted(text, FORMATS) for text in wanted.report]
    accepted = baseline.read(wanted.baseline) if wanted.baseline else []
    judged = _judged(options, wanted)
    left = remaining(judged, wanted, accepted)
    helps = {rule.id: Help(rule.statement, rule.citation, rule.guidance, rule.severity) for rule in judged.rules.values()}
    helps |= baseline.HELP | expected.HELP
    for form, path in files:
        forms.write(path, ci.FORMATS[form](left, helps))
    print(ci.FORMATS[wanted.format](left, helps), end="")
    _tell(judged, left)
    return 1 if _reaches(left, wanted.fail_on) else 0


def _validation_of(options: argparse.Namespace) -> Validation:
    given = {name: getattr(options, name) for name in OPTIONS}
    lists = {name: tuple(given[name] or ()) for name in ("report", "select", "ignore")}
    return validation_from(given | lists, options.config, Path.cwd())


def _judged(options: argparse.Namespace, wanted: Validation) -> Judged:
    with undisturbed():
        from bonefhir.commands import findings
        from bonefhir.pipeline import at_work, finish

    with work_folder.temporary("bonefhir-validate") as folder:
        keep = options.out is not None
        options.out = options.out or folder / "run"
        tell = progress(options.quiet or not sys.stderr.isatty())
        with at_work(settings_of(options), tell) as (run, each):
            rules = chosen(run.knowledge.rules, wanted)
            judged = Judged(
                findings.findings(run, rules),
                rules,
                [str(f.path) for f in run.files],
                *findings.rejects(run, REJECTS_SHOWN),
                findings.quality(run),
                findings.doses(run),
            )
            if keep:
                finish(run, each, tell)
    clear_progress()
    return judged


def chosen(rules: Sequence[Rule], wanted: Validation) -> dict[str, Rule]:
    """By id. Raises CommandLineError for a selection that no rule fits: it would be a check that never runs."""
    ids = [rule.id for rule in rules]
    for option, names in (("select", wanted.select), ("ignore", wanted.ignore)):
        for name in names:
            if not any(_fits(rule, name) for rule in ids):
                raise CommandLineError(f"--{option} {name}: no rule has this id or begins so; `bonefhir rules list` shows all")
    selected = [r for r in rules if not wanted.select or any(_fits(r.id, name) for name in wanted.select)]
    return {r.id: r for r in selected if not any(_fits(r.id, name) for name in wanted.ignore)}


def _fits(rule: str, name: str) -> bool:
    """'ZA4' and 'ZA4-INF' fit ZA4-INF-MIN; 'ZA' does not."""
    return f"{rule}-".startswith(f"{name.upper()}-")


def remaining(judged: Judged, wanted: Validation, accepted: Sequence[baseline.Accepted]) -> list[Finding]:
    """The findings that are neither expected nor accepted, and those about the files that should have said so."""
    differing = expected.compared(judged.findings, expected.read(judged.paths), set(judged.rules))
    # The clock is read here and nowhere else: an acceptance ends on a date.
    today = datetime.now(UTC).date()
    left = baseline.without(differing, accepted, today)
    in_force = [entry for entry in accepted if entry.rule in judged.rules]
    if wanted.baseline:
        left += baseline.outlived(wanted.baseline, in_force, differing, today)
    return sorted(left, key=lambda f: (f.path, f.line, f.column, f.rule_id, f.dose_id, f.message))


def _tell(judged: Judged, left: Sequence[Finding]) -> None:
    """On stderr, so that stdout holds the findings alone."""
    for line in judged.rejects:
        print(line, file=sys.stderr)
    if judged.rejected > len(judged.rejects):
        print(f"… and {judged.rejected - len(judged.rejects)} more rejected", file=sys.stderr)
    if judged.quality:
        kinds = ", ".join(f"{kind} {number}" for kind, number in judged.quality.items())
        print(f"data quality: {kinds} (`bonefhir audit` tells which)", file=sys.stderr)
    about_data = sum(1 for finding in left if finding.dose_id)
    silent = len(judged.findings) - about_data
    noted = f" ({silent} accepted or expected)" if silent else ""
    doses, findings = counted(judged.doses, "dose"), counted(len(left), "finding")
    print(f"{doses}, {findings}{noted}, {judged.rejected} rejected", file=sys.stderr)
    if not judged.doses:
        print(NOTHING, file=sys.stderr)


def _reaches(found: Sequence[Finding], limit: str) -> bool:
    return limit != "none" and any(SEVERITIES.index(f.severity) >= SEVERITIES.index(limit) for f in found)
