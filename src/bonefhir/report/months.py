"""Months of doses, and the axis of those that a trend shows."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from bonefhir.report.control_chart import LEAST_DENOMINATOR, Ints

MONTHS = 36
"""The most that are shown; the last ones."""

Days = NDArray[np.datetime64]


def months_of(first: pa.ChunkedArray, last: pa.ChunkedArray) -> pa.DictionaryArray:
    """'YYYY-MM' of each range of days; null where it is not known to the month. Months are in order."""
    encoded = [column.combine_chunks().dictionary_encode() for column in (first, last)]  # a day stands in many rows
    of_days = [each.dictionary.cast(pa.timestamp("s")).to_numpy(zero_copy_only=False).astype("datetime64[M]") for each in encoded]
    listed = np.unique(np.concatenate(of_days))
    month, end = (_spread(each.indices, np.searchsorted(listed, months)) for each, months in zip(encoded, of_days, strict=True))
    known = (month >= 0) & (month == end)
    used = np.bincount(month[known], minlength=len(listed)) > 0
    indices = (np.cumsum(used, dtype=np.int32) - 1)[month] if len(listed) else month
    texts = pa.array(np.datetime_as_string(listed[used]), pa.string())
    return pa.DictionaryArray.from_arrays(pa.array(indices, mask=~known), texts)


def _spread(codes: pa.Array, numbers: Ints) -> NDArray[np.int32]:
    """The number of each code; -1 where there is none."""
    return np.asarray(np.append(numbers, -1).astype(np.int32)[pc.fill_null(codes, len(numbers)).to_numpy()])


@dataclass(frozen=True)
class Axis:
    """The months shown, and where each dose stands.

    place   of the month of each dose; -1: in none of them
    rank    of each dose by day and time, then as in doses.parquet; -1: not known to the day, or in no month shown
    days    of each dose, the first possible
    """

    months: tuple[str, ...]
    place: Ints
    rank: Ints
    days: Days


def axis_of(doses: pa.Table) -> Axis:
    """From the first to the last month with LEAST_DENOMINATOR doses: one mistyped date must not stretch the axis.

    doses: month, date_first, date_last, instant
    """
    first = days(doses["date_first"])
    column = doses["month"].combine_chunks()
    codes = pc.fill_null(column.indices, -1).to_numpy().astype(np.int64)
    listed = np.array(column.dictionary.to_pylist(), "datetime64[M]")
    full = listed[np.bincount(codes[codes >= 0], minlength=len(listed)) >= LEAST_DENOMINATOR]
    if not len(full):
        none = np.full(doses.num_rows, -1, np.int64)
        return Axis((), none, none, first)
    start = max(full[0], full[-1] - np.timedelta64(MONTHS - 1, "M"))
    places = np.where((listed >= start) & (listed <= full[-1]), (listed - start).astype(np.int64), -1)
    place = np.append(places, -1)[codes]
    del codes  # of a million doses each column is 8 MB
    months = np.datetime_as_string(np.arange(start, full[-1] + np.timedelta64(1, "M"))).tolist()
    rank = np.empty(len(place), np.int64)
    rank[np.lexsort((_instants(doses["instant"]), first))] = np.arange(len(rank))
    rank[(place < 0) | (first != days(doses["date_last"]))] = -1
    return Axis(tuple(months), place, rank, first)


def days(column: pa.ChunkedArray) -> Days:
    found: Days = column.to_numpy()
    return found


def _instants(column: pa.ChunkedArray) -> Ints:
    """Microseconds; where no time of day is known, before all others of the day."""
    found: Ints = pc.fill_null(column.cast(pa.int64()), np.iinfo(np.int64).min).to_numpy()
    return found
