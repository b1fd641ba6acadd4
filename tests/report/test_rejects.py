"""phi/rejects.ndjson: in order of their places, however many there are."""

import json
import tracemalloc
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from bonefhir import tables
from bonefhir.report import rejects

FILES = pa.table({"file": ["a.json", "b.ndjson", "c.json"], "format": ["bundle", "ndjson", None]})
ENTRIES = st.none() | st.lists(st.sampled_from([0, 1, 2, 9, 10, 11, 100]), min_size=1, max_size=3).map(
    lambda n: "/".join(map(str, n))
)
FEW = st.none() | st.sampled_from(["", "a", "B", "é", "𝛃", "ﬀ"])
ROW = st.fixed_dictionaries(
    {column.name: FEW for column in tables.REJECTS}
    | {"file": st.integers(0, 2), "line": st.none() | st.integers(1, 3), "entry": ENTRIES}
)


def facts(rows: list[dict[str, Any]]) -> Any:
    return SimpleNamespace(files=FILES, rejects=pa.Table.from_pylist(rows, schema=tables.REJECTS.schema))


def place(reject: dict[str, Any]) -> tuple[Any, ...]:
    """The slow and obvious order."""
    entry = [int(step) for step in reject["entry"].split("/")] if reject["entry"] else []
    rest = [reject[name] or "" for name in ("entry", "resource_type", "id", "stage", "reason", "path", "detail")]
    return reject["file"], reject["line"] or 0, entry, rest


@given(st.lists(ROW, max_size=30))
def test_they_are_in_order_of_their_places(rows: list[dict[str, Any]]) -> None:
    found = facts(rows).rejects
    in_order = found.take(rejects._in_order(found)).to_pylist()
    assert [place(row) for row in in_order] == sorted(map(place, rows))


def test_of_many_a_few_are_in_memory(tmp_path: Path) -> None:
    about = {
        "resource_type": "Observation",
        "stage": "read",
        "reason": "truncated",
        "detail": "the JSON ends before it is complete",
    }
    rows = [{"file": 1, "line": 1 + (7919 * n) % 50_021, "id": f"o{n}"} | about for n in range(50_000)]
    given_ = facts(rows)
    tracemalloc.start()
    rejects.write(tmp_path / "rejects.ndjson", given_)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    lines = [json.loads(line)["line"] for line in (tmp_path / "rejects.ndjson").read_text().splitlines()]
    assert lines == sorted(row["line"] for row in rows)
    assert most < 10 << 20
