"""How processes begin, and how they end when one of them is killed."""

import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import fsspec
import pytest

from bonefhir import pipeline, work_folder, workers
from bonefhir.settings import Settings
from tests.e2e.small import people

ROOT = Path(__file__).parents[2]
PROGRAM = """
import os, signal, sys, threading, time
from pathlib import Path
from bonefhir import starting
starting.lean()
from bonefhir import pipeline, workers
from bonefhir.settings import Settings

def work(run, number):
    (run.work / f"{os.getpid()}.process").touch()
    if sys.argv[3] == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(600 if sys.argv[3] == "stuck" else 0.2)

if __name__ == "__main__":
    workers.WORTH_A_POOL = 0
    if sys.argv[4] == "spawn":
        threading.Thread(target=threading.Event().wait, daemon=True).start()
    assert workers._way() == sys.argv[4]
    run = pipeline.open_run(Settings((sys.argv[1],), Path(sys.argv[2]), jobs=2))
    print(run.work, flush=True)
    with workers.workers(run) as each:
        assert sorted(each(work, range(4))) == [0, 1, 2, 3]
"""

both = pytest.mark.parametrize(
    "way", [pytest.param("fork", marks=pytest.mark.skipif(sys.platform != "linux", reason="threads are not told")), "spawn"]
)


def started(folder: Path, how: str, way: str) -> subprocess.Popen[str]:
    (folder / "in").mkdir()
    (folder / "in" / "patient.json").write_text('{"resourceType": "Patient", "id": "1"}')
    (folder / "program.py").write_text(PROGRAM)
    command = [sys.executable, str(folder / "program.py"), str(folder / "in"), str(folder / "out"), how, way]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    return subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )


@both
def test_work_is_done_and_one_that_is_killed_is_an_error(way: str, tmp_path: Path) -> None:
    for how, code, said in (("well", 0, ""), ("killed", 1, "LostProcessError: a process of the run was ended from outside")):
        folder = tmp_path / how
        folder.mkdir()
        process = started(folder, how, way)
        _, errors = process.communicate(timeout=60)
        assert process.returncode == code, errors
        assert said in errors


@both
def test_when_the_first_is_killed_the_others_end_and_the_folder_is_free(way: str, tmp_path: Path) -> None:
    process, work, others = stuck(tmp_path, way)
    process.send_signal(signal.SIGKILL)
    process.wait()
    waited(lambda: [number for number in others if not lives(number)], 2)
    process.communicate()
    work_folder.sweep(tmp_path / "out")
    assert not work.exists()


@both
def test_interrupted_from_the_keyboard_the_first_alone_says_so(way: str, tmp_path: Path) -> None:
    process, _, _ = stuck(tmp_path, way)
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert errors.count("Traceback") == 1
    assert errors.endswith("KeyboardInterrupt\n")


@both
def test_when_the_first_alone_is_told_to_end_it_waits_for_nobody(way: str, tmp_path: Path) -> None:
    """As by a scheduler, which kills what has not ended in some seconds: then the work folder stays."""
    process, _, others = stuck(tmp_path, way)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert errors.endswith("KeyboardInterrupt\n")
    assert not any(map(lives, others))


def stuck(folder: Path, way: str) -> tuple[subprocess.Popen[str], Path, list[int]]:
    """A run whose processes are at work that never ends; its work folder; the numbers of these processes."""
    process = started(folder, "stuck", way)
    assert process.stdout is not None
    work = Path(process.stdout.readline().strip())
    return process, work, waited(lambda: [int(path.stem) for path in work.glob("*.process")], 2)


def waited(found: Callable[[], list[int]], number: int) -> list[int]:
    """Until there are so many."""
    end = time.monotonic() + 60
    while len(now := found()) < number:
        assert time.monotonic() < end
        time.sleep(0.05)
    return now


def lives(process: int) -> bool:
    """A zombie waits for whoever took it in to look at it."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


class Pool:
    """In place of processes: started, and not used."""

    started: ClassVar[list[int]] = []

    def __init__(self, number: int, **_: Any) -> None:
        self.started.append(number)

    def __enter__(self) -> "Pool":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def shutdown(self, **_: Any) -> None:
        pass


@pytest.fixture
def pools(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Sizes of those that are started."""
    monkeypatch.setattr(workers, "ProcessPoolExecutor", Pool)
    monkeypatch.setattr(Pool, "started", [])
    return Pool.started


@pytest.mark.parametrize(("enough", "wanted"), [(10, [3]), (1 << 40, [])])
def test_what_lies_behind_a_url_is_worth_processes_like_what_lies_here(
    enough: int, wanted: list[int], pools: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "WORTH_A_POOL", enough)
    memory = fsspec.filesystem("memory")
    for path in people(tmp_path / "in", 2).iterdir():
        memory.pipe_file(f"/worth/{path.name}", path.read_bytes())
    run = pipeline.open_run(Settings(("memory://worth",), tmp_path / "out", jobs=3))
    with workers.workers(run):
        assert pools == wanted
    pipeline.discard(run)
    memory.rm("/worth", recursive=True)


@pytest.mark.parametrize(("cores", "given"), [(16, {}), (16, {"jobs": 2}), (16, {"memory": 64 << 30}), (1, {})])
def test_fewer_processes_than_cores_for_want_of_memory_are_told(
    cores: int,
    given: dict[str, int],
    pools: list[int],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(workers, "WORTH_A_POOL", 0)
    monkeypatch.setattr("os.cpu_count", lambda: cores)
    monkeypatch.setattr("bonefhir.run.cpu_count", lambda: cores)
    run = pipeline.open_run(Settings((str(people(tmp_path / "in", 1)),), tmp_path / "out", **given))
    with workers.workers(run):
        told = [record.getMessage() for record in caplog.records if record.name == "bonefhir.workers"]
    pipeline.discard(run)
    few = f"{run.jobs} processes on 16 cores: --memory has no room for more; --jobs sets their number"
    assert told == ([few] if cores > 1 and not given else [])
