"""Where the top-level values of many resources lie, told by their lengths: in compact JSON all else is keys and punctuation."""

from collections.abc import Sequence
from itertools import chain
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from bonefhir.read.contained import Fields
from bonefhir.read.names import RESOURCE_TYPES
from bonefhir.read.resource import FIELDS
from bonefhir.read.texts import Numbers, lengths, pieces

Names = tuple[str, ...]

Flags = npt.NDArray[np.bool_]

_TYPES = {f'"{name}"'.encode(): name for name in RESOURCE_TYPES}
_STEP = 128
"""Resources of which the fields are held at a time: as many as the processor's cache has room for."""
_NOTHING: Fields = {}


class _Order(dict[Any, int]):
    """Numbers in the order in which things first came."""

    def __missing__(self, thing: Any) -> int:
        self[thing] = number = len(self)
        return number


class Layout:
    """Of resources by number.

    kind            number of each one's kind: resources of one type with the same elements in the same order
    types, names    of each kind: the resource type, '' if it is none of FHIR's or cannot be told, and the elements
    sizes           bytes of each resource
    compact         no blanks between the values, and no key twice or with an escape: only then its kind and its values are known
    """

    def __init__(self, texts: Sequence[bytes]) -> None:
        order = _Order()
        shapes, sizes = [], [np.zeros(0, np.int64)]
        for start in range(0, len(texts), _STEP):
            fields = _decoded(texts[start : start + _STEP])
            shapes.append(np.fromiter(map(order.__getitem__, map(tuple, fields)), np.int64, len(fields)))
            sizes.append(np.fromiter(map(len, chain.from_iterable(map(dict.values, fields))), np.int64))
        self.names: list[Names] = list(order)
        self.kind = np.concatenate(shapes)
        self.sizes = lengths(texts)
        self._text = b"".join(texts)
        self._begin = np.cumsum(self.sizes) - self.sizes
        self._size_of = np.concatenate([*sizes, np.zeros(1, np.int64)])
        self._before = np.cumsum(self._size_of) - self._size_of
        counts = np.array([len(names) for names in self.names])[self.kind]
        self._first = np.cumsum(counts) - counts
        keys = np.array([sum(map(len, names)) + 4 * len(names) + 1 for names in self.names])
        values = self._before[self._first + counts] - self._before[self._first]
        self.compact: Flags = keys[self.kind] + values == self.sizes
        self._places = [_places(names) for names in self.names]
        self.types = self._tell_types()

    def _tell_types(self) -> list[str]:
        """Makes kinds of what had only the same elements."""
        typed = np.array(["resourceType" in names for names in self.names])
        rows = np.flatnonzero(typed[self.kind] & self.compact)
        found = self.column(rows, "resourceType").dictionary_encode()
        types = ["", *(_TYPES.get(raw, "") for raw in found.dictionary.to_pylist())]
        type_of = np.zeros(len(self.kind), np.int64)
        type_of[rows] = found.indices.to_numpy() + 1
        kinds, self.kind = np.unique(self.kind * len(types) + type_of, return_inverse=True)
        self.names, self._places = (
            [each[number // len(types)] for number in kinds.tolist()] for each in (self.names, self._places)
        )
        return [types[number % len(types)] for number in kinds.tolist()]

    def column(self, rows: Numbers, name: str) -> pa.BinaryArray:
        """The values of this element of these resources, ascending, which are compact and have it."""
        found = np.array([places.get(name, (0, 0)) for places in self._places])
        kinds, first = self.kind[rows], self._first[rows]
        value = first + found[kinds, 0]
        starts = self._begin[rows] + found[kinds, 1] + self._before[value] - self._before[first]
        return pieces(self._text, starts, self._size_of[value])


def _places(names: Names) -> dict[str, tuple[int, int]]:
    """Of each element: which of the values it is, and bytes of keys and punctuation before it."""
    found, before = {}, 0
    for place, name in enumerate(names):
        before += len(name) + 4
        found[name] = place, before
    return found


def _decoded(raws: Sequence[bytes]) -> list[Fields]:
    """The top-level fields of each; none of what is no JSON object."""
    try:
        return list(map(FIELDS, raws))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return [_decoded_one(raw) for raw in raws]


def _decoded_one(raw: bytes) -> Fields:
    try:
        return FIELDS(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _NOTHING
