"""The evidence of each dose: which resource said what, in which role; collected by group so that each rule can cite its own."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from bonefhir.interval import Floats, Integers
from bonefhir.tables import EVIDENCE

Objects = npt.NDArray[np.object_]


@dataclass(frozen=True)
class Group:
    """Evidence items sorted by dose; those of dose i stand from starts[i] to starts[i + 1]."""

    items: pa.StructArray
    starts: Integers


@dataclass
class Items:
    """doses: number of doses. A group may be added to several times."""

    doses: int
    _parts: dict[str, list[tuple[Integers, pd.DataFrame]]] = field(default_factory=dict)

    def add(  # noqa: PLR0913 the fields of an evidence item
        self,
        group: str,
        role: str,
        dose: Integers,
        *,
        resource: Objects | None = None,
        time: Objects | None = None,
        reported: Objects | None = None,
        low: Floats | None = None,
        high: Floats | None = None,
        unit: Objects | str | None = None,
    ) -> None:
        """One item per element of `dose`; all columns have its length."""
        columns = {"resource": resource, "time": time, "reported": reported, "value_low": low, "value_high": high, "unit": unit}
        frame = pd.DataFrame({"role": role, **columns}, index=np.arange(len(dose)), columns=["role", *columns])
        self._parts.setdefault(group, []).append((dose, frame))

    def add_labs(self, group: str, role: str, picks: tuple[Integers, Integers], labs: pd.DataFrame) -> None:
        """picks: doses, and rows of the bucket's lab table."""
        dose, row = picks
        chosen = {
            name: labs[name].to_numpy()[row] for name in ("resource", "time", "reported", "value_low", "value_high", "unit")
        }
        self.add(
            group,
            role,
            dose,
            resource=chosen["resource"],
            time=chosen["time"],
            reported=chosen["reported"],
            low=chosen["value_low"],
            high=chosen["value_high"],
            unit=chosen["unit"],
        )

    def share(self, group: str, owner: Integers) -> None:
        """Gives each dose the items of its owner (the first dose of its course)."""
        parts = self._parts.pop(group, [])
        for dose, frame in parts:
            order = np.argsort(dose, kind="stable")
            sorted_dose = dose[order]
            low, high = (np.searchsorted(sorted_dose, owner, side=side) for side in ("left", "right"))
            counts = high - low
            receiver = np.repeat(np.arange(len(owner)), counts)
            within = np.arange(len(receiver)) - np.repeat(np.cumsum(counts) - counts, counts)
            rows = order[np.repeat(low, counts) + within]
            self._parts.setdefault(group, []).append((receiver, frame.iloc[rows].reset_index(drop=True)))

    def groups(self) -> dict[str, Group]:
        return {name: self._group(parts) for name, parts in self._parts.items()}

    def _group(self, parts: list[tuple[Integers, pd.DataFrame]]) -> Group:
        dose = np.concatenate([d for d, _ in parts])
        frame = pd.concat([f for _, f in parts], ignore_index=True) if len(parts) > 1 else parts[0][1]
        resource = frame["resource"].to_numpy(dtype=object).astype(str)
        order = np.lexsort((resource, frame["role"].to_numpy(dtype=object).astype(str), dose))
        frame = frame.iloc[order]
        arrays = [_array(frame[f.name], f.type) for f in EVIDENCE]
        starts = np.concatenate([[0], np.cumsum(np.bincount(dose, minlength=self.doses))]).astype(np.int64)
        return Group(pa.StructArray.from_arrays(arrays, fields=list(EVIDENCE)), starts)


def _array(values: "pd.Series[object]", wanted: pa.DataType) -> pa.Array:
    """NaN is no value: it is null in the evidence."""
    if pa.types.is_floating(wanted):
        return pa.array(values.to_numpy(dtype=np.float64), wanted, from_pandas=True)
    return pa.array(values.to_numpy(dtype=object), wanted, from_pandas=True)


def take(groups: list[Group], rows: Integers) -> pa.ListArray:
    """The items of several groups, one list per dose asked for."""
    counts = np.zeros(len(rows), dtype=np.int64)
    for group in groups:
        counts += group.starts[rows + 1] - group.starts[rows]
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
    if not groups or offsets[-1] == 0:
        return pa.ListArray.from_arrays(pa.array(np.zeros(len(rows) + 1), pa.int32()), pa.array([], EVIDENCE))
    dose, source, position = [], [], []
    for number, group in enumerate(groups):
        size = group.starts[rows + 1] - group.starts[rows]
        owner = np.repeat(np.arange(len(rows)), size)
        within = np.arange(len(owner)) - np.repeat(np.cumsum(size) - size, size)
        dose.append(owner)
        source.append(np.full(len(owner), number))
        position.append(np.repeat(group.starts[rows], size) + within)
    bases = np.concatenate([[0], np.cumsum([len(g.items) for g in groups])])
    owner, origin, place = (np.concatenate(x) for x in (dose, source, position))
    order = np.lexsort((place, origin, owner))
    all_items = pa.concat_arrays([g.items for g in groups])
    return pa.ListArray.from_arrays(pa.array(offsets), all_items.take(pa.array((bases[origin] + place)[order])))
