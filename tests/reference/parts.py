"""The same dose twice, and one dose in several records. semantics.md, section 4."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cmp_to_key

from tests.reference.catalogue import Catalogue, Drug
from tests.reference.charted import Amounts, Charted, written_per_kg
from tests.reference.evidence import Quantity
from tests.reference.intervals import Interval, at_most, same
from tests.reference.moments import Moment, minutes_between


@dataclass(frozen=True)
class Group:
    """One dose in one or several records, the first by start."""

    records: tuple[Charted, ...]
    amounts: Amounts

    @property
    def head(self) -> Charted:
        return self.records[0]


def in_order(one: tuple[Moment, str], other: tuple[Moment, str]) -> int:
    """'ordered by start (a date without a time comes first on its day; ties by id)': by instant if both have a time, else by
    local date, the less precise first."""
    (a, a_id), (b, b_id) = one, other
    if a.instant and b.instant:
        if a.instant != b.instant:
            return -1 if a.instant < b.instant else 1
    else:
        keys = [(m.first, -m.last.toordinal(), m.instant is not None) for m in (a, b)]
        if keys[0] != keys[1]:
            return -1 if keys[0] < keys[1] else 1
    return (a_id > b_id) - (a_id < b_id)


def by_start(records: list[Charted]) -> list[Charted]:
    def compared(a: Charted, b: Charted) -> int:
        return in_order((a.start, a.id), (b.start, b.id))

    return sorted(records, key=cmp_to_key(compared))


# ---- the same dose twice


def without_doubles(records: list[Charted], charted: Callable[[Charted], Quantity], catalogue: Catalogue) -> list[Charted]:
    """'same patient and drug and charted amount under different ids, and the same start or overlapping periods: one is kept (the
    one with a product-specific code, else the first in reading order)'"""
    kept: list[Charted] = []
    for record in sorted(records, key=lambda r: (r.specific is None, r.position)):
        if not any(overlap(record, other) and same_amount(record, other, charted, catalogue) for other in kept):
            kept.append(record)
    return kept


def same_amount(one: Charted, other: Charted, charted: Callable[[Charted], Quantity], catalogue: Catalogue) -> bool:
    """'unknown amounts are equal to each other'; a dose per kg is known as charted, also without a weight"""
    a, b = charted(one), charted(other)
    if a.interval and b.interval:
        return same(a.low, b.low) and same(a.high, b.high)
    per_kg = [written_per_kg(record, catalogue) for record in (one, other)]
    if per_kg[0] is not None and per_kg[1] is not None:
        return abs(per_kg[0] - per_kg[1]) < 1e-12
    return a.interval is None and b.interval is None and per_kg == [None, None]


def overlap(one: Charted, other: Charted) -> bool:
    """'the same start or overlapping periods (an instant inside the other's period, and a date without a time on the other's
    date, overlap)'; of a partial date nobody can say so"""
    if one.start.partial or other.start.partial:
        return False
    if one.start.instant is None or other.start.instant is None:
        return one.start.first <= _last_day(other) and other.start.first <= _last_day(one)
    if one.start.instant == other.start.instant:
        return True
    a, b, a_end, b_end = one.start.instant, other.start.instant, _end(one), _end(other)
    if a_end is None:
        return b_end is not None and b <= a <= b_end
    if b_end is None:
        return a <= b <= a_end
    return max(a, b) < min(a_end, b_end)


def _end(record: Charted) -> datetime | None:
    """The end of a period with times; None: an instant."""
    if record.end is None or record.end.instant is None or record.start.instant is None:
        return None
    return record.end.instant if record.end.instant > record.start.instant else None


def _last_day(record: Charted) -> date:
    return max(record.end.last, record.start.last) if record.end else record.start.last


# ---- one dose in several records


def parts_limit(drug: Drug, catalogue: Catalogue) -> float | None:
    """'the largest amount of (b) for the drug (pamidronate 90 mg, ibandronate 6 mg; other drugs: only (i), without a limit)'"""
    if drug.parts_limit is not None:
        return drug.parts_limit
    return max((amount for name in drug.products for amount in catalogue.products[name].label_amounts), default=None)


def are_parts(one: Charted, other: Charted, limited: bool) -> bool:
    """'(i) they share `partOf` or `request`, start on one local date and do not overlap, or (ii) both have periods with times
    that do not overlap, with a gap of at most 2 hours'"""
    if overlap(one, other):
        return False
    one_day = not one.start.partial and not other.start.partial and one.start.first == other.start.first
    if one.orders & other.orders and one_day:
        return True
    earlier, later = by_start([one, other])
    end, start = _end(earlier), later.start.instant
    if not limited or end is None or _end(later) is None or start is None:
        return False
    return timedelta(0) <= start - end <= timedelta(hours=2)


def grouped(records: list[Charted], catalogue: Catalogue, amounts_of: Callable[[Charted], Amounts]) -> list[Group]:
    """The records of one patient and drug as doses. 'Transitive'; 'in both cases the sum of all parts is at most the largest
    amount plus 10 %'; 'Records that … are not parts stay apart'."""
    groups: list[Group] = []
    for component in _components(records, parts_limit(records[0].drug, catalogue)):
        ordered = by_start(component)
        limit = parts_limit(records[0].drug, catalogue)
        if len(ordered) > 1 and _within(ordered, limit, amounts_of):
            groups.append(Group(tuple(ordered), _merged(ordered, amounts_of)))
        else:
            groups += [Group((record,), amounts_of(record)) for record in ordered]
    return groups


def _components(records: list[Charted], limit: float | None) -> list[list[Charted]]:
    components: list[list[Charted]] = []
    for record in records:
        touching = [c for c in components if any(are_parts(record, other, limit is not None) for other in c)]
        components = [c for c in components if c not in touching] + [[record, *(other for c in touching for other in c)]]
    return components


def _within(records: list[Charted], limit: float | None, amounts_of: Callable[[Charted], Amounts]) -> bool:
    if limit is None:
        return True
    charted = [amounts_of(record).charted for record in records]
    return all(c.interval for c in charted) and at_most(sum(c.high for c in charted), 1.1 * limit)


def _merged(records: list[Charted], amounts_of: Callable[[Charted], Amounts]) -> Amounts:
    """'Amounts add, start is the first, end the last (unknown if the last part has none), stopped if any is'. The amounts given
    add: a part that was not stopped was given whole."""
    stopped = any(record.stopped for record in records)
    end = records[-1].end
    minutes = minutes_between(records[0].start, end) if end else None
    duration = Quantity(Interval(minutes, float("inf") if stopped else minutes)) if minutes and minutes > 0 else None
    return Amounts(
        charted=_sum([amounts_of(record).charted for record in records]),
        amount=_sum([amounts_of(record).amount for record in records]),
        duration=duration or Quantity(None, ("no-duration",)),
    )


def _sum(amounts: list[Quantity]) -> Quantity:
    missing = tuple(dict.fromkeys(reason for amount in amounts for reason in amount.missing))
    if missing:
        return Quantity(None, missing)
    return Quantity(Interval(sum(a.low for a in amounts), sum(a.high for a in amounts)))
