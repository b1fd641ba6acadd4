"""The pages of findings of phi/report.html: those that stand in it at once, and those that its script unpacks."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from bonefhir.report import html
from bonefhir.report.adjudication import Decisions
from bonefhir.report.facts import Facts
from bonefhir.report.findings import Findings, first_of_each_rule
from bonefhir.report.identity import fingerprint
from bonefhir.report.packed import PACK
from bonefhir.report.records import Records, Row, of_patients
from bonefhir.report.sheet import Sheets
from bonefhir.report.timeline_svg import drawn, listed
from bonefhir.report.wording import Wording

MOST_ROWS = 10_000
"""Findings that can be filtered and opened on the page, in the order in which people should read them."""

Page = Mapping[str, Any]


class Pages:
    """Makes pages."""

    def __init__(self, phi: Path, facts: Facts, wording: Wording, decisions: Decisions) -> None:
        self._phi, self._wording, self._decisions = phi, wording, decisions
        self._sheets = Sheets(facts.knowledge, facts.settings, wording)

    def static(self, findings: Findings, most: Mapping[str, int]) -> dict[str, list[Page]]:
        """Rule → the pages of its first findings."""
        rows = first_of_each_rule(findings, most).to_pylist()
        shown: dict[str, list[Page]] = {}
        for row, page in zip(rows, self._pages(rows), strict=True):
            shown.setdefault(row["rule_id"], []).append(page)
        return shown

    def fragments(self, rows: Sequence[Row]) -> Iterator[str]:
        """Each page as HTML, in the order of `places`."""
        template = html.environment().get_template("fragment.html")
        for page in self._pages([rows[number] for number in _by_patient(rows)]):
            yield template.render(t=self._wording, **page)

    def _pages(self, rows: Sequence[Row]) -> Iterator[Page]:
        """In order; cheapest if those of a patient stand together."""
        tables = of_patients(self._phi, {row["patient_id"] for row in rows})
        for start in range(0, len(rows), PACK):
            some = rows[start : start + PACK]
            records = tables.of({row["patient_id"] for row in some})
            for row in some:
                yield self._page(row, records)

    def _page(self, row: Row, records: Records) -> Page:
        sheet = self._sheets.of(row, records)
        svg, marks = (form(sheet.timeline, self._wording) if sheet.timeline else None for form in (drawn, listed))
        return {"sheet": sheet, "svg": svg, "marks": marks, "decision": self._decisions.standing.get(fingerprint(row))}


def _by_patient(rows: Sequence[Row]) -> list[int]:
    """Numbers of the rows, those of a patient together: what their pages draw on is then read and written out once."""
    return sorted(range(len(rows)), key=lambda number: str(rows[number]["patient_id"]))


def places(rows: Sequence[Row]) -> list[int]:
    """Of each row, the number of its page among all."""
    numbers = [0] * len(rows)
    for place, number in enumerate(_by_patient(rows)):
        numbers[number] = place
    return numbers


def first_rows(findings: Findings) -> list[Row]:
    """Findings that the script can show."""
    rows: list[Row] = []
    for part in findings:
        rows += part.slice(0, max(0, MOST_ROWS - len(rows))).to_pylist()
        if len(rows) >= MOST_ROWS:
            break
    return rows
