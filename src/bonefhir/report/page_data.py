"""The pages of findings as data: texts by their numbers in one list, and the marks of timelines as columns.

templates/finding.js makes pages of them. What is said is said in sheet.py; here nothing is worded.
"""

import base64
import gzip
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa

from bonefhir.knowledge.model import Rule
from bonefhir.report.adjudication import EXPIRED, Decision
from bonefhir.report.marks import LANES, days
from bonefhir.report.sheet import Sheet
from bonefhir.report.timeline import EPOCH, View
from bonefhir.report.visible import visible, visible_texts
from bonefhir.report.wording import Wording

_WORDS = ("timeline", "lanes", "units", "columns", "labels", "sheet", "reasons", "assumptions", "outcomes", "outcome_marks")
_NOT_FINITE = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}
"""As the script calls them, for which JSON has no number."""

_LEVEL = 4
"""Of gzip: 6 takes twice as long for 6 % of the size."""


def packed(content: Any) -> str:
    """Base64 of gzip of JSON; the same content gives the same text."""
    raw = msgspec.json.encode(content)
    return base64.b64encode(gzip.compress(raw, _LEVEL, mtime=0)).decode()


class Texts:
    """Each text once, by its number."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def number(self, text: str) -> int:
        return self._numbers.setdefault(text, len(self._numbers))

    def numbers(self, texts: Iterable[str]) -> list[int]:
        known = self._numbers
        return [known.setdefault(text, len(known)) for text in texts]

    def listed(self) -> list[str]:
        return visible_texts(self._numbers)


def finding(
    sheet: Sheet, view: View | None, decision: Decision | None, first: int, wording: Wording, texts: Texts
) -> dict[str, Any]:
    """first: the number, among all marks, of the first one that goes with it."""
    row, number, numbers = sheet.finding, texts.number, texts.numbers
    limit = row["limit"]
    return {
        "dose": number(sheet.dose),
        "judged": number(wording.measured(row["observed_low"], row["observed_high"], row["unit"])),
        "limit": None if limit is None else number(wording.measured(limit, limit, row["unit"])),
        "reasons": numbers(row["reasons"] or ()),
        "decision": numbers(_decision(decision, wording)) if decision else None,
        "margin": number(sheet.margin or ""),
        "flips": numbers(sheet.flips),
        "formulae": [numbers(one) for one in sheet.formulae],
        "assumptions": numbers(row["assumptions"] or ()),
        "inputs": [numbers(one) for one in sheet.inputs],
        "view": None if view is None else _view(view, first, texts),
    }


def _decision(decision: Decision, wording: Wording) -> tuple[str, str]:
    """The word, and what stands behind it: '(who, when; until when)' after the reason."""
    ended = f" ({wording.word('decisions', EXPIRED)})" if decision.ended else ""
    reason = f": {decision.reason}" if decision.reason else ""
    until = f"; {wording.text('adjudication.until', until=decision.until)}" if decision.until else ""
    said = f"{wording.text('sheet.decision')}: {wording.word('decisions', decision.decision)}{ended}"
    return said, f"{reason} ({decision.who or '–'}, {decision.when or '–'}{until})"


def _view(view: View, first: int, texts: Texts) -> dict[str, Any]:
    """windows, limits: one for each lane, null where there is none."""
    return {
        "start": view.start - first,
        "stop": view.stop - first,
        "outside": view.outside,
        "day": (view.day - EPOCH).days,
        "dose": texts.number(view.dose),
        "unit": texts.number(view.unit),
        "windows": [view.windows.get(lane) for lane in LANES],
        "limits": [view.limits.get(lane) for lane in LANES],
    }


def marks(rows: pa.Table, texts: Texts) -> dict[str, Any]:
    """Columns; low and high are places in `values`."""
    bounds = np.concatenate([rows[name].to_numpy() for name in ("low", "high")])
    values, numbers = np.unique(bounds, return_inverse=True)
    low, high = np.split(numbers, 2)
    return {
        "day": days(rows["at"].to_numpy()).tolist(),
        "lane": rows["lane"].to_pylist(),
        "corrected": rows["corrected"].cast(pa.int8()).to_pylist(),
        "values": [_NOT_FINITE.get(str(value), value) for value in values.tolist()],
        "low": low.tolist(),
        "high": high.tolist(),
        **{name: _numbered(rows[name], texts) for name in ("said", "resource", "unit")},
    }


def _numbered(column: pa.ChunkedArray, texts: Texts) -> list[int]:
    """Each text is looked up once; they are in order of first use, as if each row had been."""
    encoded = column.combine_chunks().dictionary_encode()
    numbers: list[int] = np.array(texts.numbers(encoded.dictionary.to_pylist()), np.int64)[encoded.indices.to_numpy()].tolist()
    return numbers


def words(rules: Mapping[str, Rule], wording: Wording) -> dict[str, Any]:
    """What the script says: wording of the pages, and of each rule what stands on the pages of its findings."""
    said = {name: wording.group(name) for name in _WORDS}
    signs = {"to": wording.to, "decimal": wording.decimal}
    return said | signs | {"lane_names": LANES, "rules": {name: _rule(rule, wording) for name, rule in rules.items()}}


def _rule(rule: Rule, wording: Wording) -> dict[str, str]:
    section = wording.text("labels.section", section=rule.source.section)
    revision = wording.text("labels.revision", revision=rule.source.revision)
    said = {
        "statement": rule.statement,
        "version": wording.text("labels.rule_version", version=rule.version),
        "source": f"{rule.source.label}, {section}; {revision}",
        "guidance": rule.guidance,
    }
    return {name: visible(text) for name, text in said.items()}
