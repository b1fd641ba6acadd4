"""A workbook of findings that comes back from people, or a sheet of it saved as CSV: its lines, by the names of its columns.

Sheets may have been renamed and moved, rows sorted and filtered, columns moved and inserted. Nothing of the file is executed or
followed: macros and links to other files are not loaded, a formula in a column of decisions is a fault. Of a file that is no
workbook only that is said, never what stands in it.
"""

import csv
import io
import re
import warnings
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from bonefhir.errors import InputError
from bonefhir.report.identity import FINGERPRINT
from bonefhir.report.visible import visible
from bonefhir.report.wording import all_languages
from bonefhir.report.workbook import COLUMNS, DECISION

NEEDED = (*DECISION, "finding", "earlier")
MOST_BYTES = 256 << 20
"""Of a workbook, uncompressed: 30,000 findings with long evidence take a third of it."""

MOST_PARTS = 2_000
_HEAD_ROWS = 50
_FIRST_SERIAL, _END_SERIAL = 36_526, 73_051
"""The days 2000-01-01 to 2099-12-31 as spreadsheets count them: a cell of a date that was made a number."""

_MERGED = re.compile(rb'<(?:\w+:)?mergeCell\s[^>]*?ref="([A-Z]+)(\d+):([A-Z]+)(\d+)"')


class Unreadable(NamedTuple):
    """A cell that has no value of its own. what: 'a formula' or 'an error'."""

    what: str


Cell = str | int | float | bool | date | Unreadable | None


class Line(NamedTuple):
    """A line of a sheet. cells: by the name of the column; what stands in columns of other names is not read."""

    sheet: str
    number: int
    cells: Mapping[str, Cell]

    @property
    def place(self) -> str:
        return f"sheet {visible(self.sheet)}, row {self.number}" if self.sheet else f"line {self.number}"


@dataclass
class Sheets:
    """skipped: names of sheets that hold no findings; faults: of sheets whose columns cannot be told."""

    lines: list[Line] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


def read(path: Path) -> Sheets:
    """Raises InputError if the file cannot be read at all."""
    try:
        with path.open("rb") as file:
            packed = file.read(4) == b"PK\x03\x04"
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror}") from None
    sheets = Sheets()
    for name, date_of, rows in _workbook(path) if packed else _csv(path):
        _take(sheets, name, date_of, rows)
    return sheets


# --------------------------------------------------------------------------------------------------------------- a sheet

Rows = Sequence[tuple[int, Sequence["Cell"]]]
"""Numbered from 1; rows without any content are left out."""

Epoch = datetime | None
"""The day from which a workbook counts the days."""


def _take(sheets: Sheets, name: str, epoch: Epoch, rows: Rows) -> None:
    found: list[str | None] | None = None
    stray = False
    for number, row in rows:
        if found is None:
            names = [_column(cell) for cell in row]
            stray |= "decision" in names or any(FINGERPRINT.fullmatch(_text(cell)) for cell in row)
            if "finding" in names and number <= _HEAD_ROWS:
                found = names
                sheets.faults += [f"{_named(name)}, row {number}: {what}" for what in _wrong(found)]
        else:
            sheets.lines.append(Line(name, number, _cells(found, row, epoch)))
    if found is None and stray:
        sheets.faults.append(f"{_named(name)}: holds findings or decisions, but no row of headings with “Finding” among them")
    elif found is None:
        sheets.skipped.append(name)


def _named(sheet: str) -> str:
    return f"sheet {visible(sheet)}" if sheet else "the file"


def _wrong(names: Sequence[str | None]) -> Iterator[str]:
    for name in NEEDED:
        if name not in names:
            yield f"the column “{name.capitalize()}” is missing"
    for name in dict.fromkeys(name for name in names if name):
        if names.count(name) > 1:
            yield f"the column “{name.capitalize()}” stands {names.count(name)} times"


def _cells(names: Sequence[str | None], row: Sequence[Cell], epoch: Epoch) -> dict[str, Cell]:
    return {name: _dated(name, value, epoch) for name, value in zip(names, row, strict=False) if name}


def _dated(name: str, value: Cell, epoch: Epoch) -> Cell:
    if isinstance(value, datetime):
        return value.date()
    if epoch and name in ("when", "until") and isinstance(value, int | float) and _FIRST_SERIAL <= value < _END_SERIAL:
        return (epoch + timedelta(days=int(value))).date()
    return value


def _column(cell: Cell) -> str | None:
    return _labels().get(_text(cell).casefold())


@cache
def _labels() -> Mapping[str, str]:
    """Headings of every language, and the columns' own names → column."""
    said = {wording.text(f"workbook.{name}").casefold(): name for wording in all_languages() for name in NEEDED}
    return {name.casefold(): name for name in COLUMNS} | said


def _text(cell: Cell) -> str:
    return " ".join(str(cell).split()) if isinstance(cell, str) else ""


# ------------------------------------------------------------------------------------------------------------ a workbook


def _workbook(path: Path) -> list[tuple[str, Epoch, Rows]]:
    with _sound(path):
        _refuse_hostile(path)
        from openpyxl import load_workbook

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about parts that openpyxl would lose when it writes: nothing is written
            book = load_workbook(path, read_only=True, keep_vba=False, keep_links=False)
            try:
                return list(_sheets(book))
            finally:
                book.close()


@contextmanager
def _sound(path: Path) -> Iterator[None]:
    try:
        yield
    except InputError:
        raise
    except Exception:  # noqa: BLE001 what a broken part makes the libraries raise is of any type, and may hold its content
        raise InputError(
            f"{path}: is no sound workbook (.xlsx), or is under a password; save it once more in the spreadsheet program"
        ) from None


def _sheets(book: Any) -> Iterator[tuple[str, Epoch, Rows]]:
    for sheet in book.worksheets:
        sheet.reset_dimensions()  # what a program says of the size may be wrong, and cut rows off
        rows = ((number, [_value(cell) for cell in row]) for number, row in enumerate(sheet.iter_rows(), start=1))
        yield sheet.title, book.epoch, _filled(rows)


def _filled(rows: Iterable[tuple[int, Sequence[Cell]]]) -> Rows:
    """Read to its end here, where what goes wrong is caught."""
    return [(number, row) for number, row in rows if any(cell not in (None, "") for cell in row)]


def _value(cell: Any) -> Cell:
    if cell.value is None:
        return None
    if cell.data_type in ("f", "e"):
        return Unreadable("a formula" if cell.data_type == "f" else "an error")
    value = cell.value
    return value if isinstance(value, str | int | float | date) else str(value)


def _refuse_hostile(path: Path) -> None:
    """Before anything is parsed: bombs, entities, and merged cells, which hide the decisions of all rows but one."""
    with zipfile.ZipFile(path) as archive:
        parts = archive.infolist()
        if len(parts) > MOST_PARTS or sum(part.file_size for part in parts) > MOST_BYTES:
            raise InputError(f"{path}: is larger than {MOST_BYTES >> 20} MB when unpacked; it is not read")
        for part in parts:
            if part.filename.endswith((".xml", ".rels")):
                _refuse_part(path, archive.read(part))


def _refuse_part(path: Path, content: bytes) -> None:
    if b"<!DOCTYPE" in content.replace(b"\0", b""):
        raise InputError(f"{path}: holds a document type, which no spreadsheet program writes; it is not read")
    for first, top, last, bottom in _MERGED.findall(content):
        if top != bottom:
            cells = b"".join((first, top, b":", last, bottom)).decode()
            raise InputError(f"{path}: the cells {cells} are merged, so that one hides the others; take the merge back")


# ------------------------------------------------------------------------------------------------------------------- CSV


def _csv(path: Path) -> list[tuple[str, Epoch, Rows]]:
    """UTF-8, separated by what its first line has most of. Cells are texts: a date is YYYY-MM-DD."""
    if path.stat().st_size > MOST_BYTES:
        raise InputError(f"{path}: is larger than {MOST_BYTES >> 20} MB; it is not read")
    try:
        text = path.read_bytes().decode("utf-8-sig")
        first = text.partition("\n")[0]
        mark = max(",;\t", key=first.count)
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=mark, strict=True)
        return [("", None, _filled((reader.line_num, row) for row in reader))]
    except (UnicodeDecodeError, csv.Error):
        raise InputError(
            f"{path}: is neither a workbook (.xlsx) nor CSV in UTF-8; save the sheet as one of them, without a password"
        ) from None
