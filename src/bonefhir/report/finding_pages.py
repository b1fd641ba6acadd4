"""The pages of findings of phi/report.html: those that stand in it at once, and the data of those that its script makes.

They are made apart from the rest of the page, which needs no table but takes what all others have found out.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa

from bonefhir import memory
from bonefhir.report import html, page_data
from bonefhir.report.adjudication import Decisions
from bonefhir.report.facts import Judged
from bonefhir.report.findings import Findings, first_of_each_rule
from bonefhir.report.identity import fingerprints
from bonefhir.report.page_data import Texts
from bonefhir.report.records import Row
from bonefhir.report.sheet import Sheet, Sheets
from bonefhir.report.shown import shown
from bonefhir.report.tally import JUDGED
from bonefhir.report.timeline import Views, timeline
from bonefhir.report.timeline_svg import drawn, listed
from bonefhir.report.wording import Wording
from bonefhir.tables import VERDICTS
from bonefhir.vocabulary import FAIL, INDETERMINATE

MOST_ROWS = 10_000
"""Findings that can be filtered and opened on the page, in the order in which people should read them."""

SHOWN = 400
SHOWN_OF_RULE = (5, 40)
"""Failed doses that can be read without the script, in all, roughly, and of one rule at least and at most. Of the indeterminate
ones a fifth: they repeat themselves. The script opens every finding that is packed; all stand in findings.csv."""

PACK = 100
"""Findings that are unpacked together, at least: those of a patient are not parted, as they show the same marks."""

_PACKS, _PAGES = "packs.txt", "pages.json"

Page = Mapping[str, Any]


class Written(msgspec.Struct):
    """What `write` has left.

    fingerprints    of the findings that the script shows
    places          … the number of the pack, and the place in it
    articles        rule → its first findings as HTML, and how many these are
    """

    fingerprints: list[str]
    places: list[tuple[int, int]]
    articles: dict[str, tuple[str, int]]


def write(phi: Path, judged: Judged, wording: Wording, decisions: Decisions) -> None:
    """Leaves the pages beside the findings, for `read` and `packs`."""
    pages = Pages(phi, judged, wording, decisions)
    with judged.findings.beside(_PACKS).open("w", encoding="ascii") as file:
        file.writelines(f"{page_data.packed(pack)}\n" for pack in pages.packs())
    content = Written(pages.fingerprints, pages.places(), pages.articles())
    del pages
    memory.release()
    judged.findings.beside(_PAGES).write_bytes(msgspec.json.encode(content))


def read(findings: Findings) -> Written:
    return msgspec.json.decode(findings.beside(_PAGES).read_bytes(), type=Written)


def packs(findings: Findings) -> Iterator[str]:
    """As the page has them, in order, as they are asked for."""
    with findings.beside(_PACKS).open(encoding="ascii") as file:
        yield from map(str.rstrip, file)


def most_shown(rule_counts: pa.Table) -> dict[str, int]:
    """Verdict -> findings of one rule on the page."""
    judged = sum(any(row[outcome] for outcome in JUDGED) for row in rule_counts.select(JUDGED).to_pylist())
    least, most = SHOWN_OF_RULE
    fail = max(least, min(most, SHOWN // max(1, judged)))
    return {FAIL: fail, INDETERMINATE: fail // 5}


class Pages:
    """findings: those that the script shows. fingerprints: of each."""

    def __init__(self, phi: Path, judged: Judged, wording: Wording, decisions: Decisions) -> None:
        self.findings = first(judged.findings)
        self._static = first_of_each_rule(judged.findings, most_shown(judged.rule_counts))
        self.fingerprints = fingerprints(self.findings)
        self._shown = shown(phi, pa.concat_tables([self.findings, self._static]))
        self._sheets = Sheets(judged.knowledge, wording)
        self._views = Views(self._shown, judged.knowledge, judged.settings)
        self._wording, self._decisions = wording, decisions
        self._packs = _packs(self.findings["patient_id"].to_pylist())

    def articles(self) -> dict[str, tuple[str, int]]:
        """Rule → its first findings as HTML, and how many these are."""
        of_rule: dict[str, list[Page]] = {}
        rows = self._static.to_pylist()
        for row, mark, view in zip(rows, fingerprints(self._static), self._views.of(rows), strict=True):
            line = timeline(view, self._shown.marks) if view else None
            svg, marks = (form(line, self._wording) if line else None for form in (drawn, listed))
            decision = self._decisions.standing.get(mark)
            page = {"sheet": self._sheet(row), "timeline": line, "svg": svg, "marks": marks, "decision": decision}
            of_rule.setdefault(row["rule_id"], []).append(page)
        return {
            rule: (html.fragment("findings.html", self._wording, {"rule": rule, "pages": pages}), len(pages))
            for rule, pages in of_rule.items()
        }

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
