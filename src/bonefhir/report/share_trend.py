"""The trend over all doses as share/ may show it: months with a small group are withheld, and enough others with them.

A month is printed whole or not at all. It is withheld if anything that its numbers tell, or that can be subtracted from them,
is a group of fewer than k doses or patients. What is withheld can be known in sum, where the totals of the report are exact:
so at least two months are withheld, of which the sums are no small groups. Where a total is not exact, some months are
withheld always, lest the months say what the total must not.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from bonefhir.report.control_chart import Bools, is_p, p_chart
from bonefhir.report.share_counts import ShareRow
from bonefhir.report.slices import Sliced
from bonefhir.report.suppress import small
from bonefhir.report.trends import Trend, by_month, of_severity
from bonefhir.vocabulary import FAIL, INDETERMINATE, PASS


@dataclass(frozen=True)
class ShareTrend:
    """withheld: months that are not printed; of these `trend` holds zeros."""

    trend: Trend
    withheld: tuple[str, ...]


def share_trend(sliced: Sliced, exact: bool, k: int) -> ShareTrend:
    """exact: whether the totals of what is counted here are printed (`exact_totals`)."""
    trend = of_severity(sliced, "error")
    doses, patients = _cells(sliced)
    hidden = withheld(doses, patients, exact, k)
    shown = ~hidden[: len(trend.months)]
    events, judged = np.where(shown, trend.events, 0), np.where(shown, trend.judged, 0)
    kept = replace(
        trend,
        events=events,
        judged=judged,
        applicable=np.where(shown, trend.applicable, 0),
        complete=np.where(shown, trend.complete, 0),
        chart=p_chart(events, judged) if is_p(events, judged) else None,
        days=(),
    )
    return ShareTrend(kept, tuple(month for month, visible in zip(trend.months, shown, strict=True) if not visible))


def exact_totals(printed: dict[str, object], rows: list[ShareRow], any_and_error: list[tuple[int, int]], k: int) -> bool:
    """Whether all doses, and each outcome of every rule of severity error, are printed as numbers.

    any_and_error: numbers of doses, printed elsewhere of all severities; their difference must be no small group
    """
    outcomes = [row.outcomes[o] for row in rows if row.count.rule.severity == "error" for o in (PASS, FAIL, INDETERMINATE)]
    whole = all(isinstance(number, int) for number in [printed["doses"], *outcomes])
    return whole and not any(small(everything - part, k) for everything, part in any_and_error)


def withheld(doses: NDArray[np.int64], patients: NDArray[np.int64], exact: bool, k: int) -> Bools:
    """Which rows of a table, of which the sums of the columns are known, are not to be printed.

    doses, patients     a row per month, a column per group of doses that can be told from the numbers of the month
    Rows without doses are no secret, and hide nothing.
    """
    hidden: Bools = np.any(_small(doses, k) | _small(patients, k), axis=1)
    size = doses.sum(1)
    candidates = [row for row in np.argsort(size, kind="stable").tolist() if size[row] and not hidden[row]]
    for row in [*candidates, None]:
        if _enough(doses[hidden], patients[hidden], exact, k):
            return hidden
        if row is not None:
            hidden[row] = True
    return np.ones(len(doses), np.bool_)


def _enough(doses: NDArray[np.int64], patients: NDArray[np.int64], exact: bool, k: int) -> bool:
    """The patients of several months may be the same: the greatest number of a month is the least that they are."""
    if not len(doses):
        return exact
    return len(doses) > 1 and not _small(doses.sum(0), k).any() and not _small(patients.max(0), k).any()


def _small(numbers: NDArray[np.int64], k: int) -> Bools:
    return (numbers > 0) & (numbers < k)


def _cells(sliced: Sliced) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Doses and patients, a row per month and a last one for the doses of none, a column per group that can be told.

    Printed are fails, answers, applicable and complete; all doses are known from elsewhere.
    """
    judged, failed, opened = sliced.tally.flags("error")
    groups = (
        failed,
        judged & ~failed,
        ~judged,
        opened,
        judged & ~opened,
        ~(judged | opened),
        opened & ~judged,
        opened & judged,
    )
    return by_month(sliced, groups)
