"""Rows → Arrow columns, batch by batch: Python objects live for one batch only, and texts that repeat are held once."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from bonefhir.tables import FULL_URLS, READ_TABLES, REJECTS, SYMBOL, Table

BATCH = 1 << 15
Row = tuple[Any, ...]


class Encoded(NamedTuple):
    """A column of many rows at once: of each row, the number of its value."""

    values: pa.Array
    entry: np.ndarray[Any, np.dtype[np.int64]]


class Codes(dict[str | None, int]):
    """Text → its number, in the order in which texts first came. Null has the number -1."""

    def __init__(self) -> None:
        super().__init__()
        super().__setitem__(None, -1)

    def __missing__(self, text: str) -> int:
        number = len(self) - 1
        self[text] = number
        return number

    def array(self, batches: Sequence[Any]) -> pa.DictionaryArray:
        numbers = np.concatenate(batches) if batches else np.empty(0, np.int32)
        texts = pa.array((text for text in self if text is not None), pa.string())
        return pa.DictionaryArray.from_arrays(pa.array(numbers, pa.int32(), mask=numbers < 0), texts)


class Rows:
    """The rows of one table of one portion."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._rows: list[Row] = []
        self._codes = {column.name: Codes() for column in table if column.type == SYMBOL}
        self._batches: dict[str, list[Any]] = {name: [] for name in table.names}
        self._ordered = True

    def add(self, row: Row) -> None:
        """Values in the order of the table's columns."""
        self._rows.append(row)
        if len(self._rows) >= BATCH:
            self._flush()

    def extend(self, columns: Mapping[str, Encoded | pa.Array]) -> None:
        """Many rows at once: every column, or its values by row. They may come before rows that have been added."""
        self._ordered = False
        for column in self._table:
            given = columns[column.name]
            values, entry = given if isinstance(given, Encoded) else (given, None)
            if column.type == SYMBOL:
                batch = _encoded(self._codes[column.name], values, entry)
            else:
                batch = values if entry is None else values.take(pa.array(entry))
            self._batches[column.name].append(batch)

    def _flush_all(self) -> None:
        if self._rows:
            self._flush()

    def _flush(self) -> None:
        for column, values in zip(self._table, zip(*self._rows, strict=True), strict=True):
            codes = self._codes.get(column.name)
            first = values[0]
            same = first is values[-1] and values.count(first) == len(values)  # most columns of most files
            if codes is None:
                batch = pa.repeat(pa.scalar(first, column.type), len(values)) if same else pa.array(values, column.type)
            else:
                batch = np.full(len(values), codes[first], np.int32) if same else _numbers(codes, values)
            self._batches[column.name].append(batch)
        self._rows.clear()

    def largest(self) -> int:
        """Bytes of the column with most texts of its own, about."""
        self._flush_all()
        own = [column.name for column in self._table if column.type == pa.string()]
        return max((sum(batch.nbytes for batch in self._batches[name]) for name in own), default=0)

    def table(self) -> pa.Table:
        """All rows added. The rows are still there afterwards; add no more."""
        self._flush_all()
        if not self._batches[self._table.names[0]]:
            return self._table.empty()  # most files have rows for one or two of the tables
        columns = []
        for column in self._table:
            batches = self._batches[column.name]
            codes = self._codes.get(column.name)
            columns.append(codes.array(batches) if codes is not None else pa.chunked_array(batches, column.type))
        found = pa.table(columns, schema=self._table.schema)
        return found if self._ordered else _by_place(found)


class Collected:
    """What the files of one portion give: rows of each of READ_TABLES by name, REJECTS, FULL_URLS."""

    def __init__(self) -> None:
        self.rows = {table.name: Rows(table) for table in READ_TABLES}
        self.rejects = Rows(REJECTS)
        self.full_urls = Rows(FULL_URLS)

    def largest(self) -> int:
        """Bytes of the column with most texts."""
        return max(rows.largest() for rows in (*self.rows.values(), self.rejects, self.full_urls))


def _by_place(rows: pa.Table) -> pa.Table:
    """In the order of the files, whichever way each of them was read."""
    seq = rows["seq"].to_numpy()
    return rows if (seq[1:] >= seq[:-1]).all() else rows.take(pa.array(np.argsort(seq, kind="stable")))


def _encoded(codes: Codes, values: pa.Array, entry: Any) -> np.ndarray[Any, np.dtype[np.int32]]:
    """Only values that some row has get a code."""
    if entry is None:
        return _numbers(codes, values.to_pylist())
    used = np.zeros(len(values), np.bool_)
    used[entry] = True
    found = np.zeros(len(values), np.int32)
    found[used] = _numbers(codes, values.filter(pa.array(used)).to_pylist())
    rows: np.ndarray[Any, np.dtype[np.int32]] = found[entry]
    return rows


def _numbers(codes: Codes, values: Iterable[str | None]) -> np.ndarray[Any, np.dtype[np.int32]]:
    return np.fromiter(map(codes.__getitem__, values), np.int32)
