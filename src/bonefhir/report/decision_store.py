"""The file of decisions beside the runs: read with suspicion, written as a whole or not at all, by one person at a time.

It holds names of deciders, their reasons, and fingerprints of findings of patients. A new one is readable by its owner only; who
shares it with a team sets its group and mode, which are kept.
"""

import fcntl
import json
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, fields
from datetime import datetime
from pathlib import Path
from typing import Any

from bonefhir.errors import InputError, OutputError
from bonefhir.report.adjudication import WORDS, Decision, day_of

STORE = "bonefhir-decisions.json"
FORMAT = 1
NAMES = tuple(field.name for field in fields(Decision) if field.name != "ended")
_LOCK = ".bonefhir-decisions.lock"
_PATIENCE_SECONDS = 10.0


def beside(run: Path) -> Path:
    """The store of a run's folder; where it is a link, the file that several places share."""
    folder = Path(os.path.abspath(run)).parent  # noqa: PTH100 resolve() would follow a run that is a link to another place
    return (folder / STORE).resolve()


def load(path: Path) -> tuple[Decision, ...]:
    """Every decision in the order in which it was recorded; none where nobody has decided anything yet. Raises InputError."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise InputError(f"{path}: the decisions cannot be read: {error.strerror}; ask its owner to share it") from None
    except (ValueError, RecursionError):
        raise InputError(f"{path}: is not the JSON of decisions; restore it from a copy, or move it away") from None
    if not isinstance(content, dict) or content.get("format") != FORMAT or not isinstance(content.get("decisions"), list):
        raise InputError(f"{path}: holds no decisions of format {FORMAT}; restore it from a copy, or move it away")
    return tuple(_decision(entry, number, path) for number, entry in enumerate(content["decisions"], start=1))


def _decision(entry: Any, number: int, path: Path) -> Decision:
    sound = isinstance(entry, dict) and set(entry) == set(NAMES) and all(isinstance(value, str) for value in entry.values())
    if not sound or entry["decision"] not in WORDS or not (day_of(entry["when"]) and day_of(entry["until"] or entry["when"])):
        raise InputError(f"{path}: decision {number} is not as it was written; restore the file from a copy, or move it away")
    try:
        datetime.fromisoformat(entry["recorded"])
    except ValueError:
        raise InputError(f"{path}: decision {number} has no time at which it was recorded; restore the file") from None
    return Decision(**entry)


@contextmanager
def held(path: Path) -> Iterator[None]:
    """Nobody else writes meanwhile. Raises OutputError if somebody does so for longer than anybody should."""
    lock = path.with_name(_LOCK)
    try:
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise OutputError(f"{lock}: cannot be made or opened: {error.strerror}; nothing was recorded") from None
    try:
        if os.fstat(descriptor).st_uid == os.geteuid():
            os.fchmod(descriptor, 0o666)  # it holds nothing: who may enter the folder may wait for it
        _wait_for(descriptor, path)
        yield
    finally:
        os.close(descriptor)


def _wait_for(descriptor: int, path: Path) -> None:
    until = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() > until:
                raise OutputError(f"{path}: somebody else is writing it; nothing was recorded, try again later") from None
            time.sleep(0.05)
        except OSError as error:
            raise OutputError(f"{path}: cannot be locked: {error.strerror}; nothing was recorded") from None


def save(path: Path, history: Sequence[Decision]) -> None:
    """Replaces the file by one rename, by who holds it. Raises OutputError, and then the earlier file is untouched."""
    content = as_text(history)
    new = path.with_name(f".{path.name}.new")
    try:
        new.unlink(missing_ok=True)  # of a process that was killed: nobody else writes while the lock is held
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content.encode("ascii"))
            _as_it_was(path, file.fileno())
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
    except OSError as error:
        new.unlink(missing_ok=True)
        raise OutputError(f"{path}: cannot be written: {error.strerror}; nothing was recorded") from None


def as_text(history: Sequence[Decision]) -> str:
    """What `load` reads, ASCII."""
    entries = [{name: value for name, value in asdict(one).items() if name in NAMES} for one in history]
    return json.dumps({"format": FORMAT, "program": "bonefhir", "decisions": entries}, indent=1) + "\n"


def _as_it_was(path: Path, descriptor: int) -> None:
    """Group and mode of the earlier file: a team has given them to it."""
    try:
        before = path.stat()
    except FileNotFoundError:
        return
    os.fchown(descriptor, -1, before.st_gid)
    os.fchmod(descriptor, before.st_mode & 0o777)
