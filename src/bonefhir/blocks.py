"""Rows of codes in a file, a block at a time, as they lie in memory: to read one is one read, and nothing is made of its bytes.

A file begins with its schema: the types of the columns in Arrow's words, texts as a dictionary, columns that change together as
a struct. Then come blocks: the number of buffers, their sizes, the buffers. It is read by the kind of machine that wrote it.
"""

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from bonefhir.coded import CODES, Column, Lists, Plain, Rows, Structs, Texts

_WIDTH = 8
"""Bytes to which each buffer is filled up."""

_FILLED = [bytes(-size % _WIDTH) for size in range(_WIDTH)]

_SIZE = np.dtype(np.int64)


def write_schema(file: BinaryIO, rows: Rows, about: dict[str, str]) -> None:
    """rows: as all blocks will be. about: metadata of the schema."""
    schema = pa.schema([(name, _type(column)) for name, column in rows.items()], about).serialize().to_pybytes()
    file.write(np.array([len(schema)], _SIZE).tobytes() + schema)


def write_block(file: BinaryIO, buffers: Sequence[npt.NDArray[Any]]) -> None:
    """buffers: of rows that are as the schema says, in the order in which they are read."""
    sizes = [buffer.nbytes for buffer in buffers]
    filled: Iterator[Any] = (
        piece for buffer, size in zip(buffers, sizes, strict=True) for piece in (buffer, _FILLED[size % _WIDTH])
    )
    begin: Any = np.array([len(sizes), *sizes], _SIZE)
    file.write(b"".join([begin, *filled]))


class Blocks:
    """What was written to a file, from its beginning. schema: with what was told of the rows."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.schema = pa.ipc.read_schema(pa.py_buffer(file.read(self._number())))
        self._read = _rows_reader(self.schema)

    def next(self) -> Rows:
        sizes = np.frombuffer(self._file.read(self._number() * _SIZE.itemsize), _SIZE)
        filled = sizes + -sizes % _WIDTH
        ends = np.cumsum(filled)
        block = pa.py_buffer(self._file.read(int(ends[-1])))
        return self._read(map(block.slice, (ends - filled).tolist(), sizes.tolist()))

    def _number(self) -> int:
        return int.from_bytes(self._file.read(_SIZE.itemsize), sys.byteorder)


# ------------------------------------------------------------------------------------------------------------- writing


def _type(column: Column) -> pa.DataType:
    if isinstance(column, Plain):
        return column.values.type
    if isinstance(column, Texts):
        return CODES
    if isinstance(column, Lists):
        return pa.list_(_type(column.values))
    return pa.struct([(name, _type(field)) for name, field in column.fields.items()])


# ------------------------------------------------------------------------------------------------------------- reading

_Buffers = Iterator[pa.Buffer]


def _rows_reader(fields: Iterable[pa.Field]) -> Callable[[_Buffers], Rows]:
    """Reads the buffers of rows: how many rows there are, then column by column."""
    columns = [(field.name, _reader(field.type)) for field in fields]

    def read(buffers: _Buffers) -> Rows:
        rows = int(np.frombuffer(next(buffers), _SIZE)[0])
        return {name: column(rows, buffers) for name, column in columns}

    return read


def _reader(kind: pa.DataType) -> Callable[[int, _Buffers], Any]:
    """Reads the buffers of a column: those of Arrow; of texts without a bitmap, behind their codes."""
    if pa.types.is_dictionary(kind):
        return _texts
    if pa.types.is_list(kind):
        values = _reader(kind.value_type)

        def lists(_: int, buffers: _Buffers) -> Lists:
            offsets = np.frombuffer(next(buffers), np.int64)
            return Lists(offsets, values(int(offsets[-1]), buffers))

        return lists
    if pa.types.is_struct(kind):
        fields = _rows_reader(kind)
        return lambda _, buffers: Structs(_codes(next(buffers)), fields(buffers))
    number = kind.num_buffers

    def plain(rows: int, buffers: _Buffers) -> Plain:
        known, *others = (next(buffers) for _ in range(number))
        return Plain(pa.Array.from_buffers(kind, rows, [known if known.size else None, *others]))

    return plain


def _texts(_: int, buffers: _Buffers) -> Texts:
    codes, offsets = _codes(next(buffers)), next(buffers)
    found = pa.StringArray.from_buffers(max(0, offsets.size // 4 - 1), offsets, next(buffers))
    return Texts(codes, found, distinct=False)


def _codes(buffer: pa.Buffer) -> npt.NDArray[np.int32]:
    return np.frombuffer(buffer, np.int32)
