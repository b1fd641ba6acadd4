"""`bonefhir audit`: reads, checks, reports; the same pipeline as the flow, without an orchestrator."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from bonefhir import log
from bonefhir.commands.counted import counted
from bonefhir.configuration import settings_from
from bonefhir.settings import Settings
from bonefhir.starting import undisturbed

if TYPE_CHECKING:
    from bonefhir.pipeline import Summary

OPTIONS = (
    *("sources", "out", "profile", "rules", "terminology", "conformance", "jobs", "memory", "parts", "fail_on", "strict"),
    *("data_docs", "html", "language"),
)
VERDICTS = ("fail", "indeterminate", "pass")
NOTHING = "Nothing was audited: no dose of a bone-modifying agent was found. This is not a result without findings."


def run(options: argparse.Namespace) -> int:
    with undisturbed():
        from bonefhir import memory
        from bonefhir.pipeline import audit

    memory.from_the_system()
    settings = settings_of(options)
    summary = audit(settings, progress(options.quiet))
    clear_progress()
    print(described(summary))
    return 1 if summary.failed(settings.fail_on) else 0


def settings_of(options: argparse.Namespace) -> Settings:
    """The command line over the configuration file over the defaults."""
    given = {name: getattr(options, name, None) for name in OPTIONS}
    lists = {name: tuple(value) for name, value in given.items() if isinstance(value, list)}
    return settings_from(given | lists, options.config, Path.cwd())


def progress(quiet: bool) -> Callable[[str], None] | None:
    return None if quiet else log.progress()


def clear_progress() -> None:
    """The line that progress keeps on a terminal."""
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr, flush=True)


def described(summary: "Summary") -> str:
    """Counts only: what a terminal or a log may show."""
    lines = [f"{counted(summary.patients, 'patient')}, {counted(summary.doses, 'dose')}, {summary.rejected} rejected", ""]
    if not summary.doses:
        lines += [NOTHING, ""]
    lines.append(f"{'':10}{''.join(f'{verdict:>15}' for verdict in VERDICTS)}")
    for severity in ("error", "warning", "info"):
        counts = summary.verdicts.get(severity, {})
        lines.append(f"{severity:10}{''.join(f'{counts.get(verdict, 0):>15}' for verdict in VERDICTS)}")
    team, others = ("report.html", "report.html") if summary.html else ("findings.xlsx", "summary.json")
    lines += ["", f"For the quality team: {summary.out / 'phi' / team} (names patients)"]
    lines += [f"To pass on:           {summary.out / 'share' / others} (counts only)"]
    return "\n".join(lines)
