"""Applies the rules to a bucket's doses: verdict rows (tables.VERDICTS) and counts per rule."""

from collections import ChainMap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from bonefhir.coded import Codes, Lists, Plain, Rows, Structs, Texts, each, joined, lists, taken, texts, told
from bonefhir.interval import Flags, Integers, Interval, missing
from bonefhir.judge import kinds_dose, kinds_lab, kinds_record
from bonefhir.judge.messages import messages
from bonefhir.judge.view import INDETERMINATE, NOT_APPLICABLE, SEXES, WORDS, Outcome, Selected, View
from bonefhir.knowledge.model import Rule
from bonefhir.sorting import distinct_of
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


Counts = dict[str, str | int]
"""Of a rule: rule_id, pass, fail, indeterminate, not_applicable."""
Evidence = Callable[[Sequence[Sequence[str]], Codes, Integers], Lists]
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


def judge(doses: Doses, rules: tuple[Rule, ...], profile: str) -> tuple[Rows, list[Counts]]:
    """Verdicts, in order of dose_id and rule_id, and the counts of each rule."""
    by_id = np.argsort(doses.place)  # what is written next stands close together
    judged: list[_Judged] = []
    counts: dict[str, Counts] = {rule.id: {} for rule in rules if profile in rule.profiles}
    for products, indications, alike in _alike(rule for rule in rules if rule.id in counts):
        of_product = doses.product.among(products)
        speaks = of_product & (doses.rule_indication.among(indications) if indications else True)
        rows = by_id[speaks[by_id]]
        elsewhere = int(of_product.sum()) - len(rows)
        columns = Selected(doses.columns, rows)
        for rule in alike:
            if not len(rows):
                counts[rule.id] = {"rule_id": rule.id, **dict.fromkeys(WORDS, 0), "not_applicable": elsewhere}
                continue
            own = Selected(doses.by_rule.get(rule.id, {}), rows)
            view = View(ChainMap(own, columns), len(rows))  # type: ignore[arg-type]  # which only writes to the first
            found = evaluate(rule, view)
            counts[rule.id] = _counts(rule, found, elsewhere)
            judged.append(_judged(doses, rule, rows, view, found))
    return _rows(doses, judged), list(counts.values())


def _alike(rules: Iterable[Rule]) -> Iterator[tuple[tuple[str, ...], tuple[str, ...], list[Rule]]]:
    """Products, indications, and the rules that speak of them: what they read is cut out of the columns once."""
    found: dict[tuple[tuple[str, ...], tuple[str, ...]], list[Rule]] = {}
    for rule in rules:
        found.setdefault((tuple(rule.products), tuple(rule.indications)), []).append(rule)
    return ((*key, alike) for key, alike in found.items())


def _counts(rule: Rule, found: Outcome, elsewhere: int) -> Counts:
    """elsewhere: doses of the rule's products given for an indication that the rule does not speak of."""
    numbers = np.bincount(found.verdict, minlength=len(WORDS))
    return (
        {"rule_id": rule.id}
        | {w: int(n) for w, n in zip(WORDS, numbers, strict=True)}
        | {"not_applicable": int(numbers[0]) + elsewhere}
    )


@dataclass(frozen=True)
class _Judged:
    """What a rule says: one element per dose to which it applies. clearance: by which doses are judged; else None."""

    rule: Rule
    dose: Integers
    outcome: Outcome
    clearance: Interval | None

    @property
    def groups(self) -> tuple[str, ...]:
        return tuple(self.rule.evidence_key if group == "own" else group for group in self.outcome.groups)


def _judged(doses: Doses, rule: Rule, rows: Integers, view: View, found: Outcome) -> _Judged:
    applicable, clearance = found.verdict != NOT_APPLICABLE, _clearance(rule, view)
    if not applicable.all():
        rows, found, clearance = rows[applicable], _kept(found, applicable), clearance and clearance.take(applicable)
    first = 0 if rule.doses == "all" else assumption("first-in-data")
    narrow: dict[str, Any] = {"verdict": found.verdict.astype(np.int8), "reasons": found.reasons.astype(np.int32)}
    narrow["assumed"] = (doses.assumptions[rows] | found.assumed | first).astype(np.int32)
    return _Judged(rule, rows, replace(found, **narrow), clearance)


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


def _clearance(rule: Rule, view: View) -> Interval | None:
    if rule.kind not in ("dose_by_clearance", "underdose_by_clearance"):
        return None
    return view.interval("baseline_clearance" if rule.parameters["basis"] == "baseline" else "clearance")


# ------------------------------------------------------------------------------------------------------------- as rows


def _rows(doses: Doses, judged: list[_Judged]) -> Rows:
    """All rules at once, sorted by dose and rule."""
    judged = sorted(judged, key=lambda one: one.rule.id)
    dose = _joined([one.dose for one in judged])
    place = doses.place[dose]
    order, rule = _by_place(place, [len(one.dose) for one in judged], len(doses.place))
    outcomes, rules = [one.outcome for one in judged], [one.rule for one in judged]

    def numbers(values: Sequence[npt.NDArray[Any]]) -> npt.NDArray[Any]:
        return _joined(values).take(order)

    def plain(values: Sequence[npt.NDArray[Any]]) -> Plain:
        return Plain(pa.array(numbers(values), pa.float64(), from_pandas=True))

    unit = Words.together([one.unit for one in outcomes])
    return {
        "rule": Structs(rule, _about_rules(rules)),
        "dose": Structs(place.take(order).astype(np.int32), _about_doses(doses)),
        "in_words": _in_words(
            numbers([one.verdict for one in outcomes]),
            Words(unit.kinds, unit.codes.take(order)),
            numbers([one.reasons for one in outcomes]),
            numbers([one.assumed for one in outcomes]),
        ),
        "message": told(_messages(judged), order),
        "evidence": doses.evidence([one.groups for one in judged], rule, dose.take(order)),
        "observed_low": plain([one.observed.low for one in outcomes]),
        "observed_high": plain([one.observed.high for one in outcomes]),
        "limit": plain([one.limit for one in outcomes]),
    }


def _by_place(place: Integers, sizes: Sequence[int], doses: int) -> tuple[Integers, Codes]:
    """Rows in order of the doses' places, then of rules; and their rules.

    place   of the rows of one rule after the other, each of which has one for a dose at most; sizes: how many
    """
    free = np.concatenate([[0], np.cumsum(np.bincount(place, minlength=doses))])
    order, of_rule = np.empty(len(place), dtype=np.int64), np.empty(len(place), dtype=np.int32)
    end = 0
    for rule, size in enumerate(sizes):
        start, end = end, end + size
        here = place[start:end]
        at = free[here]
        order[at], of_rule[at] = np.arange(start, end), rule
        free[here] = at + 1
    return order, of_rule


_ENOUGH = 10_000
"""Rows of which sentences are made at once: those of one rule, while they are at hand, unless it has few."""


def _messages(judged: Sequence[_Judged]) -> Texts:
    """Of one rule after the other."""
    found: list[Texts] = [each(None, 0)]
    some: list[_Judged] = []
    for number, one in enumerate(judged, start=1):
        some.append(one)
        if number == len(judged) or sum(len(other.dose) for other in some) >= _ENOUGH:
            found.append(_messages_of(some))
            some = []
    whole = joined([({"message": sentences}, 0, len(sentences)) for sentences in found])
    return whole["message"]  # type: ignore[return-value]


def _messages_of(judged: Sequence[_Judged]) -> Texts:
    outcomes, clearances = [one.outcome for one in judged], [one.clearance or missing(len(one.dose)) for one in judged]
    whole = Outcome(
        _joined([one.verdict for one in outcomes]),
        _joined([one.reasons for one in outcomes]),
        Interval(_joined([one.observed.low for one in outcomes]), _joined([one.observed.high for one in outcomes])),
        _joined([one.limit for one in outcomes]),
        Words.together([one.unit for one in outcomes]),
        _joined([one.assumed for one in outcomes]),
        Words.together([one.said for one in outcomes]),
    )
    clearance = Interval(_joined([one.low for one in clearances]), _joined([one.high for one in clearances]))
    rule = np.repeat(np.arange(len(judged)), [len(one.dose) for one in judged])
    return messages([one.rule for one in judged], rule, whole, clearance)


def _about_rules(rules: Sequence[Rule]) -> Rows:
    every = np.arange(len(rules))
    names = {"rule_id": "id", "rule_version": "version", "severity": "severity"}
    return {name: texts([getattr(rule, own) for rule in rules], every) for name, own in names.items()}


def _about_doses(doses: Doses) -> Rows:
    """By place."""
    own = {"dose_id": doses.dose_id, "patient_id": doses.patient_id, "dose_start": doses.start}
    own |= {"product": doses.product.texts(), "indication": doses.indication.texts()}
    return taken([own], np.argsort(doses.place))  # texts in order of first use: those of doses that follow each other are close


def _in_words(verdict: Codes, unit: Words, reasons: Codes, assumed: Codes) -> Structs:
    """Verdict, unit, reasons and assumptions: of many rows the same few."""
    (why, reason_codes), (what, assumption_codes) = (
        distinct(reasons.astype(np.int64), REASONS),
        distinct(assumed.astype(np.int64), ASSUMPTIONS),
    )
    codes = (verdict, unit.codes, reason_codes.to_numpy(), assumption_codes.to_numpy())
    rows, code = distinct_of(codes)
    return Structs(
        code.astype(np.int32),
        {
            "verdict": texts(WORDS, codes[0][rows]),
            "unit": texts(unit.kinds, codes[1][rows]),
            "reasons": lists(why, codes[2][rows]),
            "assumptions": lists(what, codes[3][rows]),
        },
    )


def _joined(parts: Sequence[npt.NDArray[Any]]) -> npt.NDArray[Any]:
    return np.concatenate(parts) if parts else np.empty(0, dtype=np.int64)
