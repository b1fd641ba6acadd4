"""What the pages of findings draw on, read from the tables of phi/ for the findings that are shown.

Tables can hold millions of rows. They are read a row group at a time, and what stays is in proportion to the findings: their
doses, the places of their evidence, and the marks of their timelines.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bonefhir import memory
from bonefhir.report.marks import OF_DOSES, OF_LABS, Collector, Marks, moments
from bonefhir.report.records import ID, MOMENT, PLACE, Numbers, Place, Records, Row, Tables, by_patient, place, plain, spread
from bonefhir.tables import CONDITIONS, DOSES, LABS, PATIENTS, PROCEDURES, Table

_HEIGHT = ("resource", "patient_id", "analyte", "value_low", "value_high", "usable", *MOMENT)
_OF_A_DOSE = [
    *("dose_id", "patient_id", "status", "product", "rule_indication", "reported_amount", "amount_unit", "route", "ordinal"),
    *("calcium_kind", "calcium_limit", *MOMENT),
    *(
        f"{name}_{end}"
        for name in ("amount", "duration", "interval", "age", "female", "weight", "creatinine", "clearance", "egfr")
        for end in ("low", "high")
    ),
    *(f"baseline_{name}_{end}" for name in ("creatinine", "clearance") for end in ("low", "high")),
]
_OF_FIRST = [
    "dose_id",
    "patient_id",
    "product",
    "ordinal",
    *(f"{n}_{end}" for n in ("age", "weight", "female") for end in ("low", "high")),
]
"""What a clearance before the first dose is computed from."""


@dataclass(frozen=True)
class Shown:
    """records: doses of the findings, first doses of their patients, their heights, and the places of the evidence; no more.

    patients: the numbers of the patients, in the order of their ids.
    """

    records: Records
    marks: Marks
    patients: Mapping[str, int]

    def moments(self, findings: Sequence[Row]) -> Numbers:
        """When the doses of the findings were given, as `marks.near` takes it."""
        return _moments([self.records.doses[row["dose_id"]] for row in findings], self.patients)


def shown(phi: Path, findings: pa.Table) -> Shown:
    """findings: rows of VERDICTS. Raises OSError if a table cannot be read."""
    tables = Tables(phi, pc.unique(findings["patient_id"]).to_pylist())
    cited = _in_order(findings["evidence"].combine_chunks().flatten().field("resource"))
    asked = _in_order(findings["dose_id"])
    doses, first = _doses(tables, asked)
    collector = Collector(_moments([doses[name] for name in asked.to_pylist()], tables.numbers))
    places, heights = _labs(tables, cited, collector)
    for table in (DOSES, PATIENTS, CONDITIONS, PROCEDURES):
        for rows, numbers in tables.pieces(table, (*_placed(table), *(OF_DOSES if table is DOSES else ()))):
            places |= _places(rows, ID[table.name], cited)
            if table is DOSES:
                collector.doses(rows, moments(numbers, rows["date_first"]))
    memory.release()  # on the way more was needed than stays, and for the marks again
    marks = collector.marks()
    memory.release()
    return Shown(Records(doses, by_patient(first), by_patient(heights), places), marks, tables.numbers)


def _doses(tables: Tables, asked: pa.Array) -> tuple[dict[str, Row], list[Row]]:
    """Those asked for, by id; and the first dose of each product, with little about it."""
    doses: dict[str, Row] = {}
    first: list[Row] = []
    for rows, _ in tables.pieces(DOSES, _OF_A_DOSE):
        doses |= {row["dose_id"]: row for row in _rows(rows, _among(rows["dose_id"], asked))}
        first += _rows(rows.select(_OF_FIRST), pc.equal(rows["ordinal"], 1))
    return doses, first


def _rows(rows: pa.Table, kept: pa.Array) -> list[Row]:
    found: list[Row] = plain(rows.filter(kept)).to_pylist()
    return found


def _labs(tables: Tables, cited: pa.Array, collector: Collector) -> tuple[dict[str, Place], list[Row]]:
    """Places of those cited, and rows of heights; the marks go to the collector."""
    places: dict[str, Place] = {}
    heights: list[Row] = []
    for rows, numbers in tables.pieces(LABS, (*_placed(LABS), *_HEIGHT, *OF_LABS)):
        collector.labs(rows, moments(numbers, rows["date_first"]))
        places |= _places(rows, "resource", cited)
        heights += _rows(rows.select(_HEIGHT), _among(rows["analyte"], pa.array(["height"])))
    return places, heights


def _placed(table: Table) -> list[str]:
    return [name for name in (ID[table.name], *PLACE, *MOMENT) if name in table.names]


def _places(rows: pa.Table, key: str, cited: pa.Array) -> dict[str, Place]:
    named = rows.select([name for name in (key, *PLACE, *MOMENT) if name in rows.column_names])
    return {row[key]: place(row) for row in _rows(named, _among(rows[key], cited))}


def _in_order(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    """The different texts."""
    found = pc.unique(column).drop_null()
    return found.take(pc.sort_indices(found))


def _among(column: pa.ChunkedArray, words: pa.Array) -> pa.Array:
    """Whether each text is one of these, which are in order."""
    if not pa.types.is_dictionary(column.type):
        return pc.is_in(column, _between(words, pc.min_max(column).as_py()))
    found = column.combine_chunks()
    return pa.array(spread(found, pc.is_in(found.dictionary, words).to_numpy(zero_copy_only=False).astype(np.int64)) == 1)


def _between(words: pa.Array, ends: Mapping[str, str | None]) -> pa.Array:
    """Those from the first to the last: a row group has few of all that are asked for."""
    low, high = ends["min"], ends["max"]
    if low is None or high is None:
        return words.slice(0, 0)
    places = range(len(words))
    start = bisect_left(places, low, key=lambda place: str(words[place]))
    return words.slice(start, bisect_right(places, high, key=lambda place: str(words[place])) - start)


def _moments(doses: Sequence[Row], numbers: Mapping[str, int]) -> Numbers:
    of = np.array([numbers[row["patient_id"]] for row in doses], np.int64)
    return moments(of, pa.array([row["date_first"] for row in doses], pa.date32()))
