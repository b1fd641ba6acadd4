"""Grades that readers of a report know: KDIGO GFR categories and CTCAE grades of calcium. No rule rests on them.

CTCAE grades in the unit that was reported: its scales in mg/dL and mmol/L are no exact conversions of each other.
"""

import numpy as np
import numpy.typing as npt

from bonefhir.constants import CALCIUM_MG_DL
from bonefhir.interval import Flags, Floats, Interval, above, below
from bonefhir.words import Words

CTCAE = "5.0"
"""Version of the Common Terminology Criteria for Adverse Events; its grades of calcium are those of version 6 too."""

G_STAGES = ("G1", "G2", "G3a", "G3b", "G4", "G5")
_G_LIMITS = (90.0, 60.0, 45.0, 30.0, 15.0)
"""mL/min/1.73 m², KDIGO 2012: a category begins at its limit, unrounded."""

MG_DL, MMOL_L, IONISED = "mg/dL", "mmol/L", "ionised"
_HYPO = {MG_DL: (8.0, 7.0, 6.0), MMOL_L: (2.0, 1.75, 1.5), IONISED: (1.0, 0.9, 0.8)}
"""Below which grades 2, 3 and 4 begin; grade 1 is below the lower limit of normal. Ionised calcium in mmol/L."""
_HYPER = {MG_DL: (11.5, 12.5, 13.5), MMOL_L: (2.9, 3.1, 3.4), IONISED: (1.5, 1.6, 1.8)}
"""Above which grades 2, 3 and 4 begin; grade 1 is above the upper limit of normal."""
UPPER_LIMIT = {MG_DL: 10.5, MMOL_L: 2.62, IONISED: 1.33}
"""Upper limit of normal (policy)."""

Codes = npt.NDArray[np.int64]


def g_stage(egfr: Floats) -> Codes:
    """Index into G_STAGES; NaN: -1."""
    stage = np.sum([below(egfr, limit) for limit in _G_LIMITS], axis=0, dtype=np.int64)
    return np.where(np.isnan(egfr), -1, stage)


def hypocalcaemia(value: Floats, lower_limit: Floats, scale: str) -> Codes:
    """CTCAE grade 0 to 4 of a calcium on one of the scales; NaN: -1."""
    two, three, four = _HYPO[scale]
    grade = np.select([below(value, four), below(value, three), below(value, two), below(value, lower_limit)], [4, 3, 2, 1], 0)
    return np.where(np.isnan(value), -1, grade)


def hypercalcaemia(value: Floats, upper_limit: Floats, scale: str) -> Codes:
    """CTCAE grade 0 to 4; NaN: -1."""
    two, three, four = _HYPER[scale]
    grade = np.select([above(value, four), above(value, three), above(value, two), above(value, upper_limit)], [4, 3, 2, 1], 0)
    return np.where(np.isnan(value), -1, grade)


def of_calcium(calcium: Interval, limit: Floats, ionised: Flags, si: Flags) -> tuple[Interval, Interval]:
    """Grades of hypo- and hypercalcaemia as ranges, of calciums in mg/dL (ionised: mmol/L); NaN: no calcium.

    limit   lower limit of normal, in the calcium's unit
    si      reported in mmol/L: graded on that scale
    """
    scales = np.where(ionised, IONISED, np.where(si, MMOL_L, MG_DL))
    factor = np.where(~ionised & si, 1 / CALCIUM_MG_DL, 1.0)
    low, high = calcium.low * factor, calcium.high * factor
    hypo, hyper = (Interval(np.full(len(low), np.nan), np.full(len(low), np.nan)) for _ in range(2))
    for scale in (MG_DL, MMOL_L, IONISED):
        rows = (scales == scale) & calcium.known
        upper = np.full(int(rows.sum()), UPPER_LIMIT[scale])
        hypo.low[rows], hypo.high[rows] = (hypocalcaemia(v[rows], (limit * factor)[rows], scale) for v in (high, low))
        hyper.low[rows], hyper.high[rows] = (hypercalcaemia(v[rows], upper, scale) for v in (low, high))
    return hypo, hyper


def words(low: Codes, high: Codes, names: tuple[str, ...]) -> Words:
    """'G3a', or 'G2 to G3a' where the range spans several; None where there is none."""
    spans = [a if a == b else f"{min(a, b, key=names.index)} to {max(a, b, key=names.index)}" for a in names for b in names]
    codes = np.where((low < 0) | (high < 0), len(spans), low * len(names) + high)
    return Words((*spans, None), codes)
