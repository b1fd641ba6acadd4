"""What the pages of findings draw on, read from the tables of phi/ for the findings that are shown.

Tables can hold millions of rows. They are read a row group at a time, and what stays is in proportion to the findings: their
doses, the places of their evidence, and the marks of their timelines.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from bonefhir.parts import texts_of
from bonefhir.report.marks import OF_DOSES, OF_LABS, Collector, Marks, Numbers, moments, spread
from bonefhir.report.records import ID, MOMENT, PLACE, Place, Records, Row, by_patient, place, plain
from bonefhir.tables import CONDITIONS, DOSES, LABS, PATIENTS, PROCEDURES, Table

_HEIGHT = ("resource", "patient_id", "analyte", "value_low", "value_high", "usable", *MOMENT)
_NOT_SHOWN = {"drug", "merged_ids", "start", "end", "instant", "assumptions"}
_OF_A_DOSE = [column.name for column in DOSES.columns if column.name not in _NOT_SHOWN]


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


def shown(phi: Path, findings: Sequence[Row]) -> Shown:
    """Raises OSError if a table cannot be read."""
    tables = _Tables(phi, {row["patient_id"] for row in findings})
    cited = _texts({item["resource"] for row in findings for item in row["evidence"] or ()})
    asked = _texts({row["dose_id"] for row in findings})
    doses = _doses(tables, asked)
    collector = Collector(_moments([doses[name] for name in asked.to_pylist()], tables.numbers))
    for rows, numbers in tables.pieces(DOSES, ("date_first", *OF_DOSES)):
        collector.doses(rows, moments(numbers, rows["date_first"]))
    places, heights = _labs(tables, cited, collector)
    for table in (DOSES, PATIENTS, CONDITIONS, PROCEDURES):
        for rows, _ in tables.pieces(table, _placed(table)):
            places |= _places(rows, ID[table.name], cited)
    records = Records(doses, by_patient(doses.values()), by_patient(heights), places)
    return Shown(records, collector.marks(), tables.numbers)


class _Tables:
    """The tables of phi/, as far as they are about some patients."""

    def __init__(self, phi: Path, patients: Collection[str]) -> None:
        self._phi, self._patients = phi, _texts(patients)
        self.numbers = {name: number for number, name in enumerate(self._patients.to_pylist())}

    def pieces(self, table: Table, columns: Collection[str]) -> Iterator[tuple[pa.Table, Numbers]]:
        """Their rows in order, texts as codes; and the number of the patient of each."""
        names = list(dict.fromkeys(columns))
        with pq.ParquetFile(self._phi / f"{table.name}.parquet", read_dictionary=texts_of(table)) as file:
            for group in range(file.num_row_groups):
                found = file.read_row_group(group, columns=["patient_id"])["patient_id"].combine_chunks()
                in_order = pc.index_in(found.dictionary, self._patients)
                numbers = spread(found, pc.fill_null(in_order, -1).to_numpy())
                theirs = numbers >= 0
                if theirs.any():
                    yield file.read_row_group(group, columns=names).filter(pa.array(theirs)), numbers[theirs]


def _doses(tables: _Tables, asked: pa.Array) -> dict[str, Row]:
    """By id: those asked for, and the first of each product."""
    doses: dict[str, Row] = {}
    for rows, _ in tables.pieces(DOSES, _OF_A_DOSE):
        first = pc.fill_null(pc.equal(rows["ordinal"], 1), False)
        kept = plain(rows.filter(pc.or_(_among(rows["dose_id"], asked), first)))
        doses |= {row["dose_id"]: row for row in kept.to_pylist()}
    return doses


def _labs(tables: _Tables, cited: pa.Array, collector: Collector) -> tuple[dict[str, Place], list[Row]]:
    """Places of those cited, and rows of heights; the marks go to the collector."""
    places: dict[str, Place] = {}
    heights: list[Row] = []
    for rows, numbers in tables.pieces(LABS, (*_placed(LABS), *_HEIGHT, *OF_LABS)):
        collector.labs(rows, moments(numbers, rows["date_first"]))
        places |= _places(rows, "resource", cited)
        tall = _among(rows["analyte"], pa.array(["height"]))
        heights += plain(rows.filter(tall).select(_HEIGHT)).to_pylist()
    return places, heights


def _placed(table: Table) -> list[str]:
    return [name for name in (ID[table.name], *PLACE, *MOMENT) if name in table.names]


def _places(rows: pa.Table, key: str, cited: pa.Array) -> dict[str, Place]:
    named = rows.select([name for name in (key, *PLACE, *MOMENT) if name in rows.column_names])
    return {row[key]: place(row) for row in plain(named.filter(_among(rows[key], cited))).to_pylist()}


def _among(column: pa.ChunkedArray, words: pa.Array) -> pa.Array:
    """Whether each text of a column of codes is one of these."""
    found = column.combine_chunks()
    return pa.array(spread(found, pc.is_in(found.dictionary, words).to_numpy(zero_copy_only=False).astype(np.int64)) == 1)


def _moments(doses: Sequence[Row], numbers: Mapping[str, int]) -> Numbers:
    of = np.array([numbers[row["patient_id"]] for row in doses], np.int64)
    return moments(of, pa.array([row["date_first"] for row in doses], pa.date32()))


def _texts(words: Collection[str | None]) -> pa.Array:
    return pa.array(sorted(filter(None, words)), pa.string())
