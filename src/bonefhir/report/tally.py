"""The verdicts of a run in numbers: read row group by row group, each once for all that is counted.

What is kept are some bytes of each dose and patient: two bits of each verdict, and no text.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from bonefhir.errors import AccountingError
from bonefhir.report.control_chart import Bools, Ints
from bonefhir.vocabulary import FAIL, INDETERMINATE, PASS, REASONS, SEVERITIES

JUDGED = (PASS, FAIL, INDETERMINATE)
_CODED = {"verdict": JUDGED, "severity": SEVERITIES}
_WORD = 64
_PACKED = 4
"""Rules whose outcomes are in a byte."""


@dataclass(frozen=True)
class Group:
    """Verdicts that follow each other in the table, so that those of a dose do: columns of one length, but for the last two.

    rule        place in the rules of the run
    outcome     place in JUDGED
    severity    place in SEVERITIES
    dose        row in doses.parquet
    open, why   rows of this group that are indeterminate, once for each reason, and its place in REASONS
    """

    rule: Ints
    outcome: Ints
    severity: Ints
    dose: Ints
    open: Ints
    why: Ints


@dataclass(frozen=True)
class Tally:
    """Counts of verdicts. Of a dose and a rule there is one.

    outcomes    by rule and outcome
    patients    different ones, by rule and outcome
    reasons     indeterminate ones by rule and reason
    told        of each dose: bit 3 * severity + outcome
    packed      of four rules and a dose: their outcomes by two bits, from 1; 0: no verdict
    why         of each dose: its reasons as bits
    cells       by group of doses, rule and outcome
    """

    outcomes: Ints
    patients: Ints
    reasons: Ints
    told: NDArray[np.uint16]
    packed: NDArray[np.uint8]
    why: NDArray[np.uint32]
    cells: NDArray[np.int32]

    def of_rule(self, rule: int) -> NDArray[np.uint8]:
        """Of each dose: its outcome, from 1; 0: no verdict."""
        found: NDArray[np.uint8] = self.packed[rule // _PACKED] >> 2 * (rule % _PACKED) & 3
        return found

    def flags(self, severity: str) -> tuple[Bools, Bools, Bools]:
        """Of each dose: whether a rule of the severity had an answer, failed, could not be judged."""
        passed, failed, opened = (self.told >> 3 * SEVERITIES.index(severity) + outcome & 1 == 1 for outcome in range(3))
        return passed | failed, failed, opened

    def doses(self, outcome: str, severities: Sequence[str] = SEVERITIES) -> int:
        """Doses with such a verdict of at least one rule of these severities."""
        bits = sum(1 << 3 * SEVERITIES.index(severity) + JUDGED.index(outcome) for severity in severities)
        return int(np.count_nonzero(self.told & bits))


def store(path: Path, found: Tally) -> None:
    with path.open("wb") as file:
        np.savez(file, **vars(found))


def stored(path: Path) -> Tally:
    with np.load(path) as arrays:
        return Tally(**arrays)


def groups(phi: Path, rules: Sequence[str]) -> Iterator[Group]:
    """Raises AccountingError if there is a verdict of another rule, or of a dose that is not in the table of doses."""
    listed = {"rule_id": rules, **_CODED}
    doses = _DoseRows(phi / "doses.parquet")
    with pq.ParquetFile(phi / "verdicts.parquet", read_dictionary=[*listed, "dose_id"]) as file:
        for number in range(file.num_row_groups):
            rows = file.read_row_group(number, columns=[*listed, "dose_id", "reasons"]).combine_chunks()
            if not len(rows):
                continue
            rule, outcome, severity = (_places(rows[name].chunk(0), words, name) for name, words in listed.items())
            ids = rows["dose_id"].chunk(0)
            reasons = rows["reasons"].chunk(0)
            open_ = pc.list_parent_indices(reasons).to_numpy().astype(np.int64)
            why = pc.index_in(pc.list_flatten(reasons), pa.array(REASONS)).to_numpy().astype(np.int64)
            known = outcome[open_] == JUDGED.index(INDETERMINATE)
            dose = doses.of(ids.dictionary)[ids.indices.to_numpy()]
            yield Group(rule, outcome, severity, dose, open_[known], why[known])


def tally(verdicts: Iterator[Group], rules: int, patients: pa.DictionaryArray, groups: Ints) -> Tally:
    """patients, groups: of each dose, in the order of doses.parquet; the groups are numbered from 0."""
    by_rule = (rules, len(JUDGED))
    cells, words = rules * len(JUDGED), -(-rules * len(JUDGED) // _WORD)
    patient, different = codes_of(patients)
    counted = np.zeros((int(groups.max(initial=-1)) + 1, cells), np.int32)
    reasons = np.zeros(rules * len(REASONS), np.int64)
    met = np.zeros((different + 1, words), np.uint64)
    told, why = np.zeros(len(patients), np.uint16), np.zeros(len(patients), np.uint32)
    packed = np.zeros((-(-rules // _PACKED), len(patients)), np.uint8)
    for group in verdicts:
        cell = group.rule * len(JUDGED) + group.outcome
        np.add.at(counted.reshape(-1), groups[group.dose] * cells + cell, counted.dtype.type(1))  # an int is 30 times slower
        np.add.at(reasons, group.rule[group.open] * len(REASONS) + group.why, 1)
        word = patient[group.dose] * words + cell // _WORD
        np.bitwise_or.at(met.reshape(-1), word, np.uint64(1) << (cell % _WORD).astype(np.uint64))
        np.bitwise_or.at(why, group.dose[group.open], np.uint32(1) << group.why.astype(np.uint32))
        begins = np.flatnonzero(np.diff(group.dose, prepend=-1))
        bits = np.uint16(1) << (3 * group.severity + group.outcome).astype(np.uint16)
        told[group.dose[begins]] |= np.bitwise_or.reduceat(bits, begins)
        _pack(group, packed)
    return Tally(
        outcomes=counted.sum(0, dtype=np.int64).reshape(by_rule),
        patients=_different(met, cells).reshape(by_rule),
        reasons=reasons.reshape(rules, len(REASONS)),
        told=told,
        packed=packed,
        why=why,
        cells=counted.reshape(len(counted), *by_rule),
    )


def _pack(group: Group, packed: NDArray[np.uint8]) -> None:
    """Sets what Tally says of the doses of a group; there may be more of them in others."""
    first, last = int(group.dose.min()), int(group.dose.max())
    alone = np.zeros((last + 1 - first, len(packed), _PACKED), np.uint8)
    alone.reshape(len(alone), -1)[group.dose - first, group.rule] = group.outcome + 1
    together = np.bitwise_or.reduce(alone << np.arange(0, 2 * _PACKED, 2, dtype=np.uint8), axis=2)
    packed[:, first : last + 1] |= together.T


def codes_of(column: pa.DictionaryArray) -> tuple[Ints, int]:
    """Codes, and how many values there are; what is missing has the number behind the last."""
    values = len(column.dictionary)
    codes: Ints = pc.fill_null(column.indices, values).to_numpy().astype(np.int64)
    return codes, values


def _different(met: NDArray[np.uint64], cells: int) -> Ints:
    """Patients whose bit is set, for each cell."""
    bits = (met[:, cell // _WORD] >> np.uint64(cell % _WORD) & np.uint64(1) for cell in range(cells))
    return np.array([np.count_nonzero(bit) for bit in bits], np.int64)


def _places(column: pa.DictionaryArray, words: Sequence[str], name: str) -> Ints:
    """Of the texts of a column in a closed list. Raises AccountingError if one is not in it."""
    texts = column.dictionary.take(pc.unique(column.indices))
    places = pc.index_in(column.dictionary, pa.array(words, pa.string()))
    if texts.null_count or not pc.all(pc.is_in(texts, pa.array(words, pa.string()))).as_py():
        unknown = ", ".join(sorted(set(texts.drop_null().to_pylist()) - set(words)))
        raise AccountingError(f"verdicts with a {name} that was not counted: {unknown}")
    found: Ints = pc.fill_null(places, -1).to_numpy().astype(np.int64)[column.indices.to_numpy()]
    return found


class _DoseRows:
    """Rows of doses by their ids, for ids that come in order: those of the table lie in the same order, and are read beside."""

    def __init__(self, path: Path) -> None:
        self._file = pq.ParquetFile(path)
        self._group, self._row = 0, 0
        self._ids = pa.array([], pa.string())

    def of(self, ids: pa.Array) -> Ints:
        ends = pc.min_max(ids)
        first, last = ends["min"].as_py(), ends["max"].as_py()
        while self._group < self._file.num_row_groups and (not len(self._ids) or self._ids[-1].as_py() < last):
            behind = bisect_left(range(len(self._ids)), first, key=self._id)
            more = self._file.read_row_group(self._group, columns=["dose_id"])["dose_id"].cast(pa.string()).combine_chunks()
            self._ids = pa.concat_arrays([self._ids.slice(behind), more])
            self._row, self._group = self._row + behind, self._group + 1
        start = bisect_left(range(len(self._ids)), first, key=self._id)
        end = bisect_right(range(len(self._ids)), last, key=self._id)
        places = pc.index_in(ids, self._ids.slice(start, end - start))
        if places.null_count:
            raise AccountingError("verdicts of doses that are not in the table of doses, or tables that are not in order")
        found: Ints = places.to_numpy().astype(np.int64) + self._row + start
        return found

    def _id(self, place: int) -> str:
        return str(self._ids[place].as_py())
