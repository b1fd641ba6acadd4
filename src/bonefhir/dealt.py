"""Arrow tables and arrays as the stages leave them for each other, in a folder on disk or behind a URL.

<table>.arrow  rows of a table
<table>.ids    of a portion of the scan, shards.KEY of the rows
*.npy          an array
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import blake2b
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from bonefhir import shards, tables
from bonefhir.tables import Table

OF_PATIENTS = tuple(table for table in tables.READ_TABLES if table is not tables.MEDICATIONS_READ)
"""Those that are dealt. Medications are few, and anybody's."""

WITH_IDS = tuple(table for table in OF_PATIENTS if table is not tables.PATIENTS_READ)
"""Those of which another patient may have a version. A Patient's shard follows from the id."""

_LOCAL = type(Path())


def write_rows(folder: Path, table: Table, rows: pa.Table) -> None:
    """Empty tables are not written."""
    if not len(rows):
        return
    # Into a file of Python: Arrow's own keeps it open when the disk is full.
    with _path(folder, table).open("wb") as file, pa.ipc.new_file(file, table.schema) as writer:
        writer.write_table(rows.combine_chunks())


def read_rows(folder: Path, table: Table) -> pa.Table:
    """As a view of the file where that can be. No file: no rows."""
    try:
        opened = mapped(_path(folder, table))
    except FileNotFoundError:
        return table.empty()
    with opened as source, pa.ipc.open_file(source) as reader:
        return reader.read_all()


def mapped(path: Path) -> Any:
    """The file, mapped where that can be."""
    return pa.memory_map(str(path)) if isinstance(path, _LOCAL) else path.open("rb")


def write_ids(folder: Path, table: Table, ids: npt.NDArray[np.void]) -> None:
    with _ids(folder, table).open("wb") as file:
        file.write(ids.tobytes())


def ids_of(folder: Path, table: Table, near: Path) -> npt.NDArray[np.void]:
    """KEY of each row that has one, mapped. near: where a copy of what lies elsewhere is kept, as that cannot be mapped.

    What has been looked at is in memory as long as this is held: copy what is needed.
    """
    path = _ids(folder, table)
    if is_elsewhere(path):
        copy = near / f"{blake2b(str(path).encode()).hexdigest()}.ids"
        if not copy.is_file() and path.is_file():
            near.mkdir(exist_ok=True)
            copy.with_suffix(".new").write_bytes(path.read_bytes())
            copy.with_suffix(".new").replace(copy)  # one that is there is whole
        path = copy
    try:
        with path.open("rb", buffering=0) as file, suppress(ValueError):  # of an empty file
            found: npt.NDArray[np.void] = np.frombuffer(mmap(file.fileno(), 0, access=ACCESS_READ), shards.KEY)
            return found
    except FileNotFoundError:
        pass
    return np.empty(0, dtype=shards.KEY)


def save(path: Path, array: npt.NDArray[Any]) -> None:
    with path.open("wb") as file:
        np.save(file, array)


@contextmanager
def made(path: Path, shape: tuple[int, ...]) -> Iterator[npt.NDArray[np.int64]]:
    """An array that is to be filled, for `load`: mapped where that can be, so that it need not all be in memory."""
    if isinstance(path, _LOCAL):
        here: npt.NDArray[np.int64] = np.lib.format.open_memmap(path, "w+", np.int64, shape)
        _reserve(path)
        yield here
        return
    array = np.empty(shape, np.int64)
    yield array
    save(path, array)


def _reserve(path: Path) -> None:
    """What a mapped file has no room for ends the process by a signal when it is written; here it is an OSError."""
    if hasattr(os, "posix_fallocate"):
        with path.open("r+b") as file:
            os.posix_fallocate(file.fileno(), 0, path.stat().st_size)


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


def _ids(folder: Path, table: Table) -> Path:
    return folder / f"{table.name}.ids"
