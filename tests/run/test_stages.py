"""The stages of a run by themselves: what each leaves for the others, also if it is run twice, or was broken off before."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from itertools import chain
from pathlib import Path
from typing import Any

import fsspec
import pytest

from bonefhir import pipeline
from bonefhir.errors import AccountingError, PartsError
from bonefhir.report.facts import TOLD
from bonefhir.settings import Settings
from tests.e2e.small import SUITES, files, no_suites, people
from tests.e2e.test_buckets import Tangle, sized

Stage = Callable[[], Any]
Way = Callable[[pipeline.Run, Stage], Any]


def test_a_suite_without_a_result_is_a_defect_of_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And not one suite less in run.json."""

    def all_but_labs(*given: Any, **options: Any) -> list[dict[str, Any]]:
        return [each for each in no_suites(*given, **options) if each["suite"] != "labs"]

    monkeypatch.setattr(SUITES, all_but_labs)
    with pytest.raises(AccountingError, match="suite labs"):
        pipeline.audit(Settings((str(people(tmp_path / "in", 1)),), tmp_path / "out"))
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


def test_what_a_merge_that_breaks_off_has_left_is_not_published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its process was killed: nobody has removed anything."""
    run = pipeline.open_run(Settings((str(people(tmp_path / "in", 1)),), tmp_path / "out"))
    for stage in (lambda: pipeline.scan(run, 0), lambda: pipeline.resolve(run), lambda: pipeline.audit_bucket(run, 0)):
        stage()
    monkeypatch.setattr("bonefhir.parts.TemporaryDirectory", lambda **where: nullcontext(tempfile.mkdtemp(**where)))
    monkeypatch.setattr("bonefhir.parts._write", KilledError.raised)
    with pytest.raises(KilledError):
        pipeline.merge(run, 0)
    assert [path.name for path in run.folder.rglob("*")] == ["phi"]
    pipeline.discard(run)


class KilledError(BaseException):
    """In place of the end of a process."""

    @classmethod
    def raised(cls, *_: Any) -> Any:
        raise cls


def once(run: pipeline.Run, stage: Stage) -> Any:
    return stage()


def twice(run: pipeline.Run, stage: Stage) -> Any:
    first = stage()
    assert stage() == first
    return first


def after_one_that_broke_off(run: pipeline.Run, stage: Stage) -> Any:
    """Of what it has written, half of each file is there; nothing of one that is written under another name first."""
    before, renamed = left(run), set()
    with pytest.MonkeyPatch.context() as patched:
        replace = Path.replace
        patched.setattr(Path, "replace", lambda path, target: renamed.add(target) or replace(path, target))
        first = stage()
    for path, content in left(run).items():
        if before.get(path) == content:
            continue
        if path in renamed:
            path.unlink()
        elif path.parent.name == "seconds":  # which is written last
            path.write_bytes(b"")
        else:
            path.write_bytes(content[: len(content) // 2])
    assert stage() == first
    return first


def left(run: pipeline.Run) -> dict[Path, bytes]:
    """All files, wherever they lie."""
    every = chain.from_iterable(folder.rglob("*") for folder in {run.work, run.parts})
    return {path: path.read_bytes() for path in every if path.is_file() and path.name != "lock"}


def audited(settings: Settings, way: Way) -> dict[str, bytes]:
    """As in the flow."""
    run = pipeline.open_run(settings)
    for stage in stages(run):
        way(run, stage)
    pipeline.publish(run)
    return files(settings.out)


def stages(run: pipeline.Run) -> Iterator[Stage]:
    buckets: list[int] = []
    yield from (lambda n=n: pipeline.scan(run, n) for n in range(len(run.portions)))
    yield lambda: buckets.append(pipeline.deal(run)) or buckets[0]
    yield from (lambda n=n: pipeline.scan(run, n) for n in range(len(run.portions)))  # a worker is lost with what it has done
    yield from (lambda n=n: pipeline.resolve_bucket(run, n) for n in buckets[0])
    yield lambda: pipeline.gather(run)
    yield from (lambda n=n: pipeline.audit_bucket(run, n) for n in buckets[0])
    yield lambda: pipeline.merge(run, 1)
    yield lambda: pipeline.check_suites(run, pipeline.WHOLE[1])
    yield lambda: pipeline.check_suites(run)
    yield lambda: pipeline.begin_reports(run)
    told = [n for n, name in enumerate(pipeline.EXPORTS) if name in TOLD]
    yield from (lambda n=n: pipeline.export(run, n) for n in told)
    yield lambda: pipeline.report(run)
    yield from (lambda n=n: pipeline.export(run, n) for n in range(len(pipeline.EXPORTS)) if n not in told)


@pytest.mark.parametrize("way", [twice, after_one_that_broke_off])
@pytest.mark.parametrize("parts", ["", "memory://stages"])
def test_a_stage_that_is_run_again_leaves_the_same(way: Way, parts: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of many buckets, between which ids, references and urns lead. In memory also with the suites and their pages."""
    if not parts:
        monkeypatch.setattr(SUITES, no_suites)
    sized(monkeypatch, 150)
    Tangle(3).write(tmp_path / "in")

    def settings(out: str) -> Settings:
        return Settings((str(tmp_path / "in"),), tmp_path / out, parts=parts, data_docs=bool(parts))

    assert audited(settings("again"), way) == audited(settings("once"), once)


class StoreError(Exception):
    """As the clients of object stores have them: no OSError, and with more in its words than anybody should see."""

    __module__ = "botocore.exceptions"


@pytest.mark.parametrize("number", range(9))
def test_a_store_of_parts_that_breaks_off_is_told_as_that(number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that an orchestrator tries again: whichever stage it is."""
    monkeypatch.setattr(SUITES, no_suites)
    run = pipeline.open_run(Settings((str(people(tmp_path / "in", 1)),), tmp_path / "out", parts="memory://broken"))
    several = [
        lambda: pipeline.load_run(str(run.parts)),
        lambda: pipeline.scan(run, 0),
        lambda: pipeline.deal(run),
        lambda: pipeline.resolve_bucket(run, 0),
        lambda: pipeline.gather(run),
        lambda: pipeline.audit_bucket(run, 0),
        lambda: pipeline.check_suites(run),
        lambda: (pipeline.begin_reports(run), pipeline.export(run, 0)),
        lambda: pipeline.report(run),
    ]
    for stage in several[:number]:
        stage()
    with monkeypatch.context() as broken:
        for name in ("open", "ls", "info"):
            broken.setattr(fsspec.get_filesystem_class("memory"), name, breaking)
        with pytest.raises(PartsError, match=r"^memory://broken.*\(StoreError\)"):
            several[number]()
    pipeline.discard(run)


def breaking(*_: Any, **__: Any) -> None:
    raise StoreError("secret")
