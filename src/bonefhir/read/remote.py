"""Input, and parts of the work, behind an fsspec URL (s3://, gs://, memory://, …), through the file system that it names."""

import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from errno import EDQUOT, ENOSPC, EROFS
from pathlib import Path
from typing import Any, cast

from bonefhir.errors import InputError, OutputError, PartsError, UnreachableError
from bonefhir.log import Public
from bonefhir.read.fault import UnreadableFileError

_LOG = logging.getLogger(__name__)

_CLIENTS = ("fsspec", "s3fs", "botocore", "aiobotocore", "aiohttp", "gcsfs", "google", "adlfs", "azure", "requests", "urllib3")
"""Where the errors of file systems come from that are no OSError."""


def members(source: str) -> Iterator[tuple[Path, str, str | None, int | None]]:
    """path, name, URL and size of each file behind a URL: a file, a folder or a glob. Raises InputError if there is none.

    size: bytes as stored; null where it is not told, or where a file can only be read from its beginning
    """
    system, path = _system(source)
    try:
        if any(sign in path for sign in "*?["):
            files, root = system.glob(path, detail=True), path.rpartition("/")[0]
        elif system.isfile(path):
            files, root = {path: system.info(path)}, path.rpartition("/")[0]
        else:
            files, root = system.find(path, detail=True), path.rstrip("/")
    except Exception as error:  # noqa: BLE001  each file system has errors of its own
        raise InputError(f"{source}: cannot be listed ({type(error).__name__}); check the address and the access") from None
    files = {found: about for found, about in files.items() if about["type"] == "file"}
    if not files:
        raise InputError(f"{source}: no such file or folder; check the address")
    for found, about in sorted(files.items()):
        name = found[len(root) :].lstrip("/") if found.startswith(root) else found
        if not any(part.startswith(".") for part in name.split("/")):
            yield Path(found), name, system.unstrip_protocol(found), about.get("size") if about.get("partial", True) else None


class RemoteFile(io.RawIOBase):
    """An open file of any file system, whose own errors come as UnreachableError, without words that may hold keys and addresses.

    name: of the file, as the ledger has it
    """

    def __init__(self, stream: Any, name: str) -> None:
        self._stream, self._name = stream, name

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        view = memoryview(buffer).cast("B")
        try:
            data = self._stream.read(len(view))
        except Exception as error:  # noqa: BLE001  each file system has errors of its own
            raise _broken_off(self._name, error) from None
        view[: len(data)] = data
        return len(data)

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        return int(self._stream.seek(offset, whence))

    def close(self) -> None:
        if not self.closed:
            self._stream.close()
        super().close()


def open_url(url: str, name: str, ahead: int) -> RemoteFile:
    """The object's bytes as stored. Raises UnreadableFileError if it is not there or not ours to read, else UnreachableError.

    ahead: bytes that are fetched at once
    """
    system, path = _system(url)
    try:
        return RemoteFile(system.open(path, "rb", block_size=ahead), name)
    except (FileNotFoundError, PermissionError) as error:
        raise UnreadableFileError("not-json", f"the file cannot be opened ({type(error).__name__})") from None
    except Exception as error:  # noqa: BLE001  each file system has errors of its own
        raise _broken_off(name, error) from None


def _broken_off(name: str, error: Exception) -> UnreachableError:
    what = f"cannot be read where it is stored ({type(error).__name__})"
    return UnreachableError(f"{name}: {what}; check the connection and run again")


@contextmanager
def parts(url: str) -> Iterator[None]:
    """What goes wrong here in reaching the place of the parts is a PartsError, and not a fault of the output folder."""
    try:
        yield
    except Exception as error:
        if not _is_remote(error):
            raise
        what = f"parts of the work cannot be read or written there ({type(error).__name__})"
        raise PartsError(f"{url}: {what}; check address and access") from None


def _is_remote(error: Exception) -> bool:
    """Not what the operating system says of a disk, nor a defect."""
    if isinstance(error, OSError):
        return error.filename is None and error.errno not in (ENOSPC, EDQUOT, EROFS)
    return any(kind.__module__.partition(".")[0] in _CLIENTS for kind in type(error).__mro__)


def folder(url: str) -> Path:
    """A folder behind a URL, which is used like one on disk. Raises InputError if no such place can be reached."""
    from fsspec.implementations.local import LocalFileSystem
    from upath import UPath

    system, path = _system(url)
    return Path(path) if isinstance(system, LocalFileSystem) else cast(Path, UPath(url))


def make(place: Path) -> None:
    """Makes a folder, closed to others where there are rights. Raises OutputError.

    Not those above it, unless on disk: an object store would make a bucket of a mistyped name, and patient data would go there.
    """
    try:
        place.mkdir(mode=0o700, parents=type(place) is type(Path()))
    except Exception as error:  # noqa: BLE001  each file system has errors of its own
        raise OutputError(f"{place.parent}: cannot be written ({type(error).__name__}); check address and access") from None


def remove(place: Path) -> None:
    """With all that is in it, if it is there. Where that fails it is said, and whatever else was to be said stays."""
    try:
        system, path = _system(str(place))
        if system.exists(path):
            system.rm(path, recursive=True)
    except Exception as error:  # noqa: BLE001  each file system has errors of its own
        _LOG.warning("what a run has left where `parts` says could not be removed: %s", Public(type(error).__name__))


def _system(url: str) -> tuple[Any, str]:
    from fsspec.core import url_to_fs

    try:
        system, path = url_to_fs(url)
    except (ImportError, ValueError) as error:
        raise InputError(f"{url.partition('://')[0]}://: this kind of address cannot be read here: {error}") from None
    return system, str(path)
