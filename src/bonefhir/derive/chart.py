"""Rows of a table, a column at a time: numbers as arrays and texts as codes, without an object per cell."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from bonefhir.coded import Lists, Texts, column_of, each, told
from bonefhir.derive.windows import NEVER
from bonefhir.interval import Flags, Floats, Integers
from bonefhir.words import Words


@dataclass(frozen=True)
class Chart:
    """numbers: times among them, as days or microseconds since 1970, NEVER for none."""

    rows: int
    numbers: Mapping[str, npt.NDArray[Any]]
    texts: Mapping[str, Texts]
    lists: Mapping[str, Lists]

    def __len__(self) -> int:
        return self.rows

    def integers(self, name: str) -> Integers:
        return self.numbers[name]

    def floats(self, name: str) -> Floats:
        return self.numbers[name]

    def flags(self, name: str) -> Flags:
        return self.numbers[name]

    def words(self, name: str) -> Words:
        """Of a column with few texts."""
        return Words.told(self.texts[name])

    def take(self, rows: Integers) -> "Chart":
        return Chart(
            len(rows),
            {name: values[rows] for name, values in self.numbers.items()},
            {name: replace(values, codes=values.codes[rows]) for name, values in self.texts.items()},
            {name: told(values, rows) for name, values in self.lists.items()},  # type: ignore[misc]
        )

    def told(
        self,
        numbers: Mapping[str, npt.NDArray[Any]] | None = None,
        texts: Mapping[str, Texts] | None = None,
        lists: Mapping[str, Lists] | None = None,
    ) -> "Chart":
        """With these columns, instead of those of their names."""
        return Chart(
            self.rows, {**self.numbers, **(numbers or {})}, {**self.texts, **(texts or {})}, {**self.lists, **(lists or {})}
        )


def chart(table: pa.Table) -> Chart:
    numbers: dict[str, npt.NDArray[Any]] = {}
    texts: dict[str, Texts] = {}
    lists: dict[str, Lists] = {}
    for name, column in zip(table.column_names, table.columns, strict=True):
        if pa.types.is_dictionary(column.type):
            texts[name] = column_of(column)
        elif pa.types.is_string(column.type):
            texts[name] = each(column.combine_chunks(), len(column))
        elif pa.types.is_list(column.type):
            lists[name] = column_of(column)
        else:
            numbers[name] = integers(column) if pa.types.is_temporal(column.type) else column.to_numpy()
    return Chart(len(table), numbers, texts, lists)


def integers(times: pa.ChunkedArray) -> Integers:
    """Days, or microseconds, since 1970; NEVER for none."""
    width = pa.int32() if pa.types.is_date(times.type) else pa.int64()
    return np.asarray(times.cast(width).cast(pa.int64()).fill_null(NEVER).to_numpy())
