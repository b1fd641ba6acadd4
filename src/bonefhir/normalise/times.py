"""FHIR date, dateTime and instant of every precision → an instant where there is one, and a range of local dates.

Local dates are those written in the resource, in its own offset. A time of day without offset is read as UTC.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

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
_FORMS = (b"0000-00-00T00:00:00+00:00", b"0000-00-00T00:00:00Z", b"0000-00-00")
"""Usual ones: a digit for each 0, a sign for +."""

_PARTS = ("year", "month", "day", "hour", "minute", "second", "micro", "offset", "no_offset")
"""Of a text, as numbers: -1 where one is absent; offset in minutes; no_offset: a time of day stands there without one."""

Narrow = npt.NDArray[np.int32]

_NEVER = np.iinfo(np.int64).min
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

    def of(self, rows: Integers) -> "Times":
        return Times(self.instant[rows], self.first[rows], self.last[rows], self.no_offset[rows])

    @property
    def known(self) -> Flags:
        return ~np.isnat(self.first)

    @property
    def timed(self) -> Flags:
        return ~np.isnat(self.instant)


def parse(texts: "pd.Series[str] | pa.Array") -> Times:
    """Null and what is no FHIR date gives NaT. Texts of a usual form are read as bytes, which is far sooner."""
    array = pa.array(texts, type=pa.string()) if not isinstance(texts, pa.Array | pa.ChunkedArray) else texts
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    array = array.cast(pa.string())
    lengths = pc.binary_length(array).fill_null(0).to_numpy(zero_copy_only=False)
    found, unread = _none(len(array)), lengths > 0
    for form in _FORMS:
        rows = np.flatnonzero(lengths == len(form))
        if len(rows):
            usual, times = _by_bytes(array if len(rows) == len(array) else array.take(pa.array(rows)), form)
            if usual.all() and len(rows) == len(array):
                return times
            _put(found, rows[usual], times.of(np.flatnonzero(usual)))
            unread[rows[usual]] = False
    rows = np.flatnonzero(unread)
    if len(rows):
        rest = array.take(pa.array(rows)).dictionary_encode()
        _put(found, rows, _times(dict(zip(_PARTS, _by_pattern(rest.dictionary), strict=True))).of(rest.indices.to_numpy()))
    return found


def _none(rows: int) -> Times:
    nothing = np.full(rows, _NEVER, dtype=np.int64)
    return Times(
        nothing.astype("datetime64[us]"),
        nothing.astype("datetime64[D]"),
        nothing.astype("datetime64[D]"),
        np.zeros(rows, dtype=bool),
    )


def _put(found: Times, rows: Integers, times: Times) -> None:
    found.instant[rows], found.first[rows], found.last[rows] = times.instant, times.first, times.last
    found.no_offset[rows] = times.no_offset


def _by_bytes(texts: pa.Array, form: bytes) -> tuple[Flags, Times]:
    """texts: all as long as the form. Whether each has that form, and if so its times."""
    start = np.frombuffer(texts.buffers()[1], np.int32)[texts.offset]
    columns = np.frombuffer(texts.buffers()[2], np.uint8, len(texts) * len(form), start).reshape(-1, len(form)).T.copy()
    digits = columns - np.uint8(ord("0"))
    usual = np.ones(len(texts), dtype=bool)
    for column, digit, sign in zip(columns, digits, form, strict=True):
        if sign == ord("+"):
            usual &= (column == sign) | (column == ord("-"))
        else:
            usual &= digit <= 9 if sign == ord("0") else column == sign

    def number(start: int, length: int = 2) -> Narrow:
        found = np.zeros(len(texts), dtype=np.int32)
        for digit in digits[start : start + length]:
            found *= 10
            found += digit
        return np.where(usual, found, 0)

    days, valid = _days_of(number(0, 4), number(5), number(8))
    dates = np.where(valid, days, _NEVER).astype("datetime64[D]")
    if len(form) == len("0000-00-00"):
        return usual, replace(_none(len(texts)), first=dates, last=dates)
    hour, minute, second = number(11), number(14), number(17)
    valid &= (hour <= 23) & (minute <= 59) & (second <= 60)
    dates = np.where(valid, dates, np.datetime64("NaT"))
    seconds = (hour * 60 + minute) * 60 + np.minimum(second, 59)  # a leap second is read as the second before it
    if form[-1:] != b"Z":
        seconds -= np.where(columns[19] == ord("-"), -60, 60) * (number(20) * 60 + number(23))
    instant = np.where(valid, days * MICROSECONDS_A_DAY + seconds.astype(np.int64) * 1_000_000, _NEVER)
    return usual, Times(instant.astype("datetime64[us]"), dates, dates, np.zeros(len(texts), dtype=bool))


def _days_of(year: Narrow, month: Narrow, day: Narrow) -> tuple[Integers, Flags]:
    """Days since 1970-01-01, and whether there is such a day."""
    known = (year >= 1) & (month >= 1) & (month <= 12)
    number = np.where(known, year * 12 + month - 1, 12)
    begins = _months()
    first = begins.take(number)
    return (first + day - 1).astype(np.int64), known & (day >= 1) & (day <= begins.take(number + 1) - first)


@lru_cache(maxsize=1)
def _months() -> Narrow:
    """The days on which the months of the years 0 to 9999 begin, and the one after them."""
    months = np.arange(-1970 * 12, (10_000 - 1970) * 12 + 1)
    return months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int32)


def _by_pattern(texts: pa.Array) -> Integers:
    """Parts of texts of any form; those of null and of what is no date are absent."""
    parts = pc.extract_regex(texts, pattern=_PATTERN)
    offset = pc.struct_field(parts, "offset").fill_null("")
    clock = [_number(parts, name) for name in ("year", "month", "day", "hour", "minute", "second")]
    no_offset = pc.equal(offset, "").to_numpy(zero_copy_only=False) & (clock[3] >= 0)
    return np.array([*clock, _micro(parts), _offset(offset), no_offset], dtype=np.int64)


def _times(part: Mapping[str, Integers]) -> Times:
    year, month, day = part["year"], part["month"], part["day"]
    has_time = part["hour"] >= 0
    valid = _valid_date(year, month, day) & _valid_time(part, has_time)
    first = _days(year, np.where(month < 0, 1, month), np.where(day < 0, 1, day))
    last = _last_day(year, month, day, first)
    instant = first * MICROSECONDS_A_DAY + _time_of_day(part) - part["offset"] * 60_000_000
    return Times(
        np.where(valid & has_time, instant, _NEVER).astype("datetime64[us]"),
        np.where(valid, first, _NEVER).astype("datetime64[D]"),
        np.where(valid, last, _NEVER).astype("datetime64[D]"),
        valid & (part["no_offset"] > 0),
    )


def _number(parts: pa.StructArray, name: str) -> Integers:
    """-1 where the part is absent."""
    text = pc.struct_field(parts, name).fill_null("")
    return np.asarray(pc.if_else(pc.equal(text, ""), "-1", text).cast(pa.int64()).to_numpy(zero_copy_only=False))


def _micro(parts: pa.StructArray) -> Integers:
    fraction = pc.struct_field(parts, "fraction").fill_null("")
    padded = pc.utf8_slice_codeunits(pc.binary_join_element_wise(pc.utf8_ltrim(fraction, "."), "000000", ""), 0, 6)
    return np.asarray(padded.cast(pa.int64()).to_numpy(zero_copy_only=False))


def _valid_date(year: Integers, month: Integers, day: Integers) -> Flags:
    length = _month_length(year, np.clip(month, 1, 12))
    return np.asarray(
        (year >= 1) & ((month == -1) | ((month >= 1) & (month <= 12))) & ((day == -1) | ((day >= 1) & (day <= length)))
    )


def _valid_time(part: Mapping[str, Integers], has_time: Flags) -> Flags:
    return np.asarray(~has_time | ((part["hour"] <= 23) & (part["minute"] <= 59) & (part["second"] <= 60)))


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


def _time_of_day(part: Mapping[str, Integers]) -> Integers:
    """Microseconds since midnight. A leap second is read as the second before it."""
    hour, minute, second = (np.maximum(part[name], 0) for name in ("hour", "minute", "second"))
    return np.asarray(((hour * 60 + minute) * 60 + np.minimum(second, 59)) * 1_000_000 + part["micro"])


def _offset(offset: pa.Array) -> Integers:
    """Minutes east of UTC."""
    plain = pc.if_else(pc.is_in(offset, pa.array(["", "Z"])), "+00:00", offset)
    hours = pc.utf8_slice_codeunits(plain, 1, 3).cast(pa.int64()).to_numpy(zero_copy_only=False)
    minutes = pc.utf8_slice_codeunits(plain, 4, 6).cast(pa.int64()).to_numpy(zero_copy_only=False)
    sign = np.where(pc.equal(pc.utf8_slice_codeunits(plain, 0, 1), "-").to_numpy(zero_copy_only=False), -1, 1)
    return np.asarray(sign * (hours * 60 + minutes))
