"""Copies of what may have to be checked and cannot be read again at its place: resources of packed files, and of files elsewhere.

Of nearly all resources the scan knows that they are valid. The others are read again, bucket by bucket of patients: at its place
in a plain file, while a packed one would have to be unpacked for each bucket. So these are copied once, when their file has been
scanned.
"""

from collections.abc import Iterator, Sequence
from itertools import chain
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bonefhir.dealt import mapped
from bonefhir.interval import Integers
from bonefhir.read.limits import DEFAULT
from bonefhir.read.portions import Portion
from bonefhir.read.positions import read_back
from bonefhir.read.scan import Scan
from bonefhir.run import Run
from bonefhir.scanned import portion_folder

_SCHEMA = pa.schema([("seq", pa.int64()), ("raw", pa.large_binary())])
_PLACE = ["seq", "file", "offset", "length"]
_AT_A_TIME = 1_000
_OFFSET = (1 << 40) - 1
"""Of the bits of `seq`."""


def write_copies(run: Run, number: int, scan: Scan) -> None:
    """Of one portion that has been scanned. Raises InputError if a file has changed since."""
    packed = [each.file for each in scan.counts if each.refused is None and (each.compression or run.files[each.file].url)]
    if run.settings.conformance == "none" or not packed:
        return
    unsure = pa.concat_tables([_unsure(rows) for rows in scan.tables.values()])
    unsure = unsure.filter(pc.is_in(unsure["file"], pa.array(packed, pa.int32()))).group_by(_PLACE).aggregate([]).sort_by("seq")
    if not len(unsure):
        return
    with _path(run, number).open("wb") as file, pa.ipc.new_file(file, _SCHEMA) as writer:
        for each in packed:
            _copy(run, unsure.filter(pc.equal(unsure["file"], each)), writer)


def _unsure(rows: pa.Table) -> pa.Table:
    """Neither valid for certain nor rejected already."""
    open_ = pc.and_(pc.invert(rows["conforms"]), rows["fault"].is_null())
    return rows.filter(open_).select(_PLACE)


def _copy(run: Run, rows: pa.Table, writer: pa.ipc.RecordBatchFileWriter) -> None:
    """rows: of one file."""
    positions = list(zip(rows["offset"].to_pylist(), rows["length"].to_pylist(), strict=True))
    raws = read_back(run.files[rows["file"][0].as_py()], positions) if positions else iter(())
    for start in range(0, len(rows), _AT_A_TIME):
        seq = rows["seq"].slice(start, _AT_A_TIME).combine_chunks()
        raw = pa.array([next(raws) for _ in range(len(seq))], pa.large_binary())
        writer.write_batch(pa.record_batch([seq, raw], schema=_SCHEMA))


def copied(run: Run, file: int, seq: Sequence[int]) -> dict[int, bytes]:
    """Bytes of those of one file that have been copied; seq: ascending."""
    wanted = np.array(seq, dtype=np.int64)
    numbers = [number for number, each in enumerate(run.portions) if file in each.files and _may_hold(each, wanted)]
    return dict(chain.from_iterable(_copied(_path(run, number), wanted) for number in numbers))


def _may_hold(portion: Portion, seq: Integers) -> bool:
    """A resource of a Bundle stands behind the beginning of its line."""
    offsets = seq & _OFFSET
    before = np.True_ if portion.end is None else offsets < portion.end + DEFAULT.line
    return bool(((offsets >= portion.start) & before).any())


def _copied(path: Path, wanted: Integers) -> Iterator[tuple[int, bytes]]:
    if not path.is_file():
        return
    with mapped(path) as source, pa.ipc.open_file(source) as reader:
        for number in range(reader.num_record_batches):
            batch = reader.get_batch(number)
            rows = np.flatnonzero(np.isin(batch["seq"].to_numpy(), wanted))
            kept = batch.take(pa.array(rows))
            yield from zip(kept["seq"].to_pylist(), kept["raw"].to_pylist(), strict=True)


def _path(run: Run, number: int) -> Path:
    return portion_folder(run, number) / "copies.arrow"
