"""The output folder and the work folder beside it: refused, made, held, swept, put into place, removed.

A run writes into `.<name>.<8 random characters>.work` beside its output folder, and moves what it has finished to its place. As
long as it lives it holds a lock of the operating system in there. That lock ends with the process, however the process ends: so
what a killed run has left is told from what a living one needs, and the next run on the same output removes it.
"""

import errno
import fcntl
import json
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

from bonefhir.errors import OutputError

FINISHED = "publish"
"""Folder in the work folder that becomes the output folder."""

_LOCK = "lock"
_REPLACED = "replaced"
_TRIES = 20
_held: dict[Path, int] = {}
"""Work folders of this process → open file of their lock."""


def _let_go() -> None:
    """A copy of this process would hold the locks after its end."""
    for descriptor in _held.values():
        os.close(descriptor)
    _held.clear()


os.register_at_fork(after_in_child=_let_go)


def absolute(out: Path) -> Path:
    """Where `out` is, with a name even if it was given as '..'."""
    return Path(os.path.abspath(out))  # noqa: PTH100  resolve() would follow a link in its place, which is refused later


def refuse_unusable(out: Path) -> None:
    """Only a folder that an earlier run has made, or an empty one, is ever replaced. Raises OutputError."""
    shown = os.fsencode(out).decode("utf-8", "backslashreplace")
    if shown != str(out):
        raise OutputError(f"{shown}: is not UTF-8, in which the tables' library wants its paths; name another place")
    with written(out):
        if Path.cwd().is_relative_to(os.path.realpath(out)):
            raise OutputError(f"{out}: is the folder you are in, which cannot be replaced; name another one")
        if out.is_mount():
            raise OutputError(f"{out}: is a mount point, which cannot be replaced as a whole; name a folder inside of it")
        _refuse_foreign(out, out)


def _refuse_foreign(found: Path, out: Path) -> None:
    """found: what stands at `out`, or stood there until a moment ago."""
    if not os.path.lexists(found):
        return
    if found.is_symlink() or not found.is_dir():
        raise OutputError(f"{out}: is a file or a link, not a folder; name another one")
    if any(found.iterdir()) and not _of_an_earlier_run(found):
        raise OutputError(f"{out}: is not empty and holds no earlier run; name another folder, or empty it")


def _of_an_earlier_run(out: Path) -> bool:
    """Other programs write a run.json, too."""
    try:
        content = json.loads((out / "run.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(content, dict) and content.get("program") == "bonefhir"


def make_beside(out: Path) -> Path:
    """A new work folder, held by this process. Folders above `out` are made. Raises OutputError."""
    above = next(folder for folder in out.parents if os.path.lexists(folder))
    if not above.is_dir():
        raise OutputError(f"{out}: {above} is no folder; name another place")
    with written(out):
        out.parent.mkdir(parents=True, exist_ok=True)
        while True:
            work = Path(tempfile.mkdtemp(prefix=f".{out.name}.", suffix=".work", dir=out.parent))
            if _hold(work):
                return work


@contextmanager
def temporary(name: str) -> Iterator[Path]:
    """A work folder in the system's place for temporary files. What killed processes have left there is swept, too."""
    out = Path(tempfile.gettempdir(), name)
    work = make_beside(out)
    try:
        sweep(out)
        yield work
    finally:
        remove(work)


def _hold(work: Path) -> bool:
    """False: in the instant before the lock, another run took the new folder for that of a dead one."""
    descriptor = _locked(work, fcntl.LOCK_EX)
    if descriptor is None:
        return work.is_dir()  # a file system without locks: then no run can sweep either
    if os.fstat(descriptor).st_nlink == 0:
        os.close(descriptor)
        return False
    _held[work] = descriptor
    return True


def _locked(work: Path, how: int) -> int | None:
    """An open file that locks the folder; None if it cannot be had."""
    try:
        descriptor = os.open(work / _LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    except OSError:
        return None
    try:
        fcntl.flock(descriptor, how)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


def sweep(out: Path) -> None:
    """Removes what killed runs on the same output have left beside it.

    One that was killed between the two renames of `put_into_place` holds the run that it was about to replace: that goes back.
    """
    pattern = re.compile(rf"\.{re.escape(out.name)}\.[a-z0-9_]{{8}}\.work")
    with suppress(OSError):  # other runs sweep, too; and what cannot be swept does no harm
        for work in [path for path in out.parent.iterdir() if pattern.fullmatch(path.name)]:
            if not work.is_symlink() and work.stat().st_uid == os.geteuid():
                _sweep(work, out)


def _sweep(work: Path, out: Path) -> None:
    descriptor = _locked(work, fcntl.LOCK_EX | fcntl.LOCK_NB)
    if descriptor is None:
        return
    if (work / _REPLACED).is_dir() and not os.path.lexists(out):
        with suppress(OSError):
            (work / _REPLACED).replace(out)
    shutil.rmtree(work, ignore_errors=True)
    os.close(descriptor)


def put_into_place(work: Path, out: Path) -> None:
    """Moves what is finished to `out`. An earlier run is moved aside first, and back if that fails. Raises OutputError.

    Of several runs on one output each may do so at any time; the last one stays, and each of them is whole.
    """
    finished, aside = work / FINISHED, work / _REPLACED
    with written(out):
        _flush(finished)
        for _ in range(_TRIES):
            shutil.rmtree(aside, ignore_errors=True)
            with suppress(FileNotFoundError):
                out.replace(aside)
            try:
                _refuse_foreign(aside, out)
                finished.replace(out)
            except (OSError, OutputError) as error:
                with suppress(OSError):
                    aside.replace(out)
                if isinstance(error, OSError) and error.errno in (errno.ENOTEMPTY, errno.EEXIST):
                    continue  # another run was quicker
                raise
            _flush_folder(out.parent)
            return
    raise OutputError(f"{out}: other runs keep replacing it; name a folder for each run")


@contextmanager
def flushing(folder: Path) -> Iterator[Callable[[], None]]:
    """Begins to bring what is in the folder onto the disk, while something else is done; `put_into_place` waits for the rest.

    Yields what begins it once more. Raises OSError: that something did not get onto the disk is told once.
    """
    with ThreadPoolExecutor(1) as aside:
        begun = [aside.submit(_flush, folder)]
        yield lambda: begun.append(aside.submit(_flush, folder))
    for each in begun:
        with suppress(FileNotFoundError):  # what was there for a moment only
            each.result()


@contextmanager
def removing(files: Sequence[Path]) -> Iterator[None]:
    """Removes files that nobody needs any more, while something else is done. What cannot be removed is left to `remove`."""
    with ThreadPoolExecutor(1) as aside:
        aside.submit(_unlink, files)
        yield


def _unlink(files: Sequence[Path]) -> None:
    for path in files:
        with suppress(OSError):
            path.unlink()


def _flush(folder: Path) -> None:
    """Onto the disk, so that a folder that exists is complete even after a loss of power."""
    for path in folder.rglob("*"):
        if path.is_dir():
            _flush_folder(path)
            continue
        with path.open("rb") as written_file:
            os.fsync(written_file.fileno())
    _flush_folder(folder)


def _flush_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # file systems that flush no folders
            raise
    finally:
        os.close(descriptor)


def remove(work: Path) -> None:
    """The work folder, whatever is in it."""
    shutil.rmtree(work, ignore_errors=True)
    descriptor = _held.pop(work, None)
    if descriptor is not None:
        os.close(descriptor)


@contextmanager
def written(out: Path) -> Iterator[None]:
    """What the operating system refuses here is a fault of the output's place: one line, in the system's words.

    Not those of the exception, which a library may have given a value of the data.
    """
    try:
        yield
    except OSError as error:
        if isinstance(error.filename, str | Path) and not _near(absolute(Path(error.filename)), out):
            raise
        reason = os.strerror(error.errno).lower() if error.errno else type(error).__name__
        raise OutputError(f"{out}: cannot be written: {reason}; name a folder that can be written and has room") from None


def _near(path: Path, out: Path) -> bool:
    """In the output folder, beside it, or a folder above it."""
    return path.is_relative_to(out.parent) or out.is_relative_to(path)
