"""No value of a patient reaches a log line."""

import ast
import io
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

import bonefhir
from bonefhir.log import Public, Seconds, progress, set_up

PATIENT = "Patient/SENTINEL"
CALLS = {"debug", "info", "warning", "error", "exception", "critical", "log"}


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    root, ours = logging.getLogger(), logging.getLogger("bonefhir")
    before = root.handlers[:], root.level, ours.level
    out = io.StringIO()
    set_up(out)
    yield out
    logging.captureWarnings(False)
    root.handlers[:], root.level, ours.level = before


def test_counts_rules_and_durations_pass(stream: io.StringIO) -> None:
    logging.getLogger("bonefhir.judge").info("%s: %d doses, %s", Public("ZA4-ROUTE"), 12, Seconds(1.26))
    assert stream.getvalue() == "INFO ZA4-ROUTE: 12 doses, 1.3 s\n"


def test_everything_else_is_withheld(stream: io.StringIO) -> None:
    logging.getLogger("bonefhir.read").warning("file %d: %s %s", 3, PATIENT, 1.4)
    assert stream.getvalue() == "WARNING file 3: [withheld] [withheld]\n"


def test_other_libraries_are_heard_without_their_words(stream: io.StringIO) -> None:
    logging.getLogger("great_expectations.core").error("bad value %s", PATIENT)
    assert stream.getvalue() == "ERROR great_expectations.core: [withheld]\n"


def test_an_exception_loses_its_message(stream: io.StringIO) -> None:
    try:
        raise ValueError(PATIENT)
    except ValueError:
        logging.getLogger("bonefhir").exception("scan failed")
    assert "ValueError" in stream.getvalue()
    assert "SENTINEL" not in stream.getvalue()
    assert "raise ValueError" not in stream.getvalue()


def test_progress_is_a_line_per_stage_and_holds_no_id() -> None:
    out = io.StringIO()
    say = progress(out)
    for text in ("scan: 1 of 3 files", "scan: 2 of 3 files", "judge", f"judge: {PATIENT}"):
        say(text)
    assert out.getvalue() == "scan\njudge\n[withheld]\n"


def test_messages_in_the_source_are_literals() -> None:
    """An f-string would carry its value past the filter."""
    for path in sorted(Path(bonefhir.__file__).parent.rglob("*.py")):
        calls = [node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if _logs(node)]
        assert [call for call in calls if not _literal(call)] == [], path.name


def _logs(node: ast.AST) -> bool:
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in CALLS):
        return False
    target = node.func.value
    name = target.id if isinstance(target, ast.Name) else ast.unparse(target)
    return name.lower() in ("log", "logger", "logging", "_log", "_logger") or "getLogger" in name


def _literal(node: ast.AST) -> bool:
    assert isinstance(node, ast.Call)
    assert isinstance(node.func, ast.Attribute)
    message = node.args[1] if node.func.attr == "log" else node.args[0]
    return isinstance(message, ast.Constant) and isinstance(message.value, str)
