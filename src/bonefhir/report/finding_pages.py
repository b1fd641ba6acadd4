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
    """findings: those that the script shows. fingerprints: of each."""

    def __init__(
        self, phi: Path, findings: Findings, most: Mapping[str, int], facts: Facts, wording: Wording, decisions: Decisions
    ) -> None:
        self.findings, self._static = first(findings), first_of_each_rule(findings, most)
        self.fingerprints = fingerprints(self.findings)
        self._shown = shown(phi, pa.concat_tables([self.findings, self._static]))
        self._sheets = Sheets(facts.knowledge, wording)
        self._views = Views(self._shown, facts.knowledge, facts.settings)
        self._wording, self._decisions = wording, decisions
        self._packs = _packs(self.findings["patient_id"].to_pylist())

    def static(self) -> dict[str, list[Page]]:
        """Rule → the pages of its first findings."""
        of_rule: dict[str, list[Page]] = {}
        rows = self._static.to_pylist()
        for row, mark, view in zip(rows, fingerprints(self._static), self._views.of(rows), strict=True):
            line = timeline(view, self._shown.marks) if view else None
            svg, marks = (form(line, self._wording) if line else None for form in (drawn, listed))
            decision = self._decisions.standing.get(mark)
            page = {"sheet": self._sheet(row), "timeline": line, "svg": svg, "marks": marks, "decision": decision}
            of_rule.setdefault(row["rule_id"], []).append(page)
        return of_rule

    def places(self) -> list[tuple[int, int]]:
        """Of each finding, the number of its pack and its place in it."""
        at = {number: (pack, place) for pack, numbers in enumerate(self._packs) for place, number in enumerate(numbers)}
        return [at[number] for number in range(len(self.findings))]

    def packs(self) -> Iterator[dict[str, Any]]:
        """In order, as they are asked for."""
        for numbers in self._packs:
            yield self._pack(self.findings.take(numbers).to_pylist(), [self.fingerprints[number] for number in numbers])

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


def _packs(patients: Sequence[str]) -> list[list[int]]:
    """Numbers of findings, by patient."""
    packs: list[list[int]] = [[]]
    for _, numbers in groupby(sorted(range(len(patients)), key=patients.__getitem__), patients.__getitem__):
        if len(packs[-1]) >= PACK:
            packs.append([])
        packs[-1] += numbers
    return packs if patients else []


def first(findings: Findings) -> pa.Table:
    """Findings that the script can show."""
    parts, missing = [VERDICTS.empty()], MOST_ROWS
    for part in findings:
        parts.append(part.slice(0, missing))
        missing -= len(parts[-1])
        if not missing:
            break
    return pa.concat_tables(parts)
