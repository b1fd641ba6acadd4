"""`bonefhir validate`: the same run as `audit`, with its findings on stdout in the form that CI wants."""

import argparse
import sys
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bonefhir.commands import baseline
from bonefhir.commands.audit import clear_progress, progress, settings_of
from bonefhir.commands.results import table
from bonefhir.report.ci import FORMATS, Finding
from bonefhir.settings import Settings
from bonefhir.vocabulary import FAIL, SEVERITIES

Row = Mapping[str, Any]


def run(options: argparse.Namespace) -> int:
    from bonefhir.pipeline import audit

    accepted = baseline.read(options.baseline) if options.baseline else []
    with tempfile.TemporaryDirectory(prefix="bonefhir-") as folder:
        options.out = options.out or Path(folder) / "run"
        settings = settings_of(options)
        summary = audit(settings, progress(options.quiet or not sys.stderr.isatty()))
        clear_progress()
        found = findings(settings)
    # The clock is read here and nowhere else: an acceptance ends on a date.
    left = baseline.without(found, accepted, datetime.now(UTC).date())
    print(FORMATS[options.format](left), end="")
    noted = f", {len(found) - len(left)} accepted" if accepted else ""
    print(f"{summary.doses} doses, {len(left)} findings{noted}, {summary.rejected} rejected", file=sys.stderr)
    return 1 if _reaches(left, options.fail_on) else 0


def _reaches(found: list[Finding], limit: str) -> bool:
    return limit != "none" and any(SEVERITIES.index(f.severity) >= SEVERITIES.index(limit) for f in found)


def findings(settings: Settings) -> list[Finding]:
    """Every verdict `fail`, by place, then rule."""
    from bonefhir.knowledge.load import load

    statements = {rule.id: rule.statement for rule in load(settings.rules).rules}
    doses = table(settings.out, "doses").select(["dose_id", "source_file", "source_line"]).to_pylist()
    places = {row["dose_id"]: row for row in doses}
    paths = _paths(settings.sources)
    verdicts = table(settings.out, "verdicts").select(["rule_id", "dose_id", "verdict", "severity", "message"]).to_pylist()
    found = [_finding(row, places[row["dose_id"]], paths, statements) for row in verdicts if row["verdict"] == FAIL]
    return sorted(found, key=lambda f: (f.path, f.line, f.rule_id, f.dose_id))


def _finding(row: Row, place: Row, paths: Mapping[str, str], statements: Mapping[str, str]) -> Finding:
    return Finding(
        path=paths.get(place["source_file"], place["source_file"]),
        line=place["source_line"] or 1,
        severity=row["severity"],
        rule_id=row["rule_id"],
        message=row["message"],
        dose_id=row["dose_id"],
        statement=statements.get(row["rule_id"], row["rule_id"]),
    )


def _paths(sources: tuple[str, ...]) -> dict[str, str]:
    """Name of a file in the tables -> its path as it was given, which is what an editor or a CI page can open."""
    from bonefhir.read.sources import expand

    return {file.name: str(file.path) for file in expand(sources)}
