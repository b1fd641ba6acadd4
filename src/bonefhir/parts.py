"""Tables that are written in sorted parts, one by each bucket of patients, and merged into the whole a piece at a time.

A part is a file of blocks, each of some rows with what their codes stand for. What comes before all that has not been read yet of
any part is put in order at once, by the first rows of what stays together: the verdicts of a dose are one to the merge. The whole
is cut into row groups by number of rows, each with its dictionaries in order of first use, so that its bytes tell nothing of how
many parts it was made of.
"""

import base64
from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from bonefhir.blocks import Blocks, write_block, write_schema
from bonefhir.coded import (
    CODES,
    NOTHING,
    Piece,
    Plain,
    Rows,
    Texts,
    arrow,
    codes_type,
    column_named,
    joined,
    length,
    order,
    rank,
    spans,
    taken,
    told,
    values_of,
)
from bonefhir.dealt import is_elsewhere
from bonefhir.interval import Flags, Integers
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

PART_CELLS = 40 << 10
"""Of a block of a part, about: one or two of each part are in memory at a time."""

MOST = 256
"""Parts that are merged at a time; more are merged by so many first."""

ROWS = 32_768
"""Of a row group of the whole."""

CELLS = 3 << 19
"""That are read and put in order at once, about: what a part costs each time is spread over them."""

PLAIN = frozenset({"resource", "instant", "source_line"})
"""Columns with hardly a value twice: codes and a dictionary would only be more of them."""

AHEAD = 1 << 20
"""Bytes of a part behind a URL that are fetched beyond those that are needed."""

Key = tuple[tuple[bool, Any], ...]


def write_part(path: Path, table: Table, rows: Rows, in_order: Integers | None = None) -> None:
    """in_order: their numbers in the table's order; None: not known yet."""
    with path.open("wb") as file:
        write_schema(file, rows, {"rows": str(length(rows))})
        _write_blocks(file, table, rows, order(rows, ORDER[table.name]) if in_order is None else in_order)


def _write_blocks(file: BinaryIO, table: Table, rows: Rows, sorted_rows: Integers) -> None:
    """A block begins where the first column of the order changes, if it can: what is of one value can be merged as one then."""
    begins = np.flatnonzero(_new(told(column_named(rows, ORDER[table.name][0]), sorted_rows)))
    most = _rows_of(PART_CELLS, table)
    even = np.arange(0, len(sorted_rows), most)
    before = begins[np.searchsorted(begins, even, side="right") - 1]
    cuts = np.where(even - before < most, before, even).tolist()
    for buffers in cut(rows, sorted_rows, [*cuts[1:], len(sorted_rows)]):
        write_block(file, buffers)


def read_part(path: Path, table: Table, columns: Sequence[str] | None = None) -> pa.Table:
    """As the table is declared."""
    names = list(columns or table.names)
    schema = pa.schema([table.schema.field(name) for name in names])
    with path.open("rb") as file:
        part = _Part(file, table)
        part.read_on(part.left)
        blocks = (pa.table({name: arrow(column_named(rows, name)) for name in names}) for rows, *_ in part.take(None))
        pieces = [block.cast(schema) for block in blocks]
    return pa.concat_tables([schema.empty_table(), *pieces])


def write_whole(path: Path, table: Table, parts: Sequence[Path], see: Callable[[Rows], None] = lambda _: None) -> None:
    """Merges parts into the table that they are parts of. see: is shown each row group, in another thread."""
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
            with path.open("wb") as file:
                for number, group in enumerate(_row_groups(open_parts, table)):
                    if not number:
                        write_schema(file, group, {"rows": str(rows)})
                    _write_blocks(file, table, group, np.arange(length(group)))
            yield path


# ------------------------------------------------------------------------------------------------------------- merging


def _row_groups(parts: Sequence["_Part"], table: Table) -> Iterator[Rows]:
    """Every row of the parts, in order, ROWS at a time."""
    waiting: list[Piece] = []
    for found in _rounds(parts, _rows_of(CELLS, table)):
        waiting += found
        last = not any(each.left or each.held for each in parts)
        ends = np.cumsum([stop - start for _, start, stop in waiting])
        if ends[-1] < ROWS and not last:
            continue
        whole = joined(waiting)
        rows = _in_order(whole, ORDER[table.name], ends[:-1])
        end = len(rows) if last else len(rows) - len(rows) % ROWS
        found.clear()
        waiting = _left(waiting, ends, rows[end:])
        for start in range(0, end, ROWS):
            yield taken([whole], rows[start : min(start + ROWS, end)])
        del whole


def _left(pieces: Sequence[Piece], ends: Integers, rows: Integers) -> list[Piece]:
    """Of each piece its last rows, as many as are among these. ends: of the pieces when they are joined."""
    numbers = np.bincount(np.searchsorted(ends, rows, side="right"), minlength=len(pieces)).tolist()
    return [(piece, stop - number, stop) for (piece, _, stop), number in zip(pieces, numbers, strict=True) if number]


def _rounds(parts: Sequence["_Part"], rows: int) -> Iterator[list[Piece]]:
    """Each takes what comes before all that has not been read yet, or is the same. rows: of a round, about."""
    while any(each.left or each.held for each in parts):
        for each in parts:
            each.read_on(max(1, rows // len(parts)))
        bound = min((each.last for each in parts if each.left), default=None)
        yield [piece for each in parts for piece in each.take(bound)]


def _in_order(rows: Rows, names: Sequence[str], edges: Integers) -> Integers:
    """The rows of pieces, each of which is in order. What follows each other in a piece with one value of the first column stays
    together: mostly nothing else has that value, and then the other columns need not be looked at. edges: where pieces begin."""
    column = column_named(rows, names[0])
    new = _new(column)
    new[edges] = True
    begins = np.flatnonzero(new)
    place = rank(Plain(_plain(told(column, begins))))
    if int(place.max()) + 1 < len(begins):
        return order(rows, names)
    by_place = np.empty_like(begins)
    by_place[place] = np.arange(len(begins))
    sizes = np.diff(begins, append=length(rows))
    _, found = spans(begins[by_place], sizes[by_place])
    return np.asarray(found)


def _new(column: Any) -> Flags:
    """Whether a row has another value than the row before. What is missing is like nothing else."""
    if isinstance(column, Texts):
        return np.asarray((np.diff(column.codes, prepend=NOTHING) != 0) | (column.codes == NOTHING))
    before, after = column.values.slice(0, max(0, len(column) - 1)), column.values.slice(1)
    differs = pc.fill_null(pc.not_equal(before, after), True).to_numpy(zero_copy_only=False)
    return np.concatenate([[True][: len(column)], differs])


def _plain(column: Any) -> pa.Array:
    """Values as they are, not as codes."""
    if not isinstance(column, Texts):
        return column.values
    return column.texts.take(pa.array(column.codes, mask=column.codes == NOTHING))


class _Part:
    """held: number of rows that have been read and not been taken. left: of rows that have not been read."""

    def __init__(self, file: BinaryIO, table: Table) -> None:
        self._blocks, self._names = Blocks(file), ORDER[table.name]
        self._pieces: deque[Piece] = deque()
        self.left = int(self._blocks.schema.metadata[b"rows"])
        self.held = 0

    @property
    def last(self) -> Key:
        """Of the rows that are held; one at least."""
        rows, _, stop = self._pieces[-1]
        return tuple(_sortable(values_of(rows, name)(stop - 1)) for name in self._names)

    def read_on(self, enough: int) -> None:
        """Until it holds so many rows, if there are."""
        while self.left and self.held < enough:
            rows = self._blocks.next()
            number = length(rows)
            self.left, self.held = self.left - number, self.held + number
            self._pieces.append((rows, 0, number))

    def take(self, bound: Key | None) -> Iterator[Piece]:
        """Those up to the bound; None: all."""
        while self._pieces:
            rows, start, stop = self._pieces.popleft()
            end = stop if bound is None else self._behind(bound, rows, start, stop)
            self.held -= end - start
            if end < stop:
                self._pieces.appendleft((rows, end, stop))
            if start < end:
                yield rows, start, end
            if end < stop:
                return

    def _behind(self, bound: Key, rows: Rows, start: int, stop: int) -> int:
        """The first of these rows that comes behind the bound."""
        for name, wanted in zip(self._names, bound, strict=True):
            found = values_of(rows, name)

            def key(row: int, found: Callable[[int], Any] = found) -> tuple[bool, Any]:
                return _sortable(found(row))

            if key(stop - 1) < wanted:
                return stop
            start = bisect_left(range(stop), wanted, start, key=key)
            if key(start) != wanted:
                return start
            stop = bisect_right(range(stop), wanted, start, key=key)
        return stop


def _sortable(found: Any) -> tuple[bool, Any]:
    """What is missing comes last, as in order()."""
    return found is None, "" if found is None else found


@contextmanager
def _opened(paths: Sequence[Path], table: Table) -> Iterator[list[_Part]]:
    with ExitStack() as stack:
        yield [_Part(stack.enter_context(_open(path)), table) for path in paths]


def _open(path: Path) -> BinaryIO:
    """An open file behind a URL fetches 50 MB beyond what it is asked for, as a rule: of many parts that would be all of them."""
    return path.open("rb", buffering=AHEAD) if is_elsewhere(path) else path.open("rb")


# ------------------------------------------------------------------------------------------------------------ the whole


def _write(path: Path, table: Table, row_groups: Iterable[Rows], see: Callable[[Rows], None]) -> None:
    """Codes are written as they are; whoever reads the file finds the types that the table declares.

    While a row group is written the next one is made: neither holds up the other for long.
    """
    kinds = [(column.name, codes_type(column.type)) for column in table]
    encoded = pa.schema([(name, pa.string() if name in PLAIN and kind == CODES else kind) for name, kind in kinds])
    with path.open("wb") as file, _writer(file, table, encoded) as writer, ThreadPoolExecutor(1) as beside:
        declared = base64.b64encode(table.schema.serialize().to_pybytes()).decode()
        writer.add_key_value_metadata({"ARROW:schema": declared})
        written: Future[None] | None = None
        for rows in row_groups:
            named = {name: column_named(rows, name) for name in encoded.names}
            columns = [_plain(values) if name in PLAIN else arrow(values) for name, values in named.items()]
            group = pa.table(columns, schema=encoded)
            if written:
                written.result()
            written = beside.submit(_stored, writer, group, see, named)
        if written:
            written.result()


def _stored(writer: Any, group: pa.Table, see: Callable[[Rows], None], rows: Rows) -> None:
    writer.write_table(group, row_group_size=ROWS)
    see(rows)


def _writer(file: BinaryIO, table: Table, encoded: pa.Schema) -> Any:
    return pq.ParquetWriter(
        file,
        encoded,
        store_schema=False,
        write_batch_size=ROWS,
        use_dictionary=[path for path, _ in _leaves(table) if path not in PLAIN],
        write_statistics=[ORDER[table.name][0]],  # limits of a row group are of no use to find anything else
    )


def _rows_of(cells: int, table: Table) -> int:
    return max(1, cells // len([*_leaves(table)]))


def texts_of(table: Table) -> list[str]:
    """Paths of the columns that are read as codes."""
    found = [(path, kind) for path, kind in _leaves(table) if not path.endswith("element")]
    return [path for path, kind in found if pa.types.is_dictionary(codes_type(kind))]


def _leaves(table: Table) -> Iterator[tuple[str, pa.DataType]]:
    """Columns as Parquet has them: path and type."""
    for name, kind in ((column.name, column.type) for column in table):
        if not pa.types.is_list(kind):
            yield name, kind
        elif pa.types.is_struct(kind.value_type):
            yield from ((f"{name}.list.element.{field.name}", field.type) for field in kind.value_type)
        else:
            yield f"{name}.list.element", kind.value_type
