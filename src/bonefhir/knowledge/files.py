"""The files of a folder of checks: read once, hashed, and searched for the line of a thing."""

import csv
import hashlib
import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bonefhir.knowledge.faults import Faults, Place, unknown

DATA = (".toml", ".csv")
_TOML_LINE = re.compile(r"\(at line (\d+), column \d+\)")


@dataclass(frozen=True)
class Document:
    """A file that was read.

    name    as faults and reports print it: the folder as given, then the path inside it
    part    path inside the folder, '/' between its parts: 'labels/pamidronate.toml'
    """

    name: str
    part: str
    data: bytes
    text: str

    def line_of(self, pattern: str, after: int = 1) -> int:
        """The first line at or after `after` where the regular expression matches; `after` if none does."""
        found = re.compile(pattern, re.MULTILINE).search(self.text, self._start(after))
        return self._line_at(found.start()) if found else after

    def _start(self, line: int) -> int:
        start = 0
        for _ in range(line - 1):
            start = self.text.find("\n", start) + 1
        return start

    def _line_at(self, offset: int) -> int:
        return self.text.count("\n", 0, offset) + 1

    def place(self, line: int = 1) -> Place:
        return Place(self.name, line)

    def line_of_value(self, key: str, value: object, after: int = 1) -> int:
        """Where `key = "value"` stands, also inside a table on one line; written just so, no regular expression is needed."""
        offset = self.text.find(f'{key} = "{value}"', self._start(after))
        if offset >= 0:
            return self._line_at(offset)
        return self.line_of(rf"""\b{re.escape(key)}\s*=\s*["']{re.escape(str(value))}["']""", after)

    def place_of_key(self, key: str, after: int = 1) -> Place:
        """Where `key = …` stands, at or after a line."""
        return self.place(self.line_of(rf"^\s*{re.escape(key)}\s*=", after))


def read_folder(folder: Path, label: str, faults: Faults) -> list[Document]:
    """Every TOML and CSV file of a folder, in the order of their paths; hidden files are skipped."""
    if not folder.is_dir():
        faults.add(Place(label, 1), "is no folder; give the one that holds labels/, guidelines/, terminology/ or overrides.toml")
        return []
    paths = sorted(p for p in folder.rglob("*") if p.suffix in DATA and p.is_file())
    parts = [p.relative_to(folder).as_posix() for p in paths]
    visible = [part for part in parts if not any(step.startswith(".") for step in part.split("/"))]
    return [d for part in sorted(visible) if (d := _read(folder / part, label, part, faults)) is not None]


def read_file(path: Path, part: str, faults: Faults) -> list[Document]:
    """One file given by itself, as if it stood at `part` of a folder."""
    document = _read(path, "", part, faults, name=str(path))
    return [] if document is None else [document]


def _read(path: Path, label: str, part: str, faults: Faults, name: str | None = None) -> Document | None:
    printed = name or f"{label}/{part}"
    try:
        data = path.read_bytes()
        return Document(printed, part, data, data.decode("utf-8-sig").replace("\r\n", "\n"))
    except OSError as error:
        faults.add(Place(printed, 1), f"cannot be read ({error.strerror}); check the path and its permissions")
    except UnicodeDecodeError:
        faults.add(Place(printed, 1), "is not UTF-8; save it as UTF-8")
    return None


def digest(documents: Sequence[Document]) -> str:
    """SHA-256 over the paths and bytes of all files, in their order."""
    total = hashlib.sha256()
    for document in documents:
        for piece in (document.part.encode(), document.data):
            total.update(len(piece).to_bytes(8, "big"))
            total.update(piece)
    return total.hexdigest()


def toml(document: Document, faults: Faults) -> dict[str, Any] | None:
    """The file's content; None, with a fault, if it is not TOML."""
    try:
        return tomllib.loads(document.text)
    except tomllib.TOMLDecodeError as error:
        message = str(error)
        found = _TOML_LINE.search(message)
        line = int(found.group(1)) if found else document.text.count("\n") + 1
        faults.add(document.place(line), f"is not TOML: {_TOML_LINE.sub('', message).strip()}")
        return None


def rows(document: Document, columns: Sequence[str], faults: Faults) -> Iterator[tuple[Place, dict[str, str]]]:
    """Rows of a CSV file whose header must be exactly `columns`, in any order; cells are trimmed."""
    reader = csv.reader(document.text.splitlines(keepends=True), strict=True)
    try:
        header = [cell.strip() for cell in next(reader, [])]
        if not _header_fits(document, header, columns, faults):
            return
        for cells in reader:
            place = document.place(reader.line_num)
            if not cells:
                continue
            if len(cells) != len(header):
                faults.add(place, f"has {len(cells)} cells, the header {len(header)}; quote a cell that holds a comma")
                continue
            yield place, dict(zip(header, (cell.strip() for cell in cells), strict=True))
    except csv.Error as error:
        faults.add(document.place(reader.line_num), f"is not CSV: {error}")


def _header_fits(document: Document, header: Sequence[str], columns: Sequence[str], faults: Faults) -> bool:
    before = len(faults.found)
    if len(header) == 1 and header[0].count(";") >= len(columns) - 1:
        faults.add(document.place(), "is separated by semicolons; save it separated by commas")
        return False
    for name in header:
        if name not in columns:
            faults.add(document.place(), unknown("column", name, columns))
        elif header.count(name) > 1:
            faults.add(document.place(), f"column '{name}' stands twice")
    for name in columns:
        if name not in header:
            faults.add(document.place(), f"column '{name}' is missing; the header is {','.join(columns)}")
    return len(faults.found) == before
