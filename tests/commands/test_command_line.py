"""Arguments in, exit code out; one line for a user's mistake, and no value of data for a defect of ours."""

import errno
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from bonefhir.cli import main, parser
from bonefhir.commands import audit as audit_command
from bonefhir.errors import InputError, KnowledgeError, OutputError

CANARY = "CANARY-4711"
ROOT = Path(__file__).parents[2]
TOO_MUCH = b"""\
{"resourceType": "Patient", "id": "p"}
{"resourceType": "MedicationAdministration", "id": "m", "status": "completed", "subject": {"reference": "Patient/p"}, \
"effectiveDateTime": "2024-03-01", "dosage": {"dose": {"value": 8, "unit": "mg"}}, \
"medicationCodeableConcept": {"text": "Zometa"}}
"""


@pytest.mark.parametrize("line", ["", "nonsense", "audit in", "audit --out o", "audit in --out o --jobs 0", "rules show"])
def test_a_wrong_command_line_ends_with_2(line: str) -> None:
    with pytest.raises(SystemExit) as caught:
        main(line.split())
    assert caught.value.code == 2


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (InputError("no such file"), 3),
        (KnowledgeError(["a.toml:1: wrong", "b.toml:2: wrong"]), 4),
        (OutputError("cannot be written"), 5),
        (OSError(errno.ENOSPC, "No space left on device"), 5),
        (ValueError(CANARY), 70),
        (OSError(errno.EIO, CANARY), 70),
        (KeyboardInterrupt(), 130),
    ],
)
def test_each_error_has_its_exit_code_and_no_traceback(
    error: BaseException, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(audit_command, "run", raising(error))
    assert main(["audit", "in", "--out", "out"]) == code
    shown = capsys.readouterr()
    assert shown.err.startswith("bonefhir: ")
    assert "Traceback" not in shown.err
    assert CANARY not in shown.err + shown.out


def raising(error: BaseException) -> Callable[[object], int]:
    def run(_: object) -> int:
        raise error

    return run


def test_faults_of_rules_travel_between_processes() -> None:
    error = pickle.loads(pickle.dumps(KnowledgeError(["a: x", "b: y"])))
    assert (error.faults, str(error)) == (["a: x", "b: y"], "a: x\nb: y")


def test_a_name_that_begins_with_a_dash_goes_after_two_dashes() -> None:
    options = parser().parse_args(["audit", "--out", "out", "--", "-rf.ndjson", "b.ndjson"])
    assert options.sources == ["-rf.ndjson", "b.ndjson"]
    assert options.out == Path("out")


def test_options_that_repeat_are_collected_and_abbreviations_are_refused() -> None:
    options = parser().parse_args(["audit", "in", "--out", "o", "--rules", "a", "--rules", "b"])
    assert options.rules == [Path("a"), Path("b")]
    with pytest.raises(SystemExit):
        parser().parse_args(["audit", "in", "--out", "o", "--prof", "eu"])


def test_rules_are_listed_shown_and_checked(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", "list", "--product", "zoledronic_acid_4mg", "--profile", "us"]) == 0
    listed = capsys.readouterr().out
    assert "ZA4-DOSE-MAX" in listed
    assert "ZA5-" not in listed
    assert main(["rules", "show", "za4-dose-max"]) == 0
    shown = capsys.readouterr().out
    assert "Zometa" in shown
    assert "severity:             error" in shown
    assert main(["rules", "show", "NO-SUCH"]) == 2
    assert main(["rules", "list", "--product", "aspirin"]) == 2


def test_the_examples_of_every_shipped_rule_hold(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rules", "check"]) == 0
    assert "no fault" in capsys.readouterr().out


def test_a_wrong_rule_file_ends_with_4_and_tells_every_fault(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "guidelines").mkdir()
    (tmp_path / "guidelines" / "ours.toml").write_text("[[rule]]\nid = 'OUR-1'\n[[rule]]\nid = 'OUR-2'\n")
    assert main(["rules", "check", str(tmp_path)]) == 4
    shown = capsys.readouterr().err
    assert "OUR-1" in shown or "ours.toml:1" in shown
    assert len(shown.splitlines()) > 1


def test_a_folder_that_is_no_run_ends_with_3(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", str(tmp_path), "1"]) == 3
    assert main(["compare", str(tmp_path), str(tmp_path)]) == 3
    assert "is no folder of a run" in capsys.readouterr().err


def test_a_console_that_is_not_utf8_gets_escapes_and_no_defect(tmp_path: Path) -> None:
    (tmp_path / "a\x1b.ndjson").write_bytes(TOO_MUCH)
    environment = os.environ | {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONPATH": str(ROOT / "src")}
    command = [sys.executable, "-m", "bonefhir.cli", "validate", ".", "--quiet"]
    ran = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, check=False)
    assert (ran.returncode, ran.stdout.isascii()) == (1, True)
    assert b"a\\u27e8U+001B\\u27e9.ndjson:2:1: error ZA4-DOSE-MAX" in ran.stdout
