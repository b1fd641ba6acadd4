"""Tables that are written in sorted parts, one by each bucket of patients, and merged into the whole a piece at a time.

A part is a stream of Arrow's record batches, each with what its codes stand for; the items that its lists cite, if it has any,
are a stream beside it with a batch for each of its batches. The whole is cut into row groups by number of rows, each with its
dictionaries in order of first use, so that its bytes tell nothing of how many parts it was made of.
"""

import base64
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from bonefhir.coded import NOTHING, Column, Lists, Rows, Structs, Texts, arrow, coded, codes_type, length, order, part, taken
from bonefhir.interval import Integers
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
"""Of a batch of a part: one of each part is in memory at a time."""

MOST = 64
"""Parts that are merged at a time; more are merged by so many first."""

ROWS = 65_536
"""Of a row group of the whole."""

Key = tuple[tuple[bool, Any], ...]


def write_part(path: Path, table: Table, rows: Rows) -> None:
    """rows: in any order."""
    sorted_rows = order([rows], ORDER[table.name])
    _store(path, table, _pieces(rows, sorted_rows), len(sorted_rows))


def read_part(path: Path, table: Table, columns: Sequence[str] | None = None) -> pa.Table:
    """As the table is declared."""
    names = list(columns or table.names)
    schema = pa.schema([table.schema.field(name) for name in names])
    with _opened([path], table) as (each,):
        each.read_on(each.left)
        pieces = [pa.table({name: arrow(rows[name]) for name in names}).cast(schema) for rows in each.held]
    return pa.concat_tables([schema.empty_table(), *pieces])


def write_whole(path: Path, table: Table, parts: Sequence[Path], see: Callable[[Rows], None] = lambda _: None) -> None:
    """Merges parts into the table that they are parts of. see: is shown each row group."""
    with TemporaryDirectory(prefix=".merged-", dir=path.parent) as folder:
        while len(parts) > MOST:
            parts = [_merged(Path(folder), table, parts[start : start + MOST]) for start in range(0, len(parts), MOST)]
        with _opened(parts, table) as open_parts:
            _write(path, table, _row_groups(open_parts, table), see)


def _merged(folder: Path, table: Table, parts: Sequence[Path]) -> Path:
    """One part of several."""
    path = folder / f"{len(list(folder.iterdir()))}"
    with _opened(parts, table) as open_parts:
        rows = sum(each.left for each in open_parts)
        pieces = (piece for group in _row_groups(open_parts, table) for piece in _pieces(group, np.arange(length(group))))
        _store(path, table, pieces, rows)
    return path


def _pieces(rows: Rows, sorted_rows: Integers) -> Iterator[Rows]:
    return (taken([rows], sorted_rows[start : start + PART_ROWS]) for start in range(0, len(sorted_rows), PART_ROWS))


# ------------------------------------------------------------------------------------------------------------- merging


def _row_groups(parts: Sequence["_Part"], table: Table) -> Iterator[Rows]:
    """Every row of the parts, in order, ROWS at a time."""
    pieces: list[Rows] = []
    waiting = np.empty(0, dtype=np.int64)
    for found in _rounds(parts):
        come = order(found, ORDER[table.name])
        waiting, pieces = np.concatenate([waiting, come + sum(map(length, pieces))]), [*pieces, *found]
        while len(waiting) >= ROWS:
            yield taken(pieces, waiting[:ROWS])
            waiting = waiting[ROWS:]
        if len(waiting) <= len(come):
            waiting, pieces = waiting - sum(map(length, pieces)) + len(come), found
    if len(waiting):
        yield taken(pieces, waiting)


def _rounds(parts: Sequence["_Part"]) -> Iterator[list[Rows]]:
    """Each takes what certainly comes before all that has not been read yet."""
    enough = max(PART_ROWS, ROWS // max(1, len(parts)))
    while True:
        for each in parts:
            each.read_on(enough)
        unread = [each.last for each in parts if each.left]
        bound = min(unread, default=None)
        if found := [piece for each in parts for piece in each.take(bound)]:
            yield found
        if not unread:
            return


class _Part:
    """held: batches that have been read and not been taken. left: rows that have not been read."""

    def __init__(self, rows: pa.ipc.RecordBatchStreamReader, items: pa.ipc.RecordBatchStreamReader, table: Table) -> None:
        self._rows, self._items, self._table = rows, items, table
        self.left = int(rows.schema.metadata[b"rows"])
        self.held: list[Rows] = []

    @property
    def last(self) -> Key:
        return self._key(self.held[-1], length(self.held[-1]) - 1)

    def read_on(self, enough: int) -> None:
        """Until it holds so many rows, and not all of one key, if there are."""
        while self.left and (sum(map(length, self.held)) < enough or self._key(self.held[0], 0) == self.last):
            rows = self._rows.read_next_batch()
            self.left -= len(rows)
            self.held.append(_read(rows, self._items and self._items.read_next_batch(), self._table))

    def take(self, bound: Key | None) -> Iterator[Rows]:
        """Those before the bound; None: all."""
        while self.held and (bound is None or self._key(self.held[0], length(self.held[0]) - 1) < bound):
            yield self.held.pop(0)
        if self.held and bound is not None:
            rows = self.held[0]
            number = bisect_left(range(length(rows)), bound, key=lambda row: self._key(rows, row))
            self.held[0] = part(rows, number, length(rows))
            if number:
                yield part(rows, 0, number)

    def _key(self, rows: Rows, row: int) -> Key:
        """What is missing comes last, as in order()."""
        values = (_value(rows[name], row) for name in ORDER[self._table.name])
        return tuple((value is None, "" if value is None else value) for value in values)


def _value(column: Column, row: int) -> Any:
    if isinstance(column, Texts):
        return None if column.codes[row] == NOTHING else column.texts[int(column.codes[row])].as_py()
    return arrow(column)[row].as_py()


# ------------------------------------------------------------------------------------------------------- files of parts


def _store(path: Path, table: Table, pieces: Iterable[Rows], rows: int) -> None:
    schema = pa.schema([(column.name, _stored_type(column.type)) for column in table], {"rows": str(rows)})
    cited = _cited(table)
    with ExitStack() as stack:
        stream = stack.enter_context(_new_stream(path, schema))
        items = stack.enter_context(_new_stream(_beside(path), _fields(table))) if cited else None
        for piece in pieces:
            stream.write_batch(pa.record_batch([_stored(piece[name]) for name in schema.names], schema=schema))
            if items:
                fields = piece[cited].values.fields  # type: ignore[union-attr]
                items.write_batch(pa.record_batch([arrow(values) for values in fields.values()], schema=_fields(table)))


@contextmanager
def _new_stream(path: Path, schema: pa.Schema) -> Iterator[Any]:
    with path.open("wb") as file, pa.ipc.new_stream(file, schema) as stream:
        yield stream


@contextmanager
def _opened(paths: Sequence[Path], table: Table) -> Iterator[list[_Part]]:
    with ExitStack() as stack:

        def stream(path: Path) -> Any:
            return stack.enter_context(pa.ipc.open_stream(stack.enter_context(path.open("rb"))))

        yield [_Part(stream(path), stream(_beside(path)) if _cited(table) else None, table) for path in paths]


def _beside(path: Path) -> Path:
    return path.with_name(f"{path.name}.items")


def _cited(table: Table) -> str:
    """The column whose lists hold structs, if there is one."""
    return next((column.name for column in table if _holds_structs(column.type)), "")


def _stored_type(kind: pa.DataType) -> pa.DataType:
    return pa.list_(pa.int32()) if _holds_structs(kind) else codes_type(kind)


def _fields(table: Table) -> pa.Schema:
    return pa.schema([(field.name, codes_type(field.type)) for field in table.schema.field(_cited(table)).type.value_type])


def _holds_structs(kind: pa.DataType) -> bool:
    return bool(pa.types.is_list(kind) and pa.types.is_struct(kind.value_type))


def _stored(column: Column) -> pa.Array:
    if isinstance(column, Lists) and isinstance(column.values, Structs):
        return pa.ListArray.from_arrays(pa.array(column.offsets, pa.int32()), pa.array(column.values.codes))
    return arrow(column)


def _read(rows: pa.RecordBatch, items: pa.RecordBatch | None, table: Table) -> Rows:
    found = dict(coded(rows))
    if items is not None:
        numbers = rows.column(_cited(table))
        offsets = numbers.offsets.to_numpy().astype(np.int64)
        found[_cited(table)] = Lists(offsets, Structs(numbers.values.to_numpy(), coded(items)))
    return found


# ------------------------------------------------------------------------------------------------------------ the whole


def _write(path: Path, table: Table, row_groups: Iterable[Rows], see: Callable[[Rows], None]) -> None:
    """Codes are written as they are; whoever reads the file finds the types that the table declares."""
    encoded = pa.schema([(column.name, codes_type(column.type)) for column in table])
    with path.open("wb") as file, pq.ParquetWriter(file, encoded, store_schema=False, write_batch_size=ROWS) as writer:
        declared = base64.b64encode(table.schema.serialize().to_pybytes()).decode()
        writer.add_key_value_metadata({"ARROW:schema": declared})
        for rows in row_groups:
            writer.write_table(pa.table([arrow(rows[name]) for name in encoded.names], schema=encoded), row_group_size=ROWS)
            see(rows)


def texts_of(table: Table) -> list[str]:
    """Paths of the columns that are read as codes."""
    plain = [column.name for column in table if pa.types.is_dictionary(codes_type(column.type))]
    lists = [column for column in table if _holds_structs(column.type)]
    nested = [
        f"{column.name}.list.element.{field.name}"
        for column in lists
        for field in column.type.value_type
        if pa.types.is_string(field.type)
    ]
    return plain + nested
