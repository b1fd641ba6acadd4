"""What a table is: named, typed columns with their meaning; and the one way to build one."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import pyarrow as pa

from bonefhir.errors import AccountingError

SYMBOL = pa.dictionary(pa.int32(), pa.string())
TEXTS = pa.list_(pa.string())


@dataclass(frozen=True)
class Column:
    """`phi`: may hold data of a patient, so it never leaves phi/."""

    name: str
    type: pa.DataType
    meaning: str
    unit: str = ""
    phi: bool = True


@dataclass(frozen=True)
class Table:
    name: str
    grain: str
    columns: tuple[Column, ...]

    @cached_property
    def schema(self) -> pa.Schema:
        return pa.schema([(c.name, c.type) for c in self.columns])

    @property
    def names(self) -> list[str]:
        return [c.name for c in self.columns]

    def empty(self) -> pa.Table:
        return self._empty

    @cached_property
    def _empty(self) -> pa.Table:
        return self.schema.empty_table()

    def __iter__(self) -> Iterator[Column]:
        return iter(self.columns)


def build(table: Table, columns: dict[str, object]) -> pa.Table:
    """An Arrow table of exactly the declared columns, in order, each cast to its declared type."""
    if set(columns) != set(table.names):
        raise AccountingError(f"columns of {table.name} differ from those declared: {sorted(set(columns) ^ set(table.names))}")
    return pa.table([_as(columns[c.name], c.type) for c in table], schema=table.schema)


def _as(values: object, wanted: pa.DataType) -> pa.Array | pa.ChunkedArray:
    array = values if isinstance(values, pa.Array | pa.ChunkedArray) else pa.array(values, from_pandas=False)
    if array.type == wanted:
        return array
    if pa.types.is_dictionary(wanted):
        return array.cast(wanted.value_type).dictionary_encode().cast(wanted)
    return array.cast(wanted)
