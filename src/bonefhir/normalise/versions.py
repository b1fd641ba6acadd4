"""Same type and id read more than once: which is the newest, and what must be said about it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from bonefhir import shards
from bonefhir.interval import Flags
from bonefhir.normalise import times
from bonefhir.normalise.concepts import repeated


@dataclass(frozen=True)
class Versions:
    """superseded per row; quality: rows (row index, kind) of data-quality findings."""

    superseded: Flags
    quality: list[tuple[int, str]]


@dataclass(frozen=True)
class Elsewhere:
    """Of ids under which resources of several buckets of patients stand, decided once for all of them.

    seq         of every such resource, sorted
    superseded  of each: there is a newer one
    kinds       seq of the newest → what must be said of it
    """

    seq: npt.NDArray[np.int64]
    superseded: Flags
    kinds: Mapping[int, Sequence[str]]


NONE_ELSEWHERE = Elsewhere(np.empty(0, dtype=np.int64), np.empty(0, dtype=bool), {})


def decide(resources: pa.Table, elsewhere: Elsewhere = NONE_ELSEWHERE) -> Versions:
    """One row per resource. Greatest meta.lastUpdated (absent first), then versionId (numeric), then reading order.

    A resource without an id has no other versions: it will be rejected.
    """
    found = _among(resources)
    if not len(elsewhere.seq):
        return found
    seq = resources["seq"].to_numpy()
    rows = np.flatnonzero(np.isin(seq, elsewhere.seq))
    found.superseded[rows] = elsewhere.superseded[np.searchsorted(elsewhere.seq, seq[rows])]
    ours = [(row, kind) for row, kind in found.quality if row not in set(rows.tolist())]
    theirs = [(row, kind) for row in rows.tolist() for kind in elsewhere.kinds.get(int(seq[row]), ())]
    return Versions(found.superseded, sorted(ours + theirs))


def across(resources: pa.Table) -> Elsewhere:
    """From all resources whose id stands in several buckets; sorted by seq."""
    found, seq = _among(resources), resources["seq"].to_numpy()
    kinds: dict[int, list[str]] = {}
    for row, kind in found.quality:
        kinds.setdefault(int(seq[row]), []).append(kind)
    return Elsewhere(seq, found.superseded, kinds)


def joined(parts: Sequence[Elsewhere]) -> Elsewhere:
    """Of several types."""
    seq = np.concatenate([NONE_ELSEWHERE.seq, *(part.seq for part in parts)])
    superseded = np.concatenate([NONE_ELSEWHERE.superseded, *(part.superseded for part in parts)])
    order = np.argsort(seq)
    return Elsewhere(seq[order], superseded[order], {seq: kinds for part in parts for seq, kinds in part.kinds.items()})


def _among(resources: pa.Table) -> Versions:
    superseded = np.zeros(len(resources), dtype=bool)
    rows = _shared(resources["id"])
    if not len(rows):  # as in nearly all input
        return Versions(superseded, [])
    some = resources.select(["id", "last_updated", "version_id", "digest", "seq"]).take(pa.array(rows))
    frame = pd.DataFrame(
        {
            "id": np.asarray(some["id"].to_pylist(), dtype=object),
            "updated": times.parse(some["last_updated"]).instant.astype(np.int64),
            "version": _numbers(some["version_id"]),
            "digest": some["digest"].to_numpy(),
            "seq": some["seq"].to_numpy(),
        },
        index=rows,
    )
    ordered = frame[frame.duplicated("id", keep=False)].sort_values(["id", "updated", "version", "seq"], kind="stable")
    newest = ~ordered.duplicated("id", keep="last")
    superseded[ordered.index[~newest]] = True
    return Versions(superseded, _quality(ordered, newest))


def _shared(ids: pa.ChunkedArray) -> npt.NDArray[np.int64]:
    """Rows whose id may be another one's too: ids that are equal have equal keys."""
    known = np.flatnonzero(ids.is_valid().to_numpy())
    array = ids.combine_chunks()
    return known[repeated(shards.keys(array if len(known) == len(array) else array.take(pa.array(known))))]


def _numbers(column: pa.ChunkedArray) -> npt.NDArray[np.float64]:
    """versionId as a number; -1 where it is absent or none."""
    texts = np.asarray(column.to_pylist(), dtype=object)
    return np.array([float(t) if t is not None and t.isascii() and t.isdigit() else -1.0 for t in texts])


_ABSENT = np.iinfo(np.int64).min


def _quality(ordered: pd.DataFrame, newest: "pd.Series[bool]") -> list[tuple[int, str]]:
    """Of each group whose contents differ: the row of the newest, and what is to be said."""
    of_newest = ordered[newest].set_index("id")
    older = ordered[~newest]
    winner = of_newest.loc[older["id"]]
    differs = older["digest"].to_numpy() != winner["digest"].to_numpy()
    unversioned = (older["updated"].to_numpy() == _ABSENT) & (older["version"].to_numpy() < 0)
    unversioned &= (winner["updated"].to_numpy() == _ABSENT) & (winner["version"].to_numpy() < 0)
    backwards = older["version"].to_numpy() > winner["version"].to_numpy()
    kinds = np.select(
        [differs & unversioned, differs & backwards, differs], ["version-conflict", "version-order", "older-version"], ""
    )
    index = dict(zip(of_newest.index, ordered.index[newest], strict=True))
    rows = [index[i] for i in older["id"]]
    return sorted({(int(row), str(kind)) for row, kind in zip(rows, kinds, strict=True) if kind})


def collisions(patients: pa.Table) -> list[int]:
    """Rows of Patients that share their id with one whose birth date and sex both differ: two people under one id."""
    rows = _shared(patients["id"])
    if not len(rows):
        return []
    frame = patients.select(["id", "birth_date", "gender"]).take(pa.array(rows)).to_pandas().set_index(rows)
    frame = frame[frame["id"].notna() & frame["birth_date"].notna() & frame["gender"].notna()]
    found = []
    for _, group in frame[frame.duplicated("id", keep=False)].groupby("id"):
        births, genders = group["birth_date"].to_numpy(), group["gender"].to_numpy()
        if any(births[i] != births[0] and genders[i] != genders[0] for i in range(1, len(group))):
            found.append(int(group.index[-1]))
    return found
