"""Rows cut into pieces at once: each piece is what it is when it is taken by itself."""

from collections.abc import Iterable, Sequence
from io import BytesIO
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bonefhir import pieces
from bonefhir.blocks import Blocks, write_block, write_schema
from bonefhir.coded import Lists, Plain, Rows, Structs, Texts, arrow, each, length, taken

texts = st.sampled_from(["", "a", "b", "ba", "é", "🦴"])


def rows_of(found: list[dict[str, Any]]) -> Rows:
    """A column of each kind; texts that repeat, and texts that are of many rows."""
    number = len(found)
    codes = np.array([row["code"] for row in found], dtype=np.int32)
    ids = each(pa.array([row["id"] for row in found], pa.string()), number)
    kinds = pa.array(["x", "yy", "", "z"])
    offsets = np.concatenate([[0], np.cumsum([len(row["items"]) for row in found])]).astype(np.int64)
    items = np.array([item for row in found for item in row["items"]], dtype=np.int32)
    fields = {"id": Texts(np.array([3, 0, 1, -1], dtype=np.int32), kinds), "value": Plain(pa.array([1.5, None, 2.5, 0.0]))}
    return {
        "id": ids,
        "kind": Texts(codes, kinds),
        "items": Lists(offsets, Structs(items, fields)),
        "words": Lists(offsets, Texts(items, kinds)),
        "together": Structs(np.where(codes < 0, 0, codes), fields),
        "value": Plain(pa.array([row["value"] for row in found], pa.float64())),
    }


rows = st.fixed_dictionaries(
    {
        "id": texts | st.none(),
        "code": st.integers(-1, 3),
        "items": st.lists(st.integers(0, 3), max_size=3),
        "value": st.sampled_from([1.5, None]),
    }
)


def stood_for(column: Any) -> list[int]:
    """Of each level of codes the number of rows, and what they stand for."""
    if isinstance(column, Plain):
        return []
    if isinstance(column, Texts):
        return [len(column), len(column.texts)]
    if isinstance(column, Lists):
        return stood_for(column.values)
    own = [len(column), length(column.fields)]
    return own + [number for field in column.fields.values() for number in stood_for(field)]


def read(rows: Rows, cut: Iterable[Sequence[Any]]) -> list[Rows]:
    """The pieces as they are read from a file."""
    file, written = BytesIO(), list(cut)
    write_schema(file, rows, {})
    for buffers in written:
        write_block(file, buffers)
    file.seek(0)
    blocks = Blocks(file)
    return [blocks.next() for _ in written]


def dealt(number: int, chance: Any) -> tuple[Any, list[int]]:
    """Rows in any order, or as they stand, and where their pieces end."""
    order = np.array([chance.randrange(number) for _ in range(number)], dtype=np.int64)
    order = np.arange(chance.randint(0, number), number) if chance.random() < 0.5 else order
    return order, [*sorted(chance.randint(0, len(order)) for _ in range(3)), len(order)]


def told(rows: Rows) -> list[dict[str, Any]]:
    return pa.table({name: arrow(column) for name, column in rows.items()}).to_pylist()


@given(found=st.lists(rows, max_size=12), chance=st.randoms())
def test_all_pieces_have_the_few_that_there_are(found: list[dict[str, Any]], chance: Any) -> None:
    whole = rows_of(found)
    order, ends = dealt(len(found), chance)
    cut = read(whole, pieces.cut(whole, order, ends))
    assert [row for piece in cut for row in told(piece)] == told(taken([whole], order))
    for piece in cut:
        assert piece["kind"].texts.to_pylist() == ["x", "yy", "", "z"]


@pytest.mark.parametrize("places", [0, 8])
@given(found=st.lists(rows, max_size=12), chance=st.randoms())
def test_a_piece_says_what_its_rows_say_and_has_little_else(places: int, found: list[dict[str, Any]], chance: Any) -> None:
    whole = rows_of(found)
    order, ends = dealt(len(found), chance)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pieces, "_ROOMS", places)
        patch.setattr(pieces, "_ROOM", places)
        patch.setattr(pieces, "_FEW", 0)
        patch.setattr(pieces, "_TOGETHER", 2)
        cut = read(whole, pieces.cut(whole, order, ends))
    alone = [order[start:end] for start, end in pairwise([0, *ends])]
    assert [told(piece) for piece in cut] == [told(taken([whole], rows)) for rows in alone]
    for name in whole:
        numbers = [stood_for(piece[name]) for piece in cut]
        assert all(sum(kinds) <= sum(rows) for rows, kinds in zip(*[iter(zip(*numbers, strict=True))] * 2, strict=True))
