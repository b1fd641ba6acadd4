"""Rows of codes cut into pieces, all at once: each piece has what its own codes stand for, or the few that all have.

To number the codes of a thousand pieces one after the other costs mostly the thousand beginnings. And to make columns of each
would cost more than to write them: a piece is the bytes that blocks.Blocks reads, buffer by buffer.
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import chain, pairwise, repeat
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from bonefhir.coded import NOTHING, Codes, Column, Lists, Plain, Rows, Texts, length, spans
from bonefhir.interval import Flags, Integers

_TOGETHER = 64
"""Pieces that are cut at once: what they stand for is in memory then."""

_FEW = 64
"""Texts, or rows of fields, that every piece has as they are: to number them costs more than to write them."""

_ROOMS, _ROOM = 8, 1 << 16
"""Places for each code, and anyway, up to which the pieces are numbered at once; beyond that one after the other."""

_BYTE = 8
_NONE = np.empty(0, dtype=np.uint8)

Which = Integers | slice
"""Rows, or those that follow each other."""

Buffer = npt.NDArray[Any]
Buffers = Iterator[Buffer]
"""One of each piece."""


def cut(rows: Rows, order: Integers, ends: Sequence[int]) -> Iterator[tuple[Buffer, ...]]:
    """Of each piece of the order, which begins where the one before ends, its buffers; one piece at least."""
    bounds = np.array([0, *ends], dtype=np.int64)
    for first in range(0, len(ends), _TOGETHER):
        some = bounds[first : first + _TOGETHER + 1]
        yield from zip(*_of_rows(rows, _which(order[some[0] : some[-1]]), some - some[0]), strict=True)


def _which(rows: Integers) -> Which:
    if len(rows) and rows[-1] - rows[0] == len(rows) - 1 and (np.diff(rows) == 1).all():
        return slice(int(rows[0]), int(rows[-1]) + 1)
    return rows


def _of_rows(rows: Rows, which: Which, bounds: Integers) -> Iterator[Buffers]:
    sizes = np.diff(bounds)
    yield (sizes[number : number + 1] for number in range(len(sizes)))
    for column in rows.values():
        yield from _of_column(column, which, bounds)


def _of_column(column: Column, which: Which, bounds: Integers) -> Iterator[Buffers]:
    if isinstance(column, Plain):
        return _plain(column.values[which] if isinstance(which, slice) else column.values.take(pa.array(which)), bounds)
    if isinstance(column, Lists):
        return _lists(column, which, bounds)
    codes = np.ascontiguousarray(column.codes[which], dtype=np.int32)
    stands_for = column.texts if isinstance(column, Texts) else column.fields
    kinds = len(stands_for) if isinstance(column, Texts) else length(column.fields)
    if kinds <= _FEW:
        whole = _stood_for(stands_for, slice(0, kinds), np.array([0, kinds]))
        return chain([_slices(codes, bounds)], (repeat(next(each), len(bounds) - 1) for each in whole))
    numbers, used, of_piece = _numbered(codes, bounds)
    return chain([_slices(numbers, bounds)], _stood_for(stands_for, _which(used), of_piece))


def _stood_for(found: pa.Array | Rows, which: Which, bounds: Integers) -> Iterator[Buffers]:
    """Texts, or rows of fields."""
    if not isinstance(found, pa.Array):
        return _of_rows(found, which, bounds)
    return _strings(found[which] if isinstance(which, slice) else found.take(pa.array(which)), bounds)


def _slices(values: Buffer, bounds: Integers, told: Callable[[Buffer], Buffer] | None = None) -> Buffers:
    found = (values[start:end] for start, end in pairwise(bounds.tolist()))
    return found if told is None else map(told, found)


def _offsets(offsets: Buffer, bounds: Integers) -> Buffers:
    """Each from 0 on."""
    return (offsets[start : end + 1] - offsets[start] for start, end in pairwise(bounds.tolist()))


def _plain(values: pa.Array, bounds: Integers) -> Iterator[Buffers]:
    yield _slices(_known(values), bounds, _bits) if values.null_count else repeat(_NONE, len(bounds) - 1)
    if pa.types.is_string(values.type):
        yield from _strings(values, bounds)
    elif pa.types.is_boolean(values.type):
        yield _slices(values.fill_null(False).to_numpy(zero_copy_only=False), bounds, _bits)
    else:
        width = values.type.bit_width // _BYTE
        data = values.buffers()[1]
        yield _slices(np.frombuffer(data, f"V{width}", len(values), values.offset * width) if data else _NONE, bounds)


def _known(values: pa.Array) -> Flags:
    return np.asarray(values.is_valid().to_numpy(zero_copy_only=False))


def _bits(flags: Flags) -> Buffer:
    return np.packbits(flags, bitorder="little")


def _strings(words: pa.StringArray, bounds: Integers) -> Iterator[Buffers]:
    _, starts, data = words.buffers()
    offsets: Buffer = np.frombuffer(starts, np.int32, len(words) + 1, 4 * words.offset) if len(words) else np.zeros(1, np.int32)
    yield _offsets(offsets, bounds)
    yield _slices(np.frombuffer(data, np.uint8) if data else _NONE, offsets[bounds])


def _lists(column: Lists, which: Which, bounds: Integers) -> Iterator[Buffers]:
    offsets, values = _spans(column.offsets, which)
    yield _offsets(offsets, bounds)
    yield from _of_column(column.values, values, offsets[bounds])


def _spans(offsets: Integers, rows: Which) -> tuple[Integers, Which]:
    """Offsets of the lists in these rows, and their values."""
    if isinstance(rows, slice):
        own = offsets[rows.start : rows.stop + 1]
        return own - own[0], slice(int(own[0]), int(own[-1]))
    return spans(offsets[rows], offsets[1:][rows] - offsets[rows])


# ------------------------------------------------------------------------------------------------------------ numbers


def _numbered(codes: Codes, bounds: Integers) -> tuple[Codes, Integers, Integers]:
    """Codes numbered in each piece; the codes that each has a number for, one piece after the other; and where each begins.

    All between the least and the greatest of a piece have one, where those are not more than its rows; else by first use.
    """
    known = codes != NOTHING
    if not known.all():
        found = np.full(len(codes), NOTHING, dtype=np.int32)
        found[known], used, of_piece = _numbered(codes[known], np.concatenate([[0], np.cumsum(known)])[bounds])
        return found, used, of_piece
    low, width = _ranges(codes, bounds)
    sizes, places = np.diff(bounds), int(width.sum())
    if places <= len(codes):
        of_piece, used = spans(low, width)
        return codes - np.repeat(low.astype(np.int32), sizes), used, of_piece
    if places > _ROOMS * len(codes) + _ROOM:
        return _one_by_one(codes, bounds)
    first, number = _by_place(codes + np.repeat(np.cumsum(width) - width - low, sizes), np.empty(places, dtype=np.int32))
    of_piece = np.searchsorted(first, bounds)
    local = number - np.repeat(of_piece[:-1].astype(np.int32), sizes)
    return local, codes[first].astype(np.int64), of_piece


def _ranges(codes: Codes, bounds: Integers) -> tuple[Integers, Integers]:
    """Of each piece its least code, and how many there are from there to its greatest."""
    low, width = np.zeros((2, len(bounds) - 1), dtype=np.int64)
    some = np.flatnonzero(np.diff(bounds))
    if len(some):
        begins = bounds[some]
        low[some] = np.minimum.reduceat(codes, begins)
        width[some] = np.maximum.reduceat(codes, begins) - low[some] + 1
    return low, width


def _one_by_one(codes: Codes, bounds: Integers) -> tuple[Codes, Integers, Integers]:
    """What _numbered() says, of one piece after the other in the same room."""
    seen = np.empty(int(codes.max()) + 1, dtype=np.int32)
    own = list(_slices(codes, bounds))
    first, number = zip(*(_by_place(each, seen) for each in own), strict=True)
    used = np.concatenate([each[rows] for each, rows in zip(own, first, strict=True)])
    return np.concatenate(number), used.astype(np.int64), np.cumsum([0, *map(len, first)])


def _by_place(numbers: Integers | Codes, seen: Codes) -> tuple[Integers, Codes]:
    """Where each number is for the first time, and the place of each among the first ones. seen: room for the greatest."""
    place = np.arange(len(numbers), dtype=np.int32)
    seen[numbers[::-1]] = place[::-1]  # of several values for one place the last one stays
    first = np.flatnonzero(seen[numbers] == place)
    seen[numbers[first]] = place[: len(first)]
    return first, seen[numbers]
