"""Findings: the verdicts that are `fail` or `indeterminate`, in the order in which people should read them.

`fail` before `indeterminate`, then severity, gravest first, then dose_id, rule_id. The table of verdicts is sorted by the
last two, so each group is one pass over the file and nothing is ever held whole.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from bonefhir.tables import VERDICTS
from bonefhir.vocabulary import FAIL, INDETERMINATE, SEVERITIES

_BATCH = 32_768
GROUPS = tuple((verdict, severity) for verdict in (FAIL, INDETERMINATE) for severity in reversed(SEVERITIES))


def batches(verdicts: Path, verdict: str, severity: str, columns: Sequence[str] = tuple(VERDICTS.names)) -> Iterator[pa.Table]:
    """The findings of one group in order, in parts that fit into memory."""
    file = pq.ParquetFile(verdicts)
    for number in range(file.num_row_groups):
        keys = file.read_row_group(number, columns=["verdict", "severity"])
        wanted = pc.and_(pc.equal(keys["verdict"], verdict), pc.equal(keys["severity"], severity))
        if not pc.any(wanted).as_py():
            continue
        start = 0
        for batch in file.iter_batches(_BATCH, row_groups=[number], columns=list(columns)):
            part = pa.Table.from_batches([batch]).filter(wanted.slice(start, batch.num_rows))
            start += batch.num_rows
            if part.num_rows:
                yield part


def all_batches(verdicts: Path, columns: Sequence[str] = tuple(VERDICTS.names)) -> Iterator[pa.Table]:
    """Every finding, in order."""
    for verdict, severity in GROUPS:
        yield from batches(verdicts, verdict, severity, columns)


def first_of_each_rule(verdicts: Path, most: dict[str, int]) -> pa.Table:
    """At most `most[verdict]` findings of each rule, in order: what a page can show."""
    seen: dict[tuple[str, str], int] = {}
    kept = [VERDICTS.empty()]
    for verdict, severity in GROUPS:
        for part in batches(verdicts, verdict, severity):
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
