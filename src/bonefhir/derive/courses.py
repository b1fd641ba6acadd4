"""The order of a patient's doses of one product: previous, first, number, days between."""

import numpy as np
import numpy.typing as npt

from bonefhir.derive.series import Course
from bonefhir.derive.windows import NEVER, Moments
from bonefhir.interval import Integers, Interval

Objects = npt.NDArray[np.object_]


def course(doses: Moments, product: Objects, ids: Objects) -> Course:
    """By start; a date without a time comes first on its day; ties by id."""
    _, codes = np.unique(product.astype(str), return_inverse=True)
    group = doses.patient * (int(codes.max(initial=0)) + 1) + codes
    order = np.lexsort((ids.astype(str), *_start(doses, group), group))
    previous, first = np.full(len(doses), -1, dtype=np.int64), np.arange(len(doses))
    ordinal = np.ones(len(doses), dtype=np.int64)
    same = group[order][1:] == group[order][:-1]
    previous[order[1:][same]] = order[:-1][same]
    begins = np.concatenate([[True], ~same]) if len(doses) else np.zeros(0, dtype=bool)
    start = np.maximum.accumulate(np.where(begins, np.arange(len(doses)), 0)) if len(doses) else np.zeros(0, dtype=np.int64)
    first[order] = order[start]
    ordinal[order] = np.arange(len(doses)) - start + 1
    return Course(previous, first, ordinal)


def _start(doses: Moments, group: Integers) -> tuple[Integers, Integers, Integers]:
    """Sort keys, the last one first: instants where the whole course has them, else local dates, bare dates first."""
    untimed = np.unique(group[~doses.timed])
    by_date = np.isin(group, untimed)
    return np.where(doses.timed, doses.instant, NEVER), doses.timed.astype(np.int64), np.where(by_date, doses.first, 0)


def interval_days(doses: Moments, course: Course) -> Interval:
    """Days of the local calendar between the starts of this dose and the previous one; NaN: none. A range for partial dates."""
    has = course.previous >= 0
    previous = doses.take(course.previous)
    low, high = (doses.first - previous.last).astype(np.float64), (doses.last - previous.first).astype(np.float64)
    return Interval(np.where(has, low, np.nan), np.where(has, high, np.nan))
