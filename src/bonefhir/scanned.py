"""What the scan of a run has left: the read tables of each portion, put together again by bucket of patients and by line."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bonefhir import tables
from bonefhir.dealt import OF_PATIENTS, is_elsewhere, load, read_rows, save, starts_of, write_rows
from bonefhir.read.portions import together
from bonefhir.read.scan import Counts, Scan, rejects_of_files
from bonefhir.run import Run
from bonefhir.shards import Numbers
from bonefhir.tables import SYMBOL, Table

FEW = 256
"""Distinct texts of a column. Of more, a bucket keeps those that it needs: else it would hold those of the whole input."""

AT_ONCE = 16
"""Portions behind a URL that are read at the same time."""

_COUNTS, _INDEX, URNS = "counts.json", "index.json", "urns"


def write_scan(run: Run, number: int, scan: Scan) -> None:
    """What one portion has given."""
    folder = portion_folder(run, number)
    for path in list(folder.iterdir()) if folder.is_dir() else ():  # of an earlier try
        path.unlink()
    folder.mkdir(exist_ok=True)
    for table, rows in ((tables.REJECTS, scan.rejects), (tables.FULL_URLS, scan.full_urls)):
        write_rows(folder, table, rows)
    for table in tables.READ_TABLES:
        write_rows(folder, table, scan.tables[table.name], run.shards if table in OF_PATIENTS else 0)
    (folder / _COUNTS).write_bytes(msgspec.json.encode(scan.counts))


def portion_folder(run: Run, number: int) -> Path:
    return run.parts / "scan" / f"{number:06d}"


@dataclass(frozen=True)
class Part:
    """Read tables of some lines. before: lines of the file that come before them."""

    folder: Path
    before: int

    def rows(self, table: Table, start: int = 0, end: int | None = None) -> pa.Table:
        return _moved(read_rows(self.folder, table, start, end), self.before)


class Scanned:
    """All portions, in reading order."""

    def __init__(self, run: Run) -> None:
        self._run = run

    @cached_property
    def counts(self) -> list[Counts]:
        """One for each file."""
        return together(each for counts in self._counts for each in counts)

    @cached_property
    def _counts(self) -> list[list[Counts]]:
        read = msgspec.json.Decoder(list[Counts]).decode
        return [read((portion_folder(self._run, number) / _COUNTS).read_bytes()) for number in range(len(self._run.portions))]

    @cached_property
    def parts(self) -> list[Part]:
        """Of portions of whole files nothing is left if they were refused; those of a file in ranges are left out here."""
        refused = {each.file for each in self.counts if each.refused is not None}
        found, before = [], 0
        for number, (portion, counts) in enumerate(zip(self._run.portions, self._counts, strict=True)):
            before = 0 if portion.start == 0 else before
            if portion.whole or not refused & set(portion.files):
                found.append(Part(portion_folder(self._run, number), before))
            before += counts[0].lines
        return found

    def table(self, table: Table) -> pa.Table:
        """One of READ_TABLES or FULL_URLS, in reading order."""
        return in_reading_order(table, [part.rows(table) for part in self.parts])

    @property
    def rejects(self) -> pa.Table:
        """REJECTS of the scan."""
        return pa.concat_tables([self.table(tables.REJECTS), rejects_of_files(self.counts)])


class Dealt:
    """All portions, by shard of patients: what `index` has left for every process that works on a bucket.

    near: a folder on this machine, for copies of what is to be mapped
    """

    def __init__(self, run: Run) -> None:
        self._folder = run.parts / "scan"
        self.near = run.work / "ids"
        listed = msgspec.json.decode((self._folder / _INDEX).read_bytes(), type=list[tuple[str, int]])
        self.parts = [Part(self._folder / name, before) for name, before in listed]

    def table(self, table: Table, first: int, last: int) -> pa.Table:
        """Rows of the shards from `first` up to `last`, in reading order."""
        starts = self.starts(table)
        begin, end = starts[:, first].tolist(), starts[:, last].tolist()
        some = [(part, a, b) for part, a, b in zip(self.parts, begin, end, strict=True) if a < b]
        if is_elsewhere(self._folder):
            with ThreadPoolExecutor(AT_ONCE) as pool:
                found = list(pool.map(lambda each: _needed(each[0].rows(table, *each[1:])), some))
        else:
            found = [_needed(part.rows(table, a, b)) for part, a, b in some]
        return in_reading_order(table, found)

    def starts(self, table: Table) -> Numbers:
        """One row for each part: where each shard begins, and the last one ends."""
        return load(self._folder / f"{table.name}.starts.npy")


def index(run: Run, parts: list[Part]) -> None:
    """Leaves what Dealt reads. parts: those of Scanned, and those of resources whose patient was a urn."""
    folder = run.parts / "scan"
    listed = [(part.folder.relative_to(folder).as_posix(), part.before) for part in parts]
    (folder / _INDEX).write_bytes(msgspec.json.encode(listed))
    nothing = np.zeros(run.shards + 1, dtype=np.int64)
    for table in OF_PATIENTS:
        each = (starts_of(part.folder, table) for part in parts)
        rows = [nothing if starts is None else starts[: run.shards + 1] for starts in each]
        save(folder / f"{table.name}.starts.npy", np.array(rows, dtype=np.int64).reshape(len(parts), run.shards + 1))


def in_reading_order(table: Table, parts: list[pa.Table]) -> pa.Table:
    """One array per column, with one dictionary."""
    whole = pa.concat_tables([table.empty(), *parts]).unify_dictionaries().combine_chunks()
    if "seq" not in table.names:
        return whole
    seq = whole["seq"].to_numpy()
    return whole if (seq[1:] >= seq[:-1]).all() else whole.take(pa.array(np.argsort(seq, kind="stable")))


def _needed(rows: pa.Table) -> pa.Table:
    """With dictionaries of the texts that the rows use, where they are long."""
    for number, column in enumerate(rows.schema):
        if column.type == SYMBOL and any(len(chunk.dictionary) > FEW for chunk in rows[column.name].chunks):
            rows = rows.set_column(number, column, rows[column.name].cast(pa.string()).dictionary_encode().cast(SYMBOL))
    return rows


def _moved(rows: pa.Table, lines: int) -> pa.Table:
    """With the lines of the file, not of the portion."""
    if not lines or "line" not in rows.column_names:
        return rows
    return rows.set_column(rows.column_names.index("line"), rows.schema.field("line"), pc.add(rows["line"], lines))
