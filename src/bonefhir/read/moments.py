"""Dates and times of FHIR as text: only whether they are well formed. What they mean is decided later.

Accepted: date, dateTime, instant of any precision. Beyond FHIR, because completed before the conformance check:
a time without seconds, a time without an offset. The year 0000, 24:00, 30 February, blanks and digits of other
scripts are none.
"""

import re
from datetime import date

_TIME = rb"T(?:[01]\d|2[0-3]):[0-5]\d(?::(?:[0-5]\d|60)(?:\.\d{1,20})?)?(?:Z|[+-](?:0\d|1[0-3]):[0-5]\d|[+-]14:00)?"
_TO_THE_DAY = re.compile(rb'"\d{4}-\d\d-\d\d(?:' + _TIME + rb')?"')
_PARTIAL = re.compile(rb'"(?!0000)\d{4}(?:-(?:0[1-9]|1[0-2]))?"')
_DATE = re.compile(rb'"\d{4}-\d\d-\d\d"')

UNFINISHED = re.compile(rb'"(\d{4}-\d\d-\d\dT\d\d:\d\d)(:\d\d(?:\.\d+)?)?(Z|[+-]\d\d:\d\d)?"')
"""A dateTime with a time, in groups: to the minute, seconds, offset."""


class _Days(dict[bytes, bool]):
    """YYYY-MM-DD → is a day of the calendar. Few distinct ones in a run, so each is looked at once."""

    def __missing__(self, text: bytes) -> bool:
        try:
            date.fromisoformat(text.decode("ascii"))
            found = True
        except ValueError:
            found = False
        if len(self) > 200_000:
            self.clear()
        self[text] = found
        return found


_DAYS = _Days()


def date_time(raw: bytes) -> str | None:
    """The text of a JSON string that is a date or dateTime; null if it is none."""
    if _TO_THE_DAY.fullmatch(raw):
        return raw[1:-1].decode("ascii") if _DAYS[raw[1:11]] else None
    return raw[1:-1].decode("ascii") if _PARTIAL.fullmatch(raw) else None


def without_seconds(text: str) -> bool:
    """A time to the minute: no FHIR, but understood."""
    return len(text) > 10 and text[16:17] != ":"


def day(raw: bytes) -> str | None:
    """The same for a date: no time of day."""
    if _DATE.fullmatch(raw) or _PARTIAL.fullmatch(raw):
        return date_time(raw)
    return None


def complete(raw: bytes) -> bytes:
    """raw with every dateTime that has a time completed by `:00` seconds and the offset `Z` where they are missing."""

    def finish(match: re.Match[bytes]) -> bytes:
        if match[2] is not None and match[3] is not None:
            return match[0]
        return b'"' + match[1] + (match[2] or b":00") + (match[3] or b"Z") + b'"'

    return UNFINISHED.sub(finish, raw)
