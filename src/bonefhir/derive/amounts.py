"""The amount of each record: as charted, per kg of a weight, or of a rate over a known time (semantics, section 2)."""

import numpy as np

from bonefhir.derive import durations
from bonefhir.derive.bucket import Bucket
from bonefhir.derive.chart import Chart
from bonefhir.derive.latest import latest
from bonefhir.derive.windows import before
from bonefhir.interval import Flags, Integers, Interval, missing
from bonefhir.settings import Settings
from bonefhir.vocabulary import assumption, reason


def with_amounts(bucket: Bucket, settings: Settings) -> Chart:
    """Amounts per kg become amounts, and rates over a known time too; `absent`: the reasons (bits) for which there is none."""
    chart, when = bucket.administrations, bucket.administered
    amount, per_kg = chart.floats("amount"), chart.floats("amount_per_kg")
    rows = np.flatnonzero(~np.isnan(per_kg))
    weight, partial, assumed = _weights(bucket, rows, settings.weight_window_days)
    problem = chart.words("amount_problem")
    rate = durations.amount_by_rate(chart, when)
    by_rate = problem.among(["no-dose"]) & ~np.isnan(rate)
    low = np.where(by_rate, rate, np.where(np.isnan(per_kg), amount, per_kg * weight.low))
    high = np.where(np.isnan(per_kg), low, per_kg * weight.high)
    absent = problem.each(lambda word: reason(str(word)) if word else 0, np.int64)
    no_weight = np.where(partial, reason("partial-date"), reason("no-weight"))
    absent = np.where(~np.isnan(per_kg) & ~weight.known, no_weight, absent)
    numbers = {
        "amount": low,
        "amount_top": high,
        "assumptions": chart.integers("assumptions") | np.where(by_rate, assumption("amount-from-rate"), 0),
        "weight_assumptions": assumed,
        "absent": np.where(np.isnan(low), absent, 0),
    }
    return chart.told(numbers)


def _weights(bucket: Bucket, rows: Integers, days: int) -> tuple[Interval, Flags, Integers]:
    """At these administrations the weight, that a partly dated one may be it, and what is assumed of it."""
    labs, when = bucket.of_analytes("weight"), bucket.administered.take(rows)
    found = latest(before(when, labs.when, days), labs, when)
    every = len(bucket.administrations)
    weight, partial, assumed = missing(every), np.zeros(every, dtype=bool), np.zeros(every, dtype=np.int64)
    weight.low[rows], weight.high[rows] = found.value
    partial[rows], assumed[rows] = found.partial, found.assumptions
    return weight, partial, assumed
