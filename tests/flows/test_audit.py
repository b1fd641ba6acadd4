"""The flow: the stages and the bytes of the command, a state that says how it went, and no value of a patient in Prefect."""

import io
import json
import os
import subprocess
import sys
from ast import literal_eval
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest
from prefect import flow as prefect_flow
from prefect.artifacts import Artifact
from prefect.settings import PREFECT_SERVER_DATABASE_CONNECTION_URL
from prefect.states import Completed, Failed

from bonefhir import pipeline
from bonefhir.cli import main as command
from bonefhir.commands.audit import OPTIONS
from bonefhir.errors import InputError, KnowledgeError, PartsError
from bonefhir.pipeline import Summary
from flows import audit as flow
from tests.e2e import small

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "sample_data"
CANARY = "CANARY-4711"
SUMMARY = Summary({"warning": {"fail": 1}}, 2, 1, 0, [{"rule_id": "X", "fail": 1}], {}, Path("out"))


def files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def database() -> bytes:
    """All that Prefect's server has written down."""
    path = Path(PREFECT_SERVER_DATABASE_CONNECTION_URL.value().split("///")[1])
    return b"".join(part.read_bytes() for part in sorted(path.parent.glob(f"{path.name}*")))


# ---------------------------------------------------------------------------------------------------- with a real server


def test_the_flow_writes_the_bytes_of_the_command(prefect_server: None, tmp_path: Path) -> None:
    """And ends in a failed state, not in an exception, when findings are grave enough."""
    assert command(["audit", str(SAMPLE), "--out", str(tmp_path / "command"), "--quiet", "--fail-on", "error"]) == 1
    state = flow.audit(sources=[str(SAMPLE)], out=str(tmp_path / "flow"), fail_on="error", return_state=True)
    assert (state.is_failed(), state.name) == (True, flow.FINDINGS)
    by_command, by_flow = files(tmp_path / "command"), files(tmp_path / "flow")
    runs = [json.loads(written.pop("run.json")) for written in (by_command, by_flow)]
    assert by_command == by_flow
    assert runs[0].pop("run") != runs[1].pop("run")
    assert runs[0] == runs[1]
    assert {path.name for path in tmp_path.iterdir()} == {"command", "flow"}


def test_artifacts_hold_counts_and_the_database_no_patient(prefect_server: None, tmp_path: Path) -> None:
    state = flow.audit(sources=[str(SAMPLE)], out=str(tmp_path / "out"), return_state=True)
    assert state.is_completed()
    text = Artifact.get("audit")
    table = Artifact.get("audit-rules")
    assert text is not None
    assert table is not None
    assert "doses" in str(text.data)
    assert set(json.loads(str(table.data))[0]) == {"rule_id", "pass", "fail", "indeterminate", "not_applicable"}
    verdicts = (tmp_path / "out" / "phi" / "findings.csv").read_text(encoding="utf-8")
    assert "MedicationAdministration/" in verdicts
    assert b"MedicationAdministration/" not in database()
    assert b"Patient/" not in database()


class PanicException(BaseException):
    """As libraries in Rust raise it: no Exception."""


def wrapped() -> InputError:
    """One of ours that somebody has raised from a library's."""
    error = InputError("the second reading")
    error.__cause__ = ValueError(CANARY)
    error.add_note(CANARY)
    return error


@pytest.mark.parametrize(
    ("place", "error", "told"),
    [
        ("audit_bucket", ValueError(CANARY), "ValueError"),
        ("audit_bucket", PanicException(CANARY), "PanicException"),
        ("audit_bucket", SystemExit(CANARY), "SystemExit"),
        ("audit_bucket", wrapped(), "the second reading"),
        ("discard", ValueError(CANARY), "ValueError"),
        ("load_run", ValueError(CANARY), "ValueError"),
        ("load_run", PanicException(CANARY), "PanicException"),
    ],
)
def test_a_defect_fails_the_run_without_its_words(
    place: str,
    error: BaseException,
    told: str,
    prefect_server: None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Wherever it happens: in a task, or between them, where the flow itself looks into the run."""
    source = small.people(tmp_path / "in", 1)
    if place == "discard":
        monkeypatch.setattr(pipeline, "deal", raising(ValueError(CANARY)))
    monkeypatch.setattr(pipeline, place, raising(error))
    state = flow.audit(sources=[str(source)], out=str(tmp_path / "out"), return_state=True)
    assert (state.is_failed(), state.name) == (True, "Failed")
    assert told in str(state.message)
    assert CANARY not in str(state.message) + caplog.text
    kept = database()
    assert CANARY.encode() not in kept
    assert told.encode() in kept
    if place == "audit_bucket":
        assert {path.name for path in tmp_path.iterdir()} == {"in"}  # nothing published, nothing left beside it


def test_reading_is_tried_again_and_arithmetic_is_not(prefect_server: None, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    monkeypatch.setattr(pipeline, "load_run", lambda work: work)
    monkeypatch.setattr(pipeline, "scan", failing_once(calls, OSError(CANARY)))
    monkeypatch.setattr(pipeline, "audit_bucket", failing_once(calls, ValueError(CANARY)))
    monkeypatch.setattr(pipeline, "gather", failing_once(calls, PartsError("the store")))
    scan, gather = (task.with_options(retry_delay_seconds=0) for task in (flow.scan, flow.gather))

    @prefect_flow(name="tries")
    def tries() -> tuple[Any, ...]:
        states = scan("work", [7], return_state=True), gather("work", return_state=True)
        return *states, flow.audit_buckets("work", [8], return_state=True)

    scanned, gathered, audited = tries()
    assert scanned.is_completed()
    assert gathered.is_completed()
    assert audited.is_failed()
    assert calls == ["7", "7", "all", "all", "8"]


def test_what_an_operator_sets_as_default_does_not_begin_or_publish_a_run_twice() -> None:
    code = "from flows import audit; print({t.name: t.retries for t in vars(audit).values() if hasattr(t, 'retry_condition_fn')})"
    path = os.pathsep.join((str(ROOT / "src"), str(ROOT)))
    environment = os.environ | {"PREFECT_TASKS_DEFAULT_RETRIES": "7", "PYTHONPATH": path}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    retries = literal_eval(done.stdout)
    assert len(retries) == 10
    assert {name: number for name, number in retries.items() if number != 2} == {"open run": 0, "publish": 0}


def test_a_source_that_breaks_off_is_tried_again_and_then_named(
    prefect_server: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Never a reject: the reports of a file of which nobody knows what it holds would look complete."""
    memory = fsspec.filesystem("memory")
    for path in sorted(small.people(tmp_path / "input", 3).rglob("*.ndjson")):
        memory.pipe_file(f"/night/{path.name}", path.read_bytes())
    opened = memory.open
    broken: list[int] = []

    def breaking(path: str, *arguments: Any, **options: Any) -> Any:
        stream = opened(path, *arguments, **options)
        broken.append(1)
        return Breaking(stream.read()) if len(broken) <= times else stream

    monkeypatch.setattr(type(memory), "open", lambda _, *arguments, **options: breaking(*arguments, **options))
    monkeypatch.setattr(flow, "scan", flow.scan.with_options(retry_delay_seconds=0))
    times = 1
    arguments = ["memory://night", "--out", str(tmp_path / "out"), "--no-html"]
    try:
        assert flow.main(arguments) == 0
        whole = json.loads((tmp_path / "out" / "run.json").read_text())
        assert whole["rejects"] == {}
        broken.clear()
        times = 1000
        assert flow.main([*arguments[:2], str(tmp_path / "again")]) == InputError.exit_code
    finally:
        memory.rm("/night", recursive=True)
    assert ".ndjson: cannot be read where it is stored (TimeoutError)" in capsys.readouterr().err
    assert not (tmp_path / "again").exists()


class Breaking(io.BytesIO):
    """A connection that ends in the middle."""

    def read(self, size: int | None = -1, /) -> bytes:
        if self.tell():
            raise TimeoutError(CANARY)
        return super().read(100)


def test_a_mistake_of_the_user_has_the_exit_code_of_the_command(
    prefect_server: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert flow.main([str(tmp_path / "nowhere"), "--out", str(tmp_path / "out")]) == InputError.exit_code
    assert "no such file or folder" in capsys.readouterr().err


def failing_once(calls: list[str], error: Exception) -> Any:
    failed: Iterator[bool] = iter([True])

    def stage(_run: Any, number: int | str = "all") -> None:
        calls.append(str(number))
        if next(failed, False):
            raise error

    return stage


def raising(error: BaseException) -> Any:
    def stage(*_: Any) -> None:
        raise error

    return stage


# ------------------------------------------------------------------------------------------------------- without a server


@pytest.mark.parametrize(("count", "sizes"), [(0, []), (1, [1]), (8, [1] * 8), (9, [2] + [1] * 7), (100, [13] * 4 + [12] * 4)])
def test_work_is_dealt_into_a_few_tasks(count: int, sizes: list[int]) -> None:
    dealt = flow.groups(range(count))
    assert [len(group) for group in dealt] == sizes
    assert sorted(number for group in dealt for number in group) == list(range(count))


@pytest.mark.parametrize(
    ("error", "becomes"),
    [(ValueError(CANARY), flow.DefectError), (OSError(CANARY), flow.TransientError), (KnowledgeError(["a: x"]), KnowledgeError)],
)
def test_only_our_own_errors_keep_their_words(error: Exception, becomes: type[Exception]) -> None:
    with pytest.raises(becomes) as caught:
        flow.safely(raising(error))()
    assert CANARY not in str(caught.value)
    assert caught.value.__cause__ is None


def test_only_transient_errors_are_tried_again() -> None:
    assert flow.is_transient(None, None, Failed(data=flow.TransientError("x")))  # type: ignore[arg-type]
    assert not flow.is_transient(None, None, Failed(data=flow.DefectError("x")))  # type: ignore[arg-type]


def test_every_option_of_the_command_reaches_the_flow(monkeypatch: pytest.MonkeyPatch) -> None:
    given: dict[str, Any] = {}

    def audit(**parameters: Any) -> Any:
        given.update(parameters)
        return Completed()

    monkeypatch.setattr(flow, "audit", audit)
    texts = {"profile": "eu", "conformance": "none", "parts": "memory://x", "fail_on": "info", "language": "de"}
    options = [part for name, value in texts.items() for part in (f"--{name.replace('_', '-')}", value)]
    lists = {"rules": ["r"], "terminology": ["t.csv"]}
    options += ["--rules", "r", "--terminology", "t.csv", "--config", "c.toml", "--jobs", "3", "--memory", "2GiB", "--tasks", "9"]
    options += ["--strict", "--data-docs", "--no-html"]
    assert flow.main(["in", "--out", "out", *options]) == 0
    rest = {"config": "c.toml", "jobs": 3, "tasks": 9, "strict": True, "data_docs": True, "html": False, "return_state": True}
    rest |= {"memory": 2 << 30}
    assert given == {"sources": ["in"], "out": "out", **texts, **lists, **rest}
    assert set(OPTIONS) <= set(given)


@pytest.mark.parametrize(("fail_on", "failed"), [("none", False), ("error", False), ("warning", True), ("info", True)])
def test_the_state_follows_the_findings(fail_on: str, failed: bool) -> None:
    state = flow.outcome(SUMMARY, fail_on)
    assert state.is_failed() == failed
    assert state.type == (Failed() if failed else Completed()).type
