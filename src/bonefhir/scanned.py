"""What the scan of a run has left: the read tables of each portion, put together again by bucket of patients and by line."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bonefhir import records, tables
from bonefhir.dealt import OF_PATIENTS, is_elsewhere, load, made, read_rows, save, write_rows
from bonefhir.interval import Integers
from bonefhir.read.portions import together
from bonefhir.read.scan import Counts, Scan, rejects_of_files
from bonefhir.records import Layout, Numbered, Room, Symbols
from bonefhir.run import Run
from bonefhir.shards import Numbers
from bonefhir.tables import Table

AT_ONCE = 16
"""Portions behind a URL that are read at the same time."""

_COUNTS, _INDEX, URNS = "counts.json", "index.json", "urns"
_STARTS, _AT = "starts.npy", "at.npy"


def begin_scan(run: Run, number: int) -> None:
    """Removes what an earlier try has left. Not later: others may read by then what somebody else has written."""
    folder = portion_folder(run, number)
    for path in list(folder.iterdir()) if folder.is_dir() else ():
        path.unlink()
    folder.mkdir(exist_ok=True)


def write_scan(run: Run, number: int, scan: Scan) -> None:
    """What one portion has given."""
    folder = portion_folder(run, number)
    for table, rows in ((tables.REJECTS, scan.rejects), (tables.FULL_URLS, scan.full_urls)):
        write_rows(folder, table, rows)
    write_rows(folder, tables.MEDICATIONS_READ, scan.tables[tables.MEDICATIONS_READ.name])
    records.write(folder, scan.tables, run.shards)
    (folder / _COUNTS).write_bytes(msgspec.json.encode(scan.counts))


def portion_folder(run: Run, number: int) -> Path:
    return run.parts / "scan" / f"{number:06d}"


@dataclass(frozen=True)
class Part:
    """Read tables of some lines. before: lines of the file that come before them."""

    folder: Path
    before: int

    def rows(
        self,
        table: Table,
        first: int = 0,
        last: int | None = None,
        names: Sequence[str] | None = None,
        wanted: Integers | None = None,
    ) -> pa.Table:
        """Of tables that are dealt, those of the shards from `first` up to `last`; null: all, and the urns.

        wanted: numbers of rows, in order of shards; null: all, in reading order
        """
        if table not in OF_PATIENTS:
            return _moved(read_rows(self.folder, table), self.before)
        number = OF_PATIENTS.index(table)
        starts = records.starts(self.folder)[number]
        begin, end = starts[:, first], starts[:, -1 if last is None else last]
        if begin[0] == end[0]:
            return table.empty() if names is None else table.empty().select(names)
        layout = records.layouts(self.folder)[table.name]
        at = np.array([[layout.records, layout.texts]])
        numbered = Numbered(table, 1)
        numbered.add(0, layout)
        room = Room(table, numbered.symbols(), [0], at, begin[np.newaxis], end[np.newaxis])
        records.fill(self.folder, room.pieces[0])
        return room.rows(np.array([self.before]), names, wanted)


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
        self._starts = load(self._folder / _STARTS)

    def rows(self, first: int, last: int) -> dict[str, pa.Table]:
        """Rows of the shards from `first` up to `last`, in reading order: of each table of OF_PATIENTS, by name."""
        begin, end, at = (np.array(each) for each in (self._starts[first], self._starts[last], load(self._folder / _AT)))
        rooms = [self._rooms(number, begin[:, number], end[:, number], at[:, number]) for number in range(len(OF_PATIENTS))]
        pieces: dict[int, list[tuple[int, memoryview]]] = {}
        for room in chain.from_iterable(rooms):
            for part, wanted in room.pieces.items():
                pieces.setdefault(part, []).extend(wanted)
        self._fill(pieces)
        pieces.clear()
        before = np.array([part.before for part in self.parts], dtype=np.int64)
        rooms.reverse()  # each goes when it has been told
        return {table.name: in_reading_order(table, [room.rows(before) for room in rooms.pop()]) for table in OF_PATIENTS}

    def _rooms(self, number: int, begin: Integers, end: Integers, at: Integers) -> list[Room]:
        """One for all portions, unless they differ in what they number."""
        table = OF_PATIENTS[number]
        symbols = Symbols.read(self._folder / f"{table.name}.symbols")
        alike: dict[tuple[str, ...], list[int]] = {}
        for part in np.flatnonzero(begin[:, 0] < end[:, 0]).tolist():
            alike.setdefault(symbols.numbered(part), []).append(part)
        return [Room(table, symbols, parts, at[parts], begin[parts], end[parts]) for parts in alike.values()]

    def _fill(self, pieces: Mapping[int, Sequence[tuple[int, memoryview]]]) -> None:
        folders = [self.parts[part].folder for part in pieces]
        if is_elsewhere(self._folder):
            with ThreadPoolExecutor(AT_ONCE) as pool:
                list(pool.map(records.fill, folders, pieces.values()))
        else:
            for folder, each in zip(folders, pieces.values(), strict=True):
                records.fill(folder, each)

    def starts(self, table: Table) -> Numbers:
        """One row for each part: where each shard begins, and the last one ends."""
        return np.array(self._starts[:, :, OF_PATIENTS.index(table), 0]).T


def index(run: Run, parts: list[Part]) -> None:
    """Leaves what Dealt reads. parts: those of Scanned, and those of resources whose patient was a urn."""
    folder = run.parts / "scan"
    listed = [(part.folder.relative_to(folder).as_posix(), part.before) for part in parts]
    (folder / _INDEX).write_bytes(msgspec.json.encode(listed))
    shape = (len(parts), len(OF_PATIENTS), 2)
    with made(folder / _STARTS, (run.shards + 1, *shape)) as starts:
        for number, part in enumerate(parts):
            starts[:, number] = records.starts(part.folder)[:, :, : run.shards + 1].transpose(2, 0, 1)
    at = np.zeros(shape, np.int64)
    numbered = [Numbered(table, len(parts)) for table in OF_PATIENTS]
    for number, part in enumerate(parts):
        layouts = records.layouts(part.folder)
        for column, (table, each) in enumerate(zip(OF_PATIENTS, numbered, strict=True)):
            layout = layouts.get(table.name, Layout())
            at[number, column] = layout.records, layout.texts
            each.add(number, layout)
    save(folder / _AT, at)
    for table, each in zip(OF_PATIENTS, numbered, strict=True):
        each.symbols().write(folder / f"{table.name}.symbols")


def in_reading_order(table: Table, parts: list[pa.Table]) -> pa.Table:
    """One array per column, with one dictionary."""
    whole = parts[0] if len(parts) == 1 else pa.concat_tables([table.empty(), *parts]).unify_dictionaries().combine_chunks()
    if "seq" not in table.names:
        return whole
    seq = whole["seq"].to_numpy()
    return whole if (seq[1:] >= seq[:-1]).all() else whole.take(pa.array(np.argsort(seq, kind="stable")))


def _moved(rows: pa.Table, lines: int) -> pa.Table:
    """With the lines of the file, not of the portion."""
    if not lines or "line" not in rows.column_names:
        return rows
    return rows.set_column(rows.column_names.index("line"), rows.schema.field("line"), pc.add(rows["line"], lines))
