"""What the scan of a run has left in its work folder: read tables of each portion, put together again by file and line."""

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from bonefhir import tables
from bonefhir.read.portions import Portion, together
from bonefhir.read.scan import Counts, Scan, rejects_of_files, without_files
from bonefhir.run import Run
from bonefhir.tables import Table

_COUNTS = "counts.json"


def write_scan(run: Run, number: int, scan: Scan) -> None:
    """Empty tables are not written: most portions have rows for one or two of them."""
    folder = _folder(run, number)
    folder.mkdir(exist_ok=True)
    for table, rows in ((tables.REJECTS, scan.rejects), (tables.FULL_URLS, scan.full_urls), *_read_tables(scan)):
        path = _path(folder, table)
        if len(rows):
            # Into a file of Python: Arrow's own keeps it open when the disk is full.
            with path.open("wb") as file, pa.ipc.new_file(file, table.schema) as writer:
                writer.write_table(rows.combine_chunks())
        else:
            path.unlink(missing_ok=True)  # of an earlier try
    (folder / _COUNTS).write_bytes(msgspec.json.encode(scan.counts))


def _read_tables(scan: Scan) -> Iterator[tuple[Table, pa.Table]]:
    return ((table, scan.tables[table.name]) for table in tables.READ_TABLES)


def _folder(run: Run, number: int) -> Path:
    return run.parts / "scan" / f"{number:06d}"


def _path(folder: Path, table: Table) -> Path:
    return folder / f"{table.name}.arrow"


class Scanned:
    """All portions, in reading order."""

    def __init__(self, run: Run) -> None:
        self._run = run

    @cached_property
    def counts(self) -> list[Counts]:
        """One for each file."""
        return together(each for _, _, counts in self._portions for each in counts)

    def table(self, table: Table) -> pa.Table:
        """One of READ_TABLES or FULL_URLS."""
        parts = [_moved(rows, before) for rows, before in self._parts(table)]
        return pa.concat_tables([table.empty(), *parts]).unify_dictionaries()

    @property
    def rejects(self) -> pa.Table:
        """REJECTS of the scan."""
        return pa.concat_tables([self.table(tables.REJECTS), rejects_of_files(self.counts)])

    @cached_property
    def _portions(self) -> list[tuple[Path, Portion, list[Counts]]]:
        folders = [_folder(self._run, number) for number in range(len(self._run.portions))]
        read = [msgspec.json.decode((folder / _COUNTS).read_bytes(), type=list[Counts]) for folder in folders]
        return list(zip(folders, self._run.portions, read, strict=True))

    def _parts(self, table: Table) -> Iterator[tuple[pa.Table, int]]:
        """Rows of each portion, and how many lines of the file come before it."""
        refused = {each.file for each in self.counts if each.refused is not None}
        before = 0
        for folder, portion, counts in self._portions:
            before = 0 if portion.start == 0 else before
            path = _path(folder, table)
            if path.is_file():
                with path.open("rb") as file:
                    rows = pa.ipc.open_file(file).read_all()
                # Of whole files nothing is left if they were refused; of a file in ranges, what the other ranges had.
                yield (rows if portion.whole else without_files(rows, refused & set(portion.files))), before
            before += counts[0].lines


def _moved(rows: pa.Table, lines: int) -> pa.Table:
    """With the lines of the file, not of the portion."""
    if not lines or "line" not in rows.column_names:
        return rows
    return rows.set_column(rows.column_names.index("line"), rows.schema.field("line"), pc.add(rows["line"], lines))
