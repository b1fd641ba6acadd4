"""FHIR date, dateTime and instant of every precision → an instant where there is one, and a range of local dates.

Local dates are those written in the resource, in its own offset. A time of day without offset is read as UTC.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from bonefhir.interval import Flags, Integers

_PATTERN = (
    r"^(?P<year>\d{4})(?:-(?P<month>\d{2})(?:-(?P<day>\d{2})"
    r"(?:T(?P<hour>\d{2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?P<fraction>\.\d+)?)?"
    r"(?P<offset>Z|[+-]\d{2}:\d{2})?)?)?)?$"
)
_DAYS = np.array([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
MICROSECONDS_A_DAY = 86_400_000_000


@dataclass(frozen=True)
class Times:
    """Arrays, one element per text.

    instant     datetime64[us] in UTC; NaT without a time of day
    first, last datetime64[D], first and last possible local date; NaT where nothing could be read
    no_offset   a time of day was written without an offset
    """

    instant: npt.NDArray[np.datetime64]
    first: npt.NDArray[np.datetime64]
    last: npt.NDArray[np.datetime64]
    no_offset: Flags

    @property
    def known(self) -> Flags:
        return ~np.isnat(self.first)

    @property
    def timed(self) -> Flags:
        return ~np.isnat(self.instant)


def parse(texts: "pd.Series[str] | pa.Array") -> Times:
    """Reads each distinct text once. Null and what is no FHIR date gives NaT."""
    array = pa.array(texts, type=pa.string()) if not isinstance(texts, pa.Array | pa.ChunkedArray) else texts
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    encoded = array.cast(pa.string()).dictionary_encode()
    distinct = _parse_distinct(encoded.dictionary)
    codes = encoded.indices.fill_null(len(encoded.dictionary)).to_numpy(zero_copy_only=False)
    return Times(distinct.instant[codes], distinct.first[codes], distinct.last[codes], distinct.no_offset[codes])


def _parse_distinct(texts: pa.Array) -> Times:
    """One more element than texts: the last stands for null."""
    padded = pa.concat_arrays([texts.cast(pa.string()), pa.array([None], pa.string())])
    parts = pc.extract_regex(padded, pattern=_PATTERN)
    year, month, day = (_number(parts, name) for name in ("year", "month", "day"))
    offset = pc.struct_field(parts, "offset").fill_null("")
    has_time = _number(parts, "hour") >= 0
    valid = _valid_date(year, month, day) & _valid_time(parts, has_time)
    first = _days(year, np.where(month < 0, 1, month), np.where(day < 0, 1, day))
    last = _last_day(year, month, day, first)
    instant = np.where(
        valid & has_time, first * MICROSECONDS_A_DAY + _time_of_day(parts) - _offset(offset), np.iinfo(np.int64).min
    )
    no_offset = valid & has_time & pc.equal(offset, "").to_numpy(zero_copy_only=False)
    return Times(
        instant.astype("datetime64[us]"),
        np.where(valid, first, np.iinfo(np.int64).min).astype("datetime64[D]"),
        np.where(valid, last, np.iinfo(np.int64).min).astype("datetime64[D]"),
        no_offset,
    )


def _number(parts: pa.StructArray, name: str) -> Integers:
    """-1 where the part is absent."""
    text = pc.struct_field(parts, name).fill_null("")
    return np.asarray(pc.if_else(pc.equal(text, ""), "-1", text).cast(pa.int64()).to_numpy(zero_copy_only=False))


def _valid_date(year: Integers, month: Integers, day: Integers) -> Flags:
    length = _month_length(year, np.clip(month, 1, 12))
    return np.asarray(
        (year >= 1) & ((month == -1) | ((month >= 1) & (month <= 12))) & ((day == -1) | ((day >= 1) & (day <= length)))
    )


def _valid_time(parts: pa.StructArray, has_time: Flags) -> Flags:
    hour, minute, second = (_number(parts, name) for name in ("hour", "minute", "second"))
    return np.asarray(~has_time | ((hour <= 23) & (minute <= 59) & (second <= 60)))


def _month_length(year: Integers, month: Integers) -> Integers:
    leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    return np.asarray(_DAYS[month - 1] + (leap & (month == 2)))


def _days(year: Integers, month: Integers, day: Integers) -> Integers:
    """Days since 1970-01-01 in the proleptic Gregorian calendar."""
    months = (np.clip(year, 1, 9999) - 1970).astype("datetime64[Y]").astype("datetime64[M]") + (np.clip(month, 1, 12) - 1)
    return np.asarray(months.astype("datetime64[D]").astype(np.int64) + day - 1)


def _last_day(year: Integers, month: Integers, day: Integers, first: Integers) -> Integers:
    month_end = first + _month_length(year, np.clip(month, 1, 12)) - 1
    year_end = _days(year, np.full_like(year, 12), np.full_like(year, 31))
    return np.where(month < 0, year_end, np.where(day < 0, month_end, first))


def _time_of_day(parts: pa.StructArray) -> Integers:
    """Microseconds since midnight. A leap second is read as the second before it."""
    hour, minute, second = (np.maximum(_number(parts, name), 0) for name in ("hour", "minute", "second"))
    fraction = pc.struct_field(parts, "fraction").fill_null("")
    padded = pc.utf8_slice_codeunits(pc.binary_join_element_wise(pc.utf8_ltrim(fraction, "."), "000000", ""), 0, 6)
    micro = padded.cast(pa.int64()).to_numpy(zero_copy_only=False)
    return np.asarray(((hour * 60 + minute) * 60 + np.minimum(second, 59)) * 1_000_000 + micro)


def _offset(offset: pa.Array) -> Integers:
    """Microseconds east of UTC."""
    plain = pc.if_else(pc.is_in(offset, pa.array(["", "Z"])), "+00:00", offset)
    hours = pc.utf8_slice_codeunits(plain, 1, 3).cast(pa.int64()).to_numpy(zero_copy_only=False)
    minutes = pc.utf8_slice_codeunits(plain, 4, 6).cast(pa.int64()).to_numpy(zero_copy_only=False)
    sign = np.where(pc.equal(pc.utf8_slice_codeunits(plain, 0, 1), "-").to_numpy(zero_copy_only=False), -1, 1)
    return np.asarray(sign * (hours * 60 + minutes) * 60_000_000)
