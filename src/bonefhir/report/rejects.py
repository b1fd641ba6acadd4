"""phi/rejects.ndjson: one line per rejected resource, with its place and the reason, never its content."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from bonefhir.report.facts import Facts

_KEYS = {"resource_type": "resourceType"}
_AT_A_TIME = 4_096
_DIGITS = 12
"""More than the number of any entry has."""


def write(path: Path, facts: Facts) -> None:
    files = facts.files.select(["file", "format"]).to_pylist()
    order = _in_order(facts.rejects)
    with path.open("w", encoding="utf-8", newline="\n") as out:
        for start in range(0, len(order), _AT_A_TIME):
            for reject in facts.rejects.take(order[start : start + _AT_A_TIME]).to_pylist():
                out.write(json.dumps(_as_json(reject, files[reject["file"]])) + "\n")


def _as_json(reject: dict[str, Any], source: dict[str, Any]) -> dict[str, Any]:
    """Keys of the contract; a key without a value is left out.

    A resource of a Bundle is found by its entry, one of an NDJSON file by its line; one of a Bundle that stands on a line
    needs both. `entry` is a number, or "3/0" in a nested Bundle.
    """
    row = dict(_named(reject)) | {"file": source["file"]}
    entry = reject["entry"]
    if entry is not None:
        row["entry"] = int(entry) if entry.isdecimal() else entry
        if source["format"] != "ndjson":
            row.pop("line", None)
    return row


def _named(reject: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in reject.items():
        if value is not None:
            yield _KEYS.get(name, name), value


def _in_order(rejects: pa.Table) -> pa.Array:
    """By file, line, entry; the rest only so that the order never depends on chance. What is missing comes first."""
    texts = {name: _text(rejects, name) for name in ("entry", "resource_type", "id", "stage", "reason", "path", "detail")}
    keys = {"file": rejects["file"], "line": pc.fill_null(rejects["line"], 0), "step": _steps(texts["entry"])} | texts
    return pc.sort_indices(pa.table(keys), [(name, "ascending") for name in keys])


def _text(rejects: pa.Table, name: str) -> pa.Array:
    return pc.fill_null(rejects[name].cast(pa.string()), "").combine_chunks()


def _steps(entries: pa.Array) -> pa.Array:
    """Texts that are in order as the numbers are: 2, 10, 10/3."""
    steps = pc.split_pattern(entries, "/")
    return pc.binary_join(pa.ListArray.from_arrays(steps.offsets, pc.utf8_lpad(steps.values, _DIGITS, "0")), "/")
