"""Findings: the verdicts that are `fail` or `indeterminate`, in the order in which people should read them.

`fail` before `indeterminate`, then severity, gravest first, then dose_id, rule_id. The table of verdicts is sorted by the
last two, so one pass over it leaves a sorted file for each pair of the first two. All reports read those: they are a small
part of the verdicts, and nothing is ever held whole.
"""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from bonefhir.parts import texts_of
from bonefhir.tables import VERDICTS
from bonefhir.vocabulary import FAIL, INDETERMINATE, SEVERITIES

GROUPS = tuple((verdict, severity) for verdict in (FAIL, INDETERMINATE) for severity in reversed(SEVERITIES))
_BATCH = 32_768
_SCHEMA = VERDICTS.schema


@dataclass(frozen=True)
class Findings:
    """The files of the groups, in Arrow's format, in a folder of their own."""

    folder: Path

    def of(self, verdict: str, severity: str) -> Iterator[pa.Table]:
        """The findings of one group in order, in parts that fit into memory."""
        with pa.ipc.open_stream(self.file(verdict, severity)) as reader:
            for batch in reader:
                yield pa.Table.from_batches([batch])

    def __iter__(self) -> Iterator[pa.Table]:
        """Every finding, in order."""
        for group in GROUPS:
            yield from self.of(*group)

    def file(self, verdict: str, severity: str) -> Path:
        return self.folder / f"{verdict}-{severity}.arrows"


@contextmanager
def extracted(verdicts: Path) -> Iterator[Findings]:
    """The findings of a table of verdicts. Their files hold patient data: they lie beside the table, and go in the end."""
    with TemporaryDirectory(prefix=".findings-", dir=verdicts.parent) as folder:
        findings = Findings(Path(folder))
        with ExitStack() as stack:
            options = pa.ipc.IpcWriteOptions(compression="lz4")
            files = {g: stack.enter_context(findings.file(*g).open("wb")) for g in GROUPS}  # closed here even on a full disk
            writers = {g: stack.enter_context(pa.ipc.new_stream(files[g], _SCHEMA, options=options)) for g in GROUPS}
            _split(verdicts, writers)
        yield findings


def _split(verdicts: Path, writers: Mapping[tuple[str, str], pa.ipc.RecordBatchStreamWriter]) -> None:
    """Texts stay codes until it is known that they are a finding's: nine in ten rows are none."""
    with pq.ParquetFile(verdicts, read_dictionary=texts_of(VERDICTS)) as file:
        for number in range(file.num_row_groups):
            rows = file.read_row_group(number, columns=_SCHEMA.names)
            found = rows.filter(pc.is_in(rows["verdict"].cast(pa.string()), pa.array([FAIL, INDETERMINATE]))).cast(_SCHEMA)
            for (verdict, severity), writer in writers.items():
                part = found.filter((pc.field("verdict") == verdict) & (pc.field("severity") == severity))
                if part.num_rows:
                    writer.write_table(part, max_chunksize=_BATCH)


def first_of_each_rule(findings: Findings, most: Mapping[str, int]) -> pa.Table:
    """At most `most[verdict]` findings of each rule, in order: what a page can show."""
    seen: dict[tuple[str, str], int] = {}
    kept = [VERDICTS.empty()]
    for verdict, severity in GROUPS:
        for part in findings.of(verdict, severity):
            wanted = _first(part["rule_id"].combine_chunks(), verdict, most[verdict], seen)
            kept.append(part.filter(wanted))
    return pa.concat_tables(kept)


def _first(rule_ids: pa.Array, verdict: str, most: int, seen: dict[tuple[str, str], int]) -> pa.Array:
    """True for the rows of each rule until it has `most`; `seen` is carried from part to part."""
    keep = np.zeros(len(rule_ids), dtype=bool)
    encoded = rule_ids.dictionary_encode()
    codes = encoded.indices.to_numpy()
    for code, rule_id in enumerate(encoded.dictionary.to_pylist()):
        rows = np.flatnonzero(codes == code)
        before = seen.get((rule_id, verdict), 0)
        keep[rows[: max(0, most - before)]] = True
        seen[rule_id, verdict] = before + len(rows)
    return pa.array(keep)
