"""The order of a patient's doses of one product: previous, first, number, days between."""

import numpy as np

from bonefhir.derive.series import Course
from bonefhir.derive.windows import Moments
from bonefhir.interval import Integers, Interval


def course(doses: Moments, product: Integers, place: Integers) -> Course:
    """By start; a date without a time comes first on its day; ties by id.

    product     a number of each
    place       of each dose, by id
    """
    group = doses.patient * (int(product.max(initial=0)) + 1) + product
    order = np.lexsort((place, *_start(doses, group), group))
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
    """Sort keys, the last one first: by instant; a date without a time before the first dose that is timed on or after it."""
    timed, bare = np.flatnonzero(doses.timed), np.flatnonzero(~doses.timed)
    _, rank = np.unique(doses.instant, return_inverse=True)
    place = 2 * rank.astype(np.int64) + 1
    timed = timed[np.lexsort((doses.first[timed], group[timed]))]
    # Reversed, the least of a group is less than all of the groups before it, so that the minimum starts anew with each.
    beyond = 2 * len(doses) + 1
    soonest = np.minimum.accumulate((group[timed] * beyond + place[timed])[::-1])[::-1]
    day = doses.first - doses.first.min(initial=0)
    days = int(day.max(initial=0)) + 1
    at = np.searchsorted(group[timed] * days + day[timed], group[bare] * days + day[bare])
    following = np.append(soonest, -1)[at]
    found = np.append(group[timed], -1)[at] == group[bare]
    place[bare] = np.where(found, following - group[bare] * beyond - 1, beyond)
    return -doses.last * ~doses.timed, doses.first * ~doses.timed, place


def interval_days(doses: Moments, course: Course) -> Interval:
    """Days of the local calendar between the starts of this dose and the previous one; NaN: none. A range for partial dates."""
    has = course.previous >= 0
    previous = doses.take(course.previous)
    low, high = (doses.first - previous.last).astype(np.float64), (doses.last - previous.first).astype(np.float64)
    return Interval(np.where(has, low, np.nan), np.where(has, high, np.nan))
