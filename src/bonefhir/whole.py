"""What only the whole input can tell, found before patients are dealt with bucket by bucket: a few columns of it, never all.

    urns         resources whose patient is a urn that their Bundle does not know: who it is, so which bucket they belong to
    versions     resources of one id in several buckets: which is the newest
    Medications  what each of them is
    reasons      Conditions that stand in another bucket than the dose that names them

All of it is left in normalised/, and read by every process that works on a bucket.
"""

import json
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from bonefhir import conform, ledger, records, shards, tables
from bonefhir.copies import copied
from bonefhir.dealt import OF_PATIENTS, WITH_IDS, ids_of, read_rows, write_rows
from bonefhir.interval import Flags
from bonefhir.normalise import references
from bonefhir.normalise.everywhere import Medications, Others, reasons_elsewhere, resolve_medications
from bonefhir.normalise.inputs import Check
from bonefhir.normalise.versions import NONE_ELSEWHERE, Elsewhere, across, joined
from bonefhir.run import Run, write_json
from bonefhir.scanned import URNS, Dealt, Part, Scanned, in_reading_order, index
from bonefhir.shards import Numbers
from bonefhir.tables import Column, Table

IDS_AT_A_TIME = 2_000_000
"""Compared with each other: 14 bytes each, and twice 8."""

DOSE = 7
"""Resources that a dose counts for: its verdicts and their evidence take the room of so many."""

Keys = npt.NDArray[np.uint64]

_WHOLE = "whole.json"

MEDICATIONS = Table(
    "medications",
    "one row per Medication that a dose may refer to",
    (
        Column("reference", pa.string(), "'Medication/<id>'"),
        Column("medication", pa.string(), "as in medications_read"),
        Column("problem", pa.string(), "why a dose of it must be rejected; '': it need not"),
    ),
)
VERSIONS = Table(
    "versions",
    "one row per resource under whose id others stand in another bucket",
    (
        Column("seq", pa.int64(), "place in the reading order"),
        Column("superseded", pa.bool_(), "there is a newer one"),
        Column("kinds", tables.TEXTS, "what must be said of it"),
    ),
)


def deal(run: Run) -> list[tuple[int, int]]:
    """Finds all of this, and decides which shards make a bucket. Returns their first and the one after their last."""
    scanned = Scanned(run)
    index(run, [*scanned.parts, *_of_urns(run, scanned.parts)])
    dealt = Dealt(run)
    cut = shards.buckets(_sizes(dealt), run.bucket_size)
    bucket_of = np.repeat(np.arange(len(cut)), [last - first for first, last in cut])
    check = checking(run)
    _store_medications(run, resolve_medications(scanned.table(tables.MEDICATIONS_READ), run.knowledge, check, run.file_names))
    found, named = NONE_ELSEWHERE, tables.CONDITIONS_READ.empty()
    if len(cut) > 1:
        found, named = _versions(dealt, bucket_of), _named_elsewhere(dealt, bucket_of)
    _store_versions(run, found)
    said = reasons_elsewhere(named, found, run.knowledge, check)
    write_json(_folder(run) / _WHOLE, {"conditions": said, "buckets": cut})
    return cut


def checking(run: Run) -> Check | None:
    """How evidence is checked; null: the settings want none to be."""
    if run.settings.conformance == "none":
        return None
    return partial(conform.check, {file.number: file for file in run.files}, copies=partial(copied, run))


def _sizes(dealt: Dealt) -> Numbers:
    """Resources of each shard."""
    weights = {table: DOSE if table is tables.ADMINISTRATIONS_READ else 1 for table in OF_PATIENTS}
    return np.asarray(sum(weight * np.diff(dealt.starts(table).sum(axis=0)) for table, weight in weights.items()))


def bucket(run: Run, number: int) -> tuple[dict[str, pa.Table], Others]:
    """The read tables of a bucket of patients, by name, with their references resolved; and what concerns them."""
    about = json.loads((_folder(run) / _WHOLE).read_text(encoding="utf-8"))
    dealt, (first, last) = Dealt(run), about["buckets"][number]
    read = dealt.rows(first, last)
    urns = set().union(*map(references.urns, read.values()))
    if urns:
        targets = _targets(dealt.parts, urns)
        read = {name: references.resolve(rows, targets) for name, rows in read.items()}
    medications = _medications(run, read[tables.ADMINISTRATIONS_READ.name]["medication_ref"])
    return read, Others(medications, _read_versions(run), about["conditions"])


# ------------------------------------------------------------------------------------------------------------------ urns


def _targets(parts: Sequence[Part], urns: set[str]) -> dict[str, str]:
    """Of each urn the 'Type/<id>' that it stands for. Of several the first in reading order counts."""
    targets: dict[str, str] = {}
    if urns:
        wanted = pa.array(sorted(urns), pa.string())
        for part in parts:
            rows = part.rows(tables.FULL_URLS)
            rows = rows.filter(pc.is_in(rows["url"], wanted))
            for url, target in zip(rows["url"].to_pylist(), rows["target"].to_pylist(), strict=True):
                targets.setdefault(url, target)
    return targets


def _of_urns(run: Run, parts: Sequence[Part]) -> Iterator[Part]:
    """Writes the resources whose patient was a urn once more, into the shards of those who they are about."""
    for part in parts:
        first, last = records.starts(part.folder)[:, 0, run.shards :].T
        some = [table for table in WITH_IDS if first[OF_PATIENTS.index(table)] < last[OF_PATIENTS.index(table)]]
        if not some:
            continue
        found = {table.name: Part(part.folder, 0).rows(table, run.shards) for table in some}  # with the lines of the portion
        targets = _targets(parts, set().union(*map(references.urns, found.values())))
        folder = part.folder / URNS
        folder.mkdir(exist_ok=True)
        records.write(folder, {name: references.resolve(rows, targets) for name, rows in found.items()}, run.shards)
        yield Part(folder, part.before)


# -------------------------------------------------------------------------------------------------------------- versions


def _versions(dealt: Dealt, bucket_of: Numbers) -> Elsewhere:
    """Of every id under which resources of several buckets stand."""
    found = []
    for table in WITH_IDS:
        shared = _shared(dealt, table, bucket_of)
        if len(shared):
            rows = in_reading_order(table, list(_with_keys(dealt, table, shared)))
            _, first = np.unique(rows["seq"].to_numpy(), return_index=True)  # Observations have a row for each value
            found.append(across(rows.take(pa.array(first))))
    return joined(found)


def _shared(dealt: Dealt, table: Table, bucket_of: Numbers) -> Keys:
    """Keys that stand in several buckets. A range of keys at a time is compared."""

    def ids() -> Iterator[npt.NDArray[np.void]]:
        return (ids_of(part.folder, table, dealt.near) for part in dealt.parts)

    number = max(1, -(-sum(map(len, ids())) // IDS_AT_A_TIME))
    edges = [np.uint64((1 << 64) * each // number) for each in range(1, number)]
    places = [[0, *np.searchsorted(each["key"], edges).tolist(), len(each)] for each in ids()]
    found = [np.empty(0, dtype=np.uint64)]
    for piece in range(number):
        here = [np.array(each[at[piece] : at[piece + 1]]) for each, at in zip(ids(), places, strict=True)]
        keys = np.sort(np.concatenate([found[0], *(each["key"] for each in here)]), kind="stable")  # those of each are sorted
        twice = np.unique(keys[1:][keys[1:] == keys[:-1]])
        if len(twice):
            found.append(_apart(here, twice, bucket_of))
    return np.concatenate(found)


def _apart(ids: Sequence[npt.NDArray[np.void]], twice: Keys, bucket_of: Numbers) -> Keys:
    """Those of the keys that stand in several buckets."""
    here = np.concatenate([each[_among(each["key"], twice)] for each in ids])
    here = here.take(np.argsort(here["key"], kind="stable"))
    where = bucket_of[here["shard"]]
    keys, first = np.unique(here["key"], return_index=True)
    return np.asarray(keys[np.minimum.reduceat(where, first) != np.maximum.reduceat(where, first)])


def _among(keys: Keys, wanted: Keys) -> Flags:
    """wanted: sorted."""
    if not len(wanted):
        return np.zeros(len(keys), dtype=bool)
    place = np.minimum(np.searchsorted(wanted, keys), len(wanted) - 1)
    return np.asarray(wanted.take(place) == keys)


def _with_keys(dealt: Dealt, table: Table, wanted: Keys) -> Iterator[pa.Table]:
    """Rows of every part whose id has one of these keys; sorted."""
    for part in dealt.parts:
        ids = ids_of(part.folder, table, dealt.near)
        rows = np.sort(ids["row"][_among(ids["key"], wanted)])
        if len(rows):
            yield part.rows(table, wanted=rows.astype(np.int64))


# --------------------------------------------------------------------------------------------------------------- reasons


def _named_elsewhere(dealt: Dealt, bucket_of: Numbers) -> pa.Table:
    """CONDITIONS_READ of every Condition that stands in another bucket than a dose that names it, in all versions."""
    named, by = _named(dealt, bucket_of)
    keys, first = np.unique(named, return_index=True)
    least, most = (f.reduceat(by, first) if len(first) else by for f in (np.minimum, np.maximum))
    found = [np.empty(0, dtype=np.uint64)]
    for part in dealt.parts if len(keys) else ():
        ids = ids_of(part.folder, tables.CONDITIONS_READ, dealt.near)
        ids = ids[_among(ids["key"], keys)]
        place, where = np.searchsorted(keys, ids["key"]), bucket_of[ids["shard"]]
        found.append(ids["key"][(least[place] != where) | (most[place] != where)])
    rows = list(_with_keys(dealt, tables.CONDITIONS_READ, np.unique(np.concatenate(found))))
    urns = set().union(*map(references.urns, rows))
    return references.resolve(in_reading_order(tables.CONDITIONS_READ, rows), _targets(dealt.parts, urns))


def _named(dealt: Dealt, bucket_of: Numbers) -> tuple[Keys, Numbers]:
    """Keys of the Conditions that doses name, and the buckets of the doses; sorted by key."""
    table, found = tables.ADMINISTRATIONS_READ, [np.empty(0, dtype=[("key", "<u8"), ("bucket", "<i8")])]
    for part, starts in zip(dealt.parts, dealt.starts(table), strict=True):
        rows = part.rows(table, names=["reason_refs"], wanted=np.arange(starts[-1]))
        refs = references.resolve(rows, _targets(dealt.parts, references.urns(rows)))["reason_refs"]
        where = np.repeat(bucket_of, np.diff(starts))
        known = np.flatnonzero(refs.is_valid())
        pairs = references.conditions(refs.take(pa.array(known)), where[known])
        each = np.empty(len(pairs[0]), dtype=found[0].dtype)
        each["key"], each["bucket"] = shards.keys(pairs[0]), pairs[1]
        found.append(np.unique(each))
    whole = np.unique(np.concatenate(found))
    return whole["key"], whole["bucket"]


# ------------------------------------------------------------------------------------------------------ what is left of it


def _folder(run: Run) -> Path:
    return run.parts / "normalised"


def _store_medications(run: Run, found: Medications) -> None:
    columns = ([*found.by_reference], *zip(*found.by_reference.values(), strict=True)) if found.by_reference else ([], [], [])
    rows = pa.table([pa.array(column, pa.string()) for column in columns], schema=MEDICATIONS.schema)
    write_rows(_folder(run), MEDICATIONS, rows)
    ledger.write(_folder(run), found.books)


def _medications(run: Run, named: pa.ChunkedArray) -> dict[str, tuple[str | None, str]]:
    """Of the Medications that are referred to."""
    rows = read_rows(_folder(run), MEDICATIONS)
    rows = rows.filter(pc.is_in(rows["reference"], named.unique().cast(pa.string())))
    return {row["reference"]: (row["medication"], row["problem"]) for row in rows.to_pylist()}


def _store_versions(run: Run, found: Elsewhere) -> None:
    kinds = [list(found.kinds.get(seq, ())) for seq in found.seq.tolist()]
    columns = [pa.array(found.seq), pa.array(found.superseded), pa.array(kinds, tables.TEXTS)]
    write_rows(_folder(run), VERSIONS, pa.table(columns, schema=VERSIONS.schema))


def _read_versions(run: Run) -> Elsewhere:
    kept = read_rows(_folder(run), VERSIONS)
    said = zip(kept["seq"].to_pylist(), kept["kinds"].to_pylist(), strict=True)
    return Elsewhere(kept["seq"].to_numpy(), np.asarray(kept["superseded"]), {seq: kinds for seq, kinds in said if kinds})
