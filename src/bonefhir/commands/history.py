"""`bonefhir history`: an index page over many runs, written beside them, in the language of the latest."""

import argparse
import os
from pathlib import Path

from bonefhir.errors import InputError, OutputError


def run(options: argparse.Namespace) -> int:
    from bonefhir.report import history, history_page
    from bonefhir.report.visible import visible
    from bonefhir.report.wording import load

    try:
        found = history.read(options.runs)
    except OSError as error:
        raise InputError(f"{options.runs}: cannot be listed: {error.strerror}; name the folder that holds the runs") from None
    if not found.runs:
        raise InputError(f"{options.runs}: none of its folders is a run that can be read; name the folder that holds the runs")
    wording = load()
    _replace(options.runs / history.DATA, history.as_json(found))
    _replace(options.runs / history.PAGE, history_page.page(found, load(found.runs[-1].language)))
    print(f"{wording.counted('run', len(found.runs))}: {options.runs / history.PAGE} (counts, not suppressed)")
    for other in found.others:
        print(visible(f"{other.folder}: {wording.word('others', other.why)}"))
    return 0


def _replace(path: Path, content: str) -> None:
    """As a whole: somebody may be reading it."""
    new = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        new.write_text(content, encoding="utf-8", newline="\n")
        new.replace(path)
    except OSError as error:
        new.unlink(missing_ok=True)
        raise OutputError(f"{path}: cannot be written: {error.strerror}") from None
