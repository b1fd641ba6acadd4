"""One bucket of patients → its doses with all evidence attached: the table that the kinds of rule judge.

The order matters: records become doses, then calcium helps to choose the indication, indication and product choose the
windows, the windows choose the evidence.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow.compute as pc

from bonefhir.coded import NOTHING, Texts, rank
from bonefhir.derive import calcium as calcium_status
from bonefhir.derive import durations, grades, indications, records
from bonefhir.derive.amounts import with_amounts
from bonefhir.derive.bucket import Bucket
from bonefhir.derive.calcium import Calcium
from bonefhir.derive.chart import Chart
from bonefhir.derive.columns import Column, Columns
from bonefhir.derive.courses import course, interval_days
from bonefhir.derive.items import Evidence, Items
from bonefhir.derive.latest import latest
from bonefhir.derive.renal import PARTIAL, Renal
from bonefhir.derive.series import Charted, Facts, Series
from bonefhir.derive.windows import NEVER, Moments, before
from bonefhir.interval import Flags, Integers, Interval, at_least
from bonefhir.knowledge.model import Knowledge, Rule
from bonefhir.settings import Settings
from bonefhir.sorting import by_number
from bonefhir.vocabulary import assumption, reason
from bonefhir.words import Words

_INDICATION_DAYS = 7
"""Days before a dose in which a calcium speaks for or against hypercalcaemia of malignancy, by the labels."""
_HYPERCALCAEMIA_CREATININE_DAYS = 2
"""Days for which a creatinine counts in hypercalcaemia of malignancy (policy)."""
_EGFR_UNIT = "mL/min/{1.73_m2}"
_LIMIT_MG_DL, _LIMIT_MMOL_L = 12.0, 3.0
"""Corrected calcium from which hypercalcaemia of malignancy is treated (Zometa US PI 1.1)."""


@dataclass(frozen=True)
class Derived:
    """doses: one row per dose, as charted. columns: what the kinds read. by_rule: the same, for one rule.

    place       of each dose, by id
    superseded  seq of the records that chart a dose a second time
    quality     (rows of a chart of administrations, kind)
    """

    doses: Chart
    when: Moments
    dose_id: Texts
    place: Integers
    product: Words
    product_basis: Words
    indication: Words
    rule_indication: Words
    indication_basis: Words
    assumptions: Integers
    columns: Columns
    by_rule: dict[str, dict[str, Column]]
    evidence: Evidence
    quality: list[tuple[Chart, list[tuple[int, str]]]]
    superseded: Integers


def derive(bucket: Bucket, knowledge: Knowledge, settings: Settings, facts: Facts) -> Derived:
    raw = with_amounts(bucket, settings)
    limits = {d.name: _parts_limit(d.name, knowledge) for d in knowledge.drugs.values()}
    found = records.one_row_per_dose(raw, bucket.administered, limits)
    return _Derivation(bucket, raw, found, knowledge, settings, facts).result()


def _parts_limit(drug: str, knowledge: Knowledge) -> float | None:
    """What the parts of a dose may sum to: the largest amount of a label; none where labels are silent."""
    if knowledge.drugs[drug].parts_limit is not None:
        return knowledge.drugs[drug].parts_limit
    amounts = [a for name in knowledge.drugs[drug].products for a in knowledge.products[name].label_amounts]
    return max(amounts, default=None)


class _Derivation:
    def __init__(
        self, bucket: Bucket, raw: Chart, found: records.Records, knowledge: Knowledge, settings: Settings, facts: Facts
    ) -> None:
        self.bucket, self.knowledge, self.settings = bucket, knowledge, settings
        self.doses = found.doses
        self.quality = [(raw, found.quality)]
        self.superseded = raw.integers("seq")[found.superseded]
        self.when = bucket.administered.take(found.source)
        rows = len(self.doses)
        self.columns, self.items = Columns(rows), Items(rows, bucket.lab_table)
        ids = self.doses.texts["id"]
        self.dose_id = replace(ids, texts=pc.binary_join_element_wise("MedicationAdministration", ids.texts, "/"))
        self.place = np.empty(rows, dtype=np.int64)
        self.place[by_number(rank(ids))] = np.arange(rows)
        self.calcium_labs = {kind: bucket.of_analytes(f"calcium_{kind}") for kind in calcium_status.KINDS}
        self.albumin = bucket.of_analytes("albumin")
        self._corrected: dict[int, Calcium] = {}
        self._indications()
        self.course = course(self.when, self.product.codes, self.place)
        self.charted = Charted(self.dose_id, self.doses.texts["start"], self.product.texts())
        self.series: Series = Series(
            bucket, self.when, self.charted, self.course, self.columns, facts, self.items, np.arange(rows)
        )
        self._given()
        self._evidence()

    # ------------------------------------------------------------------------------------------ product and indication

    def _indications(self) -> None:
        speaks = _speaks(self.corrected_calcium(_INDICATION_DAYS))
        reasons = indications.of_reasons(self.doses)
        conditions = indications.of_conditions(self.when, self.bucket.conditions, self.bucket.begun, self.bucket.ended)
        by_reason = indications.chosen(reasons, speaks, alone=True)
        by_condition = indications.chosen(conditions, speaks, alone=False)
        told = indications.products(self.doses, by_reason, conditions, self.knowledge)
        self.product, self.product_basis = told.product, told.basis
        self._indication(by_reason, by_condition)
        text = self._by_text(reasons, "reason") | self._by_text(conditions, "condition")
        bits = self.doses.integers("assumptions") | told.assumptions
        bits = bits | np.where(self.basis.among(["assumed"]), assumption("indication-assumed"), 0)
        self.assumptions = bits | np.where(text, assumption("condition-by-text"), 0)

    def _indication(self, by_reason: Words, by_condition: Words) -> None:
        """The first that is told, else the first of the label; rules of an indication that is not labelled apply to no dose."""
        labelled = {name: product.indications for name, product in self.knowledge.products.items()}
        kinds = tuple(dict.fromkeys([*indications.NAMES, *(name for names in labelled.values() for name in names)]))
        none = kinds.index("")
        default = self.product.each(lambda p: kinds.index(labelled[str(p)][0]) if labelled[str(p)] else none, np.int64)
        level = np.where(by_reason.codes != none, 0, np.where(by_condition.codes != none, 1, 2))
        self.basis = Words(("reason", "condition", "assumed"), level)
        indication = np.choose(level, [by_reason.codes, by_condition.codes, default])
        own = [[kind in labelled.get(str(product), ()) for kind in kinds] for product in self.product.kinds]
        rules = np.where(np.array(own, dtype=bool)[self.product.codes, indication], indication, default)
        self.indication, self.rule_indication = Words(kinds, indication), Words(kinds, rules)

    def _by_text(self, found: indications.Found, basis: str) -> Flags:
        """The indication came from this level, and there from a text."""
        flags = np.zeros(len(self.doses), dtype=bool)
        for name, by_text in found.by_text.items():
            if by_text.any():
                flags |= self.basis.among([basis]) & self.indication.among([name]) & by_text
        return flags

    def corrected_calcium(self, days: int) -> Calcium:
        """Corrected calcium, never ionised."""
        if days not in self._corrected:
            kinds = ("corrected", "total")
            found = calcium_status.status(self.when, days, self.calcium_labs, self.albumin, self.settings, kinds)
            self._corrected[days] = found[0]
        return self._corrected[days]

    # ------------------------------------------------------------------------------------------ the dose itself

    def _given(self) -> None:
        doses = self.doses
        absent = doses.integers("absent")
        amount = Interval(doses.floats("amount_low"), doses.floats("amount_high"))
        absent = np.where(absent == 0, reason("no-dose"), absent)
        self.columns.quantity("amount", amount, absent, 0, doses.integers("weight_assumptions"))
        duration = durations.duration(doses, self.when)
        by_rate = np.where(duration.by_rate, assumption("duration-from-rate"), 0)
        self.columns.quantity("duration", duration.minutes, reason("no-duration"), 0, by_rate)
        interval = interval_days(self.when, self.course)
        self.columns.quantity("interval", interval, 0, np.where(interval.exact, 0, PARTIAL))
        self.quality.append((doses, duration.quality + self._implausible()))
        self.columns.data |= {
            "stopped": doses.flags("stopped"),
            "ordinal": self.course.ordinal,
            "indication_assumed": self.basis.among(["assumed"]),
        }
        every, texts = np.arange(len(doses)), doses.texts
        self.items.add(
            "dose", "dose", every, resource=self.dose_id, time=texts["start"], reported=texts["reported_amount"],
            low=amount.low, high=amount.high, unit=texts["amount_unit"],
        )  # fmt: skip
        self._cite_weights()
        self._timed(duration.minutes)
        has = self.course.previous >= 0
        previous = self.charted.of(self.course.previous[has])
        self.items.add("previous", "previous dose", every[has], resource=previous.dose_id, time=previous.start)

    def _cite_weights(self) -> None:
        """The weight that made an amount of a dose per kg."""
        labs = self.bucket.of_analytes("weight")
        rows = np.flatnonzero(~np.isnan(self.doses.floats("amount_per_kg")))
        when = self.when.take(rows)
        dose, event = latest(before(when, labs.when, self.settings.weight_window_days), labs, when).picks
        self.items.add_labs("dose_weight", "body weight, for the dose per kg", (rows[dose], labs.row[event]))

    def _timed(self, minutes: Interval) -> None:
        """The infusion time, and the rate that is charted, as evidence of the rules that look at them."""
        rate, end = self.doses.texts["reported_rate"], self.doses.texts["end"]
        dose = np.flatnonzero(minutes.known | (rate.codes != NOTHING))
        self.items.add(
            "duration", "infusion time", dose,
            resource=_told(self.dose_id, dose), time=_told(end, dose), reported=_told(rate, dose),
            low=minutes.low[dose], high=minutes.high[dose], unit="min",
        )  # fmt: skip

    def _implausible(self) -> list[tuple[int, str]]:
        """An amount that no label comes near; it is used all the same."""
        drug = self.doses.words("drug")
        plausible = {name: d.plausible or (-np.inf, np.inf) for name, d in self.knowledge.drugs.items()}
        low = drug.each(lambda name: plausible[str(name)][0], np.float64)
        high = drug.each(lambda name: plausible[str(name)][1], np.float64)
        charted = self.doses.floats("charted_low")
        return [(int(row), "implausible-dose") for row in np.flatnonzero((charted < low - 1e-9) | (charted > high + 1e-9))]

    # ------------------------------------------------------------------------------------------ evidence

    def _evidence(self) -> None:
        hypercalcaemia = self.rule_indication.among([indications.HYPERCALCAEMIA])
        own = self.product.each(lambda p: self.knowledge.products[str(p)].creatinine_window_days, np.int64)
        self.creatinine_days = np.where(hypercalcaemia, _HYPERCALCAEMIA_CREATININE_DAYS, own)
        self.calcium_days = np.where(hypercalcaemia, _INDICATION_DAYS, own)
        renal = Renal(self.bucket, self.when, self.settings, self.columns, self.items)
        renal.now(self.creatinine_days)
        renal.before_first(self.course.first)
        self._share_baseline()
        status, rival = calcium_status.status(self.when, self.calcium_days, self.calcium_labs, self.albumin, self.settings)
        for name, found in (("calcium", status), ("calcium_rival", rival)):
            self.add_calcium(self.columns, name, name, found)
            self.columns.quantity(f"{name}_limit", found.limit)
            self.columns.data[f"{name}_kind"] = found.kind
        self._grades(status)
        self.quality.append((self.doses, self._lifetime(renal)))

    def _grades(self, status: Calcium) -> None:
        """CTCAE grades of the calcium and the KDIGO category of the eGFR: columns, and items of the evidence."""
        hypo, hyper = grades.of_calcium(status.value, status.limit.low, status.kind == 0, status.si)
        dose = np.flatnonzero(hypo.known)
        for name, grade in (("hypocalcaemia", hypo), ("hypercalcaemia", hyper)):
            self.columns.data[f"{name}_grade_low"], self.columns.data[f"{name}_grade_high"] = grade
            role = f"{name} grade, CTCAE {grades.CTCAE}"
            self.items.add("calcium", role, dose, low=grade.low[dose], high=grade.high[dose], unit="{grade}")
        egfr = self.columns.interval("egfr")
        dose = np.flatnonzero(egfr.known)
        self.items.add(
            "egfr",
            "eGFR, CKD-EPI 2021, and KDIGO category",
            dose,
            reported=grades.words(grades.g_stage(egfr.low), grades.g_stage(egfr.high), grades.G_STAGES)[dose].texts(),
            low=egfr.low[dose],
            high=egfr.high[dose],
            unit=_EGFR_UNIT,
        )

    def _share_baseline(self) -> None:
        """The items of the first dose's baseline are evidence of every dose of its course."""
        for group in ("baseline_creatinine", "baseline_weight", "baseline_clearance_reported"):
            self.items.share(group, self.course.first)

    def add_calcium(self, columns: Columns, name: str, group: str, found: Calcium) -> None:
        """The columns of a calcium, and the calciums and albumins it rests on as evidence of the group."""
        absent = np.where(found.partial, PARTIAL, reason("no-calcium"))
        columns.quantity(name, found.value, absent, np.where(found.widened, PARTIAL, 0), found.assumptions, found.si)
        columns.quantity(f"{name}_margin", found.margin)
        columns.quantity(f"{name}_uncorrected", found.uncorrected[0])
        columns.quantity(f"{name}_uncorrected_margin", found.uncorrected[1])
        for kind, picks in found.picks:
            self.items.add_labs(group, f"{kind} calcium", picks)
        self.items.add_labs(group, "albumin", found.albumins)

    def _lifetime(self, renal: Renal) -> list[tuple[int, str]]:
        """Doses before birth, more than a day after death, at an age that cannot be; and those without a full date."""
        row = renal.person.row
        found = [(int(i), "partial-date") for i in np.flatnonzero(self.when.first != self.when.last)]
        found += [(int(i), "patient-missing") for i in np.flatnonzero(row < 0)]
        if not len(self.bucket.patients):
            return found
        known = row >= 0
        birth, death = (self.bucket.patients.integers(n)[row] for n in ("birth_first", "deceased_last"))
        unborn = known & (birth != NEVER) & (self.when.last < birth)
        dead = known & (death != NEVER) & (self.when.first > death + 1)
        found += [(int(i), "dose-before-birth") for i in np.flatnonzero(unborn)]
        found += [(int(i), "dose-after-death") for i in np.flatnonzero(dead)]
        return found + [(int(i), "implausible-age") for i in np.flatnonzero(renal.person.implausible & ~unborn)]

    # ------------------------------------------------------------------------------------------ rules

    def result(self) -> Derived:
        by_rule: dict[str, dict[str, Column]] = {}
        alike: dict[str, list[Rule]] = {}
        for rule in self.knowledge.rules:
            if rule.kind in _PREPARE and self.settings.profile in rule.profiles:
                alike.setdefault(rule.evidence_key, []).append(rule)
        for key, rules in alike.items():
            by_rule |= dict.fromkeys((rule.id for rule in rules), self._prepared(key, rules))
        return Derived(
            doses=self.doses, when=self.when, dose_id=self.dose_id, place=self.place, product=self.product,
            product_basis=self.product_basis, indication=self.indication, rule_indication=self.rule_indication,
            indication_basis=self.basis, assumptions=self.assumptions, columns=self.columns, by_rule=by_rule,
            evidence=self.items.evidence(self.place), quality=self.quality, superseded=self.superseded,
        )  # fmt: skip

    def _prepared(self, key: str, rules: Sequence[Rule]) -> dict[str, Column]:
        """What rules with equal parameters read; of doses of which none of them speaks, nothing."""
        rows = np.flatnonzero(np.logical_or.reduce([self._spoken_of(rule) for rule in rules]))
        if not len(rows):
            return {}
        found = _PREPARE[rules[0].kind](_Asked(self, self.series.of(rows), rows), rules[0], key)
        return {name: _spread(values, rows, len(self.doses)) for name, values in found.items()}

    def _spoken_of(self, rule: Rule) -> Flags:
        of_product = self.product.among(rule.products)
        return of_product & self.rule_indication.among(rule.indications) if rule.indications else of_product


@dataclass(frozen=True)
class _Asked:
    """Some of the doses, of which rules speak. series, rows: of them."""

    derivation: _Derivation
    series: Series
    rows: Integers


def _spread(values: Column, rows: Integers, doses: int) -> Column:
    """Of some of the doses, to all."""
    found = np.zeros(doses, dtype=values.dtype)
    found[rows] = values
    return found


def _told(values: Texts, rows: Integers) -> Texts:
    return replace(values, codes=values.codes[rows])


def _speaks(corrected: Calcium) -> indications.Calcium:
    """Where the calcium was reported in mmol/L it is compared with 3.0, else with 12.0 mg/dL."""
    limit = np.where(corrected.si, _LIMIT_MMOL_L, _LIMIT_MG_DL)
    low, high = (calcium_status.in_si(corrected, bound) for bound in corrected.value)
    return indications.Calcium(
        certainly=at_least(low, limit),
        possibly=np.isnan(high) | at_least(high, limit),
    )


def _days(asked: _Asked, rule: Rule) -> Integers:
    """The rule's window, else that of the evidence: calcium has one of its own in hypercalcaemia."""
    if "window_days" in rule.parameters:
        return np.full(len(asked.rows), rule.parameters["window_days"], dtype=np.int64)
    calcium = any("calcium" in lab for lab in rule.parameters["labs"])
    return (asked.derivation.calcium_days if calcium else asked.derivation.creatinine_days)[asked.rows]


def _counts(asked: _Asked, rule: Rule, key: str) -> dict[str, Column]:
    names = sorted({*rule.parameters["first"], *rule.parameters["later"]})
    columns: dict[str, Column] = {}
    for name in names:
        columns |= asked.series.quantity(key, name, rule.parameters["window_days"], "no-counts")
    return columns


def _corrected_calcium(asked: _Asked, rule: Rule, key: str) -> dict[str, Column]:
    if rule.kind == "dose_min" and "bands_by_calcium" not in rule.parameters:
        return {}
    found = asked.derivation.corrected_calcium(rule.parameters.get("window_days", _INDICATION_DAYS))
    own = Columns(len(asked.derivation.doses))
    asked.derivation.add_calcium(own, "corrected_calcium", key, found)
    return {name: values[asked.rows] for name, values in own.data.items()}


_Prepare = Callable[[_Asked, Rule, str], dict[str, Column]]


def _p(rule: Rule) -> Mapping[str, Any]:
    return rule.parameters


_PREPARE: dict[str, _Prepare] = {
    "lab_before": lambda d, r, key: d.series.lab_before(key, tuple(_p(r)["labs"]), _days(d, r)),
    "lab_after": lambda d, r, key: d.series.lab_after(key, tuple(_p(r)["labs"]), _p(r)["from_days"], _p(r)["to_days"]),
    "counts_min": _counts,
    "vitamin_d_min": lambda d, r, key: d.series.quantity(key, "vitamin_d", _p(r)["window_days"], "bounds"),
    "calcium_indication": _corrected_calcium,
    "dose_min": _corrected_calcium,
    "creatinine_recovery": lambda d, r, key: d.series.recovery(key, _p(r)),
    "creatinine_stable": lambda d, r, key: d.series.stable(key, _p(r)["rise_hours"], _p(r)["ratio_days"]),
    "no_other_product": lambda d, r, key: d.series.other_product(key, tuple(_p(r)["others"]), _p(r)["window_days"]),
    "condition_absent": lambda d, r, key: d.series.condition(key, _p(r)["value_set"], _p(r)["lookback_days"]),
    "dental_before_first": lambda d, r, key: d.series.dental(key, _p(r)["window_days"]),
}
"""What each kind needs beside the columns that every dose has."""
