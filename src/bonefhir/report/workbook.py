"""phi/findings.xlsx: the findings to work through, a sheet per severity, with columns for a decision on each.

Same input, same bytes: no time of creation is written, and the sheets are streamed in order. Every text is written as a
text, never as a formula or a link.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from math import isfinite
from pathlib import Path
from typing import Any

import pyarrow as pa
from xlsxwriter import Workbook
from xlsxwriter.exceptions import FileCreateError
from xlsxwriter.worksheet import Worksheet

from bonefhir.knowledge.model import Rule
from bonefhir.report.adjudication import WORDS, Decisions
from bonefhir.report.findings import Findings
from bonefhir.report.findings_csv import NUMBERS, as_text
from bonefhir.report.identity import fingerprint
from bonefhir.report.visible import visible
from bonefhir.report.wording import Wording
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
"""Per sheet. Nobody decides on more by hand, and each takes a fifth of a millisecond to write."""

_LONGEST = 32_767
"""Characters that a cell can hold."""

_CREATED = datetime(2000, 1, 1)  # noqa: DTZ001 a workbook knows no time zone


def write(path: Path, findings: Findings, rules: Sequence[Rule], wording: Wording, decisions: Decisions) -> None:
    """Decisions that hold stand in their columns.

    Raises OSError if it cannot be written: xlsxwriter hides that in an error of its own.
    """
    try:
        _write(path, findings, rules, wording, decisions)
    except FileCreateError as error:
        raise error.args[0] from None


def _write(path: Path, findings: Findings, rules: Sequence[Rule], wording: Wording, decisions: Decisions) -> None:
    # The parts of a workbook in the making hold patient data too: they stay beside it, not in the machine's /tmp.
    options = {"constant_memory": True, "tmpdir": str(path.parent), "strings_to_formulas": False, "strings_to_urls": False}
    with Workbook(str(path), options) as book:
        book.set_properties({"created": _CREATED})
        styles = _styles(book)
        sheets = {severity: book.add_worksheet(wording.word("severities", severity)) for severity in reversed(SEVERITIES)}
        written = {
            severity: _sheet(sheet, _of_severity(findings, severity), rules, wording, styles, decisions)
            for severity, sheet in sheets.items()
        }
        _about(book.add_worksheet(wording.text("workbook.about")), written, wording)


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
    """Writes the findings of a severity; returns how many there are, written or not."""
    _head(sheet, wording, styles)
    number = 0
    for part in findings:
        room = max(0, MOST_ROWS - number)
        shown = part.slice(0, room)
        for text, finding in zip(as_text(shown, rules).to_pylist(), shown.to_pylist(), strict=True):
            number += 1
            _row(sheet, number, {**finding, **_lists(text), **_decided(fingerprint(finding), decisions)}, styles)
        number += part.num_rows - shown.num_rows
    last = max(1, min(number, MOST_ROWS))
    sheet.autofilter(0, 0, last, len(COLUMNS) - 1)
    place = list(COLUMNS).index("decision")
    sheet.data_validation(1, place, last, place, {"validate": "list", "source": list(WORDS)})
    return number


def _decided(mark: str, decisions: Decisions) -> dict[str, str]:
    last, held = decisions.last.get(mark), decisions.held(mark)
    said = dict(zip(DECISION, held.said, strict=True)) if held else {}
    return {"finding": mark, "earlier": last.id if last else ""} | said


def _lists(text: Mapping[str, Any]) -> dict[str, Any]:
    """What a cell cannot hold as it is. The rest is not guarded as in the CSV: a text cell of a workbook is no formula."""
    return {name: text[name] for name in ("reasons", "assumptions", "evidence", "source", *NUMBERS)}


def _head(sheet: Worksheet, wording: Wording, styles: Mapping[str, Any]) -> None:
    sheet.freeze_panes(1, 1)
    for place, (name, width) in enumerate(COLUMNS.items()):
        sheet.set_column(place, place, width)
        ours = name in (*DECISION, "finding", "earlier")
        sheet.write_string(0, place, wording.text(f"workbook.{name}") if ours else name, styles["head"])


def _row(sheet: Worksheet, number: int, finding: Mapping[str, Any], styles: Mapping[str, Any]) -> None:
    for place, name in enumerate(COLUMNS):
        value = finding.get(name)
        style = styles["decide" if name in DECISION else "text"]
        if value is None or value == "":
            sheet.write_blank(number, place, None, style)
        elif isinstance(value, float) and isfinite(value):
            sheet.write_number(number, place, value, style)
        else:
            sheet.write_string(number, place, visible(str(value))[:_LONGEST], style)


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
