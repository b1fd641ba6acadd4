"""Texts of one element in many resources, as Arrow arrays: what they have in common is looked at once."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from msgspec import Raw

_SEVERAL, _MANY = 100, 300
"""Texts that are worth an array that is made at once, or the pattern of RE2."""

Numbers = npt.NDArray[np.int64]


def lengths(texts: Sequence[bytes | Raw]) -> Numbers:
    return np.fromiter(map(len, texts), np.int64, len(texts))


def pieces(text: bytes, starts: Numbers, sizes: Numbers) -> pa.BinaryArray:
    """What begins at these places, one behind the other, and is so long. text: less than 2 GB."""
    if len(starts) < _SEVERAL:
        ends = starts + sizes
        return pa.array([text[start:end] for start, end in zip(starts.tolist(), ends.tolist(), strict=True)], pa.binary())
    bounds = np.empty(2 * len(starts), np.int32)
    bounds[::2], bounds[1::2] = starts, starts + sizes
    buffers = [None, pa.py_buffer(bounds), pa.py_buffer(text)]
    every = pa.Array.from_buffers(pa.binary(), len(bounds) - 1, buffers)  # each second one lies between two of them
    return every.take(pa.array(np.arange(0, len(bounds), 2)))


@dataclass(frozen=True)
class Slot:
    """What differs from resource to resource in an element that is otherwise the same in many: a number, a time, an id.

    before, after   what stands before it, and the byte that ends it
    form            pattern of all that it may be without making a difference; sample: one of them, that stands for all
    columns         of the read tables, which hold it
    """

    before: bytes
    after: bytes
    form: str
    sample: bytes
    columns: tuple[str, ...] = ()

    @cached_property
    def whole(self) -> bool:
        """The element is a string, and all that is in it differs."""
        return self.before == self.after

    @cached_property
    def _pattern(self) -> str:
        return f'"(?:{self.form})"' if self.whole else f"(?:{self.form})"

    @cached_property
    def _one(self) -> Callable[[bytes], re.Match[bytes] | None]:
        return re.compile(self._pattern.encode()).fullmatch

    def matching(self, texts: pa.BinaryArray) -> Numbers:
        """Which of the texts have the form. RE2 compiles it for each array anew, so that only many texts are worth it."""
        if len(texts) < _MANY:
            found = np.array([self._one(text) is not None for text in texts.to_pylist()], np.bool_)
        else:
            found = pc.match_substring_regex(texts, rf"\A{self._pattern}\z").to_numpy(zero_copy_only=False)
        return np.flatnonzero(found)

    def filled(self, around: bytes) -> bytes:
        """The text around a slot (as `Cut` has it) with the sample in it."""
        head, _, tail = around.partition(self.before + b"\0")
        return head + self.before + self.sample + self.after + tail


@dataclass(frozen=True)
class Cut:
    """rows: which of the texts have the slots; values: what is in each slot; around: the text around them."""

    rows: Numbers
    values: list[pa.BinaryArray]
    around: pa.DictionaryArray


def cut(texts: pa.BinaryArray, slots: Sequence[Slot]) -> Cut:
    """One slot after the other, each at its first place; a NUL stands for it, and for the byte that ends it."""
    if slots[0].whole:
        return _cut_whole(texts, slots[0])
    rows, around = np.arange(len(texts)), texts
    values: list[pa.BinaryArray] = []
    for slot in slots:
        kept, inside, around = _cut(around, slot)
        if len(kept) < len(rows):
            rows, values = rows[kept], [each.take(pa.array(kept)) for each in values]
        values.append(inside)
    return Cut(rows, values, around.dictionary_encode())


def _cut_whole(texts: pa.BinaryArray, slot: Slot) -> Cut:
    kept = slot.matching(texts)
    some = texts if len(kept) == len(texts) else texts.take(pa.array(kept))
    same = pa.array(np.zeros(len(kept), np.int32))
    around = pa.DictionaryArray.from_arrays(same, pa.array([slot.before + b"\0"][: len(kept)], pa.binary()))
    return Cut(kept, [pc.binary_slice(some, 1, -1)], around)


def _cut(texts: pa.BinaryArray, slot: Slot) -> tuple[Numbers, pa.BinaryArray, pa.BinaryArray]:
    rows, heads, rests = _halves(texts, slot.before)
    kept, values, tails = _halves(rests, slot.after)
    fits = slot.matching(values)
    if len(fits) < len(rows):
        rows, heads = rows[kept][fits], heads.take(pa.array(kept[fits]))
        values, tails = values.take(pa.array(fits)), tails.take(pa.array(fits))
    return rows, values, pc.binary_join_element_wise(heads, tails, pa.scalar(slot.before + b"\0", pa.binary()))


def _halves(texts: pa.BinaryArray, mark: bytes) -> tuple[Numbers, pa.BinaryArray, pa.BinaryArray]:
    """Which of the texts have the mark; what stands before and behind the first one."""
    parts = pc.split_pattern(texts, mark, max_splits=1)
    starts = parts.offsets.to_numpy()
    rows = np.flatnonzero(np.diff(starts) == 2)
    first = starts[rows]
    return rows, parts.values.take(pa.array(first)), parts.values.take(pa.array(first + 1))
