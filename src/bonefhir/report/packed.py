"""What the script of phi/report.html works on: rows, counts and pages of findings, compressed into the page itself."""

import base64
import gzip
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from bonefhir.report.adjudication import Decisions
from bonefhir.report.counts import Counts
from bonefhir.report.identity import fingerprint
from bonefhir.report.months import month_column
from bonefhir.report.records import Row
from bonefhir.report.visible import visible
from bonefhir.report.wording import Wording
from bonefhir.vocabulary import FAIL, INDETERMINATE, PASS, SEVERITIES

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
LISTED = ("verdict", "severity", "rule", "start", "patient", "dose", "site", "message", "decision")
CODED = ("rule", "verdict", "severity", "product", "indication", "site", "month", "decision")
_OUTCOMES = (PASS, FAIL, INDETERMINATE)

PACK = 100
"""Pages of findings that are unpacked together."""

Cells = Mapping[str, str]


def packed(content: Any) -> str:
    """Base64 of gzip of JSON; the same content gives the same text."""
    raw = json.dumps(content, ensure_ascii=True, separators=(",", ":")).encode()
    return base64.b64encode(gzip.compress(raw, 6, mtime=0)).decode()


def packs(pages: Iterable[str]) -> Iterator[str]:
    """Pages in packs, in order."""
    waiting: list[str] = []
    for page in pages:
        waiting.append(page)
        if len(waiting) == PACK:
            yield packed(waiting)
            waiting = []
    if waiting:
        yield packed(waiting)


class Doses:
    """dose_id → site and month of every dose of the run, and how many doses each slice has."""

    def __init__(self, phi: Path) -> None:
        names = ["dose_id", "product", "rule_indication", "source_file", "date_first", "date_last"]
        table = pq.read_table(phi / "doses.parquet", columns=names)
        named = {"product": "product", "indication": "rule_indication", "source_file": "source_file"}
        columns = {new: table[old].cast(pa.string()) for new, old in named.items()}
        self.table = pa.table(
            {
                "dose_id": table["dose_id"],
                "product": columns["product"],
                "indication": columns["indication"],
                "site": sites(columns["source_file"].combine_chunks()),
                "month": month_column(table["date_first"].combine_chunks(), table["date_last"].combine_chunks()),
            }
        )

    def of(self, dose_ids: pa.Array) -> pa.Table:
        """One row per id, in order."""
        return self.table.take(pc.index_in(dose_ids, self.table["dose_id"].combine_chunks()))


def sites(files: pa.Array) -> pa.Array:
    """The folder that a file came in, as the name of its site; the file's own name where it came in none."""
    folder = pc.replace_substring_regex(files, r"/[^/]*$", "")
    return pc.if_else(pc.match_substring(files, "/"), folder, files)


def data(rows: Sequence[Row], decisions: Decisions, doses: Doses, phi: Path, counts: Counts, wording: Wording) -> dict[str, Any]:
    """Everything but the pages."""
    found = doses.of(pa.array([row["dose_id"] for row in rows], pa.string())).to_pylist()
    cells = [_cells(row, dose, decisions) for row, dose in zip(rows, found, strict=True)]
    cube = _cube(phi, doses)
    groups = {"verdict": "outcomes", "severity": "severities", "decision": "decisions"}
    words = _words(cells, doses, counts)
    codes = {name: {word: code for code, word in enumerate(listed)} for name, listed in words.items()}
    return {
        "columns": COLUMNS,
        "listed": LISTED,
        "pack": PACK,
        "words": words,
        "rows": [[codes[name][cell[name]] if name in codes else cell[name] for name in COLUMNS] for cell in cells],
        "cube": [[*_coded(row, codes), codes["rule"][row["rule_id"]], *(row[v] for v in _OUTCOMES)] for row in cube],
        "doses": [[*_coded(row, codes), row["count_all"]] for row in _slices(doses)],
        "choices": {name: [w for w in words[name] if w] for name in CODED} | {"severity": list(reversed(SEVERITIES))},
        "severities": list(SEVERITIES),
        "shown": {name: wording.group(group) for name, group in groups.items()},
        "marks": wording.group("outcome_marks"),
        "labels": wording.group("script") | {"thousands": wording.thousands, "decimal": wording.decimal},
    }


def _cells(row: Row, dose: Row, decisions: Decisions) -> Cells:
    decision = decisions.standing.get(fingerprint(row))
    cells = {
        "finding": fingerprint(row),
        "rule": row["rule_id"],
        "start": row["dose_start"],
        "patient": row["patient_id"],
        "dose": row["dose_id"],
        "decision": decision.state if decision else "",
        **{name: row[name] for name in ("verdict", "severity", "product", "indication", "message")},
        **{name: dose[name] for name in ("site", "month")},
    }
    return {name: visible(text) if text else "" for name, text in cells.items()}


def _words(cells: Sequence[Cells], doses: Doses, counts: Counts) -> dict[str, list[str]]:
    """Column → the texts that it may hold; a row has their numbers."""
    words: dict[str, set[str]] = {name: {cell[name] for cell in cells} for name in CODED}
    for name in ("product", "indication", "site", "month"):
        words[name] |= {visible(text or "") for text in pc.unique(doses.table[name]).to_pylist()}
    words["rule"] |= {row.rule.id for row in counts.rules}
    return {name: sorted(listed) for name, listed in words.items()}


def _coded(row: Row, codes: Mapping[str, Mapping[str, int]]) -> list[int]:
    return [codes[name][visible(row[name] or "")] for name in ("product", "indication", "site", "month")]


def _slices(doses: Doses) -> list[dict[str, Any]]:
    keys = ["product", "indication", "site", "month"]
    found: list[dict[str, Any]] = doses.table.group_by(keys, use_threads=False).aggregate([([], "count_all")]).to_pylist()
    return found


def _cube(phi: Path, doses: Doses) -> list[dict[str, Any]]:
    """Verdicts by rule and slice."""
    verdicts = pq.read_table(phi / "verdicts.parquet", columns=["rule_id", "verdict", "dose_id"])
    found = doses.of(verdicts["dose_id"].combine_chunks()).append_column("rule_id", verdicts["rule_id"].combine_chunks())
    found = found.append_column("verdict", verdicts["verdict"].combine_chunks())
    keys = ["product", "indication", "site", "month", "rule_id"]
    grouped = found.group_by([*keys, "verdict"], use_threads=False).aggregate([([], "count_all")]).to_pylist()
    cube: dict[tuple[Any, ...], dict[str, Any]] = {}
    for row in grouped:
        key = tuple(row[name] for name in keys)
        one = cube.setdefault(key, {**{name: row[name] for name in keys}, PASS: 0, FAIL: 0, INDETERMINATE: 0})
        one[row["verdict"]] = row["count_all"]
    return list(cube.values())
