"""Rows cut into pieces at once: each piece is what it is when it is taken by itself."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bonefhir import pieces
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


def plain(column: Any) -> Any:
    """All of it that is written to a file."""
    if isinstance(column, Plain):
        assert column.values.offset == 0
        return column.values.to_pylist()
    if isinstance(column, Texts):
        assert column.texts.offset == 0
        return column.codes.tolist(), column.texts.to_pylist(), column.distinct
    if isinstance(column, Lists):
        return column.offsets.tolist(), plain(column.values)
    return column.codes.tolist(), {name: plain(field) for name, field in column.fields.items()}


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
    cut = list(pieces.cut(whole, order, ends))
    assert [row for piece in cut for row in told(piece)] == told(taken([whole], order))
    for piece in cut:
        for column in piece.values():
            plain(column)
        assert piece["kind"].texts.to_pylist() == ["x", "yy", "", "z"]


@pytest.mark.parametrize("places", [0, 8])
@given(found=st.lists(rows, max_size=12), chance=st.randoms())
def test_a_piece_is_as_if_taken_alone(places: int, found: list[dict[str, Any]], chance: Any) -> None:
    whole = rows_of(found)
    order, ends = dealt(len(found), chance)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pieces, "_ROOMS", places)
        patch.setattr(pieces, "_ROOM", places)
        patch.setattr(pieces, "_FEW", 0)
        patch.setattr(pieces, "_TOGETHER", 2)
        cut = list(pieces.cut(whole, order, ends))
    alone = [taken([whole], order[start:end]) for start, end in zip([0, *ends[:-1]], ends, strict=True)]
    assert [{name: plain(column) for name, column in piece.items()} for piece in cut] == [
        {name: plain(column) for name, column in piece.items()} for piece in alone
    ]
    assert sum(map(length, cut)) == len(order)
