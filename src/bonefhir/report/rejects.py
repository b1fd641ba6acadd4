"""phi/rejects.ndjson: one line per rejected resource, with its place and the reason, never its content."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bonefhir.report.facts import Facts

_KEYS = {"resource_type": "resourceType"}


def write(path: Path, facts: Facts) -> None:
    files = facts.files.select(["file", "format"]).to_pylist()
    with path.open("w", encoding="utf-8", newline="\n") as out:
        for reject in sorted(facts.rejects.to_pylist(), key=_place):
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


def _place(reject: dict[str, Any]) -> tuple[Any, ...]:
    """By file, line, entry; the rest only so that the order never depends on chance."""
    entry = [int(step) for step in (reject["entry"] or "").split("/") if step.isdecimal()]
    rest = [reject[name] or "" for name in ("entry", "resource_type", "id", "stage", "reason", "path", "detail")]
    return reject["file"], reject["line"] or 0, entry, rest
