"""What Great Expectations is given of a table: the columns that its suite looks at, and no text that a patient could be known by.

It holds a whole table in memory, and copies of it. A text that is only counted, asked whether it is there or whether it stands
twice, is a number here: of 15 million verdicts that is a tenth of the memory. The others are few, and stand as categories.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from bonefhir.judge.suite_files import TABLES, Suite

PRESENT = frozenset({"expect_column_values_to_not_be_null"})
"""Expectations that ask whether there is a value."""

ALIKE = PRESENT | {"expect_column_values_to_be_unique", "expect_compound_columns_to_be_unique"}
"""Expectations that ask no more than whether two values are alike."""


def read(path: Path, suite: Suite) -> pa.Table:
    """A table of phi/, row group by row group."""
    with pq.ParquetFile(path) as file:
        groups = (file.read_row_group(number, columns=suite.columns) for number in range(file.num_row_groups))
        return seen(groups, suite)


def seen(parts: Iterable[pa.Table], suite: Suite) -> pa.Table:
    """The parts of a table as one; texts that are only compared become numbers, only counted ones 0."""
    declared = pa.schema([TABLES[suite.table].schema.field(name) for name in suite.columns])
    present, alike = (set(_texts_for(suite, types)) for types in (PRESENT, ALIKE))
    found = [declared.empty_table(), *(part.select(suite.columns) for part in parts)]
    table = pa.concat_tables([_encoded(part, present) for part in found]).unify_dictionaries()
    return pa.table({name: _codes(table[name]) if name in alike - present else table[name] for name in suite.columns})


def _texts_for(suite: Suite, types: frozenset[str]) -> Iterator[str]:
    """Text columns of which nothing else is expected, and by which no rows are chosen."""
    for name in suite.columns:
        kind = TABLES[suite.table].schema.field(name).type
        asked = {"where" if name in one.where else one.type for one in suite.expectations if name in one.columns}
        if asked <= types and (pa.types.is_string(kind) or pa.types.is_dictionary(kind)):
            yield name


def _encoded(part: pa.Table, present: set[str]) -> pa.Table:
    columns = {}
    for name in part.column_names:
        column = part[name]
        if name in present:
            columns[name] = pc.if_else(column.is_valid(), pa.scalar(0, pa.int8()), pa.scalar(None, pa.int8()))
        else:
            columns[name] = column.dictionary_encode() if pa.types.is_string(column.type) else column
    return pa.table(columns)


def _codes(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return pa.chunked_array([chunk.indices for chunk in column.chunks], pa.int32())
