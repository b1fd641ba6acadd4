"""Rows of codes in a file, a block at a time, as they lie in memory: to read one is one read, and nothing is made of its bytes.

A file begins with its schema: the types of the columns in Arrow's words, texts as a dictionary, columns that change together as
a struct. Then come blocks: the number of buffers, their sizes, the buffers. It is read by the kind of machine that wrote it.
"""

import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from bonefhir.coded import CODES, Column, Lists, Plain, Rows, Structs, Texts, length

_WIDTH = 8
"""Bytes to which each buffer is filled up."""

_SIZE = np.dtype(np.int64)


def write_schema(file: BinaryIO, rows: Rows, about: dict[str, str]) -> None:
    """rows: as all blocks will be. about: metadata of the schema."""
    schema = pa.schema([(name, _type(column)) for name, column in rows.items()], about).serialize().to_pybytes()
    file.write(np.array([len(schema)], _SIZE).tobytes() + schema)


def write_block(file: BinaryIO, rows: Rows) -> None:
    """rows: as taken() leaves them."""
    buffers = [pa.py_buffer(buffer) for buffer in _of_rows(rows)]
    sizes = np.array([len(buffers), *(buffer.size for buffer in buffers)], _SIZE)
    filled = (piece for buffer in buffers for piece in (buffer, bytes(-buffer.size % _WIDTH)))
    file.write(b"".join([sizes.tobytes(), *filled]))


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


def _of_rows(rows: Rows) -> Iterator[Any]:
    yield np.array([length(rows)], _SIZE)
    for column in rows.values():
        yield from _of_column(column)


def _of_column(column: Column) -> Iterator[Any]:
    if isinstance(column, Plain):
        yield from (buffer or b"" for buffer in column.values.buffers())
    elif isinstance(column, Texts):
        yield column.codes.astype(np.int32, copy=False)
        yield from (buffer or b"" for buffer in column.texts.buffers()[1:])
    elif isinstance(column, Lists):
        yield column.offsets
        yield from _of_column(column.values)
    else:
        yield column.codes.astype(np.int32, copy=False)
        yield from _of_rows(column.fields)


# ------------------------------------------------------------------------------------------------------------- reading

_Buffers = Iterator[pa.Buffer]


def _rows_reader(fields: Iterable[pa.Field]) -> Callable[[_Buffers], Rows]:
    """Reads what _of_rows() gives."""
    columns = [(field.name, _reader(field.type)) for field in fields]

    def read(buffers: _Buffers) -> Rows:
        rows = int(np.frombuffer(next(buffers), _SIZE)[0])
        return {name: column(rows, buffers) for name, column in columns}

    return read


def _reader(kind: pa.DataType) -> Callable[[int, _Buffers], Any]:
    """Reads what _of_column() gives."""
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
    return Texts(codes, pa.StringArray.from_buffers(max(0, offsets.size // 4 - 1), offsets, next(buffers)))


def _codes(buffer: pa.Buffer) -> npt.NDArray[np.int32]:
    return np.frombuffer(buffer, np.int32)
