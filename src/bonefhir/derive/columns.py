"""The dose table while it is being derived: named columns, and quantities that are several columns at once."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from bonefhir.interval import Flags, Integers, Interval

Column = npt.NDArray[np.generic]


@dataclass
class Columns:
    """rows: number of doses.

    A quantity `q` is the columns q_low, q_high; q_missing, the reasons (bits) for which it is NaN; q_why, the reasons that
    explain its being a range; q_assumed, its assumptions (bits); q_si, reported in the SI unit throughout. Where it depends
    on the sex, q_male_low … q_female_high hold it for either sex.
    """

    rows: int
    data: dict[str, Column] = field(default_factory=dict)

    def quantity(
        self,
        name: str,
        value: Interval,
        missing: Integers | int = 0,
        why: Integers | int = 0,
        assumed: Integers | int = 0,
        si: Flags | bool = False,
    ) -> None:
        known = value.known
        self.data[f"{name}_low"], self.data[f"{name}_high"] = value.low, value.high
        self.data[f"{name}_missing"] = np.where(known, 0, self._bits(missing))
        self.data[f"{name}_why"] = np.where(known, self._bits(why), 0)
        self.data[f"{name}_assumed"] = np.where(known, self._bits(assumed), 0)
        self.data[f"{name}_si"] = np.broadcast_to(np.asarray(si, dtype=bool), (self.rows,)) & known

    def by_sex(self, name: str, male: Interval, female: Interval) -> None:
        for sex, value in (("male", male), ("female", female)):
            self.data[f"{name}_{sex}_low"], self.data[f"{name}_{sex}_high"] = value.low, value.high

    def interval(self, name: str) -> Interval:
        return Interval(self.data[f"{name}_low"], self.data[f"{name}_high"])  # type: ignore[arg-type]

    def bits(self, name: str) -> Integers:
        return self.data[name].astype(np.int64)

    def _bits(self, value: Integers | int) -> Integers:
        return np.broadcast_to(np.asarray(value, dtype=np.int64), (self.rows,))
