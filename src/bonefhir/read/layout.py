"""Where the top-level values of many resources lie, told by their lengths: in compact JSON all else is keys and punctuation."""

from collections.abc import Iterator
from itertools import chain
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from bonefhir.read.contained import Fields
from bonefhir.read.names import RESOURCE_TYPES
from bonefhir.read.resource import FIELDS
from bonefhir.read.texts import Numbers, pieces

Names = tuple[str, ...]

Flags = npt.NDArray[np.bool_]

_TYPES = {f'"{name}"'.encode(): name for name in RESOURCE_TYPES}
_STEP = 128
"""Resources of which the fields are held at a time: as many as the processor's cache has room for."""
_NOTHING: Fields = {}
_OPEN, _CLOSE = ord("{"), ord("}")
_LINES = msgspec.json.Decoder(Fields).decode_lines


class _Order(dict[Any, int]):
    """Numbers in the order in which things first came."""

    def __missing__(self, thing: Any) -> int:
        self[thing] = number = len(self)
        return number


class Layout:
    """Of resources by number.

    kind            number of each one's kind: resources of one type with the same elements in the same order
    types, names    of each kind: the resource type, '' if it is none of FHIR's or cannot be told, and the elements
    compact         no blanks between the values, and no key twice or with an escape: only then its kind and its values are known
    """

    def __init__(self, text: bytes, starts: Numbers, sizes: Numbers) -> None:
        """starts, sizes: of the resources in the text; between them are blanks, if anything."""
        order = _Order()
        shapes, values = [], []
        for fields in _decoded(text, starts, sizes):
            shapes.append(np.fromiter(map(order.__getitem__, map(tuple, fields)), np.int64, len(fields)))
            values.append(np.fromiter(map(len, chain.from_iterable(map(dict.values, fields))), np.int64))
        self.names: list[Names] = list(order)
        self.kind = np.concatenate(shapes)
        self._text = text
        self._size_of = np.concatenate([*values, np.zeros(1, np.int64)])
        self._before = np.cumsum(self._size_of) - self._size_of
        counts = np.array([len(names) for names in self.names])[self.kind]
        self._first = np.cumsum(counts) - counts
        keys = np.array([sum(map(len, names)) + 4 * len(names) + 1 for names in self.names])
        before = self._before[self._first]
        self.compact: Flags = keys[self.kind] + self._before[self._first + counts] - before == sizes
        self._begin = starts - before
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

    def column(self, rows: Numbers, name: str, last: str | None = None) -> pa.BinaryArray:
        """The values of this element of these resources, ascending, which are compact and have it.

        last: with what stands behind them up to the end of this element's value.
        """
        starts, sizes = self._values(rows, name)
        if last is not None:
            begins, rest = self._values(rows, last)
            sizes = begins + rest - starts
        return pieces(self._text, starts, sizes)

    def _values(self, rows: Numbers, name: str) -> tuple[Numbers, Numbers]:
        """Where they begin, and their sizes."""
        places = {each[name] for each in self._places if name in each}
        if len(places) == 1:
            ((place, before),) = places
        else:
            place, before = np.array([each.get(name, (0, 0)) for each in self._places])[self.kind[rows]].T
        value = self._first[rows] + place
        return self._begin[rows] + before + self._before[value], self._size_of[value]


def _places(names: Names) -> dict[str, tuple[int, int]]:
    """Of each element: which of the values it is, and bytes of keys and punctuation before it."""
    found, before = {}, 0
    for place, name in enumerate(names):
        before += len(name) + 4
        found[name] = place, before
    return found


def _decoded(text: bytes, starts: Numbers, sizes: Numbers) -> Iterator[list[Fields]]:
    """The top-level fields of each, some at a time; none of what is no JSON object."""
    ends, view, data = starts + sizes, memoryview(text), np.frombuffer(text, np.uint8)
    framed = (data[starts] == _OPEN) & (data[ends - 1] == _CLOSE)
    for start in range(0, len(starts), _STEP):
        some = slice(start, start + _STEP)
        found = _lines(view[starts[start] : ends[some][-1]]) if framed[some].all() else []
        if len(found) != len(starts[some]):
            found = [_decoded_one(view[each]) for each in map(slice, starts[some].tolist(), ends[some].tolist())]
        yield found


def _lines(text: memoryview) -> list[Fields]:
    """Of texts that begin and end like objects, with blanks between them: as many objects as texts mean one in each.

    For none goes on in the next text: between `}` and `{` there must be a comma, and in a string there is no line break.
    """
    try:
        return _LINES(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return []


def _decoded_one(raw: memoryview) -> Fields:
    try:
        return FIELDS(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _NOTHING
