"""The commands: arguments in, exit code out.

Nothing but the standard library is imported until a command runs, so that `--help` and a wrong argument answer at once.

Exit codes: 0 done; 1 findings of the severity asked for; 2 wrong command line; 3 input cannot be read at all; 4 a rule file is
wrong; 5 the output cannot be written; 70 a defect of bonefhir; 130 interrupted; 143 terminated.
"""

import argparse
import errno
import os
import signal
import sys
from collections.abc import Sequence
from importlib import import_module
from io import TextIOWrapper
from pathlib import Path
from typing import Any

from bonefhir import __version__, log, starting
from bonefhir.configuration import FORMATS
from bonefhir.defects import described
from bonefhir.errors import BonefhirError, OutputError
from bonefhir.settings import CONFORMANCE, FAIL_ON, LANGUAGES, PROFILES, size_of

COMPARED = ("text", "json", "html")
DEFECT = 70
INTERRUPTED = 130
TERMINATED = 143


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code. A user's mistake is one message on stderr, without traceback; a defect is named by type and place."""
    options = parser().parse_args(arguments)
    if arguments is None:  # called from a shell, so the process is ours
        log.set_up()
        starting.lean()
        if isinstance(sys.stdout, TextIOWrapper):  # a console that is not UTF-8 gets an escape for what it cannot show
            sys.stdout.reconfigure(errors="backslashreplace")
        signal.signal(signal.SIGTERM, _terminated)
    try:
        command = import_module(f"bonefhir.commands.{options.command}")
        return int(command.run(options))
    except BonefhirError as error:
        return _failed(str(error), error.exit_code)
    except KeyboardInterrupt:
        return _failed("interrupted; nothing was published", INTERRUPTED)
    except BrokenPipeError:
        # the reader of our output went away, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS):
            return _failed(f"the output cannot be written: {error.strerror}", OutputError.exit_code)
        return _failed(described(error), DEFECT)
    except Exception as error:  # noqa: BLE001 the last door before a traceback, which would print values of patients
        return _failed(described(error), DEFECT)


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        prog="bonefhir",
        description="Checks every dose of a bone-modifying agent in FHIR data against renal function, calcium and its label.",
        epilog="A file whose name begins with '-' goes after '--'. Not a medical device.",
        allow_abbrev=False,
    )
    top.add_argument("--version", action="version", version=f"bonefhir {__version__}")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _audit(commands)
    _validate(commands)
    _rules(commands)
    _explain(commands)
    _adjudicate(commands)
    _compare(commands)
    _history(commands)
    _sample(commands)
    return top


Subparsers = Any  # of argparse, whose own name for it is private


def _audit(commands: Subparsers) -> None:
    one = _command(commands, "audit", "read, check and report", _sources(), _judging(), _running())
    one.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder of the reports; replaces an earlier run")
    one.add_argument("--fail-on", choices=FAIL_ON, help="exit 1 if a verdict `fail` has at least this severity (default: none)")
    one.add_argument("--data-docs", action="store_true", default=None, help="also Great Expectations' pages, in share/data_docs")
    one.add_argument("--no-html", action="store_false", dest="html", default=None, help="no report.html, in phi/ and share/")
    one.add_argument("--language", choices=LANGUAGES, help="of the two report.html and of findings.xlsx (default: en)")


def _validate(commands: Subparsers) -> None:
    one = _command(commands, "validate", "the same for CI: findings as a linter prints them", _sources(), _judging(), _running())
    one.add_argument("--format", choices=FORMATS, help="of the findings on stdout (default: text)")
    one.add_argument("--report", action="append", metavar="FORMAT=FILE", help="the findings in a file as well (repeatable)")
    one.add_argument("--select", action="append", metavar="RULE", help="only these rules: ids or their beginnings (repeatable)")
    one.add_argument("--ignore", action="append", metavar="RULE", help="not these rules (repeatable)")
    one.add_argument("--fail-on", choices=FAIL_ON, help="severity from which on to exit 1 (default: error)")
    one.add_argument("--baseline", type=Path, metavar="FILE", help="TOML file of accepted findings: reason, owner, last day")
    one.add_argument("--out", type=Path, metavar="DIR", help="keep the folder of the reports as well")


def _rules(commands: Subparsers) -> None:
    one = commands.add_parser("rules", help="the catalogue of rules", description="The catalogue of rules.", allow_abbrev=False)
    actions = one.add_subparsers(dest="action", required=True, metavar="ACTION")
    listed = _command(actions, "list", "one line per rule", _knowledge())
    listed.add_argument("--product", help="only rules of this product")
    shown = _command(actions, "show", "one rule in full", _knowledge())
    shown.add_argument("id", metavar="ID", help="of the rule, as `rules list` prints it")
    checked = _command(actions, "check", "lint a folder of rules and run the examples inside them")
    checked.add_argument("folder", nargs="?", type=Path, metavar="DIR", help="default: the rules that come with bonefhir")


def _explain(commands: Subparsers) -> None:
    one = _command(commands, "explain", "one dose: its timeline, every rule, every number and where it came from")
    one.add_argument("run", type=Path, metavar="RUN_DIR", help="folder that `audit --out` has written")
    one.add_argument("dose", metavar="DOSE_ID", help="MedicationAdministration/17, or 17: as in findings.csv and report.html")


def _adjudicate(commands: Subparsers) -> None:
    one = _command(commands, "adjudicate", "record what people have decided about findings, from findings.xlsx")
    one.add_argument("run", type=Path, metavar="RUN_DIR", help="folder that `audit --out` has written")
    one.add_argument("file", type=Path, metavar="FILE", help="findings.xlsx, filled in; or one of its sheets saved as CSV")
    one.add_argument("--replace", action="store_true", help="also where somebody has decided since the workbook was written")


def _compare(commands: Subparsers) -> None:
    one = _command(commands, "compare", "what is new, resolved and changed between two runs, and why")
    one.add_argument("before", type=Path, metavar="RUN_A", help="the earlier run")
    one.add_argument("after", type=Path, metavar="RUN_B", help="the later run")
    one.add_argument("--format", choices=COMPARED, default="text", help="of the comparison on stdout (default: text)")
    one.add_argument("--report", action="append", metavar="FORMAT=FILE", help="the comparison in a file as well (repeatable)")


def _history(commands: Subparsers) -> None:
    one = _command(commands, "history", "an index page over many runs, written beside them")
    one.add_argument("runs", type=Path, metavar="RUNS_DIR", help="folder that holds the folders of the runs")


def _sample(commands: Subparsers) -> None:
    one = _command(commands, "sample", "write synthetic bundles and NDJSON with an answer key")
    one.add_argument("folder", type=Path, metavar="DIR", help="folder to write")
    one.add_argument("--patients", type=_count, default=60, metavar="N", help="default: 60")
    one.add_argument("--seed", type=int, default=1, metavar="S", help="the same seed gives the same bytes (default: 1)")


def _command(commands: Subparsers, name: str, what: str, *parents: argparse.ArgumentParser) -> argparse.ArgumentParser:
    description = f"{what[0].upper()}{what[1:]}."
    made: argparse.ArgumentParser = commands.add_parser(
        name, help=what, description=description, parents=parents, allow_abbrev=False
    )
    return made


def _part() -> argparse.ArgumentParser:
    return argparse.ArgumentParser(add_help=False, allow_abbrev=False)


def _sources() -> argparse.ArgumentParser:
    part = _part()
    part.add_argument("sources", nargs="+", metavar="SOURCE", help="file, folder or glob of FHIR Bundles, resources or NDJSON")
    return part


def _knowledge() -> argparse.ArgumentParser:
    part = _part()
    part.add_argument("--rules", type=Path, action="append", metavar="DIR", help="a site's own rules (repeatable)")
    part.add_argument("--profile", choices=PROFILES, help="whose labels apply (default: us)")
    return part


def _judging() -> argparse.ArgumentParser:
    part = argparse.ArgumentParser(add_help=False, allow_abbrev=False, parents=[_knowledge()])
    part.add_argument("--terminology", type=Path, action="append", metavar="FILE", help="a site's local codes (repeatable)")
    part.add_argument("--conformance", choices=CONFORMANCE, help="what fhir.resources checks (default: evidence)")
    part.add_argument("--strict", action="store_true", default=None, help="exit 3 if anything was rejected")
    return part


def _running() -> argparse.ArgumentParser:
    part = _part()
    part.add_argument("--jobs", type=_count, metavar="N", help="processes (default: one per core, as far as --memory goes)")
    part.add_argument("--memory", type=_size, metavar="SIZE", help="of all processes, about (default: 1GiB; more for many cores)")
    part.add_argument("--parts", metavar="URL", help="where parts of the work lie until the end (default: beside the output)")
    part.add_argument("--config", type=Path, metavar="FILE", help="default: [tool.bonefhir] of pyproject.toml, or bonefhir.toml")
    part.add_argument("--quiet", action="store_true", help="no progress")
    return part


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


def _size(text: str) -> int:
    size = size_of(text)
    if not size:
        raise argparse.ArgumentTypeError("must be a size, such as 1GiB or 512MiB")
    return size


def _terminated(*_: object) -> None:
    """As a scheduler ends a run: its work folder is removed on the way out."""
    sys.exit(TERMINATED)


def _failed(message: str, code: int) -> int:
    print(f"bonefhir: {message}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
