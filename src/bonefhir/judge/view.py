"""What a kind of rule sees, and what it says: one element per dose, nothing else."""

from collections import ChainMap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from bonefhir.interval import Flags, Floats, Integers, Interval, missing
from bonefhir.vocabulary import reason
from bonefhir.words import Words

NOT_APPLICABLE, PASS, FAIL, INDETERMINATE = range(4)
WORDS = ("not_applicable", "pass", "fail", "indeterminate")
"""Verdicts in this module are indices into these."""

BOUNDS = reason("bounds")
SEXES = ("male", "female")


Column = npt.NDArray[np.generic] | Words


@dataclass(frozen=True)
class Selected(Mapping[str, Column]):
    """Some rows of the columns: a kind reads a few of two hundred, so each is cut when it is read, once for all rules."""

    columns: Mapping[str, Column]
    rows: Integers
    _cut: dict[str, Column] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Column:
        if name not in self._cut:
            self._cut[name] = found = self.columns[name][self.rows]
            if isinstance(found, np.ndarray):
                found.flags.writeable = False
        return self._cut[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.columns)

    def __len__(self) -> int:
        return len(self.columns)


@dataclass(frozen=True)
class View:
    """Columns of some doses, by name. A quantity `q` is q_low, q_high, q_missing, q_why, q_assumed, q_si."""

    columns: Mapping[str, Column]
    rows: int

    def interval(self, name: str) -> Interval:
        return Interval(self.columns[f"{name}_low"], self.columns[f"{name}_high"])  # type: ignore[arg-type]

    def bits(self, name: str) -> Integers:
        return np.asarray(self.columns[name], dtype=np.int64)

    def flag(self, name: str) -> Flags:
        return np.asarray(self.columns[name], dtype=bool)

    def numbers(self, name: str) -> Floats:
        return np.asarray(self.columns[name], dtype=np.float64)

    def words(self, name: str) -> Words:
        column = self.columns[name]
        return column if isinstance(column, Words) else Words.of(np.asarray(column, dtype=object))

    def union(self, suffix: str, quantities: Sequence[str]) -> Integers:
        total = np.zeros(self.rows, dtype=np.int64)
        for name in quantities:
            total |= self.bits(f"{name}_{suffix}")
        return total

    @property
    def sex_unknown(self) -> Flags:
        return np.asarray(self.columns["female_low"] != self.columns["female_high"])

    def of_sex(self, sex: str) -> "View":
        """As if every dose were given to a patient of this sex."""
        own = {name.replace(f"_{sex}_", "_"): self.columns[name] for name in self.columns if f"_{sex}_" in name}
        return View(ChainMap(own, self.columns), self.rows)  # type: ignore[arg-type]  # which only writes to the first


@dataclass(frozen=True)
class Outcome:
    """verdict: indices into WORDS. reasons and assumed: bits. said: the word judged, where it is no number.

    groups: evidence that the verdict rests on.
    """

    verdict: Integers
    reasons: Integers
    observed: Interval
    limit: Floats
    unit: Words
    assumed: Integers
    said: Words
    groups: tuple[str, ...] = field(default=())


def verdicts(fail: Flags, passed: Flags, not_applicable: Flags | None = None) -> Integers:
    codes = np.where(fail, FAIL, np.where(passed, PASS, INDETERMINATE))
    return codes if not_applicable is None else np.where(not_applicable, NOT_APPLICABLE, codes)


def outcome(  # noqa: PLR0913 what a kind may have to say
    view: View,
    verdict: Integers,
    quantities: Sequence[str],
    *,
    observed: Interval | None = None,
    limit: Floats | float = np.nan,
    unit: Words | str | None = None,
    more: Integers | int = 0,
    assumed: Integers | int = 0,
    said: Words | str = "",
    groups: Sequence[str] = (),
) -> Outcome:
    """Reasons of what is indeterminate: what is missing; else what explains the range; `bounds` if nothing does.

    quantities  those the verdict depends on
    more        reasons (bits) that the kind itself knows
    """
    absent = view.union("missing", quantities)
    explained = np.where(absent != 0, absent, view.union("why", quantities)) | more
    reasons = np.where(verdict == INDETERMINATE, np.where(explained == 0, BOUNDS, explained), 0)
    return Outcome(
        verdict,
        reasons,
        missing(view.rows) if observed is None else observed,
        np.broadcast_to(np.asarray(limit, dtype=np.float64), (view.rows,)),
        unit if isinstance(unit, Words) else Words.one(unit, view.rows),
        view.union("assumed", quantities) | assumed,
        said if isinstance(said, Words) else Words.one(said, view.rows),
        tuple(groups),
    )
