"""Input behind an fsspec URL (s3://, gs://, memory://, …): listed and opened through the file system that the URL names."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

from bonefhir.errors import InputError
from bonefhir.read.fault import UnreadableFileError


def members(source: str) -> Iterator[tuple[Path, str, str | None]]:
    """path, name and URL of each file behind a URL: a file, a folder or a glob. Raises InputError if there is none."""
    system, path = _system(source)
    try:
        if any(sign in path for sign in "*?["):
            paths = [found for found in system.glob(path) if system.isfile(found)]
            root = path.rpartition("/")[0]
        elif system.isfile(path):
            paths, root = [path], path.rpartition("/")[0]
        else:
            paths, root = system.find(path), path.rstrip("/")
    except Exception as error:  # noqa: BLE001  each file system has errors of its own
        raise InputError(f"{source}: cannot be listed ({type(error).__name__}); check the address and the access") from None
    if not paths:
        raise InputError(f"{source}: no such file or folder; check the address")
    for found in sorted(paths):
        name = found[len(root) :].lstrip("/") if found.startswith(root) else found
        if not any(part.startswith(".") for part in name.split("/")):
            yield Path(found), name, system.unstrip_protocol(found)


class RemoteFile(io.RawIOBase):
    """An open file of any file system, whose own errors come as OSError, without words that may hold keys and addresses."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        view = memoryview(buffer).cast("B")
        try:
            data = self._stream.read(len(view))
        except Exception as error:  # noqa: BLE001  each file system has errors of its own
            raise OSError(None, f"{type(error).__name__} of the place where it is stored") from None
        view[: len(data)] = data
        return len(data)

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        return int(self._stream.seek(offset, whence))

    def close(self) -> None:
        if not self.closed:
            self._stream.close()
        super().close()


def open_url(url: str) -> RemoteFile:
    """The object's bytes as stored. Raises UnreadableFileError if it cannot be opened."""
    system, path = _system(url)
    try:
        return RemoteFile(system.open(path, "rb"))
    except Exception as error:  # noqa: BLE001  each file system has errors of its own
        raise UnreadableFileError("not-json", f"the file cannot be opened ({type(error).__name__})") from None


def folder(url: str) -> Path:
    """A folder behind a URL, which is used like one on disk. Raises InputError if no such place can be reached."""
    _system(url)
    from upath import UPath

    return cast(Path, UPath(url))


def remove(place: Path) -> None:
    """With all that is in it, if it is there."""
    system, path = _system(str(place))
    if system.exists(path):
        system.rm(path, recursive=True)


def _system(url: str) -> tuple[Any, str]:
    from fsspec.core import url_to_fs

    try:
        system, path = url_to_fs(url)
    except (ImportError, ValueError) as error:
        raise InputError(f"{url.partition('://')[0]}://: this kind of address cannot be read here: {error}") from None
    return system, str(path)
