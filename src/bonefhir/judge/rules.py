"""Applies the rules to a bucket's doses: verdict rows (tables.VERDICTS) and counts per rule."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from bonefhir import tables
from bonefhir.interval import Flags, Integers, Interval
from bonefhir.judge import kinds_dose, kinds_lab, kinds_record
from bonefhir.judge.messages import messages
from bonefhir.judge.view import INDETERMINATE, NOT_APPLICABLE, SEXES, WORDS, Outcome, View
from bonefhir.knowledge.model import Rule
from bonefhir.vocabulary import ASSUMPTIONS, REASONS, as_lists, assumption, reason

Objects = npt.NDArray[np.object_]
Kind = Callable[[View, Mapping[str, Any]], Outcome]

KINDS: Mapping[str, Kind] = {
    "route": kinds_dose.route,
    "dose_max": kinds_dose.dose_max,
    "dose_min": kinds_dose.dose_min,
    "dose_by_clearance": kinds_dose.dose_by_clearance,
    "underdose_by_clearance": kinds_dose.underdose_by_clearance,
    "duration_min": kinds_dose.duration_min,
    "rate_max": kinds_dose.rate_max,
    "interval_min": kinds_dose.interval_min,
    "interval_max": kinds_dose.interval_max,
    "course_max": kinds_dose.course_max,
    "per_kg": kinds_dose.per_kg,
    "clearance_min": kinds_lab.clearance_min,
    "egfr_min": kinds_lab.egfr_min,
    "age_min": kinds_lab.age_min,
    "creatinine_max": kinds_lab.creatinine_max,
    "creatinine_rise": kinds_lab.creatinine_rise,
    "creatinine_recovery": kinds_lab.creatinine_recovery,
    "creatinine_stable": kinds_lab.creatinine_stable,
    "calcium_min": kinds_lab.calcium_min,
    "calcium_indication": kinds_lab.calcium_indication,
    "vitamin_d_min": kinds_lab.vitamin_d_min,
    "counts_min": kinds_lab.counts_min,
    "lab_before": kinds_lab.lab_before,
    "lab_after": kinds_lab.lab_after,
    "no_other_product": kinds_record.no_other_product,
    "condition_absent": kinds_record.condition_absent,
    "dental_before_first": kinds_record.dental_before_first,
    "indication_not": kinds_record.indication_not,
}

_BY_SEX = frozenset({"dose_by_clearance", "underdose_by_clearance", "clearance_min", "egfr_min", "duration_min"})
"""Kinds whose verdict may depend on the sex."""


Evidence = Callable[[tuple[str, ...], Integers], Any]
"""Groups of evidence items, rows of doses → an Arrow list of items for each of them."""


@dataclass(frozen=True)
class Doses:
    """One element per dose. columns: what every kind may read; by_rule: what one rule reads beside them."""

    columns: Mapping[str, npt.NDArray[np.generic]]
    by_rule: Mapping[str, Mapping[str, npt.NDArray[np.generic]]]
    dose_id: Objects
    patient_id: Objects
    product: Objects
    indication: Objects
    rule_indication: Objects
    start: Objects
    assumptions: Integers
    evidence: Evidence


def evaluate(rule: Rule, view: View) -> Outcome:
    """The kind's outcome; where the sex is unknown, whether it would decide."""
    kind = KINDS[rule.kind]
    found = kind(view, rule.parameters)
    found = replace(found, verdict=_of_ordinal(rule, view, found.verdict))
    if rule.kind not in _BY_SEX or not (view.sex_unknown & (found.verdict == INDETERMINATE)).any():
        return found
    male, female = (kind(view.of_sex(sex), rule.parameters).verdict for sex in SEXES)
    decides = view.sex_unknown & (male != female) & (found.verdict == INDETERMINATE)
    others = found.reasons & ~reason("bounds")
    return replace(found, reasons=np.where(decides, others | reason("no-sex"), found.reasons))


def _of_ordinal(rule: Rule, view: View, verdict: Integers) -> Integers:
    """Rules that speak of the first dose only, or of all but the first."""
    if rule.doses == "all":
        return verdict
    first = view.numbers("ordinal") == 1
    return np.where(first if rule.doses == "first" else ~first, verdict, NOT_APPLICABLE)


def judge(doses: Doses, rules: tuple[Rule, ...], profile: str) -> tuple[pa.Table, pd.DataFrame]:
    """Verdicts sorted by dose and rule, and the counts: rule_id, pass, fail, indeterminate, not_applicable."""
    parts, counts = [], []
    for rule in (r for r in rules if profile in r.profiles):
        of_product = np.isin(doses.product, rule.products)
        speaks = of_product & (np.isin(doses.rule_indication, rule.indications) if rule.indications else True)
        rows = np.flatnonzero(speaks)
        columns = {**doses.columns, **doses.by_rule.get(rule.id, {})}
        view = View({name: values[rows] for name, values in columns.items()}, len(rows))
        found = evaluate(rule, view)
        counts.append(_counts(rule, found, int(of_product.sum()) - len(rows)))
        applicable = found.verdict != NOT_APPLICABLE
        parts.append(_rows(doses, rule, rows, view, found, applicable))
    table = pa.concat_tables([tables.VERDICTS.empty(), *parts])
    names = ["rule_id", *WORDS]
    return table.sort_by([("dose_id", "ascending"), ("rule_id", "ascending")]), pd.DataFrame(counts, columns=names)


def _counts(rule: Rule, found: Outcome, elsewhere: int) -> dict[str, str | int]:
    """elsewhere: doses of the rule's products given for an indication that the rule does not speak of."""
    numbers = np.bincount(found.verdict, minlength=len(WORDS))
    return (
        {"rule_id": rule.id}
        | {w: int(n) for w, n in zip(WORDS, numbers, strict=True)}
        | {"not_applicable": int(numbers[0]) + elsewhere}
    )


def _rows(doses: Doses, rule: Rule, rows: Integers, view: View, found: Outcome, applicable: Flags) -> pa.Table:
    rows = rows[applicable]
    kept = _kept(found, applicable)
    assumed = doses.assumptions[rows] | kept.assumed
    if rule.doses != "all":
        assumed = assumed | assumption("first-in-data")
    groups = tuple(rule.evidence_key if group == "own" else group for group in kept.groups)
    repeated = {"rule_id": rule.id, "rule_version": rule.version, "severity": rule.severity}
    columns: dict[str, object] = {name: pa.array([value] * len(rows), pa.string()) for name, value in repeated.items()}
    return tables.build(
        tables.VERDICTS,
        columns
        | {
            "dose_id": pa.array(doses.dose_id[rows], pa.string()),
            "patient_id": pa.array(doses.patient_id[rows], pa.string()),
            "product": pa.array(doses.product[rows], pa.string()),
            "indication": pa.array(doses.indication[rows], pa.string()),
            "dose_start": pa.array(doses.start[rows], pa.string()),
            "verdict": pa.array(np.array(WORDS, dtype=object)[kept.verdict], pa.string()),
            "reasons": as_lists(kept.reasons, REASONS),
            "observed_low": pa.array(kept.observed.low, pa.float64(), from_pandas=True),
            "observed_high": pa.array(kept.observed.high, pa.float64(), from_pandas=True),
            "limit": pa.array(kept.limit, pa.float64(), from_pandas=True),
            "unit": pa.array(kept.unit, pa.string()),
            "message": pa.array(messages(rule, kept, _context(rule, view, applicable)), pa.string()),
            "assumptions": as_lists(assumed, ASSUMPTIONS),
            "evidence": doses.evidence(groups, rows),
        },
    )


def _kept(found: Outcome, keep: Flags) -> Outcome:
    return Outcome(
        found.verdict[keep],
        found.reasons[keep],
        found.observed.take(keep),
        found.limit[keep],
        found.unit[keep],
        np.broadcast_to(found.assumed, keep.shape)[keep],
        found.said[keep],
        found.groups,
    )


def _context(rule: Rule, view: View, applicable: Flags) -> Interval | None:
    if rule.kind not in ("dose_by_clearance", "underdose_by_clearance"):
        return None
    name = "baseline_clearance" if rule.parameters["basis"] == "baseline" else "clearance"
    return view.interval(name).take(applicable)
