"""Several records of one dose: the same dose charted twice, and one dose charted in parts (semantics, section 4)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from bonefhir.coded import NOTHING, Lists, Texts, arrow, column_of, rank
from bonefhir.derive.chart import Chart
from bonefhir.derive.windows import NEVER, Moments, around
from bonefhir.interval import TOLERANCE, Flags, Integers
from bonefhir.vocabulary import assumption

_GAP = 2 * 3600 * 1_000_000
"""Microseconds between two parts of one dose, at most."""
_SURPLUS = 1.1
"""Parts may sum to the largest labelled amount plus 10 %."""
_LONGEST = 7
"""Days: an infusion that is longer is not looked at as overlapping another."""


@dataclass(frozen=True)
class Records:
    """doses: one row per kept or merged record. source: of each, the row of the records given that it starts with.

    quality     (row of the records given, kind)
    """

    doses: Chart
    source: Integers
    superseded: Integers
    quality: list[tuple[int, str]]


@dataclass(frozen=True)
class _Pairs:
    """Two different records of one patient and drug, a before b in reading order."""

    a: Integers
    b: Integers
    overlap: Flags
    touch: Flags
    gap: Integers
    shared: Flags

    def where(self, keep: Flags) -> "_Pairs":
        return _Pairs(self.a[keep], self.b[keep], self.overlap[keep], self.touch[keep], self.gap[keep], self.shared[keep])


def one_row_per_dose(records: Chart, when: Moments, limits: Mapping[str, float | None]) -> Records:
    """records: tables.ADMINISTRATIONS, with amounts as ranges. limits: drug → largest sum of parts, before the 10 %."""
    pairs = _pairs(records, when)
    twice = pairs.overlap & _same_amount(records, pairs)
    kept, superseded = _without_doubles(records, pairs.where(twice))
    alive = np.isin(pairs.a, superseded, invert=True) & np.isin(pairs.b, superseded, invert=True)
    pairs = pairs.where(alive)
    groups = _parts(records, pairs, limits)
    quality = [(int(row), "duplicate-dose") for row in superseded]
    quality += [(int(row), "possible-parts") for row in _apart(records, when, pairs, groups)]
    doses, source = _merged(records, kept, groups)
    return Records(doses, source, superseded, quality)


def _pairs(records: Chart, when: Moments) -> _Pairs:
    drug = records.words("drug")
    moments = Moments(when.patient * len(drug.kinds) + drug.codes, when.instant, when.first, when.last)
    a, b = around(moments, moments, _LONGEST)
    seq = records.integers("seq")
    earlier = seq[a] < seq[b]
    a, b = a[earlier], b[earlier]
    start, end = when.instant, _ends(records, when)
    first = np.where(start[a] <= start[b], a, b)
    second = np.where(start[a] <= start[b], b, a)
    periods = (end[a] != NEVER) & (end[b] != NEVER)
    gap = np.where(periods, start[second] - end[first], -1)
    exact_day = (when.first[a] == when.last[a]) & (when.first[b] == when.last[b]) & (when.first[a] == when.first[b])
    shared = exact_day & _share_order(records, a, b)
    return _Pairs(a, b, _overlap(when, end, a, b, exact_day), periods & (gap == 0), gap, shared)


def _ends(records: Chart, when: Moments) -> Integers:
    """Instant of the end; NEVER where there is no period with times."""
    end = records.integers("end_instant")
    return np.where(when.timed & (end > when.instant), end, NEVER)


def _overlap(when: Moments, end: Integers, a: Integers, b: Integers, exact_day: Flags) -> Flags:
    """Same start, or periods that overlap; an instant in a period and a bare date on the other's date overlap it."""
    start = when.instant
    both = when.timed[a] & when.timed[b]
    period_a, period_b = end[a] != NEVER, end[b] != NEVER
    periods = period_a & period_b & (start[a] < end[b]) & (start[b] < end[a])
    b_in_a = period_a & ~period_b & (start[a] <= start[b]) & (start[b] <= end[a])
    a_in_b = period_b & ~period_a & (start[b] <= start[a]) & (start[a] <= end[b])
    return np.asarray(np.where(both, (start[a] == start[b]) | periods | b_in_a | a_in_b, exact_day))


def _share_order(records: Chart, a: Integers, b: Integers) -> Flags:
    request = records.texts["request"]
    requests = (arrow(replace(request, codes=request.codes[rows])).cast(pa.string()) for rows in (a, b))
    same = pc.equal(*requests).fill_null(False).to_numpy(zero_copy_only=False)
    return np.asarray(same | _share_part(records.lists["part_of"], a, b))


def _share_part(parts: Lists, a: Integers, b: Integers) -> Flags:
    """Some text stands in the lists of both."""
    sizes = np.diff(parts.offsets)
    flags = np.zeros(len(a), dtype=bool)
    for number in np.flatnonzero((sizes[a] > 0) & (sizes[b] > 0)).tolist():
        flags[number] = bool({*_list(parts, a[number])} & {*_list(parts, b[number])})
    return flags


def _list(lists: Lists, row: int) -> list[str]:
    words: Texts = lists.values  # type: ignore[assignment]
    return [words.texts[code].as_py() for code in words.codes[lists.offsets[row] : lists.offsets[row + 1]].tolist()]


def _same_amount(records: Chart, pairs: _Pairs) -> Flags:
    """As charted; unknown amounts are equal to each other."""
    same = np.ones(len(pairs.a), dtype=bool)
    for name in ("amount", "amount_per_kg"):
        values = records.floats(name)
        x, y = values[pairs.a], values[pairs.b]
        same &= (np.isnan(x) & np.isnan(y)) | (np.abs(x - y) <= TOLERANCE)
    return same


def _without_doubles(records: Chart, twice: _Pairs) -> tuple[Integers, Integers]:
    """Of records of one dose the one with a product-specific code is kept, else the first in reading order."""
    twins: dict[int, set[int]] = {}
    for a, b in zip(twice.a.tolist(), twice.b.tolist(), strict=True):
        twins.setdefault(a, set()).add(b)
        twins.setdefault(b, set()).add(a)
    specific = records.words("product_basis").among(["code"])
    seq = records.integers("seq")
    superseded: set[int] = set()
    for row in sorted(twins, key=lambda r: (not specific[r], seq[r])):
        if row not in superseded:
            superseded |= twins[row]
    rows = np.arange(len(records))
    gone = np.array(sorted(superseded), dtype=np.int64)
    return np.setdiff1d(rows, gone), gone


def _parts(records: Chart, pairs: _Pairs, limits: Mapping[str, float | None]) -> list[list[int]]:
    """Groups of rows that are parts of one dose, transitively; a group whose sum is too large is no dose."""
    most = {drug: np.nan if limit is None else limit for drug, limit in limits.items()}
    limit = records.words("drug").each(lambda drug: most[str(drug)], np.float64)
    has_limit = ~np.isnan(limit[pairs.a])
    close = (pairs.gap >= 0) & (pairs.gap <= _GAP) & has_limit
    linked = ~pairs.overlap & (pairs.shared | close)
    group_of: dict[int, list[int]] = {}
    for a, b in zip(pairs.a[linked].tolist(), pairs.b[linked].tolist(), strict=True):
        joined = sorted({*group_of.get(a, [a]), *group_of.get(b, [b])})
        for row in joined:
            group_of[row] = joined
    groups = {group[0]: group for group in group_of.values()}
    amount = records.floats("amount_top")
    fits = (g for g in groups.values() if np.isnan(limit[g[0]]) or amount[g].sum() <= _SURPLUS * limit[g[0]] + TOLERANCE)
    return sorted(fits)


def _apart(records: Chart, when: Moments, pairs: _Pairs, groups: list[list[int]]) -> Integers:
    """The second, by start and id, of each two records that overlap, touch or share an order, and are no parts of one dose."""
    group_of = {row: number for number, group in enumerate(groups) for row in group}
    near = pairs.where(pairs.overlap | pairs.touch | pairs.shared)
    if not len(near.a):
        return np.empty(0, dtype=np.int64)
    together = [group_of.get(a, -1) == group_of.get(b, -2) for a, b in zip(near.a.tolist(), near.b.tolist(), strict=True)]
    place = np.empty(len(records), dtype=np.int64)
    place[np.lexsort((rank(records.texts["id"]), when.instant, when.first))] = np.arange(len(records))
    second = np.where(place[near.a] < place[near.b], near.b, near.a)
    return np.unique(second[~np.array(together, dtype=bool)])


# ------------------------------------------------------------------------------------------------------------- merged


def _merged(records: Chart, kept: Integers, groups: list[list[int]]) -> tuple[Chart, Integers]:
    """Kept records as they are, and one row per group: starts with the first part, ends with the last."""
    stopped = records.words("status").among(["stopped"])
    amount, top = records.floats("amount"), records.floats("amount_top")
    low = np.where(stopped & ~np.isnan(amount), 0.0, amount)
    records = records.told(
        {"stopped": stopped, "charted_low": amount, "charted_high": top, "amount_low": low, "amount_high": top},
        lists={"merged_ids": Lists(np.zeros(len(records) + 1, dtype=np.int64), column_of(pa.array([], pa.string())))},
    )
    if not groups:
        return (records if len(kept) == len(records) else records.take(kept)), kept
    groups = [_by_start(records, group) for group in groups]
    single = np.setdiff1d(kept, np.concatenate(groups))
    source = np.concatenate([single, [group[0] for group in groups]])
    return _together(records, records.take(source), len(single), groups), source


def _by_start(records: Chart, group: Iterable[int]) -> list[int]:
    """Those without a time last."""
    instant, ids = records.integers("instant"), records.texts["id"]
    return sorted(group, key=lambda row: (instant[row] == NEVER, instant[row], ids.texts[int(ids.codes[row])].as_py()))


def _together(records: Chart, doses: Chart, single: int, groups: Sequence[list[int]]) -> Chart:
    """Amounts add, start is the first, end the last, the route the first known, assumptions are those of all.

    A part that was not stopped was given whole, so of a stopped dose at least that.
    """
    last = np.array([group[-1] for group in groups])
    numbers, texts = records.numbers, records.texts

    def merged(name: str, values: Iterable[object]) -> npt.NDArray[np.generic]:
        return np.concatenate([doses.numbers[name][:single], np.array(list(values), dtype=doses.numbers[name].dtype)])

    own = {n: merged(n, (numbers[n][group].sum() for group in groups)) for n in _SUMS}
    own |= {name: merged(name, numbers[name][last]) for name in ("end_instant", "end_last")}
    own |= {n: merged(n, (np.bitwise_or.reduce(numbers[n][group]) for group in groups)) for n in ("weight_assumptions",)}
    own["assumptions"] = merged(
        "assumptions", (np.bitwise_or.reduce(numbers["assumptions"][group]) | assumption("merged-parts") for group in groups)
    )
    own["stopped"] = merged("stopped", (numbers["stopped"][group].any() for group in groups))
    own["absent"] = merged("absent", (next((a for a in numbers["absent"][group] if a), 0) for group in groups))
    own |= {name: merged(name, [np.nan] * len(groups)) for name in ("rate_amount", "rate_volume")}
    first_known = {name: _known(texts[name], doses.texts[name], single, groups) for name in ("route", "product", "request")}
    ends = texts["end"].codes
    first_known["end"] = replace(texts["end"], codes=np.concatenate([doses.texts["end"].codes[:single], ends[last]]))
    return doses.told(own, first_known | _texts(records, doses, single, groups), _lists(records, doses, single, groups))


_SUMS = ("amount", "amount_low", "amount_high", "charted_low", "charted_high")


def _known(texts: Texts, doses: Texts, single: int, groups: Sequence[list[int]]) -> Texts:
    """Of the parts of a dose the first that is known."""
    found = [next((code for code in texts.codes[group] if code != NOTHING), NOTHING) for group in groups]
    return replace(texts, codes=np.concatenate([doses.codes[:single], np.array(found, dtype=np.int32)]))


def _texts(records: Chart, doses: Chart, single: int, groups: Sequence[list[int]]) -> dict[str, Texts]:
    """The amounts as written, one after the other; no rate; the dose is stopped if a part was."""
    amounts = [" + ".join(str(_text(records.texts["reported_amount"], row)) for row in group) for group in groups]
    status = [
        "stopped" if records.flags("stopped")[group].any() else _text(records.texts["status"], group[0]) for group in groups
    ]
    found: dict[str, list[str | None]] = {
        "reported_amount": [*amounts],
        "reported_rate": [None] * len(groups),
        "status": status,
    }
    return {name: _continued(doses.texts[name], single, values) for name, values in found.items()}


def _text(texts: Texts, row: int) -> str | None:
    return None if texts.codes[row] == NOTHING else str(texts.texts[int(texts.codes[row])])


def _continued(texts: Texts, single: int, values: Sequence[str | None]) -> Texts:
    """The first ones, and then these."""
    more = column_of(pa.array(values, pa.string()))
    codes = np.where(more.codes == NOTHING, NOTHING, more.codes + len(texts.texts)).astype(np.int32)
    return Texts(np.concatenate([texts.codes[:single], codes]), pa.concat_arrays([texts.texts, more.texts]), distinct=False)


def _lists(records: Chart, doses: Chart, single: int, groups: Sequence[list[int]]) -> dict[str, Lists]:
    """Of all parts the reasons, each once, and the ids."""
    lists = {name: records.lists[name] for name in ("reasons", "reasons_by_text")}
    found = {
        name: [sorted({word for row in group for word in _list(each, row)}) for group in groups] for name, each in lists.items()
    }
    found["merged_ids"] = [[str(_text(records.texts["id"], row)) for row in group] for group in groups]
    return {name: _longer(doses.lists[name], single, values) for name, values in found.items()}


def _longer(lists: Lists, single: int, values: Sequence[Sequence[str]]) -> Lists:
    """The first ones, and then these."""
    words: Texts = lists.values  # type: ignore[assignment]
    offsets = lists.offsets[: single + 1]
    kept = replace(words, codes=words.codes[offsets[0] : offsets[-1]])
    ends = offsets[-1] + np.cumsum([len(each) for each in values])
    flat = [word for each in values for word in each]
    return Lists(np.concatenate([offsets, ends]) - offsets[0], _continued(kept, len(kept), flat))
