"""Rows of the read tables as a portion keeps them: of each a record of fixed width, and its texts, by shard of patients.

A bucket of patients needs a few rows of every portion. They lie together, are read at their place without a look at anything
else, and those of all portions come into one piece of memory.

rows             of each table of OF_PATIENTS its records, then its texts, row by row
layout.json      of each table, where both begin, and what the numbers in its records stand for
starts           of each table, the row and the byte of its texts with which each shard begins; those whose patient is a urn come
                 after the last shard; then the number of rows and bytes
<table>.ids      shards.KEY of each row with an id that another patient's resource may have; not where there is one shard only
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from bonefhir import shards, tables
from bonefhir.dealt import OF_PATIENTS, WITH_IDS, is_elsewhere, write_ids
from bonefhir.interval import Integers
from bonefhir.tables import SYMBOL, Table

FEW = 1_000
"""Distinct texts of a column that a portion numbers. Where it has more, each row has its own: a bucket holds what is numbered of
all portions."""

_VARIOUS = frozenset({"subject", "request", "reason_refs", "part_of"})
"""Symbols that lead from one resource to others: each patient has some of their own, so they are never numbered."""

_FIXED = {pa.int64(): "<i8", pa.int32(): "<i4", pa.bool_(): "u1"}
_UNKNOWN = 2
"""Neither false nor true."""

_CODES, _BASE = " codes", " base"
"""Beside the columns' names in the file of Symbols."""

_ROWS, _LAYOUT, _STARTS = "rows", "layout.json", "starts"

Records = npt.NDArray[np.void]


class Layout(msgspec.Struct):
    """Of one table. records, texts: byte of the file with which they begin. symbols: of each numbered column its texts."""

    records: int = 0
    texts: int = 0
    symbols: dict[str, list[str]] = {}


# -------------------------------------------------------------------------------------------------------------- writing


def write(folder: Path, given: Mapping[str, pa.Table], dealt: int) -> None:
    """given: the rows of tables of OF_PATIENTS, by name, in reading order. dealt: number of shards."""
    layouts: dict[str, Layout] = {}
    starts = np.zeros((len(OF_PATIENTS), 2, dealt + 2), dtype=np.int64)
    at = 0
    with (folder / _ROWS).open("wb") as file:
        for number, table in enumerate(OF_PATIENTS):
            rows = given.get(table.name)
            if not rows:
                continue
            shard, order = _dealt(table, rows, dealt)
            records, texts, symbols = _packed(table, rows, order)
            layouts[table.name] = Layout(at, at + records.nbytes, symbols)
            starts[number] = _starts(records, shard, dealt)
            file.write(records.view(np.uint8).data)
            file.write(texts)
            at += records.nbytes + len(texts)
            if dealt > 1 and table in WITH_IDS:
                known = starts[number, 0, dealt]
                write_ids(folder, table, shards.identities(rows["id"].take(order[:known]), shard[:known]))
    (folder / _LAYOUT).write_bytes(msgspec.json.encode(layouts))
    (folder / _STARTS).write_bytes(starts.tobytes())


def _dealt(table: Table, rows: pa.Table, dealt: int) -> tuple[Integers, Integers]:
    """The shards of the rows, sorted, and the rows in that order: within a shard, that of reading."""
    about = pc.binary_join_element_wise("Patient", rows["id"], "/") if table is tables.PATIENTS_READ else rows["subject"]
    shard = shards.of_patients(about, dealt)
    order = np.argsort(shard.astype(np.uint16), kind="stable")
    return shard[order], order


def _packed(table: Table, rows: pa.Table, order: Integers) -> tuple[Records, Any, dict[str, list[str]]]:
    """Records, texts, and what numbers stand for."""
    symbols = {column.name: whole for column in table if (whole := _few(column.name, rows[column.name])) is not None}
    records = np.empty(len(rows), _record(table, symbols))
    for column in table:
        if column.name in symbols:
            codes = symbols[column.name].indices.fill_null(-1).to_numpy()
            records[column.name] = codes[order] + 1
        elif column.type in _FIXED:
            whole = rows[column.name]
            values = pc.fill_null(whole.cast(pa.uint8()), _UNKNOWN) if column.type == pa.bool_() else whole
            records[column.name] = values.to_numpy()[order]
    own = [rows[name] for name in _texts_of(table, symbols)]
    sizes, texts = _row_by_row([each.cast(pa.string()).combine_chunks() for each in own], order)
    records["texts"] = sizes
    return records, texts, {name: whole.dictionary.to_pylist() for name, whole in symbols.items()}


def _few(name: str, column: pa.ChunkedArray) -> pa.DictionaryArray | None:
    """The column, if it is one of symbols that are to be numbered."""
    if column.type != SYMBOL or name in _VARIOUS:
        return None
    whole = column.combine_chunks()
    whole = whole if isinstance(whole, pa.DictionaryArray) else pa.array([], SYMBOL)
    return whole if len(whole.dictionary) <= FEW else None


def _record(table: Table, symbols: Iterable[str]) -> np.dtype[np.void]:
    """Missing numbers do not occur. Of a symbol its number, from 1; 0: none. Of a text its bytes; -1: none."""
    known = set(symbols)
    fields: list[Any] = [(column.name, _FIXED[column.type]) for column in table if column.type in _FIXED]
    fields += [(column.name, "<u2") for column in table if column.name in known]
    return np.dtype([*fields, ("texts", "<i4", (len(_texts_of(table, known)),))])


def _texts_of(table: Table, symbols: Iterable[str]) -> list[str]:
    """Columns of which each row has its own text."""
    known = set(symbols)
    return [column.name for column in table if column.type not in _FIXED and column.name not in known]


def _row_by_row(columns: Sequence[pa.Array], order: Integers) -> tuple[Integers, Any]:
    """Bytes of each text, one row for each of the order; and the texts."""
    whole = pa.concat_arrays([column.cast(pa.large_string()) for column in columns])
    place = order[:, np.newaxis] + np.arange(len(columns)) * len(order)
    found = whole.take(pa.array(place.ravel()))
    offsets = np.frombuffer(found.buffers()[1], np.int64, len(found) + 1, 8 * found.offset)
    sizes = np.diff(offsets)
    if found.null_count:
        sizes[found.is_null().to_numpy(zero_copy_only=False)] = -1
    data = found.buffers()[2]
    texts = memoryview(data)[int(offsets[0]) : int(offsets[-1])] if data is not None else b""
    return sizes.reshape(place.shape), texts


def _starts(records: Records, shard: Integers, dealt: int) -> Integers:
    first = np.searchsorted(shard, np.arange(dealt + 2))
    ends = np.cumsum(np.maximum(records["texts"], 0).sum(axis=1, dtype=np.int64))
    return np.stack([first, np.concatenate([[0], ends])[first]])


# -------------------------------------------------------------------------------------------------------------- reading


def layouts(folder: Path) -> dict[str, Layout]:
    """By table; those of which there are rows."""
    return msgspec.json.decode((folder / _LAYOUT).read_bytes(), type=dict[str, Layout])


def starts(folder: Path) -> Integers:
    found: Integers = np.frombuffer((folder / _STARTS).read_bytes(), np.int64).reshape(len(OF_PATIENTS), 2, -1)
    return found


@dataclass(frozen=True)
class Symbols:
    """What the numbers in the records of several portions stand for.

    texts  of each numbered column its texts
    base   one row for each portion, a column for each of texts: where its numbers begin in `codes`; -1: it has texts of its own
    codes  index into the texts; -1: none
    """

    texts: dict[str, pa.Array]
    base: Integers
    codes: npt.NDArray[np.int32]

    def numbered(self, part: int) -> tuple[str, ...]:
        """Columns that have numbers in the records of the portion."""
        return tuple(name for name, base in zip(self.texts, self.base[part].tolist(), strict=True) if base >= 0)

    def column(self, name: str, part: Integers, numbers: npt.NDArray[Any]) -> pa.Array:
        """Of each row the text, by its portion and its number there."""
        texts = self.texts[name]
        if not len(texts):
            return pa.nulls(len(numbers), SYMBOL)
        codes = self.codes[self.base[part, list(self.texts).index(name)] + numbers]
        return pa.DictionaryArray.from_arrays(pa.array(codes, mask=codes < 0), texts)

    def write(self, path: Path) -> None:
        columns = {name: pa.array([texts.to_pylist()], pa.list_(pa.string())) for name, texts in self.texts.items()}
        lists = {_CODES: pa.array([self.codes], pa.list_(pa.int32())), _BASE: pa.array([self.base.ravel()], pa.list_(pa.int64()))}
        with path.open("wb") as file:
            rows = pa.table(columns | lists)
            with pa.ipc.new_stream(file, rows.schema) as stream:
                stream.write_table(rows)

    @classmethod
    def read(cls, path: Path) -> "Symbols":
        with path.open("rb") as file, pa.ipc.open_stream(file) as stream:
            found = {
                name: column.chunk(0).flatten()
                for name, column in zip(stream.schema.names, stream.read_all().columns, strict=True)
            }
        codes, base = found.pop(_CODES).to_numpy(), found.pop(_BASE).to_numpy()
        return cls(found, base.reshape(-1, max(1, len(found))), codes)


class Numbered:
    """Symbols of several portions, of which one layout at a time need be in memory: four bytes are kept of each of its texts."""

    def __init__(self, table: Table, parts: int) -> None:
        self._numbers: dict[str, dict[str, int]] = {
            column.name: {} for column in table if column.type == SYMBOL and column.name not in _VARIOUS
        }
        self._begin: dict[tuple[str, bytes], int] = {}
        self._base = np.full((parts, len(self._numbers)), -1, dtype=np.int64)
        self._end = 0

    def add(self, part: int, layout: Layout) -> None:
        for column, (name, numbers) in enumerate(self._numbers.items()):
            if name in layout.symbols:
                own = [-1, *(numbers.setdefault(text, len(numbers)) for text in layout.symbols[name])]
                begin = self._base[part, column] = self._begin.setdefault((name, np.array(own, np.int32).tobytes()), self._end)
                self._end += len(own) if begin == self._end else 0

    def symbols(self) -> Symbols:
        texts = {name: pa.array(list(numbers), pa.string()) for name, numbers in self._numbers.items()}
        return Symbols(texts, self._base, np.frombuffer(b"".join(codes for _, codes in self._begin), np.int32))


class Room:
    """Memory for rows of one table of several portions that number the same columns.

    pieces: of each portion, bytes of its file and the memory into which is read what follows them
    """

    def __init__(
        self, table: Table, symbols: Symbols, parts: Sequence[int], at: Integers, begin: Integers, end: Integers
    ) -> None:
        """parts: numbers of portions. Each has a row in at (bytes of records and texts), begin and end (row, byte of texts)."""
        numbered = symbols.numbered(parts[0])
        kind = _record(table, numbered)
        count, size = (end - begin).T
        self._table, self._symbols, self._part = table, symbols, np.repeat(parts, count)
        self._own = _texts_of(table, numbered)
        self._records: Records = np.empty(count.sum(), kind)
        self._texts = np.empty(size.sum(), np.uint8)
        places = (at + begin * [kind.itemsize, 1]).tolist()
        memory = zip(_cut(self._records, count * kind.itemsize), _cut(self._texts, size), strict=True)
        self.pieces = {part: list(zip(*each, strict=True)) for part, *each in zip(parts, places, memory, strict=True)}

    def rows(self, before: Integers, names: Sequence[str] | None = None, wanted: Integers | None = None) -> pa.Table:
        """When it has been filled.

        before: of each portion, lines of the file that come before it. wanted: numbers of rows; null: all, in reading order
        """
        order = np.argsort(self._records["seq"], kind="stable") if wanted is None else wanted
        records, part = self._records.take(order), self._part[order]  # far sooner than [order]
        records["line"] += before[part]
        sizes, width = self._records["texts"], len(self._own)
        texts = _strings(sizes, self._texts)

        def column(field: pa.Field) -> pa.Array:
            if field.name in self._own:
                number = self._own.index(field.name)
                if (sizes[:, number] < 0).all():
                    return pa.nulls(len(order), field.type)
                found = texts.take(pa.array(order * width + number)).cast(pa.string())
                return found.dictionary_encode() if field.type == SYMBOL else found
            if field.type == SYMBOL and not records[field.name].any():
                return pa.nulls(len(order), field.type)
            if field.type == SYMBOL:
                return self._symbols.column(field.name, part, records[field.name])
            return _fixed(field.type, np.ascontiguousarray(records[field.name]))

        schema = pa.schema([self._table.schema.field(name) for name in names or self._table.names])
        return pa.table([column(field) for field in schema], schema=schema)


def _cut(memory: npt.NDArray[Any], sizes: Integers) -> list[memoryview]:
    """Bytes, in pieces of these sizes."""
    whole = memory.view(np.uint8).data
    ends = np.cumsum(sizes).tolist()
    return [whole[start:end] for start, end in zip([0, *ends[:-1]], ends, strict=True)]


def _fixed(kind: pa.DataType, values: npt.NDArray[Any]) -> pa.Array:
    return pa.array(values == 1, kind, mask=values == _UNKNOWN) if kind == pa.bool_() else pa.array(values, kind)


def _strings(sizes: Integers, texts: npt.NDArray[np.uint8]) -> pa.Array:
    """All texts, row by row."""
    flat = sizes.ravel()
    large = len(texts) >= 1 << 31
    offsets = np.zeros(len(flat) + 1, dtype=np.int64 if large else np.int32)
    np.cumsum(np.maximum(flat, 0), out=offsets[1:])
    valid = np.packbits(flat >= 0, bitorder="little")
    buffers = [pa.py_buffer(valid), pa.py_buffer(offsets), pa.py_buffer(texts)]
    return pa.Array.from_buffers(pa.large_string() if large else pa.string(), len(flat), buffers)


def fill(folder: Path, pieces: Sequence[tuple[int, memoryview]]) -> None:
    """Reads what is wanted of one portion."""
    path: Any = folder / _ROWS
    wanted = [(place, memory) for place, memory in pieces if len(memory)]
    if is_elsewhere(path):  # as ranges: an open file behind a URL would fetch megabytes around each of them
        starts, ends = [place for place, _ in wanted], [place + len(memory) for place, memory in wanted]
        found = path.fs.cat_ranges([path.path] * len(wanted), starts, ends, on_error="raise")
        for (_, memory), data in zip(wanted, found, strict=True):
            memory[:] = data
        return
    with path.open("rb", buffering=0) as file:
        for place, memory in wanted:
            file.seek(place)
            done = 0
            while done < len(memory):
                got = file.readinto(memory[done:])
                if not got:
                    raise EOFError
                done += got
