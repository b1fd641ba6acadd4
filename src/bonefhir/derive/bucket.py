"""The normalised tables of one bucket of patients, as arrays with integer patient codes: what every derivation starts from."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from bonefhir import coded
from bonefhir.derive.latest import Labs
from bonefhir.derive.windows import NEVER, Moments, moments
from bonefhir.interval import Integers, Interval
from bonefhir.vocabulary import UNREADABLE, evidence_bits

Objects = npt.NDArray[np.object_]


@dataclass(frozen=True)
class Bucket:
    """One element per row of each table; patients are numbered over all tables of the bucket.

    lab_rows    of each analyte, the rows of the lab table
    """

    administrations: pd.DataFrame
    administered: Moments
    lab_table: pa.Table
    lab_rows: dict[str, Integers]
    measured: Moments
    conditions: pd.DataFrame
    begun: Moments
    ended: Moments
    procedures: pd.DataFrame
    performed: Moments
    patients: pd.DataFrame
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
        low, high, si, usable, limit = (
            self.lab_table[name].to_numpy()[rows] for name in ("value_low", "value_high", "in_si", "usable", "limit_low")
        )
        return Labs(self.measured.take(rows), Interval(low, high), si, usable, self.lab_assumptions[rows], limit, rows)

    @cached_property
    def lab_assumptions(self) -> Integers:
        return evidence_bits(self.lab_table["assumptions"])


def bucket(administrations: pa.Table, labs: pa.Table, conditions: pa.Table, procedures: pa.Table, patients: pa.Table) -> Bucket:
    all_tables = (administrations, labs, conditions, procedures, patients)
    ids = pa.concat_arrays([table["patient_id"].cast(pa.string()).combine_chunks() for table in all_tables]).dictionary_encode()
    codes = ids.indices.to_numpy().astype(np.int64)
    adm_c, lab_c, con_c, pro_c, pat_c = np.split(codes, np.cumsum([len(table) for table in all_tables])[:-1])
    adm, con, pro, pat = (_frame(table) for table in (administrations, conditions, procedures, patients))
    patient_row = np.full(len(ids.dictionary), -1, dtype=np.int64)
    patient_row[pat_c] = np.arange(len(pat))
    return Bucket(
        administrations=adm,
        administered=_moments(adm, adm_c, "date_first", "date_last", "instant"),
        lab_table=labs,
        lab_rows=_by_word(labs["analyte"]),
        measured=Moments(lab_c, *(_integers(labs[name]) for name in ("instant", "date_first", "date_last"))),
        conditions=con,
        begun=_moments(con, con_c, "date_first", "date_last"),
        ended=_moments(con, con_c, "end_first", "end_last"),
        procedures=pro,
        performed=_moments(pro, pro_c, "date_first", "date_last", "instant"),
        patients=pat,
        patient_row=patient_row,
    )


def _by_word(column: pa.ChunkedArray) -> dict[str, Integers]:
    """Of each word, the rows that have it."""
    words = coded.column_of(column)
    rows = np.argsort(words.codes, kind="stable")
    ends = np.searchsorted(words.codes[rows], np.arange(len(words.texts)), side="right")
    starts = np.searchsorted(words.codes[rows], np.arange(len(words.texts)))
    return {word: rows[start:end] for word, start, end in zip(words.texts.to_pylist(), starts, ends, strict=True)}


def _integers(times: pa.ChunkedArray) -> Integers:
    """Days, or microseconds, since 1970; NEVER for none."""
    width = pa.int32() if pa.types.is_date(times.type) else pa.int64()
    return np.asarray(times.cast(width).cast(pa.int64()).fill_null(NEVER).to_numpy())


def _frame(table: pa.Table) -> pd.DataFrame:
    """Dates as datetime64[D]-compatible values, texts as objects with None."""
    columns: dict[str, object] = {}
    for name in table.column_names:
        column = table[name]
        if pa.types.is_date(column.type) or pa.types.is_timestamp(column.type):
            columns[name] = column.cast(pa.timestamp("us")).to_numpy()
        elif pa.types.is_dictionary(column.type) or pa.types.is_string(column.type):
            columns[name] = np.asarray(column.cast(pa.string()).to_numpy(zero_copy_only=False), dtype=object)
        elif pa.types.is_list(column.type):
            columns[name] = pd.Series(column.to_pylist(), dtype=object)
        else:
            columns[name] = column.to_numpy()
    return pd.DataFrame({name: pd.Series(values, dtype=object if _is_text(values) else None) for name, values in columns.items()})


def _is_text(values: object) -> bool:
    return isinstance(values, np.ndarray | pd.Series) and values.dtype.kind == "O"


def _moments(frame: pd.DataFrame, patient: Integers, first: str, last: str, instant: str | None = None) -> Moments:
    nothing = np.full(len(frame), "NaT", dtype="datetime64[us]")
    return moments(
        patient,
        nothing if instant is None else frame[instant].to_numpy(dtype="datetime64[us]"),
        frame[first].to_numpy(dtype="datetime64[D]"),
        frame[last].to_numpy(dtype="datetime64[D]"),
    )
