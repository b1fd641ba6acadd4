"""Small inputs, runs without Great Expectations (which cost most of a run's time), and processes that die."""

import json
import os
import signal
from collections.abc import Callable, Collection, Iterator
from importlib import import_module
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from bonefhir.settings import Settings
from tests.spec.case import Resource, dose, lab, metastases, patient

SUITES = "bonefhir.judge.suites.run_suites"


def no_suites(*_: Any, names: Collection[str], **__: Any) -> list[dict[str, Any]]:
    """In place of run_suites: a result of each, in which nothing was asked."""
    return [{"suite": name, "title": name, "rows": 0, "success": True, "expectations": []} for name in names]


def person(number: int) -> list[Resource]:
    """A patient with two doses, the second one too early and too fast, and a creatinine before the first."""
    name = f"p{number}"
    about = {"subject": {"reference": f"Patient/{name}"}}
    return [
        patient(id=name),
        metastases() | about | {"id": f"c{number}"},
        lab("creatinine", 1.1, f"2024-0{number}-01T08:00:00Z", id=f"o{number}", **about),
        dose(4, f"2024-0{number}-02T10:00:00Z", id=f"d{number}", **about),
        dose(4, f"2024-0{number}-09T10:00:00Z", 5, id=f"e{number}", **about),
    ]


def people(folder: Path, count: int = 3) -> Path:
    """A folder with one NDJSON file per patient."""
    folder.mkdir(parents=True)
    for number in range(1, count + 1):
        write(folder / f"{number}.ndjson", *person(number))
    return folder


def write(path: Path, *resources: Resource) -> None:
    path.write_text("".join(json.dumps(resource) + "\n" for resource in resources), encoding="utf-8")


def files(folder: Path) -> dict[str, bytes]:
    """Of a run, without run.json's `run`, the only thing in it that may differ from run to run."""
    found = {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}
    if "run.json" in found:
        content = json.loads(found["run.json"])
        del content["run"]
        found["run.json"] = json.dumps(content).encode()
    return found


def tree(folder: Path) -> dict[str, bytes | str | None]:
    """Everything below a folder: contents of files, targets of links; links are not followed."""
    return {path.relative_to(folder).as_posix(): _thing(path) for path in _all(folder)}


def _all(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        yield path
        if path.is_dir() and not path.is_symlink():
            yield from _all(path)


def _thing(path: Path) -> bytes | str | None:
    if path.is_symlink():
        return str(path.readlink())
    return path.read_bytes() if path.is_file() else None


# ------------------------------------------------------------------------------------------------- in a process of its own

# Arrow's threads do not survive a fork, so that the processes come from a server that has imported everything and run nothing.
_server = get_context("forkserver")
_server.set_forkserver_preload(["bonefhir.pipeline", "bonefhir.judge.rules", "bonefhir.report.write", __name__])


def start(target: Callable[..., None], *arguments: object) -> BaseProcess:
    process = _server.Process(target=target, args=arguments)
    process.start()
    return process


def quick_audit(source: Path, out: Path, ready: Any = None) -> None:
    """ready: a barrier at which runs wait for each other."""
    pipeline = without_suites()
    if ready is not None:
        ready.wait(60)
    pipeline.audit(Settings((str(source),), out))


def killed_audit(source: Path, out: Path, where: str) -> None:
    """A run that is killed when it comes to a function, 'module:name'."""
    pipeline = without_suites()
    module, _, name = where.partition(":")
    setattr(import_module(module), name, die)
    pipeline.audit(Settings((str(source),), out))


def die(*_: Any, **__: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def killed_between_renames(source: Path, out: Path) -> None:
    """The earlier run is out of its place, the new one not yet in it."""
    pipeline = without_suites()
    replace = Path.replace

    def once(path: Path, target: Path) -> Any:
        moved = replace(path, target)
        if path == out:
            die()
        return moved

    Path.replace = once  # type: ignore[method-assign]
    pipeline.audit(Settings((str(source),), out))


def barrier(parties: int) -> Any:
    return _server.Barrier(parties)


def without_suites() -> Any:
    import_module("bonefhir.judge.suites").run_suites = no_suites  # type: ignore[attr-defined]
    return import_module("bonefhir.pipeline")
