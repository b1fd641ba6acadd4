"""Files of one portion of the scan: rows of the read tables, dealt by patient.

<table>.arrow       rows in the order of their shards, and in reading order in each; those whose patient is a urn come last
<table>.starts.npy  the first row of each shard, of the urns, and the number of rows
<table>.ids.npy     shards.KEY of the rows; not for Patients and Medications, nor where there is one shard only
"""

from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from bonefhir import shards, tables
from bonefhir.shards import Numbers
from bonefhir.tables import Table

OF_PATIENTS = tuple(table for table in tables.READ_TABLES if table is not tables.MEDICATIONS_READ)
"""Those that are dealt. Medications are few, and anybody's."""

WITH_IDS = tuple(table for table in OF_PATIENTS if table is not tables.PATIENTS_READ)
"""Those of which another patient may have a version. A Patient's shard follows from the id."""

BATCH_ROWS = 8_192
"""Of a record batch, at least: what is read at once when a bucket is."""

_LOCAL = type(Path())


def write_rows(folder: Path, table: Table, rows: pa.Table, dealt: int = 0) -> None:
    """dealt: into so many shards; 0: the rows stay as they are. Empty tables are not written."""
    if not len(rows):
        return
    starts = np.array([0, len(rows)])
    if dealt:
        shard = shards.of_patients(subjects(table, rows), dealt)
        if (shard[1:] < shard[:-1]).any():
            order = np.argsort(shard, kind="stable")
            rows, shard = rows.take(pa.array(order)), shard[order]
        starts = np.searchsorted(shard, np.arange(dealt + 2))
        save(folder / f"{table.name}.starts.npy", starts)
        if dealt > 1 and table in WITH_IDS:
            known = rows.slice(0, starts[dealt])
            save(folder / f"{table.name}.ids.npy", shards.identities(known["id"], shard[: len(known)]))
    # Into a file of Python: Arrow's own keeps it open when the disk is full.
    with _path(folder, table).open("wb") as file, pa.ipc.new_file(file, table.schema) as writer:
        for start, end in _batches(starts):
            writer.write_table(rows.slice(start, end - start).combine_chunks())


def subjects(table: Table, rows: pa.Table) -> pa.ChunkedArray:
    """'Patient/<id>' that each row is about."""
    return pc.binary_join_element_wise("Patient", rows["id"], "/") if table is tables.PATIENTS_READ else rows["subject"]


def _batches(starts: Numbers) -> Iterator[tuple[int, int]]:
    """Ranges of rows that end with a shard, and have BATCH_ROWS or more."""
    first = 0
    for start in starts.tolist()[:-1]:
        if start - first >= BATCH_ROWS:
            yield first, start
            first = start
    yield first, int(starts[-1])


def read_rows(folder: Path, table: Table, start: int = 0, end: int | None = None) -> pa.Table:
    """Rows from `start` up to `end` (null: the last), as a view of the file where that can be. No file: no rows."""
    found, before = [], 0
    try:
        opened = mapped(_path(folder, table))
    except FileNotFoundError:
        return table.empty()
    with opened as source, pa.ipc.open_file(source) as reader:
        for number in range(reader.num_record_batches):
            if end is not None and before >= end:
                break
            batch = reader.get_batch(number)
            first, last = max(start - before, 0), batch.num_rows if end is None else min(end - before, batch.num_rows)
            if first < last:
                found.append(batch.slice(first, last - first))
            before += batch.num_rows
    return pa.Table.from_batches(found, table.schema)


def mapped(path: Path) -> Any:
    """The file, mapped where that can be."""
    return pa.memory_map(str(path)) if isinstance(path, _LOCAL) else path.open("rb")


def starts_of(folder: Path, table: Table) -> Numbers | None:
    """Where each shard begins; null: the portion has no row of it."""
    path = folder / f"{table.name}.starts.npy"
    return load(path) if path.is_file() else None


def ids_of(folder: Path, table: Table, near: Path) -> npt.NDArray[np.void]:
    """KEY of each row that has one, mapped. near: where a copy of what lies elsewhere is kept, as that cannot be mapped."""
    path = folder / f"{table.name}.ids.npy"
    if is_elsewhere(path):
        copy = near / f"{blake2b(str(path).encode()).hexdigest()}.npy"
        if not copy.is_file() and path.is_file():
            near.mkdir(exist_ok=True)
            copy.write_bytes(path.read_bytes())
        path = copy
    found: npt.NDArray[np.void] = load(path) if path.is_file() else np.empty(0, dtype=shards.KEY)
    return found


def save(path: Path, array: npt.NDArray[Any]) -> None:
    with path.open("wb") as file:
        np.save(file, array)


def is_elsewhere(path: Path) -> bool:
    """Behind a URL: each look at it takes its time, and many may be on their way at once."""
    return not isinstance(path, _LOCAL)


def load(path: Path) -> npt.NDArray[Any]:
    """Mapped, where that can be."""
    if isinstance(path, _LOCAL):
        mapped: npt.NDArray[Any] = np.load(path, mmap_mode="r")
        return mapped
    with path.open("rb") as file:
        whole: npt.NDArray[Any] = np.load(file)
    return whole


def _path(folder: Path, table: Table) -> Path:
    return folder / f"{table.name}.arrow"
