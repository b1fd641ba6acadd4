"""The kinds of rule as data: their parameters, and the columns of their examples. Their meaning is in judge/kinds."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Kind:
    """required, optional   parameter -> type (fields.CHECKS)
    choices             groups of parameters of which a rule has exactly one group, complete
    columns             columns that its examples may have, beside those of EVERY_KIND
    """

    columns: tuple[str, ...]
    required: Mapping[str, str] = field(default_factory=dict)
    optional: Mapping[str, str] = field(default_factory=dict)
    choices: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True)
class Column:
    """A column of an example.

    type        'interval', 'number', 'word' or 'yes_no'
    words       the words that it may hold; () for 'interval' and 'number', and where a name of the catalogue stands
    missing     reason of a verdict that rests on a blank cell; None: a blank cell is no fault of its own
    """

    type: str
    words: tuple[str, ...] = ()
    missing: str | None = None


YES_NO = ("yes", "no")
COLUMNS: Mapping[str, Column] = {
    "amount": Column("interval", missing="no-dose"),
    "duration": Column("interval", missing="no-duration"),
    "interval": Column("interval"),
    "clearance": Column("interval", missing="no-creatinine"),
    "baseline_clearance": Column("interval", missing="no-baseline"),
    "creatinine": Column("interval", missing="no-creatinine"),
    "baseline_creatinine": Column("interval", missing="no-baseline"),
    "egfr": Column("interval", missing="no-egfr"),
    "age": Column("interval", missing="no-age"),
    "weight": Column("interval", missing="no-weight"),
    "calcium": Column("interval", missing="no-calcium"),
    "calcium_limit": Column("number"),
    "calcium_kind": Column("word", ("ionised", "corrected", "total")),
    "corrected_calcium": Column("interval", missing="no-calcium"),
    "vitamin_d": Column("interval"),
    "neutrophils": Column("interval", missing="no-counts"),
    "platelets": Column("interval", missing="no-counts"),
    "haemoglobin": Column("interval", missing="no-counts"),
    "leucocytes": Column("interval", missing="no-counts"),
    "rise": Column("interval"),
    "ratio": Column("interval"),
    "count": Column("number"),
    "ordinal": Column("number"),
    "route": Column("word", missing="no-route"),
    "indication": Column("word"),
    "unit": Column("word", ("mg/dL", "umol/L", "mmol/L", "ng/mL", "nmol/L")),
    "stopped": Column("yes_no", YES_NO),
    "reached": Column("yes_no", YES_NO),
    "measured": Column("word", ("usable", "unusable", "none")),
    "records": Column("yes_no", YES_NO),
    "due": Column("yes_no", YES_NO),
    "assumed": Column("yes_no", YES_NO),
    "other": Column("yes_no", (*YES_NO, "possible")),
    "condition": Column("yes_no", (*YES_NO, "possible")),
    "dental": Column("yes_no", (*YES_NO, "possible")),
    "days": Column("number"),
    "hours": Column("number"),
    "peak": Column("number"),
    "lab": Column("word"),
    "other_product": Column("word"),
    "finding": Column("word"),
    "profile": Column("word", ("us", "eu")),
    "product": Column("word"),
    "treated_for": Column("word"),
}
"""Every column that examples may have.

days            between the dose and what was measured, given or found: outside the rule's window it is not there
hours           between the lowest creatinine and the latest
peak            a creatinine since the previous dose
lab, other_product, finding     what it was; none of what the rule asks for is not there
profile, product, treated_for   of whom the dose is; blank: of one that the rule speaks of
"""

EVERY_KIND = ("ordinal", "profile", "product", "treated_for")
"""Columns that the examples of every rule may have."""

_BY_CLEARANCE = {"basis": "basis", "bands": "bands", "tolerance": "number"}
_RISE = {
    "normal_below": "positive",
    "rise_normal": "positive",
    "rise_abnormal": "positive",
    "normal_below_umol_l": "positive",
    "rise_normal_umol_l": "positive",
    "rise_abnormal_umol_l": "positive",
}
_CLEARANCES = ("clearance", "baseline_clearance")

KINDS: Mapping[str, Kind] = {
    "route": Kind(("route",), {"allowed": "routes"}),
    "dose_max": Kind(("amount",), {"max": "positive", "tolerance": "number"}),
    "dose_min": Kind(
        ("amount", "stopped", "corrected_calcium", "unit"),
        {"tolerance": "number"},
        choices=(("min",), ("bands_by_calcium",)),
        optional={"min": "positive", "bands_by_calcium": "calcium_bands"},
    ),
    "dose_by_clearance": Kind(("amount", *_CLEARANCES), _BY_CLEARANCE),
    "underdose_by_clearance": Kind(("amount", *_CLEARANCES, "stopped"), _BY_CLEARANCE),
    "clearance_min": Kind(("clearance",), {"min": "positive"}),
    "egfr_min": Kind(("egfr",), {"min": "positive"}),
    "creatinine_max": Kind(("creatinine", "unit"), {"max": "positive", "max_umol_l": "positive"}),
    "creatinine_rise": Kind(("creatinine", "baseline_creatinine", "unit", "ordinal"), _RISE),
    "creatinine_recovery": Kind(
        ("creatinine", "baseline_creatinine", "reached", "peak", "unit", "ordinal"), {**_RISE, "max_ratio": "positive"}
    ),
    "creatinine_stable": Kind(
        ("rise", "ratio", "count", "hours", "unit"),
        {"rise": "positive", "rise_umol_l": "positive", "rise_hours": "positive", "ratio": "positive", "ratio_days": "count"},
    ),
    "duration_min": Kind(("duration", "clearance"), {"min_minutes": "positive"}, {"when_clearance_below": "positive"}),
    "rate_max": Kind(("amount", "duration"), {"max_mg_per_h": "positive"}),
    "interval_min": Kind(("interval",), {"min_days": "count", "tolerance_days": "whole"}),
    "interval_max": Kind(("interval",), {"max_days": "count", "tolerance_days": "whole"}),
    "course_max": Kind(("ordinal",), {"max_doses": "count"}),
    "per_kg": Kind(
        ("amount", "weight", "stopped"),
        {"tolerance_percent": "number", "unit": "per_kg_unit"},
        {"or_fixed": "positive", "value": "positive", "min": "positive", "max": "positive"},
        choices=(("value",), ("min", "max")),
    ),
    "lab_before": Kind(("lab", "measured", "records", "days"), {"labs": "labs"}, {"window_days": "count"}),
    "lab_after": Kind(("lab", "measured", "records", "due", "days"), {"labs": "labs", "from_days": "whole", "to_days": "count"}),
    "calcium_min": Kind(
        ("calcium", "calcium_limit", "calcium_kind"), optional={"limit_mg_dl": "positive", "limit_ionised_mmol_l": "positive"}
    ),
    "calcium_indication": Kind(
        ("corrected_calcium", "unit", "days"), {"min_mg_dl": "positive", "min_mmol_l": "positive", "window_days": "count"}
    ),
    "counts_min": Kind(
        ("neutrophils", "platelets", "haemoglobin", "leucocytes", "days", "ordinal"),
        {"window_days": "count", "first": "counts", "later": "counts"},
    ),
    "vitamin_d_min": Kind(
        ("vitamin_d", "unit", "days"), {"min_ng_ml": "positive", "min_nmol_l": "positive", "window_days": "count"}
    ),
    "no_other_product": Kind(("other_product", "other", "days"), {"others": "products", "window_days": "count"}),
    "condition_absent": Kind(("finding", "condition", "days"), {"value_set": "value_set", "lookback_days": "whole"}),
    "dental_before_first": Kind(("dental", "records", "days", "ordinal"), {"window_days": "count"}),
    "age_min": Kind(("age",), {"min_years": "count"}),
    "indication_not": Kind(("indication", "assumed"), {"indications_not": "indications"}),
}
"""Every kind of rule, by name."""
