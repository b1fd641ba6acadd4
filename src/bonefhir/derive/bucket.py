"""The normalised tables of one bucket of patients, as arrays with integer patient codes: what every derivation starts from."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from bonefhir import coded
from bonefhir.coded import Texts
from bonefhir.derive.chart import Chart, chart, integers
from bonefhir.derive.latest import Labs
from bonefhir.derive.windows import NEVER, Moments
from bonefhir.errors import AccountingError
from bonefhir.interval import Integers, Interval
from bonefhir.sorting import by_number
from bonefhir.vocabulary import UNREADABLE, evidence_bits


@dataclass(frozen=True)
class Bucket:
    """One element per row of each table; patients are numbered over all tables of the bucket.

    lab_rows    of each analyte, the rows of the lab table
    """

    administrations: Chart
    administered: Moments
    lab_table: pa.Table
    lab_rows: dict[str, Integers]
    measured: Moments
    conditions: Chart
    begun: Moments
    ended: Moments
    procedures: Chart
    performed: Moments
    patients: Chart
    patient_row: Integers

    def of_analytes(self, *names: str) -> Labs:
        """Measurements of these analytes; those of an unreadable code could be any, and are never usable."""
        if names not in self._found:
            nothing = np.empty(0, dtype=np.int64)
            self._found[names] = self._labs(
                np.sort(np.concatenate([self.lab_rows.get(n, nothing) for n in {*names, UNREADABLE}]))
            )
        return self._found[names]

    @cached_property
    def _found(self) -> dict[tuple[str, ...], Labs]:
        return {}

    def _labs(self, rows: Integers) -> Labs:
        low, high, si, usable, limit = (values[rows] for values in self._lab_values)
        return Labs(self.measured.take(rows), Interval(low, high), si, usable, self._lab_assumptions[rows], limit, rows)

    @cached_property
    def _lab_values(self) -> tuple[npt.NDArray[Any], ...]:
        return tuple(self.lab_table[name].to_numpy() for name in ("value_low", "value_high", "in_si", "usable", "limit_low"))

    @cached_property
    def _lab_assumptions(self) -> Integers:
        return evidence_bits(self.lab_table["assumptions"])


def bucket(administrations: pa.Table, labs: pa.Table, conditions: pa.Table, procedures: pa.Table, patients: pa.Table) -> Bucket:
    all_tables = (administrations, labs, conditions, procedures, patients)
    (adm_c, lab_c, con_c, pro_c, pat_c), number = _patients([coded.column_of(table["patient_id"]) for table in all_tables])
    adm, con, pro, pat = (chart(table) for table in (administrations, conditions, procedures, patients))
    patient_row = np.full(number, -1, dtype=np.int64)
    patient_row[pat_c] = np.arange(len(pat))
    return Bucket(
        administrations=adm,
        administered=_moments(adm, adm_c, "date_first", "date_last", "instant"),
        lab_table=labs,
        lab_rows=_by_word(labs["analyte"]),
        measured=Moments(lab_c, *(integers(labs[name]) for name in ("instant", "date_first", "date_last"))),
        conditions=con,
        begun=_moments(con, con_c, "date_first", "date_last"),
        ended=_moments(con, con_c, "end_first", "end_last"),
        procedures=pro,
        performed=_moments(pro, pro_c, "date_first", "date_last", "instant"),
        patients=pat,
        patient_row=patient_row,
    )


def _patients(columns: list[Texts]) -> tuple[list[Integers], int]:
    """Of each column the numbers of its patients, in all columns the same; and how many there are."""
    if any((each.codes == coded.NOTHING).any() for each in columns):
        raise AccountingError("a row of a bucket is about no patient")
    ids = pa.concat_arrays([each.texts for each in columns]).dictionary_encode()
    numbers = ids.indices.to_numpy().astype(np.int64)
    parts = np.split(numbers, np.cumsum([len(each.texts) for each in columns])[:-1])
    return [part[each.codes] for part, each in zip(parts, columns, strict=True)], len(ids.dictionary)


def _by_word(column: pa.ChunkedArray) -> dict[str, Integers]:
    """Of each word, the rows that have it."""
    words = coded.column_of(column)
    rows = by_number(words.codes.astype(np.int64) - coded.NOTHING)
    ends = np.searchsorted(words.codes[rows], np.arange(len(words.texts)), side="right")
    starts = np.searchsorted(words.codes[rows], np.arange(len(words.texts)))
    return {word: rows[start:end] for word, start, end in zip(words.texts.to_pylist(), starts, ends, strict=True)}


def _moments(found: Chart, patient: Integers, first: str, last: str, instant: str | None = None) -> Moments:
    never = np.full(len(found), NEVER, dtype=np.int64)
    return Moments(patient, never if instant is None else found.integers(instant), found.integers(first), found.integers(last))
