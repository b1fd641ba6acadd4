"""What Great Expectations is given of a table: the columns that its suite looks at, and no text that a patient could be known by.

A table comes in batches of bounded size, whose counts add up. A text that is only counted, asked whether it is there or whether
it stands twice, is a number here; the others are few, and stand as categories. Rows that must not be alike are in one batch if
they are: the tables lie in the order of their ids and are cut between two of them, or are dealt out by what must not be alike.
"""

from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from bonefhir.errors import AccountingError
from bonefhir.judge.suite_files import PRESENT, TABLES, UNIQUE, Suite
from bonefhir.parts import ORDER, texts_of

ALIKE = PRESENT | UNIQUE
"""Expectations that ask no more than whether two values are alike."""

CELLS = 2 << 20
"""Of a batch, as a rule. Great Expectations holds it, and copies of it; a batch costs it some milliseconds an expectation."""

NUMBER = "number of the id"

Parts = Callable[[], Iterator[pa.Table]]
"""The rows of a table in order, as often as they are asked for."""


def separate(suite: Suite) -> list[Suite]:
    """The suite in parts of which each can be judged batch by batch: what must stand once and is not what the table is ordered
    by has a part of its own."""
    scattered = [one for one in suite.expectations if one.type in UNIQUE and _key(suite) not in one.columns]
    rest = tuple(one for one in suite.expectations if one not in scattered)
    return [replace(suite, expectations=some) for some in (rest, *((one,) for one in scattered)) if some]


def read(path: Path, suite: Suite, cells: int = CELLS) -> Iterator[pa.Table]:
    """Batches of a table of phi/, of a suite of `separate`; at least one, which may be empty."""
    with pq.ParquetFile(path, read_dictionary=texts_of(TABLES[suite.table])) as file:
        columns = _columns(suite)

        def groups() -> Iterator[pa.Table]:
            return (file.read_row_group(number, columns=columns) for number in range(file.num_row_groups))

        yield from batches(groups, file.metadata.num_rows, suite, cells)


def batches(parts: Parts, rows: int, suite: Suite, cells: int = CELLS) -> Iterator[pa.Table]:
    """rows: of all parts. Raises AccountingError if the table is not in the order of its ids."""
    columns, present = _columns(suite), _only_present(suite)
    most = max(1, cells // max(1, len(columns)))

    def encoded() -> Iterator[pa.Table]:
        return (_encoded(part.select(columns), present) for part in parts())

    scattered = _is_scattered(suite)
    found = _dealt(encoded, suite, -(-rows // most)) if scattered else _cut(_numbered(encoded(), suite), suite, most)
    compared = _texts_for(suite, ALIKE) - present
    for batch in found:
        yield pa.table({name: _compared(batch, name, suite) if name in compared else batch[name] for name in suite.columns})


def _key(suite: Suite) -> str:
    """The first of the columns by which the table is ordered."""
    return ORDER[suite.table][0]


def _is_scattered(suite: Suite) -> bool:
    return all(one.type in UNIQUE and _key(suite) not in one.columns for one in suite.expectations)


def _columns(suite: Suite) -> list[str]:
    """With those that say where to cut, or to which batch a row goes."""
    return suite.columns if _is_scattered(suite) else [*dict.fromkeys([*suite.columns, _key(suite)])]


# ------------------------------------------------------------------------------------------------------------- batches


def _numbered(parts: Iterator[pa.Table], suite: Suite) -> Iterator[pa.Table]:
    """With a number for each id, so that those of a batch need not be looked up in each other."""
    number, last = 0, None
    for part in parts:
        column = part[_key(suite)].unify_dictionaries().combine_chunks()
        known = column.is_valid().to_numpy(zero_copy_only=False)
        codes = column.indices.drop_null().to_numpy()
        new = np.ones(len(codes), np.bool_)
        new[1:] = codes[1:] != codes[:-1]
        ids = column.dictionary.take(pa.array(codes[new]))
        numbers = np.full(len(column), -1, np.int64)
        if len(ids):
            _check_order(ids, last, suite)
            numbers[known] = np.cumsum(new) + number - (ids[0].as_py() == last)
            number, last = int(numbers[known][-1]), ids[-1].as_py()
        yield part.drop_columns(_key(suite)).append_column(NUMBER, pa.array(numbers, mask=~known))


def _check_order(ids: pa.Array, last: str | None, suite: Suite) -> None:
    """ids: without repetitions."""
    behind = pc.any(pc.greater_equal(ids.slice(0, len(ids) - 1), ids.slice(1))).as_py()
    if behind or (last is not None and ids[0].as_py() < last):
        raise AccountingError(f"{suite.table} is not in the order of its ids")


def _cut(parts: Iterator[pa.Table], suite: Suite, most: int) -> Iterator[pa.Table]:
    """At about so many rows, always between two ids."""
    waiting: list[pa.Table] = []
    for part in parts:
        waiting.append(part)
        if sum(map(len, waiting)) >= most:
            whole = _together(waiting)
            numbers = pc.fill_null(whole[NUMBER], -1).to_numpy()
            # There may be more of the last id. A row without an id is like no other.
            others = np.flatnonzero((numbers != numbers[-1]) | (numbers < 0))
            end = int(others[-1]) + 1 if len(others) else 0
            waiting = [_encoded_anew(whole.slice(end))]  # before: what is judged need not be there twice
            yield whole.slice(0, end)
    yield _together(waiting) if waiting else next(_numbered(iter([_none(suite)]), suite))


def _dealt(parts: Parts, suite: Suite, number: int) -> Iterator[pa.Table]:
    """Rows that are alike in what must not be alike go to the same batch, by the first of its columns. Read once for each."""
    for batch in range(max(1, number)):
        chosen = (part.filter(_goes_to(part[suite.columns[0]], batch, number)) if number > 1 else part for part in parts())
        yield _together([*chosen] or [_none(suite)])


def _goes_to(column: pa.ChunkedArray, batch: int, number: int) -> pa.Array:
    whole = column.unify_dictionaries().combine_chunks()
    texts = whole.dictionary.to_numpy(zero_copy_only=False).astype(object)
    to = np.append(pd.util.hash_array(texts, categorize=False) % number, 0)
    return pa.array(to[pc.fill_null(whole.indices, len(texts)).to_numpy()] == batch)


# ------------------------------------------------------------------------------------------------------------- columns


def _texts_for(suite: Suite, types: frozenset[str]) -> set[str]:
    """Text columns of which nothing else is expected, and by which no rows are chosen."""
    found = set()
    for name in _columns(suite):
        kind = TABLES[suite.table].schema.field(name).type
        asked = {"where" if name in one.where else one.type for one in suite.expectations if name in one.columns}
        if asked <= types and (pa.types.is_string(kind) or pa.types.is_dictionary(kind)):
            found.add(name)
    return found


def _only_present(suite: Suite) -> set[str]:
    return _texts_for(suite, PRESENT) - {_key(suite)}


def _encoded(part: pa.Table, present: Collection[str]) -> pa.Table:
    """Texts as codes; 0 for those of `present`. Great Expectations is quick with whole numbers of 64 bits only."""
    columns = {}
    for name in part.column_names:
        column = part[name]
        if name in present:
            columns[name] = pc.if_else(column.is_valid(), pa.scalar(0, pa.int8()), pa.scalar(None, pa.int8()))
        else:
            columns[name] = column.dictionary_encode() if pa.types.is_string(column.type) else _widened(column)
    return pa.table(columns)


def _widened(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return column.cast(pa.int64()) if pa.types.is_integer(column.type) else column


def _encoded_anew(rows: pa.Table) -> pa.Table:
    """With dictionaries of no more than these rows use."""
    plain = (c.cast(c.type.value_type).dictionary_encode() if pa.types.is_dictionary(c.type) else c for c in rows.columns)
    return pa.table(dict(zip(rows.column_names, plain, strict=True)))


def _compared(batch: pa.Table, name: str, suite: Suite) -> pa.ChunkedArray:
    """A number that is as equal to others as the text is."""
    if name == _key(suite) and NUMBER in batch.column_names:
        return batch[NUMBER]
    return pa.chunked_array([chunk.indices for chunk in batch[name].chunks], pa.int32())


def _together(parts: list[pa.Table]) -> pa.Table:
    """With one dictionary for each column of texts."""
    return pa.concat_tables(parts).unify_dictionaries().combine_chunks()


def _none(suite: Suite) -> pa.Table:
    declared = pa.schema([TABLES[suite.table].schema.field(name) for name in _columns(suite)])
    return _encoded(declared.empty_table(), _only_present(suite))
