"""No value of a patient leaves phi/: not by a terminal, a log, an exception, share/ or run.json, however a run ends."""

import errno
import json
import logging
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from bonefhir import pipeline
from bonefhir.cli import main
from bonefhir.errors import BonefhirError
from tests.e2e import canaries, small
from tests.e2e.canaries import BIRTH, FILE, HIDDEN, NOWHERE, PHI, PHONE, leaks
from tests.e2e.small import SUITES, no_suites

ROOT = Path(__file__).parents[2]
EVERY = (NOWHERE, PHONE, PHI, BIRTH, FILE)
IDENTITY = (NOWHERE, PHONE, BIRTH, f"{PHI}-patient")


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return canaries.folder(tmp_path_factory.mktemp("canaries") / "in")


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "tmp"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SUITES, no_suites)


class Heard:
    """All that has been said: by the terminal and by loggers of any library, at any level."""

    def __init__(self, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> None:
        self._capfd, self._caplog = capfd, caplog
        caplog.set_level(logging.DEBUG)

    @property
    def text(self) -> str:
        shown = self._capfd.readouterr()
        return shown.out + shown.err + self._caplog.text


@pytest.fixture
def heard(capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture) -> Heard:
    return Heard(capfd, caplog)


def audit(source: Path, out: Path, *more: str) -> int:
    return main(["audit", str(source), "--out", str(out), *more])


def silent_about(text: str, *canaries: str) -> bool:
    return not any(canary in text for canary in canaries)


# ---------------------------------------------------------------------------------------------------------- a run that ends


def test_a_run_keeps_values_in_phi_and_most_of_them_nowhere(source: Path, tmp_path: Path, temporary: Path, heard: Heard) -> None:
    """With the suites of Great Expectations and its pages."""
    out = tmp_path / "out"
    assert audit(source, out, "--data-docs") == 0
    assert silent_about(heard.text, *EVERY)
    assert not leaks(out, NOWHERE, PHONE)
    assert not leaks(out / "share", *EVERY)
    outside = {name for name in leaks(out, *EVERY) if not name.startswith("phi/")}
    assert outside == {"run.json"}
    named = {"run.json", "phi/fhir/provenance.ndjson"}  # the names of the inputs, and nothing from within them
    assert leaks(out, PHI, BIRTH).keys() == leaks(out, PHI, BIRTH, FILE).keys() - named
    assert not list(temporary.iterdir())


@pytest.mark.usefixtures("quick")
def test_a_reject_says_where_and_why_and_never_what(source: Path, tmp_path: Path) -> None:
    assert audit(source, tmp_path / "out", "--quiet") == 0
    written = (tmp_path / "out" / "phi" / "rejects.ndjson").read_text()
    assert silent_about(written, NOWHERE, PHONE, BIRTH)
    lines = [json.loads(line) for line in written.splitlines()]
    assert len(lines) > 35
    for line in lines:
        assert line.keys() <= {"file", "line", "entry", "resourceType", "id", "stage", "reason", "path", "detail"}
        assert PHI not in json.dumps({key: value for key, value in line.items() if key != "id"})


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("conformance", ["full", "none"])
def test_conformance_changes_nothing_in_that(conformance: str, source: Path, tmp_path: Path, heard: Heard) -> None:
    assert audit(source, tmp_path / "out", "--conformance", conformance) == 0
    assert silent_about(heard.text, *EVERY)
    assert not leaks(tmp_path / "out", NOWHERE, PHONE)
    assert not leaks(tmp_path / "out" / "share", *EVERY)


@pytest.mark.parametrize("form", ["text", "json", "junit", "sarif", "github"])
def test_validate_names_at_most_doses(form: str, source: Path, temporary: Path, heard: Heard) -> None:
    assert main(["validate", str(source), "--format", form]) == 1
    said = heard.text
    assert "ZA4-DOSE-MAX" in said
    assert silent_about(said, *IDENTITY, *(() if form in ("text", "json") else (PHI,)))
    assert not list(temporary.iterdir())


# ---------------------------------------------------------------------------------------------------- a run that does not


@pytest.mark.usefixtures("quick")
def test_strict_counts_what_it_refuses(source: Path, tmp_path: Path, heard: Heard) -> None:
    assert audit(source, tmp_path / "out", "--strict") == 3
    said = heard.text
    assert "rejected" in said
    assert silent_about(said, *EVERY)
    assert not list(tmp_path.iterdir())


def quoting() -> list[Exception]:
    """Exceptions as libraries raise them: with the value that they stumbled over."""
    return [
        ValueError(f"cannot convert {HIDDEN}"),
        KeyError(PHI),
        UnicodeDecodeError("utf-8", HIDDEN.encode(), 0, 1, HIDDEN),
        pa.ArrowInvalid(f"CSV parse error: {HIDDEN}"),
        OSError(errno.EIO, HIDDEN, f"/{PHI}"),
        OSError(errno.ENOSPC, HIDDEN),
        ExceptionGroup(HIDDEN, [ValueError(HIDDEN)]),
        type(f"{PHI}Error", (RuntimeError,), {"__module__": "somewhere"})(HIDDEN),
    ]


PLACES = [
    "bonefhir.pipeline.scan_portion",
    "bonefhir.pipeline.resolution.resolve",
    "bonefhir.whole.conform.check",
    "bonefhir.pipeline.derive",
    "bonefhir.pipeline.judge",
    SUITES,
    "bonefhir.report.write.write_reports",
    "bonefhir.pipeline.publish",
]


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("place", PLACES)
def test_a_defect_is_named_without_its_words(
    place: str, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, heard: Heard
) -> None:
    monkeypatch.setattr(place, raising(quoting()[0]))
    assert audit(source, tmp_path / "out") == 70
    said = heard.text
    assert "ValueError" in said
    assert silent_about(said, *EVERY)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("error", quoting()[:-1], ids=lambda error: type(error).__name__)
def test_whatever_the_defect(
    error: Exception, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, heard: Heard
) -> None:
    monkeypatch.setattr(pipeline.resolution, "resolve", raising(error))
    assert audit(source, tmp_path / "out") in (5, 70)
    assert silent_about(heard.text, *EVERY)
    assert not list(tmp_path.iterdir())


def raising(error: Exception) -> Callable[..., Any]:
    def stage(*_: Any, **__: Any) -> Any:
        raise error from ValueError(HIDDEN)

    return stage


def test_what_libraries_log_and_warn_is_withheld_in_the_process_of_a_command(source: Path, tmp_path: Path) -> None:
    """And in the processes that it starts: nothing sets them up but the command."""
    code = f"""
import logging, sys, warnings
import bonefhir.pipeline as pipeline
import bonefhir.workers as workers
from bonefhir.cli import main
workers.WORTH_A_POOL = 0
derive = pipeline.derive
def talking(*given):
    warnings.warn("{HIDDEN}", RuntimeWarning)
    logging.getLogger("library").error("%s", "{PHI}")
    logging.getLogger("bonefhir.derive").warning("read %s", "{PHI}")
    try:
        raise ValueError("{HIDDEN}")
    except ValueError:
        logging.getLogger("library").exception("{BIRTH}")
    raise KeyError("{HIDDEN}")
pipeline.derive = talking
if __name__ == "__main__":
    sys.exit(main())
"""
    program = tmp_path / "program.py"
    program.write_text(code)
    command = [sys.executable, "-X", "dev", str(program), "audit", str(source), "--out", str(tmp_path / "out"), "--jobs", "2"]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 70
    assert "withheld" in done.stderr
    assert "library" in done.stderr
    assert silent_about(done.stdout + done.stderr, *EVERY)
    assert [path.name for path in tmp_path.iterdir()] == ["program.py"]


# ------------------------------------------------------------------------------------------------------------ the flow


def test_what_the_tasks_hand_to_prefect_holds_paths_and_counts(source: Path, tmp_path: Path, quick: None, heard: Heard) -> None:
    """Their results, one by one, as Prefect would store them; tests/flows looks into its database."""
    from flows import audit as flow

    given = {"sources": (str(source),), "out": tmp_path / "out"}
    work = flow.open_run.fn(given, None)
    numbers = list(range(len(pipeline.load_run(Path(work)).portions)))
    results = [work, flow.scan.fn(work, numbers), buckets := flow.deal.fn(work), flow.resolve_buckets.fn(work, buckets)]
    results += [flow.gather.fn(work), flow.audit_buckets.fn(work, buckets)]
    results += [flow.check_suites.fn(work), flow.export.fn(work), summary := flow.report.fn(work), flow.publish.fn(work)]
    assert silent_about(repr(results) + flow.summary_text(summary), *EVERY)
    assert silent_about(heard.text, *EVERY)
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@pytest.mark.parametrize("error", quoting()[:-1], ids=lambda error: type(error).__name__)
def test_what_a_task_raises_has_no_words_of_a_library(error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from flows import audit as flow

    source = small.people(tmp_path / "in", 1)
    work = flow.open_run.fn({"sources": (str(source),), "out": tmp_path / "out"}, None)
    monkeypatch.setattr(pipeline.resolution, "resolve", raising(error))
    with pytest.raises((flow.DefectError, flow.TransientError, BonefhirError)) as caught:
        flow.resolve_buckets.fn(work, flow.deal.fn(work))
    assert silent_about(str(caught.value), *EVERY)
    assert caught.value.__cause__ is None
    pipeline.discard(pipeline.load_run(Path(work)))
