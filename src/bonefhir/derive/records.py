"""Several records of one dose: the same dose charted twice, and one dose charted in parts (semantics, section 4)."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

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
    """rows: the doses, one row per kept or merged record. quality: (row of the frame given, kind)."""

    rows: pd.DataFrame
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


def one_row_per_dose(records: pd.DataFrame, when: Moments, limits: Mapping[str, float | None]) -> Records:
    """records: tables.ADMINISTRATIONS as a frame, rows numbered from 0. limits: drug → largest sum of parts, before the 10 %."""
    pairs = _pairs(records, when)
    twice = pairs.overlap & _same_amount(records, pairs)
    kept, superseded = _without_doubles(records, pairs.where(twice))
    alive = np.isin(pairs.a, superseded, invert=True) & np.isin(pairs.b, superseded, invert=True)
    pairs = pairs.where(alive)
    groups = _parts(records, pairs, limits)
    quality = [(int(row), "duplicate-dose") for row in superseded]
    quality += [(int(row), "possible-parts") for row in _apart(records, pairs, groups)]
    return Records(_merged(records, kept, groups), superseded, quality)


def _pairs(records: pd.DataFrame, when: Moments) -> _Pairs:
    groups = records.groupby(["patient_id", "drug"], observed=True, sort=False).ngroup().to_numpy(dtype=np.int64)
    moments = Moments(groups, when.instant, when.first, when.last)
    a, b = around(moments, moments, _LONGEST)
    seq = records["seq"].to_numpy()
    a, b = a[seq[a] < seq[b]], b[seq[a] < seq[b]]
    start, end = when.instant, _ends(records, when)
    first = np.where(start[a] <= start[b], a, b)
    second = np.where(start[a] <= start[b], b, a)
    periods = (end[a] != NEVER) & (end[b] != NEVER)
    gap = np.where(periods, start[second] - end[first], -1)
    exact_day = (when.first[a] == when.last[a]) & (when.first[b] == when.last[b]) & (when.first[a] == when.first[b])
    shared = exact_day & _share_order(records, a, b)
    return _Pairs(a, b, _overlap(when, end, a, b, exact_day), periods & (gap == 0), gap, shared)


def _ends(records: pd.DataFrame, when: Moments) -> Integers:
    """Instant of the end; NEVER where there is no period with times."""
    end = records["end_instant"].to_numpy(dtype="datetime64[us]").astype(np.int64)
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


def _share_order(records: pd.DataFrame, a: Integers, b: Integers) -> Flags:
    request = records["request"].to_numpy(dtype=object)
    parts = records["part_of"].to_numpy(dtype=object)
    same_request = np.array([x is not None and x == y for x, y in zip(request[a], request[b], strict=True)], dtype=bool)
    same_part = [bool(len(x)) and bool(set(x) & set(y)) for x, y in zip(parts[a], parts[b], strict=True)]
    return np.asarray(same_request | np.array(same_part, dtype=bool))


def _same_amount(records: pd.DataFrame, pairs: _Pairs) -> Flags:
    """As charted; unknown amounts are equal to each other."""
    same = np.ones(len(pairs.a), dtype=bool)
    for name in ("amount", "amount_per_kg"):
        values = records[name].to_numpy(dtype=np.float64)
        x, y = values[pairs.a], values[pairs.b]
        same &= (np.isnan(x) & np.isnan(y)) | (np.abs(x - y) <= TOLERANCE)
    return same


def _without_doubles(records: pd.DataFrame, twice: _Pairs) -> tuple[Integers, Integers]:
    """Of records of one dose the one with a product-specific code is kept, else the first in reading order."""
    twins: dict[int, set[int]] = {}
    for a, b in zip(twice.a.tolist(), twice.b.tolist(), strict=True):
        twins.setdefault(a, set()).add(b)
        twins.setdefault(b, set()).add(a)
    specific = records["product_basis"].to_numpy(dtype=object) == "code"
    seq = records["seq"].to_numpy()
    superseded: set[int] = set()
    for row in sorted(twins, key=lambda r: (not specific[r], seq[r])):
        if row not in superseded:
            superseded |= twins[row]
    rows = np.arange(len(records))
    gone = np.array(sorted(superseded), dtype=np.int64)
    return np.setdiff1d(rows, gone), gone


def _parts(records: pd.DataFrame, pairs: _Pairs, limits: Mapping[str, float | None]) -> list[list[int]]:
    """Groups of rows that are parts of one dose, transitively; a group whose sum is too large is no dose."""
    limit = records["drug"].map(dict(limits)).to_numpy(dtype=np.float64)
    has_limit = ~np.isnan(limit[pairs.a])
    close = (pairs.gap >= 0) & (pairs.gap <= _GAP) & has_limit
    linked = ~pairs.overlap & (pairs.shared | close)
    group_of: dict[int, list[int]] = {}
    for a, b in zip(pairs.a[linked].tolist(), pairs.b[linked].tolist(), strict=True):
        joined = sorted({*group_of.get(a, [a]), *group_of.get(b, [b])})
        for row in joined:
            group_of[row] = joined
    groups = {group[0]: group for group in group_of.values()}
    amount = records["amount_top"].to_numpy(dtype=np.float64)
    fits = (g for g in groups.values() if np.isnan(limit[g[0]]) or amount[g].sum() <= _SURPLUS * limit[g[0]] + TOLERANCE)
    return sorted(fits)


def _apart(records: pd.DataFrame, pairs: _Pairs, groups: list[list[int]]) -> Integers:
    """The second, by start and id, of each two records that overlap, touch or share an order, and are no parts of one dose."""
    group_of = {row: number for number, group in enumerate(groups) for row in group}
    near = pairs.where(pairs.overlap | pairs.touch | pairs.shared)
    if not len(near.a):
        return np.empty(0, dtype=np.int64)
    together = [group_of.get(a, -1) == group_of.get(b, -2) for a, b in zip(near.a.tolist(), near.b.tolist(), strict=True)]
    place = np.empty(len(records), dtype=np.int64)
    place[records.sort_values(["date_first", "instant", "id"], na_position="first").index] = np.arange(len(records))
    second = np.where(place[near.a] < place[near.b], near.b, near.a)
    return np.unique(second[~np.array(together, dtype=bool)])


def _merged(records: pd.DataFrame, kept: Integers, groups: list[list[int]]) -> pd.DataFrame:
    """Kept records as they are, and one row per group: starts with the first part, ends with the last."""
    rows = records.assign(merged_ids=[[]] * len(records), stopped=records["status"].to_numpy(dtype=object) == "stopped")
    rows["charted_low"], rows["charted_high"] = rows["amount"], rows["amount_top"]
    rows["amount_low"] = rows["amount"].where(~rows["stopped"] | rows["amount"].isna(), 0.0)
    rows["amount_high"] = rows["amount_top"]
    members = {row for group in groups for row in group}
    single = rows.iloc[[row for row in kept.tolist() if row not in members]]
    if not groups:
        return single.reset_index(drop=True)
    merged = pd.DataFrame([_merge(rows.iloc[group]) for group in groups], columns=single.columns).astype(single.dtypes.to_dict())
    return _without_nan(pd.concat([single, merged], ignore_index=True))


def _without_nan(doses: pd.DataFrame) -> pd.DataFrame:
    """A missing text is None; pandas makes it NaN where it builds rows, and NaN would pass for a route that is known."""
    for name in [name for name, dtype in doses.dtypes.items() if dtype.kind == "O"]:
        values = doses[name].to_numpy(dtype=object).copy()
        values[pd.isna(values)] = None
        doses[name] = pd.Series(values, dtype=object)
    return doses


def _merge(parts: pd.DataFrame) -> "pd.Series[object]":
    """Amounts add, start is the first, end the last, the route the first known, assumptions are those of all.

    A part that was not stopped was given whole, so of a stopped dose at least that.
    """
    parts = parts.sort_values(["instant", "id"], kind="stable")
    dose = parts.iloc[0].copy()
    last = parts.iloc[-1]
    for name in ("amount", "amount_low", "amount_high", "charted_low", "charted_high"):
        dose[name] = parts[name].sum(skipna=False)
    for name in ("end", "end_instant", "end_last"):
        dose[name] = last[name]
    for name in ("route", "product", "request"):
        known = parts[name].dropna()
        dose[name] = known.iloc[0] if len(known) else None
    for name in ("reasons", "reasons_by_text"):
        dose[name] = sorted({reason for each in parts[name] for reason in each})
    dose["stopped"] = bool(parts["stopped"].any())
    dose["status"] = "stopped" if dose["stopped"] else dose["status"]
    dose["amount_problem"] = next((p for p in parts["amount_problem"] if p), "")
    dose["merged_ids"] = parts["id"].tolist()
    dose["reported_amount"] = " + ".join(str(a) for a in parts["reported_amount"])
    dose["weight_assumptions"] = int(np.bitwise_or.reduce(parts["weight_assumptions"].to_numpy()))
    dose["assumptions"] = int(np.bitwise_or.reduce(parts["assumptions"].to_numpy())) | assumption("merged-parts")
    dose["rate_amount"] = dose["rate_volume"] = np.nan
    dose["reported_rate"] = None
    return dose
