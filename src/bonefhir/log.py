"""Logging and progress of the commands: to stderr, and never a value of a patient.

That is kept by construction, not by care. A record passes as it stands only if it comes from bonefhir and its arguments are
integers, `Seconds` or `Public`; every other argument is replaced by [withheld]. What other libraries say is reduced to their
name and the level: their messages quote the data that they stumble over. Of an exception only its type and place are
printed. A test reads the source and refuses any message that is not a literal.
"""

import logging
import re
import sys
from collections.abc import Callable
from typing import TextIO

from bonefhir.defects import described

WITHHELD = "[withheld]"
OURS = "bonefhir"

# 'scan', 'scan: 3 of 12 files': an id, a name or a value has no place in it.
_PROGRESS = re.compile(r"[a-z][a-z ]*(: \d+( of \d+)?( [a-z]+)*)?")


class Public(str):
    """A text that names no patient: the id of a rule, the name of a stage or of a setting. Whoever writes Public(x) says so."""

    __slots__ = ()


class Seconds(float):
    """A duration of the program; other floats could be measurements."""

    __slots__ = ()

    def __str__(self) -> str:
        return f"{float(self):.1f} s"


class NoPatientData(logging.Filter):
    """Rewrites each record so that only what is known to be harmless is left. For every handler, Prefect's too."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.name == OURS or record.name.startswith(OURS + "."):
            record.args = _harmless(record.args)
        else:
            record.msg, record.args = f"{record.name}: {WITHHELD}", ()
        if record.exc_info and record.exc_info[1] is not None:
            # A handler prints exc_text where it is set, and exc_info where it is not.
            record.exc_text = described(record.exc_info[1])
        record.exc_info, record.stack_info = None, None
        return True


def set_up(stream: TextIO | None = None, level: int = logging.INFO) -> None:
    """One handler on stderr for the whole process, called once, by a command. Libraries are heard from warnings upwards."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.addFilter(NoPatientData())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], format="%(levelname)s %(message)s", force=True)
    logging.getLogger(OURS).setLevel(level)
    logging.captureWarnings(True)


def progress(stream: TextIO | None = None) -> Callable[[str], None]:
    """Takes 'scan' or 'scan: 3 of 12 files'. On a terminal one line that changes, else one line per stage."""
    out = stream or sys.stderr
    stage = ""

    def say(text: str) -> None:
        nonlocal stage
        said = text if _PROGRESS.fullmatch(text) else WITHHELD
        before, stage = stage, said.partition(":")[0]
        if out.isatty():
            print(f"\r\033[K{said}", end="", file=out, flush=True)
        elif stage != before:
            print(stage, file=out, flush=True)

    return say


def _harmless(arguments: object) -> tuple[object, ...]:
    listed = arguments if isinstance(arguments, tuple) else (arguments,) if arguments else ()
    return tuple(argument if isinstance(argument, int | Seconds | Public) else WITHHELD for argument in listed)
