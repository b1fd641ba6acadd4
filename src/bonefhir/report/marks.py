"""What the timelines of many findings show, as columns: the doses and measurements of their patients near a dose in question.

An event is told by one whole number, its patient and its day, so that what lies near a dose is a range of sorted numbers.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from bonefhir import memory
from bonefhir.report.records import Numbers, spread
from bonefhir.report.visible import visible_column

DAYS_BEFORE = 365
DAYS_AFTER = 90
LANES = ("doses", "creatinine", "clearance", "calcium", "calcium_ionised", "weight")
"""In the order in which they are drawn; a lane has one unit."""
LANE_OF = {
    "creatinine": "creatinine",
    "calcium_total": "calcium",
    "calcium_corrected": "calcium",
    "calcium_ionised": "calcium_ionised",
    "weight": "weight",
}
"""Analyte → lane. The clearance is that of the days of the doses."""
OF_LABS = ("analyte", "value_low", "value_high", "unit", "reported", "usable", "resource")
OF_DOSES = ("dose_id", "amount_low", "amount_high", "product", "reported_amount", "clearance_low", "clearance_high")
"""Columns of the tables that marks are made of, beside patient and date."""

_SPAN = 1 << 23
_FIRST = 1 << 20
_UNDATED = 1 << 22
"""Of whole numbers: for each patient, its first day (1970), and a day that is far from every other."""

_SCHEMA = pa.schema(
    [
        ("at", pa.int64()),
        ("lane", pa.int8()),
        ("corrected", pa.bool_()),
        ("low", pa.float64()),
        ("high", pa.float64()),
        ("said", pa.string()),
        ("resource", pa.string()),
        ("unit", pa.string()),
    ]
)


_DOSES, _CLEARANCE = LANES.index("doses"), LANES.index("clearance")


class Near(NamedTuple):
    """Of doses in question: their marks from start to stop; outside: events before or after those, or undated."""

    start: Numbers
    stop: Numbers
    outside: Numbers


@dataclass(frozen=True)
class Marks:
    """rows: _SCHEMA, by patient and day, then in the order of the tables. events: all of the patients, sorted."""

    rows: pa.Table
    events: Numbers

    def near(self, moments: Numbers) -> Near:
        """moments: of the doses in question."""
        start, stop = _between(self.rows["at"].to_numpy(), moments - DAYS_BEFORE, moments + DAYS_AFTER)
        first, last = _between(self.events, moments - DAYS_BEFORE, moments + DAYS_AFTER)
        patients = moments // _SPAN * _SPAN
        begin, end = _between(self.events, patients, patients + _SPAN - 1)
        return Near(start, stop, (end - begin) - (last - first))

    def of_patients(self, first: int, last: int) -> slice:
        """Marks of the patients first..last, by their numbers."""
        ends = np.array([first, last + 1]) * _SPAN
        return slice(*np.searchsorted(self.rows["at"].to_numpy(), ends).tolist())


def _between(at: Numbers, low: Numbers, high: Numbers) -> tuple[Numbers, Numbers]:
    """Where those from low to high begin and end."""
    return np.searchsorted(at, low), np.searchsorted(at, high, "right")


def moments(patients: Numbers, days: pa.ChunkedArray) -> Numbers:
    """One whole number for each pair of a patient's number and a date."""
    numbers = pc.fill_null(days.cast(pa.int32()), _UNDATED).to_numpy()
    return np.asarray(patients.astype(np.int64) * _SPAN + numbers + _FIRST)


def days(found: Numbers) -> Numbers:
    """Days since 1970 of such numbers."""
    return np.asarray(found % _SPAN - _FIRST)


def dated(found: Numbers) -> npt.NDArray[np.bool_]:
    return np.asarray(days(found) != _UNDATED)


class Collector:
    """Takes rows of doses and labs as they are read, and holds only what lies near a dose in question."""

    def __init__(self, questions: Numbers) -> None:
        self._questions = np.append(np.unique(questions[dated(questions)]), np.iinfo(np.int64).max)
        self._parts = [_SCHEMA.empty_table()]
        self._events = [np.empty(0, np.int64)]

    def doses(self, rows: pa.Table, at: Numbers) -> None:
        """rows: OF_DOSES, texts as codes. at: the moment of each."""
        rows, at = self._near(rows, at, np.ones(len(at), bool))
        reported = pc.fill_null(_text(rows["reported_amount"]), "?")
        said = pc.binary_join_element_wise(_text(rows["product"]), reported, ", ")
        about = {"resource": rows["dose_id"], "said": said}
        self._add(at, about | {"lane": _DOSES, "low": rows["amount_low"], "high": rows["amount_high"], "unit": ""})
        known = _known(rows, "clearance")
        rows, at = rows.filter(pa.array(known)), at[known]
        ends = {"low": rows["clearance_low"], "high": rows["clearance_high"]}
        self._add(at, {"resource": rows["dose_id"], "said": "", "lane": _CLEARANCE, "unit": "mL/min"} | ends)

    def labs(self, rows: pa.Table, at: Numbers) -> None:
        """rows: OF_LABS, texts as codes. at: the moment of each."""
        lanes = codes(rows["analyte"], {analyte: LANES.index(lane) for analyte, lane in LANE_OF.items()})
        shown = (lanes >= 0) & rows["usable"].to_numpy() & _known(rows, "value")
        rows, at = self._near(rows.append_column("lane", pa.array(lanes, pa.int8())), at, shown)
        values = {
            "low": rows["value_low"],
            "high": rows["value_high"],
            "said": rows["reported"],
            "unit": rows["unit"],
        }
        corrected = pa.array(codes(rows["analyte"], {"calcium_corrected": 1}) == 1)
        self._add(at, values | {"lane": rows["lane"], "corrected": corrected, "resource": rows["resource"]})

    def marks(self) -> Marks:
        """Once. A column at a time, and what it is made of goes: the texts are large."""
        found = pa.concat_tables(self._parts)
        self._parts.clear()
        order = pa.array(np.argsort(found["at"].to_numpy(), kind="stable"))
        columns = {}
        for name in _SCHEMA.names:
            column = found[name].combine_chunks()
            found = found.remove_column(0)
            columns[name] = column.take(order)
            memory.release()
        columns |= {name: visible_column(columns[name]) for name in ("said", "resource")}
        return Marks(pa.table(columns, schema=_SCHEMA), np.sort(np.concatenate(self._events)))

    def _near(self, rows: pa.Table, at: Numbers, shown: npt.NDArray[np.bool_]) -> tuple[pa.Table, Numbers]:
        """Those of `shown` that have a dose in question near them."""
        self._events.append(at)
        later = self._questions[np.searchsorted(self._questions, at - DAYS_AFTER)]
        near = shown & (later <= at + DAYS_BEFORE)
        return rows.filter(pa.array(near)), at[near]

    def _add(self, at: Numbers, columns: Mapping[str, Any]) -> None:
        """columns: of _SCHEMA; what is no column is the same in all rows, and what is missing is nothing."""
        whole = {"corrected": False, **columns, "at": pa.array(at)}
        self._parts.append(pa.table([_column(whole[f.name], f.type, len(at)) for f in _SCHEMA], schema=_SCHEMA))


def codes(column: pa.ChunkedArray, numbers: Mapping[str, int]) -> Numbers:
    """The number of each text of a column of codes; -1: it has none."""
    found = column.combine_chunks()
    return spread(found, np.array([numbers.get(word, -1) for word in found.dictionary.to_pylist()], np.int64))


def _column(values: Any, kind: pa.DataType, rows: int) -> Any:
    """What is not known is no number, or no text."""
    if not isinstance(values, pa.ChunkedArray | pa.Array):
        return pa.repeat(pa.scalar(values, kind), rows)
    nothing = {pa.string(): "", pa.float64(): np.nan}.get(kind)
    return values.cast(kind) if nothing is None else pc.fill_null(values.cast(kind), nothing)


def _text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return column.cast(pa.string())


def _known(rows: pa.Table, name: str) -> npt.NDArray[np.bool_]:
    """Where both bounds are numbers."""
    low, high = (np.isfinite(pc.fill_null(rows[f"{name}_{end}"], np.nan).to_numpy()) for end in ("low", "high"))
    return np.asarray(low & high)
