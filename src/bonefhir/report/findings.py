"""Findings: the verdicts that are `fail` or `indeterminate`, in the order in which people should read them.

`fail` before `indeterminate`, then severity, gravest first, then dose_id, rule_id. The table of verdicts is merged in the order
of the last two, which leaves a sorted file for each pair of the first two. All reports read those: they are a small part of the
verdicts, and nothing is ever held whole.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bonefhir import memory
from bonefhir.coded import Rows, arrow, taken
from bonefhir.interval import Integers
from bonefhir.tables import VERDICTS
from bonefhir.vocabulary import FAIL, INDETERMINATE, SEVERITIES

GROUPS = tuple((verdict, severity) for verdict in (FAIL, INDETERMINATE) for severity in reversed(SEVERITIES))
_BATCH = 16_384
"""Findings that are in memory at a time."""
_PART = 4_096
"""… of which so many are read at a time: what is told of them takes several times their memory."""
_PARTS = 16
"""… after which what is free is given back: in a process that needed more before, each part is told in another place of it."""
_SCHEMA = VERDICTS.schema


@dataclass(frozen=True)
class Findings:
    """The files of the groups, in Arrow's format, in a folder of their own. They hold patient data."""

    folder: Path

    def of(self, verdict: str, severity: str) -> Iterator[pa.Table]:
        """The findings of one group in order, in parts that fit into memory."""
        # Not by its path, by which it would be mapped: all of it would be in memory in the end.
        with self.file(verdict, severity).open("rb") as file, pa.ipc.open_stream(file) as reader:
            for number, batch in enumerate(reader, start=1):
                yield pa.Table.from_batches([batch])
                if number % _PARTS == 0:
                    memory.release()

    def __iter__(self) -> Iterator[pa.Table]:
        """Every finding, in order."""
        for group in GROUPS:
            yield from self.of(*group)

    def file(self, verdict: str, severity: str) -> Path:
        return self.folder / f"{verdict}-{severity}.arrows"

    def beside(self, name: str) -> Path:
        """A file that one report leaves for another. It may hold patient data, too."""
        return self.folder / name


@contextmanager
def cut_out(findings: Findings) -> Iterator[Callable[[Rows], None]]:
    """What takes the verdicts as they are merged, and leaves the findings among them in the files: nine in ten are none, and to
    read the table again for the others costs more than all that is written of them."""
    findings.folder.mkdir(exist_ok=True)
    options = pa.ipc.IpcWriteOptions(compression="lz4")
    with ExitStack() as stack:
        cutter = _Cutter([stack.enter_context(_new_stream(findings.file(*group), options)) for group in GROUPS])
        yield cutter.see
        cutter.write()


@contextmanager
def _new_stream(path: Path, options: pa.ipc.IpcWriteOptions) -> Iterator[pa.ipc.RecordBatchStreamWriter]:
    with path.open("wb") as file, pa.ipc.new_stream(file, _SCHEMA, options=options) as writer:
        yield writer


class _Cutter:
    """Findings of several row groups are written together: a row group has few, and each part costs its readers a millisecond."""

    def __init__(self, writers: Sequence[pa.ipc.RecordBatchStreamWriter]) -> None:
        """writers: of GROUPS."""
        self._writers = writers
        self._waiting: list[tuple[Rows, Integers]] = []

    def see(self, verdicts: Rows) -> None:
        group = _groups(verdicts)
        rows = np.flatnonzero(group >= 0)
        if len(rows):
            self._waiting.append((taken([verdicts], rows), group[rows]))
        if sum(len(groups) for _, groups in self._waiting) >= _BATCH:
            self.write()

    def write(self) -> None:
        if not self._waiting:
            return
        group = np.concatenate([groups for _, groups in self._waiting])
        by_group = np.argsort(group, kind="stable")
        found = taken([rows for rows, _ in self._waiting], by_group)
        self._waiting = []
        whole = pa.table([arrow(found[name]) for name in _SCHEMA.names], _SCHEMA.names).cast(_SCHEMA)
        ends = np.cumsum(np.bincount(group, minlength=len(GROUPS))).tolist()
        for writer, start, end in zip(self._writers, [0, *ends], ends, strict=False):
            if start < end:
                writer.write_table(whole.slice(start, end - start), max_chunksize=_PART)


def _groups(verdicts: Rows) -> Integers:
    """Of each row the number of its group in GROUPS; negative: it is no finding."""
    verdict = _place(verdicts["verdict"], (FAIL, INDETERMINATE))
    severity = _place(verdicts["severity"], SEVERITIES[::-1])
    return np.where((verdict < 0) | (severity < 0), -1, verdict * len(SEVERITIES) + severity)


def _place(column: Any, words: Sequence[str]) -> Integers:
    """Of each row the place of its text among these; -1 for others."""
    places = pc.fill_null(pc.index_in(column.texts, pa.array(words, pa.string())), -1).to_numpy()
    return np.asarray(np.append(places, -1)[column.codes].astype(np.int64))


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
