"""The tables of phi/ again, for the patients whose findings are shown."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from bonefhir.parts import texts_of
from bonefhir.tables import CONDITIONS, DOSES, LABS, PATIENTS, PROCEDURES, Table

Numbers = npt.NDArray[np.int64]
Row = Mapping[str, Any]

ID = {"labs": "resource", "doses": "dose_id", "patients": "patient_id", "conditions": "resource", "procedures": "resource"}
"""Table → the column by which others cite its rows."""
MOMENT = ("date_first", "date_last")
PLACE = ("source_file", "source_line")
_SHOWN = {
    "labs": ("analyte", "value_low", "value_high", "unit", "reported", "limit_low", "usable", "unusable_reason", "time"),
    "doses": tuple(DOSES.names),
}
"""Table → its columns that are shown, beside patient, id, time and place."""


class Place(NamedTuple):
    """Where a resource was read, and the days on which it may lie (null: undated, or of no one day)."""

    file: str | None
    line: int | None
    first: date | None
    last: date | None


@dataclass(frozen=True)
class Records:
    """doses by id; doses and measurements of each patient in the order of their ids; place of each resource."""

    doses: Mapping[str, Row]
    doses_of: Mapping[str, Sequence[Row]]
    labs_of: Mapping[str, Sequence[Row]]
    places: Mapping[str, Place]

    def first_dose(self, dose: Row) -> Row | None:
        """The patient's first dose of the product, from whose day the baseline was taken."""
        return self._first.get((dose["patient_id"], dose["product"]))

    @cached_property
    def _first(self) -> Mapping[tuple[str, str], Row]:
        listed = [row for rows in self.doses_of.values() for row in rows if row["ordinal"] == 1]
        return {(row["patient_id"], row["product"]): row for row in reversed(listed)}


class Tables:
    """The tables of phi/, as far as they are about some patients. numbers: of those, in the order of their ids."""

    def __init__(self, phi: Path, patients: Collection[str]) -> None:
        self._phi, self._patients = phi, pa.array(sorted(patients), pa.string())
        self.numbers: Mapping[str, int] = {name: number for number, name in enumerate(self._patients.to_pylist())}

    def pieces(self, table: Table, columns: Collection[str]) -> Iterator[tuple[pa.Table, Numbers]]:
        """Their rows in order, read a row group at a time, texts as codes but for ids; and the number of the patient of each."""
        names = [name for name in table.names if name in columns]
        codes = ["patient_id", *(name for name in texts_of(table) if name != ID[table.name])]
        with pq.ParquetFile(self._phi / f"{table.name}.parquet", read_dictionary=codes) as file:
            for group in range(file.num_row_groups):
                found = file.read_row_group(group, columns=["patient_id"])["patient_id"].combine_chunks()
                in_order = pc.index_in(found.dictionary, self._patients)
                numbers = spread(found, pc.fill_null(in_order, -1).to_numpy())
                theirs = numbers >= 0
                if theirs.any():
                    yield file.read_row_group(group, columns=names).filter(pa.array(theirs)), numbers[theirs]


def of_patients(phi: Path, patients: Collection[str]) -> Records:
    """Everything about some patients. Raises OSError if a table cannot be read."""
    tables = Tables(phi, patients)
    rows = {table.name: list(_rows(tables, table)) for table in (LABS, DOSES, PATIENTS, CONDITIONS, PROCEDURES)}
    return Records(
        doses={row["dose_id"]: row for row in rows["doses"]},
        doses_of=by_patient(rows["doses"]),
        labs_of=by_patient(rows["labs"]),
        places={row[ID[name]]: place(row) for name, listed in rows.items() for row in listed},
    )


def _rows(tables: Tables, table: Table) -> Iterator[Row]:
    columns = {ID[table.name], "patient_id", *MOMENT, *PLACE, *_SHOWN.get(table.name, ())}
    for rows, _ in tables.pieces(table, columns):
        yield from plain(rows).to_pylist()


def spread(column: pa.DictionaryArray, of_words: Numbers) -> Numbers:
    """Row by row what its word has; -1 without a word."""
    return np.asarray(np.append(of_words, -1)[pc.fill_null(column.indices, -1).to_numpy()])


def plain(table: pa.Table) -> pa.Table:
    """Codes as texts."""
    fields = [f.with_type(pa.string()) if pa.types.is_dictionary(f.type) else f for f in table.schema]
    return table.cast(pa.schema(fields))


def by_patient(rows: Iterable[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row["patient_id"], []).append(row)
    return found


def place(row: Row) -> Place:
    return Place(row["source_file"], row["source_line"], row.get("date_first"), row.get("date_last"))
