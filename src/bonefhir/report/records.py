"""The tables of phi/ again, for the patients whose findings are shown: what a finding's page draws on."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

Row = Mapping[str, Any]

ID = {"labs": "resource", "doses": "dose_id", "patients": "patient_id", "conditions": "resource", "procedures": "resource"}
"""Table → the column by which others cite its rows."""
MOMENT = ["date_first", "date_last"]
PLACE = ["source_file", "source_line"]
_LAB = ["resource", "patient_id", "analyte", "value_low", "value_high", "unit", "reported", "limit_low", "usable"]


class Place(NamedTuple):
    """Where a resource was read, and the days on which it may lie (null: undated, or of no one day)."""

    file: str | None
    line: int | None
    first: date | None
    last: date | None


@dataclass(frozen=True)
class Tables:
    """The rows of some patients, by table, still as Arrow: many patients are shown, but only some at a time."""

    by_name: Mapping[str, pa.Table]

    def of(self, patients: Collection[str]) -> "Records":
        wanted = pa.array(sorted(patients), pa.string())
        rows = {name: _those(table, wanted).to_pylist() for name, table in self.by_name.items()}
        return Records(
            doses={row["dose_id"]: row for row in rows["doses"]},
            doses_of=by_patient(rows["doses"]),
            labs_of=by_patient(rows["labs"]),
            places={row[key]: place(row) for name, key in ID.items() for row in rows[name]},
        )


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


def of_patients(phi: Path, patients: Collection[str]) -> Tables:
    """Reads only the rows of these patients, however large the tables are."""
    wanted = pa.array(sorted(patients), pa.string())
    return Tables({name: _read(phi / f"{name}.parquet", _columns(name), wanted) for name in ID})


def _columns(name: str) -> list[str] | None:
    if name == "labs":
        return [*_LAB, "unusable_reason", "time", *MOMENT, *PLACE]
    if name == "patients":
        return ["patient_id", *PLACE]
    return None if name == "doses" else ["resource", "patient_id", *MOMENT, *PLACE]


def _read(path: Path, columns: list[str] | None, patients: pa.Array) -> pa.Table:
    found = ds.dataset(path).to_table(columns=columns, filter=pc.field("patient_id").cast(pa.string()).isin(patients))
    return plain(found)


def plain(table: pa.Table) -> pa.Table:
    """Dictionaries decoded: Arrow compares no dictionary with texts."""
    fields = [f.with_type(pa.string()) if pa.types.is_dictionary(f.type) else f for f in table.schema]
    return table.cast(pa.schema(fields))


def _those(table: pa.Table, patients: pa.Array) -> pa.Table:
    return table.filter(pc.is_in(table["patient_id"], patients))


def by_patient(rows: Iterable[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row["patient_id"], []).append(row)
    return found


def place(row: Row) -> Place:
    return Place(row["source_file"], row["source_line"], row.get("date_first"), row.get("date_last"))
