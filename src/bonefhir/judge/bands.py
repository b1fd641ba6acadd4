"""Doses by bands of creatinine clearance, with the gaps that a label leaves between its printed bands (kinds.md, Bands)."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from bonefhir.interval import Flags, Floats, above, at_least

Bands = Sequence[Mapping[str, Any]]
"""From the highest: {over | from, max, printed_to?}."""


def lowest(bands: Bands) -> float:
    """The clearance at which the lowest band begins."""
    return float(bands[-1]["from"])


def in_a_band(bands: Bands, clearance: Floats) -> Flags:
    return at_least(clearance, lowest(bands))


def strict(bands: Bands, clearance: Floats) -> Floats:
    """The dose of the band that the clearance lies in; NaN below the lowest."""
    dose = np.full(len(clearance), np.nan)
    for band in reversed(bands):
        dose = np.where(_reached(band, clearance), band["max"], dose)
    return dose


def lenient(bands: Bands, clearance: Floats) -> Floats:
    """The same, but in a printed gap that of the next higher band."""
    dose = strict(bands, clearance)
    for higher, band in pairwise(bands):
        if "printed_to" in band:
            gap = _reached(band, clearance) & above(clearance, band["printed_to"]) & ~_reached(higher, clearance)
            dose = np.where(gap, higher["max"], dose)
    return dose


def _reached(band: Mapping[str, Any], clearance: Floats) -> Flags:
    return above(clearance, band["over"]) if "over" in band else at_least(clearance, band["from"])
