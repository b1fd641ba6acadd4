"""What the user named as input → the files to read, in reading order. Names are paths, never options."""

import glob
import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from io import RawIOBase
from pathlib import Path
from typing import BinaryIO

from bonefhir.errors import InputError
from bonefhir.read.fault import UnreadableFileError

IGNORE = ".bonefhirignore"
"""File that names what else stands in a folder of FHIR files, and is none."""

NEVER_READ = ("*.expected.toml", "bonefhir-decisions.json", "bonefhir-history.json", "bonefhir-history.html")
"""Files that stand beside FHIR or runs and speak of them: what a sample is expected to yield, what people have decided."""

_TEMPORARY = (".part", ".partial", ".crdownload", ".download", ".filepart", ".tmp", ".temp", ".swp", "~")

AHEAD = 32 << 20
"""Bytes: of a range of a file behind a URL all at once. The clients of some stores take more, and then not all of it is used."""

Member = tuple[Path, str, str | None, int | None]
"""path, name; and of what lies behind a URL, that and its size."""


@dataclass(frozen=True)
class SourceFile:
    """number: place in the reading order of the run; name: relative to the source given; url: fsspec URL, if remote.

    told: bytes of a remote file, if its file system tells them
    """

    number: int
    path: Path
    name: str
    url: str | None = None
    told: int | None = None

    @property
    def size(self) -> int | None:
        """Bytes as stored; null: not known."""
        if self.url is not None:
            return self.told
        return self.path.stat().st_size if self.path.is_file() else 0

    @property
    def temporary(self) -> bool:
        """Named like a download that is still running, or was broken off."""
        return self.name.lower().endswith(_TEMPORARY)

    def open(self, ahead: int = AHEAD) -> BinaryIO | RawIOBase:
        """The bytes as stored. Raises UnreadableFileError unless it is a regular file; never waits for a FIFO.

        ahead: bytes of a remote file that are fetched at once
        """
        if self.url is not None:
            from bonefhir.read import remote  # fsspec is loaded for remote input only

            return remote.open_url(self.url, self.name, ahead)
        try:
            if not stat.S_ISREG(self.path.stat().st_mode):
                raise UnreadableFileError("not-json", "not a regular file (a folder behind a link, a pipe, a device): not opened")
            descriptor = os.open(self.path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        except OSError as error:
            raise UnreadableFileError("not-json", f"the file cannot be opened: {_words(error)}") from None
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise UnreadableFileError("not-json", "not a regular file: not read")
        return os.fdopen(descriptor, "rb", buffering=0)


def expand(sources: Sequence[str]) -> list[SourceFile]:
    """Files of all sources in the order given, a folder's by relative path compared as text, without hidden ones, each once.

    A source is a file, a folder, a glob or an fsspec URL. Raises InputError if a source does not exist or holds no file.
    """
    found: dict[str, SourceFile] = {}
    names: set[str] = set()
    for position, source in enumerate(sources):
        members = list(_members(str(source)))
        if not members:
            raise InputError(f"{_printable(str(source))}: no file in it to read; name a folder with FHIR files, or a file")
        for path, short, url, size in members:
            key = url if url is not None else os.path.normpath(path.absolute())
            if key not in found:
                name = _unused(short, str(source), position, names)
                names.add(name)
                found[key] = SourceFile(len(found), path, name, url, size)
    return list(found.values())


def _members(source: str) -> Iterator[Member]:
    if "://" in source:
        from bonefhir.read import remote

        yield from remote.members(source)
    elif "\0" not in source and os.path.lexists(source):
        yield from _walk(Path(source))
    elif matches := sorted(glob.glob(source, recursive=True)):  # noqa: PTH207  pathlib's glob has no absolute patterns
        for match in matches:
            yield from _walk(Path(match))
    else:
        raise InputError(f"{_printable(source)}: no such file or folder; check the path")


def _walk(source: Path) -> Iterator[Member]:
    if not source.is_dir():
        yield source, _printable(source.name), None, None
        return
    for relative in sorted(path.as_posix() for path in _below(source)):
        yield source / relative, _printable(relative), None, None


def _below(folder: Path) -> Iterator[Path]:
    """Relative paths of all files that are not hidden. Links to folders (they may loop) are not followed but refused later."""

    def refuse(error: OSError) -> None:
        raise InputError(f"{_printable(str(error.filename))}: the folder cannot be listed: {_words(error)}")

    for root, folders, files in os.walk(folder, onerror=refuse):
        ignored = _ignored_names(Path(root), folders + files)
        folders[:] = [name for name in folders if not name.startswith(".") and name not in ignored]
        links = [name for name in folders if Path(root, name).is_symlink()]
        folders[:] = [name for name in folders if name not in links]
        for name in files + links:
            if not name.startswith(".") and name not in ignored:
                yield Path(root, name).relative_to(folder)


def ignored(sources: Sequence[str]) -> list[str]:
    """What is kept out of the folders among the sources, by name: relative paths, so that it can be said."""
    found = set()
    for source in (Path(s) for s in sources if "://" not in s and "\0" not in s and Path(s).is_dir()):
        for folder in {path.parent for pattern in (IGNORE, *NEVER_READ) for path in source.rglob(pattern)}:
            names = [entry.name for entry in folder.iterdir()]
            found |= {(folder / n).relative_to(source).as_posix() for n in _ignored_names(folder, names)}
    return sorted(found)


def _ignored_names(folder: Path, names: Sequence[str]) -> set[str]:
    """Names that are never read, or match a line of the folder's .bonefhirignore: one glob per line, '#' begins a comment."""
    try:
        lines = (folder / IGNORE).read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    globs = [*NEVER_READ, *(line.strip() for line in lines if line.strip() and not line.startswith("#"))]
    return {name for name in names if not name.startswith(".") and any(fnmatchcase(name, pattern) for pattern in globs)}


def _unused(name: str, source: str, position: int, taken: set[str]) -> str:
    """`name`, or with its source in front if another source has a file of that name."""
    longer = f"{_printable(Path(source).absolute().name)}/{name}"
    candidates = (name, longer, f"{position + 1}/{longer}")
    return next(candidate for candidate in candidates if candidate not in taken)


def _printable(path: str) -> str:
    """The path as text that can be encoded: bytes that are not UTF-8 are shown as escapes."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def _words(error: OSError) -> str:
    return (error.strerror or type(error).__name__).lower()
