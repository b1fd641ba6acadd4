"""phi/findings.xlsx: the findings to work through, a sheet per severity, with columns for a decision on each.

Same input, same bytes: no time of creation is written, and the sheets are streamed in order. Every text is written as a
text, never as a formula or a link.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from io import BytesIO
from math import isfinite
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import pyarrow as pa
from xlsxwriter import Workbook
from xlsxwriter.exceptions import FileCreateError
from xlsxwriter.worksheet import Worksheet

from bonefhir.knowledge.model import Rule
from bonefhir.report.adjudication import WORDS, Decisions
from bonefhir.report.findings import Findings
from bonefhir.report.findings_csv import NUMBERS, as_text
from bonefhir.report.identity import fingerprints
from bonefhir.report.visible import visible
from bonefhir.report.wording import Wording
from bonefhir.report.workbook_rows import LONGEST, column_name, rows
from bonefhir.vocabulary import FAIL, INDETERMINATE, SEVERITIES

DECISION = ("decision", "reason", "who", "when", "until")

COLUMNS = {
    "rule_id": 20,
    "verdict": 13,
    "message": 60,
    "patient_id": 22,
    "dose_id": 30,
    "dose_start": 22,
    "product": 20,
    "indication": 20,
    "reasons": 24,
    **dict.fromkeys(DECISION, 14),
    "observed_low": 12,
    "observed_high": 12,
    "limit": 10,
    "unit": 12,
    "assumptions": 24,
    "evidence": 60,
    "source": 30,
    "finding": 20,
    "earlier": 11,
}
"""Column -> width in characters. earlier: id of the last decision about the finding, by which a later one is noticed."""

MOST_ROWS = 10_000
"""Per sheet. Nobody decides on more by hand."""

_CREATED = datetime(2000, 1, 1)  # noqa: DTZ001 a workbook knows no time zone


def write(path: Path, findings: Findings, rules: Sequence[Rule], wording: Wording, decisions: Decisions) -> None:
    """Decisions that hold stand in their columns.

    Raises OSError if it cannot be written: xlsxwriter hides that in an error of its own.
    """
    try:
        frame, numbers = _frame(findings, rules, wording, decisions)
    except FileCreateError as error:
        raise error.args[0] from None
    with ZipFile(frame) as parts, ZipFile(path, "w", ZIP_DEFLATED) as book:
        for part in parts.infolist():
            severity = {f"xl/worksheets/sheet{place}.xml": name for place, name in enumerate(numbers, start=1)}.get(part.filename)
            content = parts.read(part)
            if severity is not None and numbers[severity] > 1:
                more = _columns(_of_severity(findings, severity), rules, decisions)
                content = _filled(content.decode(), more, min(numbers[severity], MOST_ROWS)).encode()
            book.writestr(part, content)


def _filled(sheet: str, more: Iterator[list[pa.Array]], number: int) -> str:
    """The sheet with all its rows. xlsxwriter has written the head and the first one, in whose manner the others are."""
    last = column_name(len(COLUMNS) - 1)
    styles = re.findall(r'<c r="[A-Z]2" s="(\d+)"', sheet)
    before, after = sheet.replace(f'ref="A1:{last}2"/><sheetViews', f'ref="A1:{last}{number + 1}"/><sheetViews').split(
        "</sheetData>"
    )
    written: list[str] = []
    row = 2
    for columns in more:
        written += rows(columns, styles, row).to_pylist()
        row += len(columns[0])
    return "".join([before, *written[1:], "</sheetData>", after])


def _frame(findings: Findings, rules: Sequence[Rule], wording: Wording, decisions: Decisions) -> tuple[BytesIO, dict[str, int]]:
    """The workbook with one finding in each sheet, and how many findings there are, written or not, by severity."""
    frame = BytesIO()
    # The parts of a workbook in the making hold patient data too: not in the machine's /tmp, nor where they would be published
    # if their process was killed.
    folder = str(findings.folder)
    options = {"constant_memory": True, "tmpdir": folder, "strings_to_formulas": False, "strings_to_urls": False}
    with Workbook(frame, options) as book:
        book.set_properties({"created": _CREATED})
        styles = _styles(book)
        sheets = {severity: book.add_worksheet(wording.word("severities", severity)) for severity in reversed(SEVERITIES)}
        numbers = {
            severity: _sheet(sheet, _of_severity(findings, severity), rules, wording, styles, decisions)
            for severity, sheet in sheets.items()
        }
        _about(book.add_worksheet(wording.text("workbook.about")), numbers, wording)
    return frame, numbers


def _styles(book: Workbook) -> dict[str, Any]:
    return {
        "head": book.add_format({"bold": True, "text_wrap": True, "valign": "top", "bottom": 2}),
        "text": book.add_format({"text_wrap": True, "valign": "top"}),
        "decide": book.add_format({"text_wrap": True, "valign": "top", "bg_color": "#FFF8E1", "border": 1}),
    }


def _of_severity(findings: Findings, severity: str) -> Iterator[pa.Table]:
    for verdict in (FAIL, INDETERMINATE):
        yield from findings.of(verdict, severity)


def _sheet(
    sheet: Worksheet,
    findings: Iterable[pa.Table],
    rules: Sequence[Rule],
    wording: Wording,
    styles: Mapping[str, Any],
    decisions: Decisions,
) -> int:
    """Writes the first finding of a severity; returns how many there are."""
    _head(sheet, wording, styles)
    number = 0
    for part in findings:
        if number == 0:
            first = next(_columns(iter([part.slice(0, 1)]), rules, decisions))
            _row(sheet, dict(zip(COLUMNS, (column[0].as_py() for column in first), strict=True)), styles)
        number += part.num_rows
    last = max(1, min(number, MOST_ROWS))
    sheet.autofilter(0, 0, last, len(COLUMNS) - 1)
    place = list(COLUMNS).index("decision")
    sheet.data_validation(1, place, last, place, {"validate": "list", "source": list(WORDS)})
    return number


def _columns(findings: Iterable[pa.Table], rules: Sequence[Rule], decisions: Decisions) -> Iterator[list[pa.Array]]:
    """Columns of the sheet, for as many findings as it shows. A text needs no guard as in the CSV: it is no formula here."""
    room = MOST_ROWS
    for part in findings:
        shown = part.slice(0, room)
        room -= len(shown)
        if len(shown):
            plain = {name: shown[name].combine_chunks() for name in shown.column_names}
            text = as_text(shown, rules)
            lists = {name: text[name].combine_chunks() for name in ("reasons", "assumptions", "evidence", "source", *NUMBERS)}
            columns = {**plain, **lists, **_decided(shown, decisions)}
            yield [columns[name] for name in COLUMNS]


def _decided(findings: pa.Table, decisions: Decisions) -> dict[str, pa.Array]:
    marks = fingerprints(findings)
    last, held = [decisions.last.get(mark) for mark in marks], [decisions.held(mark) for mark in marks]
    said = {name: [one and one.said[place] for one in held] for place, name in enumerate(DECISION)}
    cells = {"finding": marks, "earlier": [one and one.id for one in last], **said}
    return {name: pa.array(texts, pa.string()) for name, texts in cells.items()}


def _head(sheet: Worksheet, wording: Wording, styles: Mapping[str, Any]) -> None:
    sheet.freeze_panes(1, 1)
    for place, (name, width) in enumerate(COLUMNS.items()):
        sheet.set_column(place, place, width)
        ours = name in (*DECISION, "finding", "earlier")
        sheet.write_string(0, place, wording.text(f"workbook.{name}") if ours else name, styles["head"])


def _row(sheet: Worksheet, finding: Mapping[str, Any], styles: Mapping[str, Any]) -> None:
    for place, name in enumerate(COLUMNS):
        value = finding[name]
        style = styles["decide" if name in DECISION else "text"]
        if value is None or value == "":
            sheet.write_blank(1, place, None, style)
        elif isinstance(value, float) and isfinite(value):
            sheet.write_number(1, place, value, style)
        else:
            sheet.write_string(1, place, visible(str(value))[:LONGEST], style)


def _about(sheet: Worksheet, written: Mapping[str, int], wording: Wording) -> None:
    sheet.set_column(0, 0, 110)
    before = ("phi.title", "phi.confidential", "phi.not_care", "workbook.about_decide")
    lines = [wording.text(key) for key in before]
    for severity, number in written.items():
        numbers = {"number": wording.number(number), "more": wording.number(max(0, number - MOST_ROWS))}
        key = "workbook.about_more" if number > MOST_ROWS else "workbook.about_findings"
        lines.append(wording.text(key, severity=wording.word("severities", severity), **numbers))
    lines += [wording.text("footer.device"), wording.text("footer.sources")]
    for place, line in enumerate(lines):
        sheet.write_string(place, 0, line)
