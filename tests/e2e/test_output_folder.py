"""A folder that exists is complete; nothing else of a run is ever seen, whatever ends it."""

import errno
import gc
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import active_children
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bonefhir import parts, pipeline, work_folder, workers
from bonefhir.cli import main
from bonefhir.errors import OutputError
from bonefhir.settings import Settings
from tests.e2e import small
from tests.e2e.small import SUITES, files, no_suites, people, tree

ROOT = Path(__file__).parents[2]
STAGES = [
    "bonefhir.work_folder:sweep",
    "bonefhir.pipeline:write_scan",
    "bonefhir.pipeline:resolve_bucket",
    "bonefhir.pipeline:audit_bucket",
    "bonefhir.report.write:write_reports",
    "bonefhir.work_folder:put_into_place",
]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return people(tmp_path / "in")


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SUITES, no_suites)


def audit(source: Path, out: Path, *more: str) -> int:
    return main(["audit", str(source), "--out", str(out), "--quiet", *more])


def message(capsys: pytest.CaptureFixture[str]) -> str:
    """What stderr says: one line."""
    shown = capsys.readouterr().err
    assert shown.startswith("bonefhir: ")
    assert shown.count("\n") == 1
    return shown


# ------------------------------------------------------------------------------------------------------ refused before work


def foreign(folder: Path) -> Path:
    (folder / "thesis").mkdir()
    (folder / "thesis" / "chapter.txt").write_text("mine")
    return folder / "thesis"


def of_another_program(folder: Path) -> Path:
    (folder / "model").mkdir()
    (folder / "model" / "run.json").write_text('{"program": "other"}')
    (folder / "model" / "weights.bin").write_bytes(b"mine")
    return folder / "model"


def a_file(folder: Path) -> Path:
    (folder / "notes.txt").write_text("mine")
    return folder / "notes.txt"


def below_a_file(folder: Path) -> Path:
    return a_file(folder) / "a" / "out"


def a_link(folder: Path) -> Path:
    (folder / "real").mkdir()
    (folder / "link").symlink_to("real")
    return folder / "link"


def a_link_to_nothing(folder: Path) -> Path:
    (folder / "link").symlink_to("nowhere")
    return folder / "link"


def a_loop(folder: Path) -> Path:
    (folder / "loop").symlink_to("loop")
    return folder / "loop" / "out"


def the_root(_: Path) -> Path:
    return Path("/")


def too_long(folder: Path) -> Path:
    return folder / ("n" * 300)


def not_unicode(folder: Path) -> Path:
    return folder / os.fsdecode(b"\xff")


def the_input(folder: Path) -> Path:
    return folder / "in"


def above_the_input(folder: Path) -> Path:
    """An earlier run, into which somebody has put the data."""
    (folder / "run.json").write_text('{"program": "bonefhir"}')
    return folder


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize(
    ("place", "said"),
    [
        (foreign, "holds no earlier run"),
        (of_another_program, "holds no earlier run"),
        (a_file, "not a folder"),
        (below_a_file, "no folder"),
        (a_link, "a link"),
        (a_link_to_nothing, "a link"),
        (a_loop, "no folder"),
        (the_root, "holds the input"),
        (too_long, "file name too long"),
        (not_unicode, "not UTF-8"),
        (the_input, "holds the input"),
        (above_the_input, "holds the input"),
    ],
)
def test_what_cannot_become_a_run_is_refused_before_any_work(
    place: Callable[[Path], Path],
    said: str,
    source: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(pipeline, "scan_portion", small.die)
    out = place(tmp_path)
    before = tree(tmp_path)
    assert audit(source, out) == OutputError.exit_code
    shown = message(capsys)
    assert os.fsencode(out).decode(errors="backslashreplace") in shown
    assert said in shown
    assert tree(tmp_path) == before


def test_the_folder_one_is_in_is_not_replaced(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "here" / "below").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "here" / "below")
    for out in (".", ".."):
        assert audit(source, Path(out)) == OutputError.exit_code
        assert "the folder you are in" in message(capsys)


@pytest.fixture
def read_only() -> Iterator[Path]:
    """A folder in which this process may not write. Root may, everywhere: so it becomes somebody else for a while."""
    folder = Path(tempfile.mkdtemp())
    people(folder / "in", 1)
    folder.chmod(0o755)
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    else:
        folder.chmod(0o555)
    yield folder
    if root:
        os.seteuid(0)
    folder.chmod(0o755)
    shutil.rmtree(folder)


def test_a_parent_that_cannot_be_written(read_only: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = tree(read_only)
    for out in (read_only / "out", read_only / "above" / "out"):
        assert audit(read_only / "in", out) == OutputError.exit_code
        shown = message(capsys)
        assert str(out) in shown
        assert "permission denied" in shown
    assert tree(read_only) == before


# ------------------------------------------------------------------------------------------------------ made and replaced


@pytest.mark.usefixtures("quick")
def test_folders_above_are_made_and_nothing_is_left_beside(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "reports" / "of may" / "out"
    assert audit(source, out) == 0
    assert [path.name for path in out.parent.iterdir()] == ["out"]


@pytest.mark.usefixtures("quick")
def test_an_earlier_run_stays_as_it_was_until_the_new_one_is_whole(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert audit(source, out) == 0
    before = tree(tmp_path)
    monkeypatch.setattr("bonefhir.report.write.write_reports", raising(ValueError()))
    assert audit(source, out) == 70
    assert tree(tmp_path) == before


def raising(error: BaseException) -> Callable[..., Any]:
    def stage(*_: Any, **__: Any) -> None:
        raise error

    return stage


@pytest.mark.usefixtures("quick")
def test_links_inside_an_earlier_run_are_replaced_and_not_followed(source: Path, tmp_path: Path) -> None:
    out, elsewhere = tmp_path / "out", tmp_path / "elsewhere"
    assert audit(source, out) == 0
    (out / "phi").rename(elsewhere)
    (out / "phi").symlink_to(elsewhere)
    before = tree(elsewhere)
    assert audit(source, out) == 0
    assert not (out / "phi").is_symlink()
    assert tree(elsewhere) == before


@pytest.mark.usefixtures("quick")
def test_a_run_inside_its_input_is_not_read_by_the_next(source: Path, tmp_path: Path) -> None:
    out = source / "out"
    assert audit(source, out) == 0
    first = files(out)
    assert audit(source, out) == 0
    assert files(out) == first


def test_every_process_of_a_run_sees_the_files_that_it_began_with(source: Path, tmp_path: Path) -> None:
    run = pipeline.open_run(Settings(sources=(str(source),), out=tmp_path / "out"))
    (source / "0-came-later.ndjson").write_text("", encoding="utf-8")
    assert pipeline.load_run(run.work) == run
    pipeline.discard(run)


@pytest.mark.parametrize("scheme", ["", "file://"])
def test_parts_on_disk_are_closed_to_others(source: Path, tmp_path: Path, scheme: str) -> None:
    parts = tmp_path / "above" / "parts"
    run = pipeline.open_run(Settings(sources=(str(source),), out=tmp_path / "out", parts=f"{scheme}{parts}"))
    assert [path.stat().st_mode & 0o777 for path in parts.iterdir()] == [0o700]
    assert pipeline.load_run(str(run.parts)) == run
    pipeline.discard(run)
    assert not list(parts.iterdir())


def failing_at_first(run: pipeline.Run, number: int) -> None:
    (run.work / f"begun.{number}").touch()
    time.sleep(3 if number else 0.1)
    if number == 0:
        raise ValueError
    (run.work / f"ended.{number}").touch()


@pytest.mark.parametrize("parts", ["", "parts"])
def test_a_run_that_fails_waits_for_nobody_but_for_what_is_on_its_way_to_a_store(
    parts: str, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "WORTH_A_POOL", 0)
    elsewhere = str(tmp_path / parts) if parts else ""
    run = pipeline.open_run(Settings(sources=(str(source),), out=tmp_path / "out", jobs=2, parts=elsewhere))
    with pytest.raises(ValueError), workers.workers(run) as each:  # noqa: PT011 it has no words
        list(each(failing_at_first, range(9)))
    begun, ended = (len(list(run.work.glob(f"{what}.*"))) for what in ("begun", "ended"))
    assert ended == (begun - 1 if parts else 0)
    assert begun < 9
    assert not active_children()
    pipeline.discard(run)


@pytest.mark.usefixtures("quick")
def test_parts_that_cannot_be_removed_are_told_and_hide_nothing(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("https://key:secret@store.example")

    monkeypatch.setattr("fsspec.implementations.memory.MemoryFileSystem.rm", broken)
    assert audit(source, tmp_path / "out", "--parts", "memory://stuck") == 0
    assert "could not be removed: RuntimeError" in caplog.text
    assert "secret" not in caplog.text


def test_a_source_that_goes_while_it_is_looked_at_leaves_no_work_folder(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(_: object) -> None:
        raise FileNotFoundError

    monkeypatch.setattr("bonefhir.run.portions", gone)
    with pytest.raises(FileNotFoundError):
        pipeline.open_run(Settings(sources=(str(source),), out=tmp_path / "out"))
    assert {path.name for path in tmp_path.iterdir()} == {"in"}


@pytest.mark.usefixtures("quick")
def test_the_name_may_be_any_text(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "-rf [a-z]* \u202e.work"
    assert audit(source, out) == 0
    assert audit(source, out) == 0
    assert {path.name for path in tmp_path.iterdir()} == {"in", out.name}


# --------------------------------------------------------------------------------------------------------- killed, at once


@pytest.mark.parametrize("where", STAGES)
def test_a_killed_run_leaves_nothing_to_be_seen_and_the_next_one_sweeps(where: str, source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    work = work_folder.make_beside(out)  # of a run that lives
    process = small.start(small.killed_audit, source, out, where)
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert not out.exists()
    assert all(path.name.startswith(".") for path in tmp_path.iterdir() if path != source)
    work_folder.sweep(out)
    assert {path.name for path in tmp_path.iterdir()} == {"in", work.name}
    work_folder.remove(work)


@pytest.mark.usefixtures("quick")
def test_a_run_killed_between_two_renames_gives_back_the_earlier_one(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert audit(source, out) == 0
    before = tree(out)
    process = small.start(small.killed_between_renames, source, out)
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert not out.exists()
    work_folder.sweep(out)
    assert tree(out) == before
    assert {path.name for path in tmp_path.iterdir()} == {"in", "out"}


def test_what_is_not_a_dead_run_is_not_swept(tmp_path: Path) -> None:
    kept = [".out.abc.work", ".out.abcdefgh.tmp", ".other.abcdefgh.work", ".out.b.abcdefgh.work", "out.abcdefgh.work"]
    for name in kept:
        (tmp_path / name).mkdir()
    (tmp_path / ".out.linklink.work").symlink_to(kept[0])
    (tmp_path / ".out.deaddead.work").mkdir()
    work_folder.sweep(tmp_path / "out")
    assert {path.name for path in tmp_path.iterdir()} == {*kept, ".out.linklink.work"}


def test_runs_at_once_on_one_output_all_end_well(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    ready = small.barrier(2)
    runs = [small.start(small.quick_audit, source, out, ready) for _ in range(2)]
    for run in runs:
        run.join()
    assert [run.exitcode for run in runs] == [0, 0]
    assert {path.name for path in tmp_path.iterdir()} == {"in", "out"}
    alone = small.start(small.quick_audit, source, tmp_path / "alone")
    alone.join()
    assert files(out) == files(tmp_path / "alone")


def test_many_renames_at_once_leave_one_whole_run(tmp_path: Path) -> None:
    out = tmp_path / "out"

    def publish(number: int) -> None:
        work = work_folder.make_beside(out)
        work_folder.sweep(out)
        (work / work_folder.FINISHED).mkdir()
        for name in ("run.json", "b"):
            (work / work_folder.FINISHED / name).write_text(f'{{"program": "bonefhir", "number": {number}}}')
        work_folder.put_into_place(work, out)
        work_folder.remove(work)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(publish, range(64)))
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert len({path.read_text() for path in out.iterdir()}) == 1


@pytest.mark.usefixtures("quick")
def test_a_scheduler_that_ends_a_run_leaves_nothing(source: Path, tmp_path: Path) -> None:
    """SIGTERM; validate has its work in the folder for temporary files."""
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    slow = "import time, bonefhir.pipeline as p; p.scan_portion = lambda *_: (print(flush=True), time.sleep(60))"
    code = f"{slow}; from bonefhir.cli import main; import sys; sys.exit(main())"
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "TMPDIR": str(temporary)}
    command = [sys.executable, "-c", code, "validate", str(source), "--quiet"]
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert list(temporary.iterdir())
        process.terminate()
        _, said = process.communicate(timeout=60)
    assert process.returncode == 143
    assert "Traceback" not in said
    assert not list(temporary.iterdir())


@pytest.mark.deep
def test_runs_killed_at_random_instants_leave_whole_runs_only(source: Path, tmp_path: Path) -> None:
    """Every fifth run is not killed: it must succeed on what the others have left, and give the same bytes."""
    out, chance = tmp_path / "out", random.Random(7)
    started = time.monotonic()
    golden = small.start(small.quick_audit, source, tmp_path / "golden")
    golden.join()
    length = time.monotonic() - started
    expected = files(tmp_path / "golden")
    for number in range(50):
        process = small.start(small.quick_audit, source, out)
        process.join(None if number % 5 == 4 else chance.uniform(0, length))
        process.kill()
        process.join()
        if number % 5 == 4:
            assert process.exitcode == 0
            assert {path.name for path in tmp_path.iterdir()} == {"in", "golden", "out"}
        assert not out.exists() or files(out) == expected
        if chance.random() < 0.5:
            shutil.rmtree(out, ignore_errors=True)


# ----------------------------------------------------------------------------------------------------------- a full disk


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO, errno.EDQUOT, errno.EMFILE], ids=errno.errorcode.get)
@pytest.mark.parametrize("nth", [1, 8, 12])
def test_a_write_that_fails_ends_the_run_with_one_line(
    code: int, nth: int, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    left = iter(range(nth - 1, -1, -1))

    def failing(write: Callable[..., None]) -> Callable[..., None]:
        def attempt(*arguments: Any, **options: Any) -> None:
            if not next(left, 1):
                raise OSError(code, "CANARY of a patient")
            write(*arguments, **options)

        return attempt

    arrow = pa.ipc.RecordBatchStreamWriter
    for writer, name in ((parts, "write_block"), (pq.ParquetWriter, "write_table"), (arrow, "write_batch")):
        monkeypatch.setattr(writer, name, failing(getattr(writer, name)))
    assert audit(source, tmp_path / "out") == OutputError.exit_code
    shown = message(capsys)
    assert f"{tmp_path / 'out'}: cannot be written: {os.strerror(code).lower()}" in shown
    assert "CANARY" not in shown
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


@pytest.mark.usefixtures("quick")
@pytest.mark.filterwarnings("ignore::ResourceWarning")  # xlsxwriter leaves its parts open
@pytest.mark.parametrize("writer", ["xlsxwriter.workbook.Workbook._store_workbook", "pathlib.Path.write_text", "os.fsync"])
def test_whatever_writes(
    writer: str, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(writer, raising(OSError(errno.ENOSPC, "CANARY of a patient")))
    assert audit(source, tmp_path / "out") == OutputError.exit_code
    assert f"{tmp_path / 'out'}: cannot be written: no space left" in message(capsys)
    assert [path.name for path in tmp_path.iterdir()] == ["in"]
    gc.collect()


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("code", [errno.EXDEV, errno.EBUSY, errno.EIO], ids=errno.errorcode.get)
def test_a_rename_that_fails_leaves_the_earlier_run(
    code: int, source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert audit(source, out) == 0
    before = tree(tmp_path)
    capsys.readouterr()
    replace = Path.replace

    def failing(path: Path, target: Path) -> Path:
        if path.name == work_folder.FINISHED:
            raise OSError(code, os.strerror(code), str(path), None, str(target))
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", failing)
    assert audit(source, out) == OutputError.exit_code
    assert os.strerror(code).lower() in message(capsys)
    assert tree(tmp_path) == before


@pytest.fixture(params=["size=64k", "size=300k", "nr_inodes=20"])
def tiny_disk(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = shutil.which("mount")
    if mount is None or os.geteuid() != 0:
        pytest.skip("only root can mount a small file system")
    if subprocess.run(
        [mount, "-t", "tmpfs", "-o", request.param, "none", str(disk)], capture_output=True, check=False
    ).returncode:
        pytest.skip("mounting is not allowed here")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.usefixtures("quick")
def test_a_disk_that_is_really_full(source: Path, tiny_disk: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert audit(source, tiny_disk / "out") == OutputError.exit_code
    assert "no space left on device" in message(capsys)
    assert not list(tiny_disk.iterdir())


# ------------------------------------------------------------------------------------------------------- special files


@pytest.mark.usefixtures("quick")
def test_what_is_no_regular_file_is_refused_and_the_run_goes_on(source: Path, tmp_path: Path) -> None:
    os.mkfifo(source / "pipe.ndjson")
    for name, target in (
        ("zero", "/dev/zero"),
        ("loop", "loop.ndjson"),
        ("above", ".."),
        ("gone", "nowhere"),
        ("users", "/etc/passwd"),
    ):
        (source / f"{name}.ndjson").symlink_to(target)
    assert audit(source, tmp_path / "out") == 0
    rejects = (tmp_path / "out" / "phi" / "rejects.ndjson").read_text()
    assert rejects.count("\n") == 6
    assert "root" not in rejects
    assert pq.read_metadata(tmp_path / "out" / "phi" / "doses.parquet").num_rows == 6
