"""Where the doses are that could not be judged, reason by reason."""

from typing import NamedTuple

import numpy as np

from bonefhir.report.slices import Sliced
from bonefhir.report.tally import codes_of
from bonefhir.vocabulary import REASONS


class AtSite(NamedTuple):
    """The site that has most of the doses of a reason, and how many."""

    site: str
    doses: int


def most_at(sliced: Sliced) -> dict[str, AtSite]:
    """Reason → its site, ties by name; empty where all doses are of one site, of which there is nothing to say."""
    column = sliced.doses["site"].combine_chunks()
    codes, values = codes_of(column)
    if len(np.unique(codes[codes < values])) < 2:
        return {}
    names = [*column.dictionary.to_pylist(), ""]
    found: dict[str, AtSite] = {}
    for bit, reason in enumerate(REASONS):
        numbers = np.bincount(codes[sliced.tally.why >> bit & 1 == 1], minlength=values + 1).tolist()
        number, name = min((-number, name) for number, name in zip(numbers, names, strict=True))
        if number:
            found[reason] = AtSite(name, -number)
    return found
