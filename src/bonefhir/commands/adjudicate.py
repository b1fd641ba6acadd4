"""`bonefhir adjudicate`: takes in what people have decided in findings.xlsx. All of a file or nothing of it.

Prints counts and places, no values: what people wrote in a workbook can be about a patient.
"""

import argparse
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bonefhir.commands.counted import counted
from bonefhir.commands.results import facts
from bonefhir.errors import InputError


def run(options: argparse.Namespace) -> int:
    from bonefhir.report import decision_sheets, decision_store
    from bonefhir.report.decision_lines import Known, taken

    facts(options.run)
    sheets = decision_sheets.read(options.file)
    findings = findings_of(options.run)
    store = decision_store.beside(options.run)
    with decision_store.held(store):
        history = decision_store.load(store)
        # The clock is read here and nowhere else: a decision is recorded at a time.
        found = taken(sheets.lines, Known(findings, history, datetime.now(UTC).astimezone(), options.replace))
        if faults := [*sheets.faults, *found.faults]:
            raise InputError("\n".join([f"{options.file}: nothing was recorded", *faults]))
        if found.new:
            decision_store.save(store, [*history, *found.new])
    print("\n".join(told(found, sheets.skipped, store)))
    return 0


def findings_of(run: Path) -> dict[str, dict[str, Any]]:
    """Fingerprint → finding, of all verdicts of the run that are not `pass`."""
    import pyarrow.compute as pc

    from bonefhir.commands.results import table
    from bonefhir.report.identity import fingerprint
    from bonefhir.vocabulary import PASS

    verdicts = table(run, "verdicts")
    found = verdicts.filter(pc.not_equal(verdicts["verdict"], PASS))
    return {fingerprint(row): row for batch in found.to_batches() for row in batch.to_pylist()}


def told(found: Any, skipped: Sequence[str], store: Path) -> list[str]:
    from bonefhir.report.adjudication import WORDS
    from bonefhir.report.visible import visible

    words = Counter(one.decision for one in found.new)
    listed = ", ".join(f"{words[word]} {word}" for word in WORDS if words[word])
    lines = [f"{counted(len(found.new), 'decision')} recorded{f' ({listed})' if listed else ''}, {found.unchanged} known already"]
    notes = (
        (found.replaced, "follow an earlier decision, which stays in the history"),
        (found.undated, "had no `when`: they are of today"),
        (found.blank, "rows without a decision"),
        (found.kept, "of them are of findings with a decision: it stays (`withdrawn` takes it back)"),
    )
    lines += [f"  {number} {what}" for number, what in notes if number]
    if skipped:
        lines.append(f"  not read, as they hold no findings: sheets {', '.join(map(visible, skipped))}")
    return [*lines, f"{store}: the next run beside it shows them"]
