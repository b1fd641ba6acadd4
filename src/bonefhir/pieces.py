"""Rows of codes cut into pieces, all at once: each piece has only what its own codes stand for, or the few that all have.

To number the codes of a thousand pieces one after the other costs mostly the thousand beginnings.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise, repeat
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from bonefhir.coded import NOTHING, Codes, Column, Lists, Plain, Rows, Structs, Texts, length, spans
from bonefhir.interval import Integers
from bonefhir.sorting import first_rows

_TOGETHER = 64
"""Pieces that are cut at once: what they stand for is in memory then."""

_FEW = 64
"""Texts, or rows of fields, that every piece has as they are: to number them costs more than to write them."""

_ROOMS, _ROOM = 8, 1 << 16
"""Places for each code, and anyway, up to which they are numbered by place; beyond that by hash."""

Which = Integers | slice
"""Rows, or those that follow each other."""


def cut(rows: Rows, order: Integers, ends: Sequence[int]) -> Iterator[Rows]:
    """Of each piece, which begins where the one before ends, what taken() says of its part of the order; one piece at least."""
    rows = {name: _distinct(column) for name, column in rows.items()}
    bounds = np.array([0, *ends], dtype=np.int64)
    for first in range(0, len(ends), _TOGETHER):
        some = bounds[first : first + _TOGETHER + 1]
        yield from _pieces(rows, order[some[0] : some[-1]], some - some[0])


def _distinct(column: Any) -> Any:
    """With no text twice."""
    if isinstance(column, Texts) and not column.distinct:
        alike = column.texts.dictionary_encode()
        numbers = np.append(alike.indices.fill_null(NOTHING).to_numpy(), np.int32(NOTHING))  # the last one is that of NOTHING
        return Texts(numbers[column.codes], alike.dictionary)
    if isinstance(column, Structs):
        return replace(column, fields={name: _distinct(field) for name, field in column.fields.items()})
    return replace(column, values=_distinct(column.values)) if isinstance(column, Lists) else column


def _pieces(rows: Rows, order: Integers, bounds: Integers) -> Iterator[Rows]:
    pieces = {name: _cut(column, _which(order), bounds) for name, column in rows.items()}
    return (dict(zip(pieces, each, strict=True)) for each in zip(*pieces.values(), strict=True))


def _which(rows: Integers) -> Which:
    if len(rows) and rows[-1] - rows[0] == len(rows) - 1 and (np.diff(rows) == 1).all():
        return slice(int(rows[0]), int(rows[-1]) + 1)
    return rows


def _cut(column: Column, rows: Which, bounds: Integers) -> Iterator[Any]:
    if isinstance(column, Plain):
        return _plain(column.values[rows] if isinstance(rows, slice) else column.values.take(pa.array(rows)), bounds)
    if isinstance(column, Lists):
        return _lists(column, rows, bounds)
    codes = column.codes[rows]
    if isinstance(column, Structs):
        if length(column.fields) <= _FEW:
            return map(Structs, _slices(codes, bounds), repeat(_whole(column.fields)))
        codes, used, of_piece = _numbered(codes, bounds)
        return map(Structs, _slices(codes, bounds), _pieces(column.fields, used, of_piece))
    if len(column.texts) <= _FEW:
        return map(Texts, _slices(codes, bounds), repeat(pa.concat_arrays([column.texts])))
    codes, used, of_piece = _numbered(codes, bounds)
    return map(Texts, _slices(codes, bounds), _texts(column.texts.take(pa.array(used)), of_piece))


def _whole(rows: Rows) -> Rows:
    return next(_pieces(rows, np.arange(length(rows)), np.array([0, length(rows)])))


def _slices(values: npt.NDArray[Any], bounds: Integers) -> Iterator[npt.NDArray[Any]]:
    return (values[start:end] for start, end in pairwise(bounds.tolist()))


def _plain(values: pa.Array, bounds: Integers) -> Iterator[Plain]:
    """Each with its values at the beginning of its memory."""
    return (Plain(pa.concat_arrays([values.slice(a, b - a)])) for a, b in pairwise(bounds.tolist()))


def _texts(words: pa.StringArray, bounds: Integers) -> Iterator[pa.StringArray]:
    """Each with its texts at the beginning of its memory."""
    _, starts, data = words.buffers()
    offsets = np.frombuffer(starts, np.int32)[: len(words) + 1] if len(words) else np.zeros(1, dtype=np.int32)
    data = pa.py_buffer(b"") if data is None else data
    for a, b in pairwise(bounds.tolist()):
        own = offsets[a : b + 1]
        text = data.slice(int(own[0]), int(own[-1]) - int(own[0]))
        yield pa.StringArray.from_buffers(b - a, pa.py_buffer(own - own[0]), text)


def _lists(column: Lists, rows: Which, bounds: Integers) -> Iterator[Lists]:
    offsets, values = _spans(column.offsets, rows)
    own = (offsets[a : b + 1] - offsets[a] for a, b in pairwise(bounds.tolist()))
    return map(Lists, own, _cut(column.values, values, offsets[bounds]))


def _spans(offsets: Integers, rows: Which) -> tuple[Integers, Which]:
    """Offsets of the lists in these rows, and their values."""
    if isinstance(rows, slice):
        own = offsets[rows.start : rows.stop + 1]
        return own - own[0], slice(int(own[0]), int(own[-1]))
    return spans(offsets[rows], offsets[1:][rows] - offsets[rows])


def _numbered(codes: Codes | Integers, bounds: Integers) -> tuple[Codes, Integers, Integers]:
    """Codes numbered in each piece by first use; the codes that are used, one piece after the other; and where each begins."""
    known = codes != NOTHING
    if not known.all():
        found = np.full(len(codes), NOTHING, dtype=np.int32)
        found[known], used, of_piece = _numbered(codes[known], np.concatenate([[0], np.cumsum(known)])[bounds])
        return found, used, of_piece
    key, places = _apart(codes, bounds)
    first, number = _by_place(key, places) if places <= _ROOMS * len(key) + _ROOM else _by_hash(key)
    of_piece = np.searchsorted(first, bounds)
    local = number - np.repeat(of_piece[:-1].astype(np.int32), np.diff(bounds))
    return local, codes[first].astype(np.int64), of_piece


def _apart(codes: Codes | Integers, bounds: Integers) -> tuple[Integers, int]:
    """Numbers that are alike where codes of one piece are, and how many there may be."""
    sizes = np.diff(bounds)
    begins = bounds[:-1][sizes > 0]
    if not len(begins):
        return codes.astype(np.int64), 0
    low, high = (bound.reduceat(codes, begins).astype(np.int64) for bound in (np.minimum, np.maximum))
    width = high - low + 1
    return codes + np.repeat(np.cumsum(width) - width - low, sizes[sizes > 0]), int(width.sum())


def _by_place(key: Integers, places: int) -> tuple[Integers, Codes]:
    """Where each number is for the first time, and the place of each among the first ones."""
    place = np.arange(len(key), dtype=np.int32)
    seen = np.empty(places, dtype=np.int32)
    seen[key[::-1]] = place[::-1]  # of several values for one place the last one stays
    first = np.flatnonzero(seen[key] == place)
    seen[key[first]] = place[: len(first)]
    return first, seen[key]


def _by_hash(key: Integers) -> tuple[Integers, Codes]:
    number, found = pd.factorize(key)
    return first_rows(number, len(found)), number.astype(np.int32)
