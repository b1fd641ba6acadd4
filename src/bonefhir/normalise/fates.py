"""The ledger's promise: every resource that was read ends in exactly one fate, decided in a fixed order."""

from collections.abc import Sequence
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from bonefhir import tables
from bonefhir.interval import Flags

FATES = ("used", "irrelevant", "superseded", "excluded", "rejected")
USED, IRRELEVANT, SUPERSEDED, EXCLUDED, REJECTED = range(5)

Reason = tuple[str, str | None, str | None]
"""reason, path, detail of a reject."""


class Fates:
    """Fates of the resources of one type. The first decision stands: later calls change only what is still used."""

    def __init__(self, resource_type: str, resources: pa.Table) -> None:
        self.resource_type = resource_type
        self.resources = resources
        self.fate = np.full(len(resources), USED, dtype=np.int8)
        self._rejects: list[tuple[npt.NDArray[np.int64], str, list[Reason]]] = []

    @property
    def used(self) -> Flags:
        return np.asarray(self.fate == USED)

    @cached_property
    def contained(self) -> Flags:
        """Their id is '<parent>#<id>'."""
        if not any(_holds(chunk, "#") for chunk in self.resources["id"].chunks):  # as in most input
            return np.zeros(len(self.resources), dtype=bool)
        return np.asarray(pc.match_substring(self.resources["id"], "#").fill_null(False).to_numpy())

    def decide(self, rows: Flags, fate: int) -> None:
        self.fate[rows & self.used] = fate

    def reject(self, rows: Flags, stage: str, reason: str, path: str | None, detail: str) -> None:
        """One reason for all of the rows given that are still used."""
        hit = np.flatnonzero(rows & self.used)
        self.fate[hit] = REJECTED
        self._rejects.append((hit, stage, [(reason, path, detail)] * len(hit)))

    def reject_each(self, rows: npt.NDArray[np.int64], stage: str, faults: Sequence[Reason]) -> None:
        """A reason, path and detail for each row given; rows no longer used are passed over."""
        open_ = [(int(row), fault) for row, fault in zip(rows, faults, strict=True) if self.fate[row] == USED]
        hit = np.array([row for row, _ in open_], dtype=np.int64)
        self.fate[hit] = REJECTED
        self._rejects.append((hit, stage, [fault for _, fault in open_]))

    def reject_faults(self) -> None:
        """Those that the reader found a fault in."""
        faults = self.resources.select(["fault", "fault_path", "fault_detail"])
        rows = np.flatnonzero(~_is_null(faults["fault"]))
        columns = [faults[name].cast(pa.string()).take(rows).to_pylist() for name in faults.column_names]
        self.reject_each(rows, "read", list(zip(*columns, strict=True)))

    def rejects(self) -> pa.Table:
        parts = [self._reject_table(*part) for part in self._rejects if len(part[0])]
        return pa.concat_tables([tables.REJECTS.empty(), *parts])

    def _reject_table(self, rows: npt.NDArray[np.int64], stage: str, faults: Sequence[Reason]) -> pa.Table:
        source = self.resources.take(rows)
        return tables.build(
            tables.REJECTS,
            {
                "file": source["file"],
                "line": source["line"],
                "entry": source["entry"],
                "resource_type": pa.array([self.resource_type] * len(rows), pa.string()),
                "id": source["id"],
                "stage": pa.array([stage] * len(rows), pa.string()),
                "reason": pa.array([reason for reason, _, _ in faults], pa.string()),
                "path": pa.array([path for _, path, _ in faults], pa.string()),
                "detail": pa.array([detail for _, _, detail in faults], pa.string()),
            },
        )

    def per_file(self, files: int) -> npt.NDArray[np.int64]:
        """Counts, one row per file and one column per fate. Contained resources ('#' in the id) are nobody's count."""
        counted = ~self.contained
        file = self.resources["file"].to_numpy()[counted].astype(np.int64)
        counts = np.bincount(file * len(FATES) + self.fate[counted], minlength=files * len(FATES))
        return counts.reshape(files, len(FATES))


def _is_null(column: pa.ChunkedArray) -> Flags:
    return np.asarray(column.is_null().to_numpy())


def _holds(texts: pa.StringArray, letter: str) -> bool:
    """The letter is among their bytes, or those of texts around them."""
    data = texts.buffers()[2]
    return data is not None and bool((np.frombuffer(data, np.uint8) == ord(letter)).any())
