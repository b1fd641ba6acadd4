"""The resources of one type on their way to a fate: the rows read, one row per resource, and which version counts."""

from collections.abc import Callable, Collection
from dataclasses import InitVar, dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from bonefhir.interval import Flags
from bonefhir.normalise import versions
from bonefhir.normalise.concepts import per_distinct
from bonefhir.normalise.fates import EXCLUDED, SUPERSEDED, Fates, Reason
from bonefhir.normalise.versions import NONE_ELSEWHERE, Elsewhere

_EXCLUDED_STATUS = {
    "MedicationAdministration": ("not-done", "entered-in-error", "on-hold"),
    "Observation": ("registered", "preliminary", "cancelled", "entered-in-error", "unknown"),
    "Procedure": ("preparation", "not-done", "on-hold", "stopped", "entered-in-error", "unknown"),
    "Medication": ("entered-in-error",),
}

Check = Callable[[pd.DataFrame], pd.DataFrame]
"""Candidates (seq, file, offset, length, resource_type, release) → those that do not conform (seq, reason, path, detail)."""


@dataclass
class Input:
    """Observations have a row for each value. elsewhere: what is known of versions in other buckets of patients."""

    name: str
    rows: pa.Table
    elsewhere: InitVar[Elsewhere] = NONE_ELSEWHERE
    resources: pa.Table = field(init=False)
    resource_of: npt.NDArray[np.int64] = field(init=False)
    fates: Fates = field(init=False)
    quality: list[tuple[int, str]] = field(init=False)

    def __post_init__(self, elsewhere: Elsewhere) -> None:
        seq = self.rows["seq"].to_numpy()
        if (seq[1:] > seq[:-1]).all():  # each row a resource of its own, as nearly always: not a second copy of all of them
            self.resources, self.resource_of = self.rows, np.arange(len(seq))
        else:
            _, first, inverse = np.unique(seq, return_index=True, return_inverse=True)
            self.resources, self.resource_of = self.rows.take(first), inverse.reshape(-1)
        self.fates = Fates(self.name, self.resources)
        found = versions.decide(self.resources, elsewhere)
        self.quality = found.quality
        self.fates.decide(found.superseded, SUPERSEDED)

    def of_any_row(self, flags: Flags) -> Flags:
        """Per resource: the flag holds for at least one of its rows."""
        if self.resources is self.rows:
            return flags
        return np.bincount(self.resource_of, weights=flags, minlength=len(self.resources)) > 0

    def status_excluded(self) -> None:
        self.fates.decide(within(self.resources["status"], _EXCLUDED_STATUS[self.name]), EXCLUDED)

    def rejected_by_reader(self, needs_patient: bool = True) -> None:
        self.fates.reject_faults()
        self.fates.reject(null(self.resources["id"]), "resolve", "no-id", None, "neither an id nor a fullUrl that tells one")
        if needs_patient:
            self.fates.reject(
                null(self.resources["subject"]),
                "resolve",
                "no-patient",
                "subject",
                "no reference to a Patient that can be resolved",
            )

    @property
    def used_rows(self) -> Flags:
        return np.asarray(self.fates.used[self.resource_of])

    def conform(self, check: Check, candidates: Flags) -> None:
        """Rejects those of the candidates that are no valid FHIR."""
        rows, faults = self.invalid(check, candidates)
        self.fates.reject_each(rows, "conform", faults)

    def invalid(self, check: Check, candidates: Flags) -> tuple[npt.NDArray[np.int64], list[Reason]]:
        """Which of the candidates that are used are no valid FHIR, and why. Of most the scan knows that they are."""
        open_ = candidates & self.fates.used & ~self.resources["conforms"].to_numpy() & ~self.fates.contained
        rows = np.flatnonzero(open_)
        if not len(rows):
            return rows, []
        frame = self.resources.select(["seq", "file", "offset", "length", "release"]).take(rows).to_pandas()
        faults = check(frame.assign(resource_type=self.name))
        by_seq = dict(zip(frame["seq"], rows, strict=True))
        hit = np.array([by_seq[seq] for seq in faults["seq"]], dtype=np.int64)
        return hit, list(zip(faults["reason"], faults["path"], faults["detail"], strict=True))

    def of_patients(self, patients: set[str]) -> Flags:
        """Per resource: it is about one of them."""
        if self.name == "Patient":
            ids = self.resources["id"].to_pylist()
            return np.array([i is not None and f"Patient/{i}" in patients for i in ids], dtype=bool)
        return within(self.resources["subject"], patients)


def null(column: pa.ChunkedArray) -> Flags:
    return np.asarray(column.is_null().to_numpy())


def equals(column: pa.ChunkedArray, word: str) -> Flags:
    return within(column, (word,))


def within(column: pa.ChunkedArray, words: Collection[str]) -> Flags:
    values, codes = per_distinct(column, lambda text: text in words)
    return np.asarray(np.array(values, dtype=bool)[codes])
