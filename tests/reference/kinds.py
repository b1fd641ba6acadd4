"""The kinds of rule: kinds.md, one function a row of its table.

A kind takes a rule, a dose, its case (the chart and the whole input) and a view, and returns an Outcome. An outcome that is
indeterminate for want of a quantity says which (`reasons`); one that is so because of a range says nothing, or hints at what else
than a range may be behind it. `verdicts` finds the reasons of ranges.
"""

from collections.abc import Callable

from tests.reference.catalogue import Rule
from tests.reference.doses import Dose
from tests.reference.evidence import View
from tests.reference.judging import Case, Outcome
from tests.reference.kinds_of_charts import (
    age_min,
    calcium_indication,
    calcium_min,
    condition_absent,
    counts_min,
    dental_before_first,
    indication_not,
    lab_after,
    lab_before,
    no_other_product,
    vitamin_d_min,
)
from tests.reference.kinds_of_dose import (
    course_max,
    dose_max,
    dose_min,
    duration_min,
    interval_max,
    interval_min,
    per_kg,
    rate_max,
    route,
)
from tests.reference.kinds_of_kidneys import (
    clearance_min,
    creatinine_max,
    creatinine_recovery,
    creatinine_rise,
    creatinine_stable,
    dose_by_clearance,
    egfr_min,
    underdose_by_clearance,
)

Kind = Callable[[Rule, Dose, Case, View], Outcome]

KINDS: dict[str, Kind] = {
    kind.__name__: kind
    for kind in (
        route, dose_max, dose_min, dose_by_clearance, underdose_by_clearance, clearance_min, egfr_min, creatinine_max,
        creatinine_rise, creatinine_recovery, creatinine_stable, duration_min, rate_max, interval_min, interval_max, course_max,
        per_kg, lab_before, lab_after, calcium_min, calcium_indication, counts_min, vitamin_d_min, no_other_product,
        condition_absent, dental_before_first, age_min, indication_not,
    )
}  # fmt: skip
