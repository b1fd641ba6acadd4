"""What the script of phi/report.html works on: rows, counts and pages of findings, compressed into the page itself."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bonefhir.report import page_data
from bonefhir.report.adjudication import Decisions
from bonefhir.report.control_chart import Ints
from bonefhir.report.counts import Counts
from bonefhir.report.finding_pages import Written
from bonefhir.report.page_data import packed
from bonefhir.report.slices import SLICES, Sliced, cube, doses_of
from bonefhir.report.tally import codes_of
from bonefhir.report.visible import visible, visible_texts
from bonefhir.report.wording import Wording
from bonefhir.vocabulary import SEVERITIES

COLUMNS = (
    "finding",
    "rule",
    "verdict",
    "severity",
    "product",
    "indication",
    "site",
    "month",
    "start",
    "patient",
    "dose",
    "message",
    "decision",
)
LISTED = ("verdict", "severity", "rule", "message", "start", "patient", "dose", "site", "decision")
CODED = ("rule", "verdict", "severity", "product", "indication", "site", "month", "decision")

_OF_FINDING = {
    "rule": "rule_id",
    "start": "dose_start",
    "patient": "patient_id",
    "dose": "dose_id",
    **{name: name for name in ("verdict", "severity", "product", "indication", "message")},
}

Columns = Mapping[str, Sequence[str]]


def text(findings: pa.Table, pages: Written, decisions: Decisions, sliced: Sliced, counts: Counts, wording: Wording) -> str:
    """Everything but the pages, and where they stand. findings: those that the script shows."""
    return packed(_data(findings, pages, decisions, sliced, counts, wording))


def _data(
    findings: pa.Table, pages: Written, decisions: Decisions, sliced: Sliced, counts: Counts, wording: Wording
) -> dict[str, Any]:
    columns = _columns(findings, pages.fingerprints, decisions, sliced)
    groups = {"verdict": "outcomes", "severity": "severities", "decision": "decisions"}
    words = _words(columns, sliced, counts)
    codes = {name: {word: code for code, word in enumerate(listed)} for name, listed in words.items()}
    combined, (cells, numbers) = _combined(sliced, codes), cube(sliced)
    rules = np.array([codes["rule"][rule] for rule in sliced.rules], np.int64)
    coded = [[codes[name][text] for text in texts] if name in codes else texts for name, texts in columns.items()]
    return {
        "columns": COLUMNS,
        "listed": LISTED,
        "pages": pages.places,
        "page_words": page_data.words({row.rule.id: row.rule for row in counts.rules if row.applicable}, wording),
        "words": words,
        "rows": list(zip(*coded, strict=True)),
        "cube": np.column_stack([combined[cells[:, 0]], rules[cells[:, 1]], numbers]).tolist(),
        "doses": np.column_stack([combined, doses_of(sliced)]).tolist(),
        "choices": {name: [w for w in words[name] if w] for name in CODED} | {"severity": list(reversed(SEVERITIES))},
        "severities": list(SEVERITIES),
        "shown": {name: wording.group(group) for name, group in groups.items()},
        "marks": wording.group("outcome_marks"),
        "labels": wording.group("script") | {"thousands": wording.thousands, "decimal": wording.decimal},
    }


def _columns(findings: pa.Table, fingerprints: Sequence[str], decisions: Decisions, sliced: Sliced) -> Columns:
    standing = decisions.standing
    doses = sliced.of(findings["dose_id"].combine_chunks())
    texts = {
        **{column: findings[name].to_pylist() for column, name in _OF_FINDING.items()},
        **{name: doses[name].to_pylist() for name in ("site", "month")},
        "finding": fingerprints,
        "decision": [standing[mark].state if mark in standing else "" for mark in fingerprints],
    }
    return {name: visible_texts(text or "" for text in texts[name]) for name in COLUMNS}


def _words(columns: Columns, sliced: Sliced, counts: Counts) -> dict[str, list[str]]:
    """Column → the texts that it may hold; a row has their numbers."""
    words: dict[str, set[str]] = {name: set(columns[name]) for name in CODED}
    for name in SLICES:
        words[name] |= {visible(text or "") for text in _texts(sliced, name)}
    words["rule"] |= {row.rule.id for row in counts.rules}
    return {name: sorted(listed) for name, listed in words.items()}


def _texts(sliced: Sliced, name: str) -> list[str | None]:
    found: list[str | None] = pc.unique(sliced.combined[name]).to_pylist()
    return found


def _combined(sliced: Sliced, codes: Mapping[str, Mapping[str, int]]) -> Ints:
    """A row for each combination of slices, a column for each slice: the number of its word."""
    columns = [np.zeros((sliced.combined.num_rows, 0), np.int64)]
    for name in SLICES:
        rows, _ = codes_of(sliced.combined[name].combine_chunks())
        words = (visible(text or "") for text in (*sliced.combined[name].combine_chunks().dictionary.to_pylist(), None))
        columns.append(np.array([codes[name].get(word, -1) for word in words], np.int64)[rows, np.newaxis])
    return np.hstack(columns)
