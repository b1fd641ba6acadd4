"""Tables that are written in sorted parts, one by each bucket of patients, and merged into the whole a piece at a time.

In memory and in the parts, texts are codes of a dictionary of their own row group: verdicts cite the same few resources and
words again and again. The whole is cut into row groups by number of rows, each with its dictionaries in order of first use, so
that its bytes tell nothing of how many parts it was made of.
"""

import base64
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from bonefhir.tables import Table

ORDER = {
    "verdicts": ("dose_id", "rule_id"),
    "doses": ("dose_id",),
    "data_quality": ("kind", "resource", "file", "line", "detail", "patient_id"),
    "labs": ("resource", "analyte", "time", "reported", "source_file", "source_line"),
    "conditions": ("resource", "value_set", "time", "source_file", "source_line"),
    "procedures": ("resource", "value_set", "time", "source_file", "source_line"),
    "patients": ("patient_id", "source_file", "source_line"),
}
"""Order of the rows: by what they are, never by how they were read. Only a resource without an id needs its place."""

PART_ROWS = 4_096
"""Of a row group of a part: one of each part is in memory at a time."""

ROWS = 65_536
"""Of a row group of the whole."""

Key = tuple[tuple[bool, Any], ...]


def in_order(rows: pa.Table, table: Table) -> pa.Table:
    """Rows sorted. Arrow sorts no dictionaries, so keys are decoded."""
    names = ORDER[table.name]
    keys = pa.table({name: _decoded(rows[name]) for name in names})
    return rows.take(pc.sort_indices(keys, sort_keys=[(name, "ascending") for name in names]))


def write_part(path: Path, table: Table, rows: pa.Table) -> None:
    """rows: sorted; texts may be codes."""
    encoded = pa.table({name: _encoded(rows[name]) for name in table.names})
    _write(path, table, (encoded.slice(start, PART_ROWS) for start in range(0, len(encoded), PART_ROWS)))


def write_whole(path: Path, table: Table, parts: Sequence[Path]) -> None:
    """Merges parts into the table that they are parts of."""
    with ExitStack() as stack:
        files = [stack.enter_context(part.open("rb")) for part in parts]
        open_parts = [_Part(pq.ParquetFile(file, read_dictionary=texts_of(table)), table) for file in files]
        _write(path, table, _cut(_merged(open_parts, table), ROWS))


def _merged(parts: Sequence["_Part"], table: Table) -> Iterator[pa.Table]:
    """Every row of the parts, in order. Each round takes what certainly comes before all that has not been read yet."""
    enough = max(PART_ROWS, ROWS // max(1, len(parts)))
    while True:
        for part in parts:
            part.read_on(enough)
        unread = [part.last for part in parts if part.more]
        taken = [rows for part in parts if len(rows := part.take(min(unread, default=None)))]
        if taken:
            whole = _together(taken)
            yield whole if len(taken) == 1 else in_order(whole, table)
        if not unread:
            return


class _Part:
    """rows: those that have been read and not been taken. more: there are others."""

    def __init__(self, file: pq.ParquetFile, table: Table) -> None:
        self._file, self._keys = file, ORDER[table.name]
        self._next = 0
        self.rows = file.read_row_groups([])

    @property
    def more(self) -> bool:
        return self._next < int(self._file.num_row_groups)

    @property
    def last(self) -> Key:
        return self._key(len(self.rows) - 1)

    def read_on(self, enough: int) -> None:
        """Until it holds so many rows, and not all of one key, if there are."""
        while self.more and (len(self.rows) < enough or self._key(0) == self.last):
            self.rows = pa.concat_tables([self.rows, self._file.read_row_group(self._next)])
            self._next += 1

    def take(self, bound: Key | None) -> pa.Table:
        """Those before the bound; None: all."""
        number = len(self.rows) if bound is None else bisect_left(range(len(self.rows)), bound, key=self._key)
        taken, self.rows = self.rows.slice(0, number), self.rows.slice(number)
        return taken

    def _key(self, row: int) -> Key:
        """What is missing comes last, as Arrow has it."""
        values = (self.rows[name][row].as_py() for name in self._keys)
        return tuple((value is None, "" if value is None else value) for value in values)


def _cut(tables: Iterable[pa.Table], size: int) -> Iterator[pa.Table]:
    """The same rows in tables of one size, but for the last."""
    waiting: list[pa.Table] = []
    for table in tables:
        waiting.append(table)
        while sum(map(len, waiting)) >= size:
            whole = _together(waiting)
            yield whole.slice(0, size)
            waiting = [whole.slice(size)]
    if any(map(len, waiting)):
        yield _together(waiting)


def _write(path: Path, table: Table, row_groups: Iterable[pa.Table]) -> None:
    """Codes are written as they are; whoever reads the file finds the types that the table declares."""
    encoded = pa.schema([(column.name, _codes(column.type)) for column in table])
    with path.open("wb") as file, pq.ParquetWriter(file, encoded, store_schema=False) as writer:
        declared = base64.b64encode(table.schema.serialize().to_pybytes()).decode()
        writer.add_key_value_metadata({"ARROW:schema": declared})
        for rows in row_groups:
            compact = [_compact(rows[name].combine_chunks()) for name in encoded.names]
            writer.write_table(pa.table(compact, schema=encoded), row_group_size=len(rows))


# ------------------------------------------------------------------------------------------------------ texts as codes


def _codes(kind: pa.DataType) -> pa.DataType:
    """A type with its texts as codes; lists of texts stay: most are empty."""
    if pa.types.is_string(kind):
        return pa.dictionary(pa.int32(), pa.string())
    if pa.types.is_list(kind) and pa.types.is_struct(kind.value_type):
        return pa.list_(pa.struct([field.with_type(_codes(field.type)) for field in kind.value_type]))
    return kind


def texts_of(table: Table) -> list[str]:
    """Paths of the columns that are read as codes."""
    plain = [column.name for column in table if pa.types.is_dictionary(_codes(column.type))]
    lists = [column for column in table if pa.types.is_list(column.type) and pa.types.is_struct(column.type.value_type)]
    nested = [
        f"{column.name}.list.element.{field.name}"
        for column in lists
        for field in column.type.value_type
        if pa.types.is_string(field.type)
    ]
    return plain + nested


def _encoded(column: pa.ChunkedArray) -> pa.Array:
    whole = _one(column)
    return whole.dictionary_encode() if pa.types.is_string(whole.type) else whole


def _decoded(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return column.cast(pa.string()) if pa.types.is_dictionary(column.type) else column


def _together(tables: Sequence[pa.Table]) -> pa.Table:
    """One array per column, with one dictionary."""
    chunks = {name: [chunk for table in tables for chunk in table[name].chunks] for name in tables[0].column_names}
    return pa.table({name: pa.concat_arrays(parts) for name, parts in chunks.items()})


def _one(column: pa.ChunkedArray) -> pa.Array:
    return pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)


def _compact(array: pa.Array) -> pa.Array:
    """Dictionaries that hold what is used, in order of first use."""
    if pa.types.is_dictionary(array.type):
        used = array.indices.dictionary_encode()
        return pa.DictionaryArray.from_arrays(used.indices, array.dictionary.take(used.dictionary))
    if pa.types.is_list(array.type) and pa.types.is_struct(array.type.value_type):
        items = array.flatten()
        fields = [_compact(part) for part in items.flatten()]
        lengths = pc.fill_null(pc.list_value_length(array), 0)
        offsets = pc.cumulative_sum(pa.concat_arrays([pa.array([0], pa.int32()), lengths]))
        return pa.ListArray.from_arrays(offsets, pa.StructArray.from_arrays(fields, names=[f.name for f in items.type]))
    return array
