"""Blocks of a file say what was written to them."""

from io import BytesIO
from typing import Any

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from bonefhir.blocks import Blocks, write_block, write_schema
from bonefhir.coded import Rows, Structs, arrow, coded, length
from bonefhir.pieces import cut

ITEM = pa.struct([("role", pa.string()), ("value", pa.float64())])
DAY = pa.timestamp("us", tz="UTC")
SCHEMA = pa.schema(
    [
        *(("id", pa.string()), ("name", pa.string())),
        *(("line", pa.int64()), ("usable", pa.bool_()), ("instant", DAY), ("day", pa.date32())),
        *(("words", pa.list_(pa.string())), ("items", pa.list_(ITEM))),
    ]
)

texts = st.sampled_from(["", "a", "é", "🦴" * 40]) | st.none()
item = st.fixed_dictionaries({"role": texts, "value": st.floats(allow_nan=False) | st.none()})
row = st.fixed_dictionaries(
    {
        "id": texts,
        "name": texts,
        "line": st.integers(-5, 2**40) | st.none(),
        "usable": st.booleans() | st.none(),
        "instant": st.integers(0, 2**50) | st.none(),
        "day": st.integers(0, 20_000) | st.none(),
        "words": st.lists(texts, max_size=3),
        "items": st.lists(item, max_size=3),
    }
)


def together(rows: Rows) -> Rows:
    """Beside the columns those of another name that change together."""
    return rows | {"both": Structs(np.arange(length(rows), dtype=np.int32)[::-1], {"other": rows["id"], "listed": rows["words"]})}


def told(rows: Rows) -> list[dict[str, Any]]:
    return pa.table({name: arrow(column) for name, column in rows.items()}).to_pylist()


@given(st.lists(st.lists(row, max_size=12), min_size=1, max_size=4))
def test_blocks_are_read_as_they_were_written(written: list[list[dict[str, Any]]]) -> None:
    blocks = [together(coded(pa.Table.from_pylist(rows, SCHEMA), ["day", "name"])) for rows in written]
    file = BytesIO()
    write_schema(file, blocks[0], {"rows": "7"})
    for block in blocks:
        for buffers in cut(block, np.arange(length(block)), [length(block)]):
            write_block(file, buffers)
    file.seek(0)
    found = Blocks(file)
    assert found.schema.metadata == {b"rows": b"7"}
    assert [told(found.next()) for _ in blocks] == [told(block) for block in blocks]
