"""The pages of findings of phi/report.html: those that stand in it at once, and the data of those that its script makes."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import pyarrow as pa

from bonefhir.report import page_data
from bonefhir.report.adjudication import Decisions
from bonefhir.report.facts import Facts
from bonefhir.report.findings import Findings, first_of_each_rule
from bonefhir.report.identity import fingerprints
from bonefhir.report.page_data import Texts
from bonefhir.report.records import Row
from bonefhir.report.sheet import Sheet, Sheets
from bonefhir.report.shown import shown
from bonefhir.report.timeline import Views, timeline
from bonefhir.report.timeline_svg import drawn, listed
from bonefhir.report.wording import Wording
from bonefhir.tables import VERDICTS

MOST_ROWS = 10_000
"""Findings that can be filtered and opened on the page, in the order in which people should read them."""

PACK = 100
"""Findings that are unpacked together, at least: those of a patient are not parted, as they show the same marks."""

Page = Mapping[str, Any]


class Pages:
    """rows: findings that the script shows. fingerprints: of each."""

    def __init__(
        self, phi: Path, findings: Findings, most: Mapping[str, int], facts: Facts, wording: Wording, decisions: Decisions
    ) -> None:
        first, static = first_rows(findings), first_of_each_rule(findings, most)
        self.rows, self.fingerprints = first.to_pylist(), fingerprints(first)
        self._static, self._static_fingerprints = static.to_pylist(), fingerprints(static)
        self._shown = shown(phi, [*self.rows, *self._static])
        self._sheets = Sheets(facts.knowledge, wording)
        self._views = Views(self._shown, facts.knowledge, facts.settings)
        self._wording, self._decisions = wording, decisions
        self._packs = _packs(self.rows)

    def static(self) -> dict[str, list[Page]]:
        """Rule → the pages of its first findings."""
        of_rule: dict[str, list[Page]] = {}
        for row, mark, view in zip(self._static, self._static_fingerprints, self._views.of(self._static), strict=True):
            line = timeline(view, self._shown.marks) if view else None
            svg, marks = (form(line, self._wording) if line else None for form in (drawn, listed))
            decision = self._decisions.standing.get(mark)
            page = {"sheet": self._sheet(row), "timeline": line, "svg": svg, "marks": marks, "decision": decision}
            of_rule.setdefault(row["rule_id"], []).append(page)
        return of_rule

    def places(self) -> list[tuple[int, int]]:
        """Of each row, the number of its pack and its place in it."""
        at = {number: (pack, place) for pack, numbers in enumerate(self._packs) for place, number in enumerate(numbers)}
        return [at[number] for number in range(len(self.rows))]

    def packs(self) -> Iterator[dict[str, Any]]:
        """In order, as they are asked for."""
        for numbers in self._packs:
            yield self._pack([self.rows[number] for number in numbers], [self.fingerprints[number] for number in numbers])

    def _pack(self, rows: Sequence[Row], fingerprints: Sequence[str]) -> dict[str, Any]:
        patients = (self._shown.patients[row["patient_id"]] for row in (rows[0], rows[-1]))
        marks, texts = self._shown.marks.of_patients(*patients), Texts()
        findings = [
            page_data.finding(self._sheet(row), view, self._decisions.standing.get(mark), marks.start, self._wording, texts)
            for row, view, mark in zip(rows, self._views.of(rows), fingerprints, strict=True)
        ]
        columns = page_data.marks(self._shown.marks.rows[marks], texts)
        return {"findings": findings, "marks": columns, "texts": texts.listed()}

    def _sheet(self, row: Row) -> Sheet:
        return self._sheets.of(row, self._shown.records)


def _packs(rows: Sequence[Row]) -> list[list[int]]:
    """Numbers of rows, by patient."""
    packs: list[list[int]] = [[]]
    patient = [str(row["patient_id"]) for row in rows]
    for _, numbers in groupby(sorted(range(len(rows)), key=patient.__getitem__), patient.__getitem__):
        if len(packs[-1]) >= PACK:
            packs.append([])
        packs[-1] += numbers
    return packs if rows else []


def first_rows(findings: Findings) -> pa.Table:
    """Findings that the script can show."""
    parts, missing = [VERDICTS.empty()], MOST_ROWS
    for part in findings:
        parts.append(part.slice(0, missing))
        missing -= len(parts[-1])
        if not missing:
            break
    return pa.concat_tables(parts)
