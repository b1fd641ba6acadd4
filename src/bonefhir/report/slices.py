"""What verdicts can be broken down by: product, indication, site and month of their doses.

Site is the folder that a dose's record came in, as it was given to the run; where it came in none, the file, if these are
few. FHIR has better places for it (performer, location of the encounter), which are not read.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from bonefhir import memory
from bonefhir.report.control_chart import Ints
from bonefhir.report.months import Axis, axis_of, months_of
from bonefhir.report.tally import JUDGED, Group, Tally, codes_of, groups, tally
from bonefhir.sorting import different

FILES = 100
"""Files without a folder that are taken for sites: more can be told apart in no chart and no list."""

NO_FOLDER = "."

SLICES = ("product", "indication", "site", "month")
STRATIFIERS = ("product", "indication", "month")
"""Of which counts are kept. There may be as many sites as files."""


class Sliced:
    """Doses and verdicts of the run.

    doses   in the order of doses.parquet: patient_id, date_first, date_last, instant, and SLICES; texts are codes
    rules   ids of those that were counted
    """

    def __init__(self, phi: Path, rules: Sequence[str], by: Sequence[str] = SLICES) -> None:
        """by: the slices of which every combination is counted; STRATIFIERS among them."""
        self._phi = phi
        self.rules = tuple(rules)
        self.doses = _doses(phi / "doses.parquet")
        memory.release()
        self.combined, self.of_dose = _combined(self.doses, by)
        memory.release()

    @cached_property
    def tally(self) -> Tally:
        return tally(self.groups(), len(self.rules), self.doses["patient_id"].combine_chunks(), self.of_dose)

    @cached_property
    def axis(self) -> Axis:
        found = axis_of(self.doses)
        memory.release()
        return found

    def groups(self) -> Iterator[Group]:
        """The verdicts, read anew."""
        return groups(self._phi, self.rules)

    def of(self, dose_ids: pa.Array) -> pa.Table:
        """The doses of these ids, in order."""
        wanted = dose_ids.dictionary_encode()
        rows = np.zeros(len(wanted.dictionary), np.int64)
        before = 0
        with pq.ParquetFile(self._phi / "doses.parquet") as file:
            for number in range(file.num_row_groups):
                ids = file.read_row_group(number, columns=["dose_id"])["dose_id"].cast(pa.string()).combine_chunks()
                place = pc.index_in(ids, wanted.dictionary)
                found = np.flatnonzero(place.is_valid())
                rows[place.drop_null().to_numpy()] = before + found
                before += len(ids)
        memory.release()
        return self.doses.take(rows[wanted.indices.to_numpy()])


def _doses(path: Path) -> pa.Table:
    """A column at a time: what is read takes several times what is left of it."""
    texts = ["patient_id", "product", "rule_indication", "source_file"]
    plain = ["date_first", "date_last", "instant"]
    with pq.ParquetFile(path, read_dictionary=texts, pre_buffer=False) as file:
        columns = (file.read([name], use_threads=False).unify_dictionaries().combine_chunks() for name in (*plain, *texts))
        table = {column.column_names[0]: column.column(0) for column in columns}
    patient, product, indication, file = (_codes(table[name]) for name in texts)
    memory.release()  # each of these steps leaves behind as much as stays, and the next one finds no use for it
    return pa.table(
        {
            "patient_id": patient,
            **{name: table[name] for name in plain},
            "product": product,
            "indication": indication,
            "site": _renamed(file, sites),
            "month": months_of(table["date_first"], table["date_last"]),
        }
    )


def _codes(column: pa.ChunkedArray) -> pa.DictionaryArray:
    whole = column.combine_chunks()
    return whole if pa.types.is_dictionary(whole.type) else whole.dictionary_encode()


def _renamed(column: pa.DictionaryArray, name: Callable[[pa.Array], pa.Array]) -> pa.DictionaryArray:
    """Texts that have become alike have one code."""
    named = name(column.dictionary).dictionary_encode()
    return pa.DictionaryArray.from_arrays(named.indices.take(column.indices), named.dictionary)


def sites(files: pa.Array) -> pa.Array:
    """The folder that a file came in, as the name of its site; the file's own name where it came in none. files: distinct.

    More than FILES such files are no sites but an export in pieces (a Bundle for each patient), and of one site: NO_FOLDER.
    """
    folder = pc.replace_substring_regex(files, r"/[^/]*$", "")
    within = pc.match_substring(files, "/")
    loose = len(files) - (pc.sum(within).as_py() or 0)
    return pc.if_else(within, folder, files if loose <= FILES else pa.scalar(NO_FOLDER))


def doses_of(sliced: Sliced) -> Ints:
    """Doses of each combination of slices."""
    return np.bincount(sliced.of_dose, minlength=sliced.combined.num_rows)


def counts_by(sliced: Sliced, name: str) -> Ints:
    """Verdicts by value of a slice, rule and outcome; the last value: not known."""
    codes, values = codes_of(sliced.combined[name].combine_chunks())
    counts = np.zeros((values + 1, *sliced.tally.cells.shape[1:]), np.int64)
    np.add.at(counts, codes, sliced.tally.cells)
    return counts


def strata(sliced: Sliced, name: str) -> list[dict[str, Any]]:
    """Numbers of pass, fail and indeterminate by rule and value of one of STRATIFIERS."""
    counts, values = counts_by(sliced, name), [*sliced.doses[name].combine_chunks().dictionary.to_pylist(), None]
    cells = np.argwhere(counts.any(axis=2)).tolist()
    return [_cell({name: values[value]}, sliced.rules[rule], counts[value, rule]) for value, rule in cells]


def cube(sliced: Sliced) -> tuple[Ints, Ints]:
    """Combinations of slices with rules of which there are verdicts: the numbers of both; and pass, fail and indeterminate."""
    cells = np.argwhere(sliced.tally.cells.any(axis=2))
    return cells, sliced.tally.cells[cells[:, 0], cells[:, 1]].astype(np.int64)


def _combined(doses: pa.Table, by: Sequence[str]) -> tuple[pa.Table, Ints]:
    """The combinations of slices that there are, and which of them each dose has."""
    first, of_dose = np.zeros(min(1, doses.num_rows), np.int64), np.zeros(doses.num_rows, np.int64)
    for name in by:
        codes, values = codes_of(doses[name].combine_chunks())
        first, of_dose = different(of_dose * (values + 1) + codes, len(first) * (values + 1))
    return doses.select(list(by)).take(first), of_dose


def _cell(values: dict[str, Any], rule: str, numbers: Ints) -> dict[str, Any]:
    return {**values, "rule_id": rule, **dict(zip(JUDGED, numbers.tolist(), strict=True))}
