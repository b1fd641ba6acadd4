"""Times of FHIR, and the relations of semantics.md, section 2, between them."""

import calendar
import re
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta, timezone

SHAPE = re.compile(
    r"(\d{4})(?:-(\d{2})(?:-(\d{2})(?:T(\d{2}):(\d{2})(?::(\d{2})(\.\d+)?)?(Z|[+-]\d{2}:\d{2})?)?)?)?\Z",
    re.ASCII,
)


@dataclass(frozen=True)
class Moment:
    """A time as written: the range of its local calendar dates, and the instant where it has a time of day."""

    written: str
    first: date
    last: date
    instant: datetime | None = None
    no_offset: bool = False

    @property
    def partial(self) -> bool:
        """'`YYYY-MM` or `YYYY`: a range of dates'."""
        return self.first != self.last

    def on(self, day: date) -> "Moment":
        """The same, had the full date been written."""
        return replace(self, first=day, last=day)


def moment(written: object) -> Moment | None:
    """'FHIR `date`/`dateTime`/`instant` of any precision.' None: not one."""
    found = SHAPE.match(written) if isinstance(written, str) else None
    if found is None:
        return None
    year, month, day, hour, minute, second, fraction, offset = found.groups()
    try:
        if month is None:
            return Moment(found.string, date(int(year), 1, 1), date(int(year), 12, 31))
        if day is None:
            first = date(int(year), int(month), 1)
            return Moment(found.string, first, first.replace(day=calendar.monthrange(first.year, first.month)[1]))
        local = date(int(year), int(month), int(day))
        if hour is None:
            return Moment(found.string, local, local)
        instant = _instant(local, int(hour), int(minute), int(second or 0), float(fraction or 0), offset)
    except (ValueError, OverflowError):
        return None
    return Moment(found.string, local, local, instant, offset is None)


def _instant(local: date, hour: int, minute: int, second: int, fraction: float, offset: str | None) -> datetime:
    """'With a time but no offset: treated as UTC.' A leap second is the second after :59."""
    zone = UTC
    if offset not in (None, "Z"):
        hours, minutes = offset[1:].split(":")
        shift = timedelta(hours=int(hours), minutes=int(minutes))
        zone = timezone(-shift if offset[0] == "-" else shift)
    if second == 60:
        second, fraction = 59, 1.0
    start = datetime(local.year, local.month, local.day, hour, minute, second, tzinfo=zone)
    return (start + timedelta(microseconds=int(fraction * 1_000_000))).astimezone(UTC)


def certainly_before(lab: Moment, dose: Moment) -> bool:
    """'A lab counts as before a dose if its instant ≤ the dose's start; where either has only a date, if its date ≤ the
    dose's date'; of a range of dates, the whole."""
    if lab.instant and dose.instant:
        return lab.instant <= dose.instant
    return lab.last <= dose.first


def possibly_before(lab: Moment, dose: Moment) -> bool:
    """As above, for some date of the range."""
    if lab.instant and dose.instant:
        return lab.instant <= dose.instant
    return lab.first <= dose.last


def certainly_later(one: Moment, other: Moment) -> bool:
    """'Order of labs: by instant if both have a time, else by local date.'"""
    if one.instant and other.instant:
        return one.instant > other.instant
    return one.first > other.last


def days_between(earlier: Moment, later: Moment) -> tuple[int, int]:
    """The least and the greatest difference of the local calendar dates."""
    return (later.first - earlier.last).days, (later.last - earlier.first).days


def placed(lab: Moment, dose: Moment, days: int) -> str:
    """'certain', 'possible' or 'no': is the lab before the dose and at most `days` old?

    'Age of a lab in days = dose date - lab date (local calendar dates; below 0 counts as 0). A window of N days includes N.'
    'A lab whose whole range is before the dose and in the window is a candidate.'
    """
    youngest, oldest = days_between(lab, dose)
    if certainly_before(lab, dose) and oldest <= days:
        return "certain"
    if possibly_before(lab, dose) and youngest <= days:
        return "possible"
    return "no"


def placed_after(lab: Moment, dose: Moment, from_days: int, to_days: int) -> str:
    """The same for the days `from_days` to `to_days` after the dose's date."""
    least, greatest = days_between(dose, lab)
    if from_days <= least and greatest <= to_days:
        return "certain"
    return "possible" if least <= to_days and greatest >= from_days else "no"


def completed_years(birth: date, day: date) -> int:
    """'Patient age: completed years on the dose's date.'"""
    return day.year - birth.year - ((day.month, day.day) < (birth.month, birth.day))


def minutes_between(start: Moment, end: Moment) -> float | None:
    """'Infusion duration in minutes = end - start, when both have a time of day.'"""
    if start.instant is None or end.instant is None:
        return None
    return (end.instant - start.instant).total_seconds() / 60
