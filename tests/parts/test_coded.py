"""Rows taken, sorted and put together as codes: the same as without them."""

from typing import Any

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from bonefhir.coded import arrow, coded, joined, order, taken

ITEM = pa.struct([("role", pa.string()), ("value", pa.float64())])
SCHEMA = pa.schema(
    [("id", pa.string()), ("line", pa.int64()), ("words", pa.list_(pa.string())), ("items", pa.list_(ITEM))],
)

NAMES = ("id", "line")

texts = st.sampled_from(["", "a", "b", "ba", "é", "🦴"]) | st.none()
items = st.fixed_dictionaries({"role": texts, "value": st.sampled_from([1.5, None])})
rows = st.fixed_dictionaries(
    {
        "id": texts,
        "line": st.integers(0, 3) | st.none(),
        "words": st.lists(texts, max_size=3),
        "items": st.lists(items, max_size=3),
    }
)
parts = st.lists(st.lists(rows, max_size=5), min_size=1, max_size=4)


def told(found: Any) -> list[dict[str, Any]]:
    return pa.table({name: arrow(column) for name, column in found.items()}).to_pylist()


@given(parts, st.randoms())
def test_rows_that_are_taken_say_what_they_said(dealt: list[list[dict[str, Any]]], chance: Any) -> None:
    whole = [row for part in dealt for row in part]
    wanted = [number for number in range(len(whole)) if chance.random() < 0.7]
    chance.shuffle(wanted)
    found = taken([coded(pa.Table.from_pylist(part, SCHEMA)) for part in dealt], np.array(wanted, dtype=np.int64))
    assert told(found) == [whole[number] for number in wanted]


@given(parts)
def test_texts_are_those_that_are_used_in_order_of_first_use(dealt: list[list[dict[str, Any]]]) -> None:
    whole = [row for part in dealt for row in part]
    found: Any = taken([coded(pa.Table.from_pylist(part, SCHEMA)) for part in dealt], np.arange(0, len(whole), 2))
    used = [row["id"] for row in whole[::2] if row["id"] is not None]
    assert found["id"].texts.to_pylist() == list(dict.fromkeys(used))
    roles = [item["role"] for row in whole[::2] for item in row["items"] if item["role"] is not None]
    assert found["items"].values.fields["role"].texts.to_pylist() == list(dict.fromkeys(roles))


@given(parts, st.randoms())
def test_pieces_that_are_joined_say_what_they_said_and_hold_no_more_than_they_need(
    dealt: list[list[dict[str, Any]]], chance: Any
) -> None:
    pieces, whole = [], []
    for part in dealt:
        start, stop = sorted(chance.randint(0, len(part)) for _ in range(2))
        pieces.append((coded(pa.Table.from_pylist(part, SCHEMA)), start, stop))
        whole.append(part[start:stop])
    found: Any = joined(pieces)
    assert told(found) == [row for part in whole for row in part]
    if len(pieces) > 1:  # a single one stays as it is
        assert len(found["items"].values.fields["value"]) == sum(len(row["items"]) for part in whole for row in part)
        columns: list[Any] = [rows["id"].codes[start:stop] for rows, start, stop in pieces]
        used = [int(codes.max()) + 1 - max(0, int(codes.min())) for codes in columns if len(codes)]
        assert len(found["id"].texts) == sum(used)


@given(parts)
def test_rows_are_sorted_by_what_they_are_and_then_as_they_stand(dealt: list[list[dict[str, Any]]]) -> None:
    whole = [row for part in dealt for row in part]

    def key(number: int) -> list[tuple[bool, Any]]:
        values = (whole[number][name] for name in NAMES)
        return [(True, 0) if value is None else (False, value) for value in values]

    found = order(joined([(coded(pa.Table.from_pylist(part, SCHEMA)), 0, len(part)) for part in dealt]), NAMES)
    assert found.tolist() == sorted(range(len(whole)), key=key)
