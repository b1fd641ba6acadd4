"""Columns whose texts, and whose structs in lists, are codes: verdicts cite the same few words and resources again and again.

Rows are taken, sorted and put together as integers; texts are touched once for each that is used.
"""

import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from bonefhir.interval import Integers

Codes = npt.NDArray[np.int32]

NOTHING = -1
"""The code of what is missing."""


@dataclass(frozen=True)
class Plain:
    """One value per row."""

    values: pa.Array

    def __len__(self) -> int:
        return len(self.values)


@dataclass(frozen=True)
class Texts:
    """codes: of each row, the index into texts; or NOTHING. distinct: no text is there twice."""

    codes: Codes
    texts: pa.Array
    distinct: bool = True

    def __len__(self) -> int:
        return len(self.codes)


@dataclass(frozen=True)
class Structs:
    """codes: of each row, the row of the fields. There is none for which a row is missing.

    In lists, structs; as a column of its own, several columns that change together, each of which is one of the rows.
    """

    codes: Codes
    fields: "Rows"

    def __len__(self) -> int:
        return len(self.codes)


@dataclass(frozen=True)
class Lists:
    """Row i holds the values from offsets[i] to offsets[i + 1]."""

    offsets: Integers
    values: "Texts | Structs"

    def __len__(self) -> int:
        return len(self.offsets) - 1


Column = Plain | Texts | Lists | Structs
Rows = Mapping[str, Column]
"""Columns of one length."""
Piece = tuple[Rows, int, int]
"""Rows from the first number to the one before the second."""


def column_named(rows: Rows, name: str) -> Column:
    """A column of the rows, alone or among those that change together."""
    if name in rows:
        return rows[name]
    together = next(each for each in rows.values() if isinstance(each, Structs) and name in each.fields)
    return told(together.fields[name], together.codes)


def values_of(rows: Rows, name: str) -> Callable[[int], Any]:
    """What column_named() says of a row, without looking at the others."""
    column: Any = rows.get(name)
    if column is None:
        together = next(each for each in rows.values() if isinstance(each, Structs) and name in each.fields)
        value, rows_of = values_of(together.fields, name), together.codes
        return lambda row: value(int(rows_of[row]))
    if isinstance(column, Plain):
        return lambda row: column.values[row].as_py()
    codes, words = column.codes, column.texts
    return lambda row: None if codes[row] == NOTHING else words[int(codes[row])].as_py()


def length(rows: Rows) -> int:
    return len(next(iter(rows.values())))


# ------------------------------------------------------------------------------------------------------------ making


def texts(kinds: Sequence[str | None] | npt.NDArray[np.object_] | pa.Array, codes: npt.NDArray[Any]) -> Texts:
    """Of each code its kind, None for none; kinds may repeat."""
    alike = (kinds if isinstance(kinds, pa.Array) else pa.array(kinds, pa.string(), from_pandas=True)).dictionary_encode()
    return Texts(alike.indices.fill_null(NOTHING).to_numpy()[codes], alike.dictionary)


def each(words: npt.NDArray[np.object_] | pa.Array | None, rows: int) -> Texts:
    """A text, or None, of its own for each row; None: for no row."""
    if words is None:
        return Texts(np.full(rows, NOTHING, dtype=np.int32), pa.array([], pa.string()))
    found = words if isinstance(words, pa.Array) else pa.array(words, pa.string(), from_pandas=True)
    codes = np.arange(rows, dtype=np.int32)
    if found.null_count:
        codes[found.is_null().to_numpy(zero_copy_only=False)] = NOTHING
    return Texts(codes, found, distinct=False)


def lists(kinds: Sequence[Sequence[str]], codes: npt.NDArray[Any]) -> Lists:
    """Of each code a list of texts."""
    sizes = np.array([len(kind) for kind in kinds], dtype=np.int64)
    starts = np.cumsum(sizes) - sizes
    offsets, places = spans(starts[codes], sizes[codes])
    return Lists(offsets, texts([word for kind in kinds for word in kind], places))


# ------------------------------------------------------------------------------------------------------------ joining


def joined(pieces: Sequence[Piece]) -> Rows:
    """One piece after the other; at least one. Texts of several may be there twice."""
    names = pieces[0][0]
    return {name: _joined([(rows[name], start, stop) for rows, start, stop in pieces]) for name in names}


def _joined(pieces: Sequence[tuple[Any, int, int]]) -> Any:
    first = pieces[0][0]
    if isinstance(first, Plain):
        return Plain(_one([column.values.slice(start, stop - start) for column, start, stop in pieces]))
    if isinstance(first, Lists):
        return _joined_lists(pieces)
    codes, used = _through(*zip(*((column.codes[start:stop], _kinds(column)) for column, start, stop in pieces), strict=True))
    if isinstance(first, Texts):
        distinct = len(pieces) == 1 and first.distinct
        words = zip(pieces, used, strict=True)
        return Texts(codes, _one([column.texts.slice(low, end - low) for (column, _, _), (low, end) in words]), distinct)
    return Structs(codes, joined([(column.fields, low, end) for (column, _, _), (low, end) in zip(pieces, used, strict=True)]))


def _kinds(column: Texts | Structs) -> int:
    """What the codes stand for: how many of it."""
    return len(column.texts) if isinstance(column, Texts) else length(column.fields)


def _joined_lists(pieces: Sequence[tuple[Lists, int, int]]) -> Lists:
    sizes = [np.diff(column.offsets[start : stop + 1]) for column, start, stop in pieces]
    values = [(column.values, int(column.offsets[start]), int(column.offsets[stop])) for column, start, stop in pieces]
    return Lists(np.cumsum(np.concatenate([[0], *sizes])), _joined(values))


def _through(codes: Sequence[Codes | Integers], kinds: Sequence[int]) -> tuple[Codes, list[tuple[int, int]]]:
    """Codes numbered through, and of each piece the kinds that it needs, from the first to behind the last: of pieces cut
    out of larger ones a part. Where something is missing, from the very first on. kinds: how many each has.
    """
    if len(codes) == 1:
        return np.asarray(codes[0]), [(0, kinds[0])]
    whole: npt.NDArray[Any] = np.concatenate(codes)
    sizes = np.array([len(part) for part in codes])
    some = sizes > 0
    begins = (np.cumsum(sizes) - sizes)[some]
    low, end = np.zeros((2, len(codes)), dtype=np.int32)
    if len(begins):
        low[some] = np.maximum(np.minimum.reduceat(whole, begins), 0)
        end[some] = np.maximum.reduceat(whole, begins) + 1
    shift = np.repeat((np.cumsum(end - low) - end).astype(np.int32), sizes)
    shift *= whole != NOTHING
    whole += shift
    return np.asarray(whole), list(zip(low.tolist(), end.tolist(), strict=True))


def _one(parts: list[pa.Array]) -> pa.Array:
    return parts[0] if len(parts) == 1 else pa.concat_arrays(parts)


# ------------------------------------------------------------------------------------------------------------ taking


def taken(parts: Sequence[Rows], rows: Codes | Integers) -> Rows:
    """Rows of the parts, numbered through. What codes stand for is only what is used, in order of first use."""
    whole = parts[0] if len(parts) == 1 else joined([(each, 0, length(each)) for each in parts])
    return {name: _taken(column, rows) for name, column in whole.items()}


def _taken(column: Any, rows: Codes | Integers) -> Any:
    if isinstance(column, Plain):
        return Plain(column.values.take(pa.array(rows)))
    if isinstance(column, Lists):
        first = column.offsets.take(rows)
        offsets, values = spans(first, column.offsets[1:].take(rows) - first)
        return Lists(offsets, _taken(column.values, values))
    if isinstance(column, Texts):
        return _texts(column, rows)
    number, used = numbered(column.codes, length(column.fields), rows)
    return Structs(number, taken([column.fields], used))


def _texts(column: Texts, rows: Codes | Integers) -> Texts:
    number, used = numbered(column.codes, len(column.texts), rows)
    words = column.texts.take(pa.array(used))
    if column.distinct:
        return Texts(number, words)
    alike = words.dictionary_encode()
    return Texts(_looked_up(alike.indices.to_numpy(), number), alike.dictionary)


def spans(starts: Integers | Codes, sizes: Integers | Codes) -> tuple[Integers, Any]:
    """Offsets of lists of these sizes, and the numbers from each start on, as wide as the starts are."""
    offsets = np.zeros(len(sizes) + 1, dtype=np.int64)
    np.cumsum(sizes, out=offsets[1:])
    values = np.repeat((starts - offsets[:-1]).astype(starts.dtype, copy=False), sizes)
    values += np.arange(offsets[-1], dtype=starts.dtype)
    return offsets, values


def numbered(codes: Codes | Integers, kinds: int, rows: Codes | Integers) -> tuple[Codes, Integers]:
    """Codes of these rows numbered anew by first use, and the codes that are used; kinds: how many there may be."""
    wanted = codes.take(rows).astype(np.int64)
    place = np.arange(len(wanted), dtype=np.int32)
    seen = _ROOM.of(kinds + 1)
    seen[wanted[::-1].copy()] = place[::-1].copy()  # of several values for one place the last one stays
    used = wanted.take(np.flatnonzero(seen.take(wanted) == place))
    used = used.take(np.flatnonzero(used != NOTHING))
    seen[used] = place[: len(used)]
    seen[NOTHING] = NOTHING
    return seen.take(wanted), used


class _Room(threading.local):
    """Memory that is written before it is read: new memory would cost more than what is done with it."""

    def __init__(self) -> None:
        self._room = np.empty(0, dtype=np.int32)

    def of(self, size: int) -> Codes:
        if len(self._room) < size:
            self._room = np.empty(2 * size, dtype=np.int32)
        return self._room[:size]


_ROOM = _Room()


def _looked_up(values: Codes, codes: Codes) -> Codes:
    return np.append(values, np.int32(NOTHING)).take(codes)  # the last one is that of NOTHING


# ------------------------------------------------------------------------------------------------------------ order


def order(rows: Rows, names: Sequence[str]) -> Integers:
    """The rows sorted by these columns: texts by code point, what is missing last; else as they stand."""
    found = np.arange(length(rows))
    key = np.zeros(len(found), dtype=np.int64)
    for name in names:
        named: Any = column_named(rows, name)
        place = rank(named)
        key = key * (int(place.max(initial=0)) + 1) + place
        found = np.argsort(key, kind="stable")
        new = np.diff(key[found], prepend=-1) != 0
        if new.all():
            break
        key[found] = np.cumsum(new) - 1
    return found


def rank(values: Plain | Texts, missing: int | None = None) -> Integers:
    """Of each value its place among the distinct ones; missing: that of texts that are, the last one if None."""
    if isinstance(values, Texts):
        places = _places(values.texts)
        return np.append(places, len(places) if missing is None else missing).take(values.codes)
    return _places(values.values)


def _places(values: pa.Array) -> Integers:
    found = pc.rank(values, sort_keys="ascending", tiebreaker="dense")
    return np.asarray(found.to_numpy().astype(np.int64) - 1)


# ------------------------------------------------------------------------------------------------------------ Arrow


def codes_type(kind: pa.DataType) -> pa.DataType:
    """The type that arrow() gives such values."""
    if pa.types.is_string(kind):
        return CODES
    if pa.types.is_list(kind):
        return pa.list_(codes_type(kind.value_type))
    if pa.types.is_struct(kind):
        return pa.struct([field.with_type(codes_type(field.type)) for field in kind])
    return kind


CODES = pa.dictionary(pa.int32(), pa.string())
"""Of texts."""


def coded(rows: pa.Table | pa.RecordBatch, plain: Collection[str] = ()) -> Rows:
    """plain: columns that stay as they are."""
    return {name: Plain(_whole(rows[name])) if name in plain else column_of(rows[name]) for name in rows.schema.names}


def _whole(values: pa.Array | pa.ChunkedArray) -> pa.Array:
    if isinstance(values, pa.ChunkedArray):
        return _one(values.chunks) if values.num_chunks else pa.array([], values.type)
    return values


def column_of(values: pa.Array | pa.ChunkedArray) -> Any:
    whole = _whole(values)
    if pa.types.is_string(whole.type):
        return column_of(whole.dictionary_encode())
    if pa.types.is_dictionary(whole.type):
        codes = whole.indices.fill_null(NOTHING) if whole.null_count else whole.indices
        return Texts(codes.to_numpy(), whole.dictionary)
    if pa.types.is_list(whole.type):
        sizes = pc.fill_null(pc.list_value_length(whole), 0).to_numpy()
        return Lists(np.concatenate([[0], np.cumsum(sizes)]), column_of(whole.flatten()))
    if pa.types.is_struct(whole.type):
        fields = zip(whole.type, whole.flatten(), strict=True)
        return Structs(np.arange(len(whole), dtype=np.int32), {field.name: column_of(each) for field, each in fields})
    return Plain(whole)


def arrow(values: Column) -> pa.Array:
    """Texts are codes of a dictionary; structs are told in full."""
    if isinstance(values, Plain):
        return values.values
    if isinstance(values, Texts):
        return pa.DictionaryArray.from_arrays(pa.array(values.codes, mask=values.codes == NOTHING), values.texts)
    if isinstance(values, Lists):
        return pa.ListArray.from_arrays(pa.array(values.offsets, pa.int32()), arrow(values.values))
    fields = [arrow(told(each, values.codes)) for each in values.fields.values()]
    return pa.StructArray.from_arrays(fields, names=list(values.fields))


def told(values: Column, codes: Codes | Integers) -> Column:
    """Of each code the value in its row."""
    if isinstance(values, Texts):
        return replace(values, codes=values.codes.take(codes))
    found: Column = _taken(values, codes.astype(np.int64))
    return found
