"""Tables that are written in sorted parts, one by each bucket of patients, and merged into the whole a piece at a time.

A part is a stream of Arrow's record batches, each with what its codes stand for. What is a row of several fields, as the items
that lists cite, is a stream beside it with a batch for each of its batches. The whole is cut into row groups by number of rows,
each with its dictionaries in order of first use, so that its bytes tell nothing of how many parts it was made of.
"""

import base64
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from bonefhir.coded import Column, Lists, Rows, Structs, arrow, coded, codes_type, column_named, length, order, part, taken, value
from bonefhir.interval import Integers
from bonefhir.pieces import cut
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

PART_ROWS = 2_048
"""Of a batch of a part: one of each part is in memory at a time."""

MOST = 64
"""Parts that are merged at a time; more are merged by so many first."""

ROWS = 32_768
"""Of a row group of the whole."""

Key = tuple[tuple[bool, Any], ...]
Stream = Any
"""pyarrow.ipc.RecordBatchStreamReader"""


def write_part(path: Path, table: Table, rows: Rows) -> None:
    """rows: in any order."""
    sorted_rows = order([rows], ORDER[table.name])
    _store(path, _pieces(rows, sorted_rows), len(sorted_rows))


def read_part(path: Path, table: Table, columns: Sequence[str] | None = None) -> pa.Table:
    """As the table is declared."""
    names = list(columns or table.names)
    schema = pa.schema([table.schema.field(name) for name in names])
    with _opened([path], table) as (each,):
        each.read_on(each.left)
        pieces = [pa.table({name: arrow(column_named(rows, name)) for name in names}).cast(schema) for rows in each.take(None)]
    return pa.concat_tables([schema.empty_table(), *pieces])


def write_whole(path: Path, table: Table, parts: Sequence[Path], see: Callable[[Rows], None] = lambda _: None) -> None:
    """Merges parts into the table that they are parts of. see: is shown each row group."""
    with TemporaryDirectory(prefix=".merged-", dir=path.parent) as folder:
        while len(parts) > MOST:
            size = -(-len(parts) // -(-len(parts) // MOST))  # all alike: a round reads as far as the densest part lets it
            some = (parts[start : start + size] for start in range(0, len(parts), size))
            parts = [path for each in some for path in _merged(Path(folder), table, each)]
        with _opened(parts, table) as open_parts:
            _write(path, table, _row_groups(open_parts, table), see)


def _merged(folder: Path, table: Table, parts: Sequence[Path]) -> Iterator[Path]:
    """One part of several, unless they are empty."""
    with _opened(parts, table) as open_parts:
        if rows := sum(each.left for each in open_parts):
            path = folder / f"{len(list(folder.iterdir()))}"
            groups = _row_groups(open_parts, table)
            _store(path, (piece for group in groups for piece in _pieces(group, np.arange(length(group)))), rows)
            yield path


def _pieces(rows: Rows, sorted_rows: Integers) -> Iterator[Rows]:
    """One at least, if there are no rows."""
    return cut(rows, sorted_rows, [*range(PART_ROWS, len(sorted_rows), PART_ROWS), len(sorted_rows)])


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
    """Each takes what certainly comes before all that has not been read yet, and not many more rows than are written together."""
    enough = max(1, ROWS // max(1, len(parts)))
    while any(each.left or each.held for each in parts):
        for each in parts:
            each.read_on(enough)
        unread = min((each.key(each.held - 1) for each in parts if each.left), default=None)
        soon = min((each.key(2 * enough) for each in parts if each.held > 2 * enough), default=None)
        bound = min((key for key in (unread, soon) if key is not None), default=None)
        found = [piece for each in parts for piece in each.take(bound)]
        yield found or [piece for each in parts for piece in each.take(unread)]  # those that are soon may be all of one key


class _Part:
    """held: number of rows that have been read and not been taken. left: of rows that have not been read."""

    def __init__(self, rows: Stream, beside: Mapping[str, Stream], table: Table) -> None:
        self._rows, self._beside, self._table = rows, beside, table
        self._pieces: list[Rows] = []
        self.left = int(rows.schema.metadata[b"rows"])
        self.held = 0

    def key(self, row: int) -> Key:
        """Of a row that is held."""
        for piece in self._pieces:
            if row < length(piece):
                return self._key(piece, row)
            row -= length(piece)
        raise IndexError(row)

    def read_on(self, enough: int) -> None:
        """Until it holds so many rows, and not all of one key, if there are."""
        while self.left and (self.held < enough or self.key(0) == self.key(self.held - 1)):
            rows = self._rows.read_next_batch()
            self.left, self.held = self.left - len(rows), self.held + len(rows)
            fields = {name: coded(stream.read_next_batch()) for name, stream in self._beside.items()}
            self._pieces.append({name: _with_fields(values, fields.get(name)) for name, values in coded(rows).items()})

    def take(self, bound: Key | None) -> Iterator[Rows]:
        """Those before the bound; None: all."""
        while self._pieces and (bound is None or self._key(self._pieces[0], length(self._pieces[0]) - 1) < bound):
            self.held -= length(self._pieces[0])
            yield self._pieces.pop(0)
        if self._pieces and bound is not None:
            rows = self._pieces[0]
            number = bisect_left(range(length(rows)), bound, key=lambda row: self._key(rows, row))
            if number:
                self._pieces[0], self.held = part(rows, number, length(rows)), self.held - number
                yield part(rows, 0, number)

    def _key(self, rows: Rows, row: int) -> Key:
        """What is missing comes last, as in order()."""
        values = (value(rows, name, row) for name in ORDER[self._table.name])
        return tuple((each is None, "" if each is None else each) for each in values)


# ------------------------------------------------------------------------------------------------------- files of parts


def _store(path: Path, pieces: Iterator[Rows], rows: int) -> None:
    """pieces: at least one, which may be empty."""
    with ExitStack() as stack:
        streams: dict[str, Any] = {}
        for piece in pieces:
            fields = {name: found for name, values in piece.items() if (found := _fields(values)) is not None}
            batches = {"": _batch(piece), **{name: _batch(found) for name, found in fields.items()}}
            for name, batch in batches.items():
                if name not in streams:
                    about = {"rows": str(rows), "beside": " ".join(fields)}
                    streams[name] = stack.enter_context(_new_stream(_beside(path, name), batch.schema.with_metadata(about)))
                streams[name].write_batch(batch)


def _batch(rows: Rows) -> pa.RecordBatch:
    return pa.record_batch({name: _stored(values) for name, values in rows.items()})


def _fields(values: Column) -> Rows | None:
    """What the codes of a column point to, if it is rows."""
    inner = values.values if isinstance(values, Lists) else values
    return inner.fields if isinstance(inner, Structs) else None


def _stored(values: Column) -> pa.Array:
    if isinstance(values, Lists) and isinstance(values.values, Structs):
        return pa.ListArray.from_arrays(pa.array(values.offsets, pa.int32()), pa.array(values.values.codes))
    return pa.array(values.codes) if isinstance(values, Structs) else arrow(values)


def _with_fields(values: Any, fields: Rows | None) -> Column:
    """As it was stored."""
    if fields is None:
        found: Column = values
        return found
    if isinstance(values, Lists):
        numbers: Any = values.values
        return Lists(values.offsets, Structs(numbers.values.to_numpy(), fields))
    return Structs(values.values.to_numpy(), fields)


@contextmanager
def _new_stream(path: Path, schema: pa.Schema) -> Iterator[Any]:
    with path.open("wb") as file, pa.ipc.new_stream(file, schema) as stream:
        yield stream


@contextmanager
def _opened(paths: Sequence[Path], table: Table) -> Iterator[list[_Part]]:
    with ExitStack() as stack:

        def stream(path: Path) -> Stream:
            return stack.enter_context(pa.ipc.open_stream(stack.enter_context(path.open("rb"))))

        def opened(path: Path) -> _Part:
            rows = stream(path)
            beside = rows.schema.metadata[b"beside"].decode().split()
            return _Part(rows, {name: stream(_beside(path, name)) for name in beside}, table)

        yield [opened(path) for path in paths]


def _beside(path: Path, name: str) -> Path:
    return path.with_name(f"{path.name}.{name}") if name else path


# ------------------------------------------------------------------------------------------------------------ the whole


def _write(path: Path, table: Table, row_groups: Iterable[Rows], see: Callable[[Rows], None]) -> None:
    """Codes are written as they are; whoever reads the file finds the types that the table declares."""
    encoded = pa.schema([(column.name, codes_type(column.type)) for column in table])
    with path.open("wb") as file, pq.ParquetWriter(file, encoded, store_schema=False, write_batch_size=ROWS) as writer:
        declared = base64.b64encode(table.schema.serialize().to_pybytes()).decode()
        writer.add_key_value_metadata({"ARROW:schema": declared})
        for rows in row_groups:
            named = {name: column_named(rows, name) for name in encoded.names}
            columns = [arrow(values) for values in named.values()]
            writer.write_table(pa.table(columns, schema=encoded), row_group_size=ROWS)
            see(named)


def texts_of(table: Table) -> list[str]:
    """Paths of the columns that are read as codes."""
    plain = [column.name for column in table if pa.types.is_dictionary(codes_type(column.type))]
    lists = [column for column in table if pa.types.is_list(column.type) and pa.types.is_struct(column.type.value_type)]
    nested = [
        f"{column.name}.list.element.{field.name}"
        for column in lists
        for field in column.type.value_type
        if pa.types.is_string(field.type)
    ]
    return plain + nested
