"""Applies the rules to a bucket's doses: verdict rows (tables.VERDICTS) and counts per rule."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from bonefhir.coded import Column, Lists, Plain, Rows, Structs, Texts, lists, texts
from bonefhir.interval import Flags, Integers, Interval, missing
from bonefhir.judge import kinds_dose, kinds_lab, kinds_record
from bonefhir.judge.messages import messages
from bonefhir.judge.view import INDETERMINATE, NOT_APPLICABLE, SEXES, WORDS, Outcome, Selected, View
from bonefhir.knowledge.model import Rule
from bonefhir.sorting import by_number
from bonefhir.vocabulary import ASSUMPTIONS, REASONS, assumption, distinct, reason
from bonefhir.words import Words

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


Evidence = Callable[[Sequence[Sequence[str]], Integers, Integers], Lists]
"""Groups of evidence items that are cited together; which of these each list cites; and of which dose: one list for each."""


@dataclass(frozen=True)
class Doses:
    """One element per dose. columns: what every kind may read; by_rule: what one rule reads beside them.

    place       of each dose, by id: verdicts are in this order
    """

    columns: Mapping[str, npt.NDArray[np.generic] | Words]
    by_rule: Mapping[str, Mapping[str, npt.NDArray[np.generic]]]
    dose_id: Texts
    place: Integers
    patient_id: Texts
    product: Words
    indication: Words
    rule_indication: Words
    start: Texts
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


def judge(doses: Doses, rules: tuple[Rule, ...], profile: str) -> tuple[Rows, pd.DataFrame]:
    """Verdicts by rule and dose_id, and the counts: rule_id, pass, fail, indeterminate, not_applicable."""
    by_id = np.argsort(doses.place)  # what is written next stands close together
    judged: list[_Judged] = []
    counts: list[dict[str, str | int]] = []
    for rule in (r for r in rules if profile in r.profiles):
        of_product = doses.product.among(rule.products)
        speaks = of_product & (doses.rule_indication.among(rule.indications) if rule.indications else True)
        rows = by_id[speaks[by_id]]
        if not len(rows):
            counts.append({"rule_id": rule.id, **dict.fromkeys(WORDS, 0), "not_applicable": int(of_product.sum())})
            continue
        view = View(Selected({**doses.columns, **doses.by_rule.get(rule.id, {})}, rows), len(rows))
        found = evaluate(rule, view)
        counts.append(_counts(rule, found, int(of_product.sum()) - len(rows)))
        judged.append(_judged(doses, rule, rows, view, found))
    return _rows(doses, judged), pd.DataFrame(counts, columns=["rule_id", *WORDS])


def _counts(rule: Rule, found: Outcome, elsewhere: int) -> dict[str, str | int]:
    """elsewhere: doses of the rule's products given for an indication that the rule does not speak of."""
    numbers = np.bincount(found.verdict, minlength=len(WORDS))
    return (
        {"rule_id": rule.id}
        | {w: int(n) for w, n in zip(WORDS, numbers, strict=True)}
        | {"not_applicable": int(numbers[0]) + elsewhere}
    )


@dataclass(frozen=True)
class _Judged:
    """What a rule says: one element per dose to which it applies. clearance: by which doses are judged; else NaN."""

    rule: Rule
    dose: Integers
    outcome: Outcome
    clearance: Interval

    @property
    def groups(self) -> tuple[str, ...]:
        return tuple(self.rule.evidence_key if group == "own" else group for group in self.outcome.groups)


def _judged(doses: Doses, rule: Rule, rows: Integers, view: View, found: Outcome) -> _Judged:
    applicable, clearance = found.verdict != NOT_APPLICABLE, _clearance(rule, view)
    if not applicable.all():
        rows, found, clearance = rows[applicable], _kept(found, applicable), clearance.take(applicable)
    first = 0 if rule.doses == "all" else assumption("first-in-data")
    return _Judged(rule, rows, replace(found, assumed=doses.assumptions[rows] | found.assumed | first), clearance)


def _kept(found: Outcome, keep: Flags | Integers) -> Outcome:
    return Outcome(
        found.verdict[keep],
        found.reasons[keep],
        found.observed.take(keep),
        found.limit[keep],
        found.unit[keep],
        found.assumed[keep],
        found.said[keep],
        found.groups,
    )


def _clearance(rule: Rule, view: View) -> Interval:
    if rule.kind not in ("dose_by_clearance", "underdose_by_clearance"):
        return missing(view.rows)
    return view.interval("baseline_clearance" if rule.parameters["basis"] == "baseline" else "clearance")


# ------------------------------------------------------------------------------------------------------------- as rows


def _rows(doses: Doses, judged: list[_Judged]) -> Rows:
    """All rules at once, sorted by dose and rule."""
    judged = sorted(judged, key=lambda one: one.rule.id)
    rule, dose = np.repeat(np.arange(len(judged)), [len(one.dose) for one in judged]), _joined(one.dose for one in judged)
    order = by_number(doses.place[dose] * max(1, len(judged)) + rule)
    rule, dose, all_of = rule[order], dose[order], _kept(_together([one.outcome for one in judged]), order)
    clearance = Interval(*(_joined(getattr(one.clearance, end) for one in judged)[order] for end in ("low", "high")))
    numbers = {"observed_low": all_of.observed.low, "observed_high": all_of.observed.high, "limit": all_of.limit}
    rules = [one.rule for one in judged]
    found: dict[str, Column] = {
        "rule": Structs(rule.astype(np.int32), _about_rules(rules)),
        "dose": Structs(doses.place[dose].astype(np.int32), _about_doses(doses)),
        "verdict": texts(WORDS, all_of.verdict),
        "unit": texts(all_of.unit.kinds, all_of.unit.codes),
        "message": messages(rules, rule, all_of, clearance),
        "reasons": _lists(all_of.reasons, REASONS),
        "assumptions": _lists(all_of.assumed, ASSUMPTIONS),
        "evidence": doses.evidence([one.groups for one in judged], rule, dose),
    }
    return found | {name: Plain(pa.array(values, pa.float64(), from_pandas=True)) for name, values in numbers.items()}


def _about_rules(rules: Sequence[Rule]) -> Rows:
    every = np.arange(len(rules))
    names = {"rule_id": "id", "rule_version": "version", "severity": "severity"}
    return {name: texts([getattr(rule, own) for rule in rules], every) for name, own in names.items()}


def _about_doses(doses: Doses) -> Rows:
    """By place."""
    own = {"dose_id": doses.dose_id, "patient_id": doses.patient_id, "dose_start": doses.start}
    own |= {"product": doses.product.texts(), "indication": doses.indication.texts()}
    by_place = np.argsort(doses.place)
    return {name: replace(found, codes=found.codes[by_place]) for name, found in own.items()}


def _together(outcomes: Sequence[Outcome]) -> Outcome:
    """One after the other."""
    return Outcome(
        _joined(one.verdict for one in outcomes),
        _joined(one.reasons for one in outcomes),
        Interval(_joined(one.observed.low for one in outcomes), _joined(one.observed.high for one in outcomes)),
        _joined(one.limit for one in outcomes),
        Words.together([one.unit for one in outcomes]),
        _joined(one.assumed for one in outcomes),
        Words.together([one.said for one in outcomes]),
    )


def _lists(bits: Integers, words: Sequence[str]) -> Lists:
    sets, codes = distinct(bits, words)
    return lists(sets, codes.to_numpy())


def _joined(parts: Iterable[npt.NDArray[Any]]) -> npt.NDArray[Any]:
    return np.concatenate([np.empty(0, dtype=np.int64), *parts])
