"""One bucket of patients → its doses with all evidence attached: the table that the kinds of rule judge.

The order matters: records become doses, then calcium helps to choose the indication, indication and product choose the
windows, the windows choose the evidence.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from bonefhir.coded import Texts, each, texts
from bonefhir.derive import calcium as calcium_status
from bonefhir.derive import durations, grades, indications, records
from bonefhir.derive.bucket import Bucket
from bonefhir.derive.calcium import Calcium
from bonefhir.derive.columns import Column, Columns
from bonefhir.derive.courses import course, interval_days
from bonefhir.derive.items import Evidence, Items
from bonefhir.derive.latest import latest
from bonefhir.derive.renal import PARTIAL, Renal
from bonefhir.derive.series import Charted, Facts, Series
from bonefhir.derive.windows import Moments, before, moments
from bonefhir.interval import Flags, Integers, Interval, at_least
from bonefhir.knowledge.model import Knowledge, Rule
from bonefhir.settings import Settings
from bonefhir.vocabulary import assumption, reason

Objects = npt.NDArray[np.object_]

_INDICATION_DAYS = 7
"""Days before a dose in which a calcium speaks for or against hypercalcaemia of malignancy, by the labels."""
_HYPERCALCAEMIA_CREATININE_DAYS = 2
"""Days for which a creatinine counts in hypercalcaemia of malignancy (policy)."""
_EGFR_UNIT = "mL/min/{1.73_m2}"
_LIMIT_MG_DL, _LIMIT_MMOL_L = 12.0, 3.0
"""Corrected calcium from which hypercalcaemia of malignancy is treated (Zometa US PI 1.1)."""


@dataclass(frozen=True)
class Derived:
    """frame: one row per dose, its texts and times. columns: what the kinds read. by_rule: the same, for one rule.

    superseded  seq of the records that chart a dose a second time
    """

    frame: pd.DataFrame
    when: Moments
    columns: Columns
    by_rule: dict[str, dict[str, Column]]
    evidence: Evidence
    quality: list[tuple[pd.DataFrame, list[tuple[int, str]]]]
    superseded: Integers


def derive(bucket: Bucket, knowledge: Knowledge, settings: Settings, facts: Facts) -> Derived:
    raw = _with_amounts(bucket, settings)
    limits = {d.name: _parts_limit(d.name, knowledge) for d in knowledge.drugs.values()}
    found = records.one_row_per_dose(raw, bucket.administered, limits)
    return _Derivation(bucket, raw, found, knowledge, settings, facts).result()


def _parts_limit(drug: str, knowledge: Knowledge) -> float | None:
    """What the parts of a dose may sum to: the largest amount of a label; none where labels are silent."""
    if knowledge.drugs[drug].parts_limit is not None:
        return knowledge.drugs[drug].parts_limit
    amounts = [a for name in knowledge.drugs[drug].products for a in knowledge.products[name].label_amounts]
    return max(amounts, default=None)


def _with_amounts(bucket: Bucket, settings: Settings) -> pd.DataFrame:
    """Amounts per kg become amounts, and rates over a known time too."""
    frame = bucket.administrations.copy()
    amount = frame["amount"].to_numpy(dtype=np.float64)
    per_kg = frame["amount_per_kg"].to_numpy(dtype=np.float64)
    labs = bucket.of_analytes("weight")
    found = latest(before(bucket.administered, labs.when, settings.weight_window_days), labs, bucket.administered)
    weight = found.value
    frame["weight_low"], frame["weight_high"] = weight
    frame["weight_assumptions"] = np.where(np.isnan(per_kg), 0, found.assumptions)
    no_dose = (frame["amount_problem"] == "no-dose").to_numpy()
    rate = durations.amount_by_rate(frame, bucket.administered)
    by_rate = no_dose & ~np.isnan(rate)
    frame["amount"] = np.where(by_rate, rate, np.where(np.isnan(per_kg), amount, per_kg * weight.low))
    frame["assumptions"] |= np.where(by_rate, assumption("amount-from-rate"), 0)
    frame["amount_top"] = np.where(np.isnan(per_kg), frame["amount"], per_kg * weight.high)
    problem = frame["amount_problem"].to_numpy(dtype=object)
    no_weight = np.where(found.partial, "partial-date", "no-weight")
    problem = np.where(~np.isnan(per_kg) & ~weight.known, no_weight, problem)
    frame["amount_problem"] = np.where(np.isnan(frame["amount"]), problem, "")
    return frame


class _Derivation:
    def __init__(
        self, bucket: Bucket, raw: pd.DataFrame, found: records.Records, knowledge: Knowledge, settings: Settings, facts: Facts
    ) -> None:
        self.bucket, self.knowledge, self.settings = bucket, knowledge, settings
        self.frame = found.rows
        self.quality = [(raw, found.quality)]
        self.superseded = raw["seq"].to_numpy(dtype=np.int64)[found.superseded]
        self.when = self._moments(raw)
        rows = len(self.frame)
        self.columns, self.items = Columns(rows), Items(rows, bucket.lab_table)
        self.dose_id = np.array([f"MedicationAdministration/{i}" for i in self.frame["id"]], dtype=object)
        self.calcium_labs = {kind: bucket.of_analytes(f"calcium_{kind}") for kind in calcium_status.KINDS}
        self.albumin = bucket.of_analytes("albumin")
        self._indications()
        self.course = course(self.when, self.product, self.dose_id)
        self.charted = Charted(each(self.dose_id, rows), each(self._text("start"), rows), _words(self.product))
        self.series: Series = Series(bucket, self.when, self.charted, self.course, self.columns, facts, self.items)
        self._given()
        self._evidence()

    def _moments(self, raw: pd.DataFrame) -> Moments:
        patient_of = dict(zip(raw["patient_id"], self.bucket.administered.patient, strict=True))
        frame = self.frame
        return moments(
            np.array([patient_of[p] for p in frame["patient_id"]], dtype=np.int64),
            frame["instant"].to_numpy(dtype="datetime64[us]"),
            frame["date_first"].to_numpy(dtype="datetime64[D]"),
            frame["date_last"].to_numpy(dtype="datetime64[D]"),
        )

    def _text(self, name: str) -> Objects:
        return np.asarray(self.frame[name].to_numpy(dtype=object))

    # ------------------------------------------------------------------------------------------ product and indication

    def _indications(self) -> None:
        corrected = self.corrected_calcium(_INDICATION_DAYS)
        speaks = _speaks(corrected)
        reasons = indications.of_reasons(self.frame)
        conditions = indications.of_conditions(self.when, self.bucket.conditions, self.bucket.begun, self.bucket.ended)
        by_reason = indications.chosen(reasons, speaks, alone=True)
        by_condition = indications.chosen(conditions, speaks, alone=False)
        told = indications.products(self.frame, by_reason, conditions, self.knowledge)
        self.product, self.product_basis = told.product, told.basis
        default = np.array(
            [self.knowledge.products[p].indications[0] if self.knowledge.products[p].indications else "" for p in told.product],
            dtype=object,
        )
        self.basis = np.where(by_reason != "", "reason", np.where(by_condition != "", "condition", "assumed")).astype(object)
        self.indication = np.where(by_reason != "", by_reason, np.where(by_condition != "", by_condition, default)).astype(object)
        labelled = [i in self.knowledge.products[p].indications for i, p in zip(self.indication, told.product, strict=True)]
        self.rule_indication = np.where(np.array(labelled, dtype=bool), self.indication, default).astype(object)
        text = self._by_text(reasons, "reason") | self._by_text(conditions, "condition")
        bits = self.frame["assumptions"].to_numpy(dtype=np.int64) | told.assumptions
        bits |= np.where(self.basis == "assumed", assumption("indication-assumed"), 0)
        self.assumptions = bits | np.where(text, assumption("condition-by-text"), 0)

    def _by_text(self, found: indications.Found, basis: str) -> Flags:
        """The indication came from this level, and there from a text."""
        flags = np.zeros(len(self.frame), dtype=bool)
        for name, by_text in found.by_text.items():
            flags |= (self.basis == basis) & (self.indication == name) & by_text
        return flags

    def corrected_calcium(self, days: int) -> Calcium:
        """Corrected calcium, never ionised."""
        kinds = ("corrected", "total")
        return calcium_status.status(self.when, days, self.calcium_labs, self.albumin, self.settings, kinds)[0]

    # ------------------------------------------------------------------------------------------ the dose itself

    def _given(self) -> None:
        problem = self._text("amount_problem")
        absent = np.select(
            [problem == word for word in ("dose-unit", "no-weight", "partial-date")],
            [reason(word) for word in ("dose-unit", "no-weight", "partial-date")],
            reason("no-dose"),
        )
        amount = Interval(
            self.frame["amount_low"].to_numpy(dtype=np.float64), self.frame["amount_high"].to_numpy(dtype=np.float64)
        )
        self.columns.quantity("amount", amount, absent, 0, self.frame["weight_assumptions"].to_numpy(dtype=np.int64))
        duration = durations.duration(self.frame, self.when)
        by_rate = np.where(duration.by_rate, assumption("duration-from-rate"), 0)
        self.columns.quantity("duration", duration.minutes, reason("no-duration"), 0, by_rate)
        interval = interval_days(self.when, self.course)
        self.columns.quantity("interval", interval, 0, np.where(interval.exact, 0, PARTIAL))
        self.quality.append((self.frame, duration.quality + self._implausible()))
        self.columns.data |= {
            "stopped": self.frame["stopped"].to_numpy(dtype=bool),
            "route": self._text("route"),
            "ordinal": self.course.ordinal,
            "indication": self.indication,
            "indication_assumed": self.basis == "assumed",
        }
        dose = np.arange(len(self.frame))
        self.items.add(
            "dose", "dose", dose, resource=self.charted.dose_id, time=self.charted.start, reported=self._text("reported_amount"),
            low=amount.low, high=amount.high, unit=_words(self._text("amount_unit")),
        )  # fmt: skip
        self._cite_weights()
        self._timed(duration.minutes)
        has = self.course.previous >= 0
        previous = self.charted.of(self.course.previous[has])
        self.items.add("previous", "previous dose", dose[has], resource=previous.dose_id, time=previous.start)

    def _cite_weights(self) -> None:
        """The weight that made an amount of a dose per kg."""
        labs = self.bucket.of_analytes("weight")
        pairs = before(self.when, labs.when, self.settings.weight_window_days)
        per_kg = self.frame["amount_per_kg"].notna().to_numpy()
        dose, event = latest(pairs.where(per_kg[pairs.dose]), labs, self.when).picks
        self.items.add_labs("dose_weight", "body weight, for the dose per kg", (dose, labs.row[event]))

    def _timed(self, minutes: Interval) -> None:
        """The infusion time, and the rate that is charted, as evidence of the rules that look at them."""
        rate = self._text("reported_rate")
        dose = np.flatnonzero(minutes.known | ~pd.isna(rate))
        resource = self.charted.of(dose).dose_id
        self.items.add(
            "duration", "infusion time", dose, resource=resource, time=self._text("end")[dose], reported=rate[dose],
            low=minutes.low[dose], high=minutes.high[dose], unit="min",
        )  # fmt: skip

    def _implausible(self) -> list[tuple[int, str]]:
        """An amount that no label comes near; it is used all the same."""
        plausible = {name: d.plausible for name, d in self.knowledge.drugs.items()}
        codes, drugs = pd.factorize(self._text("drug"))
        ranges = np.array([plausible[d] or (-np.inf, np.inf) for d in drugs], dtype=np.float64).reshape(-1, 2)
        low, high = ranges[codes].T
        charted = self.frame["charted_low"].to_numpy(dtype=np.float64)
        return [(int(row), "implausible-dose") for row in np.flatnonzero((charted < low - 1e-9) | (charted > high + 1e-9))]

    # ------------------------------------------------------------------------------------------ evidence

    def _evidence(self) -> None:
        hypercalcaemia = self.rule_indication == indications.HYPERCALCAEMIA
        own = np.array([self.knowledge.products[p].creatinine_window_days for p in self.product], dtype=np.int64)
        self.creatinine_days = np.where(hypercalcaemia, _HYPERCALCAEMIA_CREATININE_DAYS, own)
        self.calcium_days = np.where(hypercalcaemia, _INDICATION_DAYS, own)
        renal = Renal(self.bucket, self.when, self.settings, self.columns, self.items)
        renal.now(self.creatinine_days)
        renal.before_first(self.course.first, self.course.ordinal == 1)
        self._share_baseline()
        status, rival = calcium_status.status(self.when, self.calcium_days, self.calcium_labs, self.albumin, self.settings)
        for name, found in (("calcium", status), ("calcium_rival", rival)):
            self.add_calcium(self.columns, name, name, found)
            self.columns.quantity(f"{name}_limit", found.limit)
            self.columns.data[f"{name}_kind"] = found.kind
        self._grades(status)
        self.quality.append((self.frame, self._lifetime(renal)))

    def _grades(self, status: Calcium) -> None:
        """CTCAE grades of the calcium and the KDIGO category of the eGFR: columns, and items of the evidence."""
        hypo, hyper = grades.of_calcium(status.value, status.limit.low, status.kind == 0, status.si)
        dose = np.flatnonzero(hypo.known)
        for name, grade in (("hypocalcaemia", hypo), ("hypercalcaemia", hyper)):
            self.columns.data[f"{name}_grade_low"], self.columns.data[f"{name}_grade_high"] = grade
            role = f"{name} grade, CTCAE {grades.CTCAE}"
            self.items.add("calcium", role, dose, low=grade.low[dose], high=grade.high[dose], unit="{grade}")
        egfr = self.columns.interval("egfr")
        stages = grades.words(grades.g_stage(egfr.low), grades.g_stage(egfr.high), grades.G_STAGES)
        dose = np.flatnonzero(egfr.known)
        told = np.array(stages, dtype=object)[dose]
        self.items.add(
            "egfr",
            "eGFR, CKD-EPI 2021, and KDIGO category",
            dose,
            reported=told,
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
        birth, death = (
            self.bucket.patients[n].to_numpy(dtype="datetime64[D]").astype(np.int64)[row]
            for n in ("birth_first", "deceased_last")
        )
        nat = np.iinfo(np.int64).min
        unborn = known & (birth != nat) & (self.when.last < birth)
        dead = known & (death != nat) & (self.when.first > death + 1)
        found += [(int(i), "dose-before-birth") for i in np.flatnonzero(unborn)]
        found += [(int(i), "dose-after-death") for i in np.flatnonzero(dead)]
        return found + [(int(i), "implausible-age") for i in np.flatnonzero(renal.person.implausible & ~unborn)]

    # ------------------------------------------------------------------------------------------ rules

    def result(self) -> Derived:
        by_rule: dict[str, dict[str, Column]] = {}
        shared: dict[str, dict[str, Column]] = {}
        for rule in self.knowledge.rules:
            prepare = _PREPARE.get(rule.kind)
            if prepare is not None and self.settings.profile in rule.profiles:
                key = rule.evidence_key
                if key not in shared:
                    shared[key] = prepare(self, rule, key)
                by_rule[rule.id] = shared[key]
        self.frame = self.frame.assign(
            dose_id=self.dose_id, product=self.product, product_basis=self.product_basis, indication=self.indication,
            rule_indication=self.rule_indication, indication_basis=self.basis, dose_assumptions=self.assumptions,
        )  # fmt: skip
        return Derived(self.frame, self.when, self.columns, by_rule, self.items.evidence(), self.quality, self.superseded)


def _words(values: Objects) -> Texts:
    """Of which there are few."""
    codes, kinds = pd.factorize(values, use_na_sentinel=False)
    return texts(np.asarray(kinds, dtype=object), codes)


def _speaks(corrected: Calcium) -> indications.Calcium:
    """Where the calcium was reported in mmol/L it is compared with 3.0, else with 12.0 mg/dL."""
    limit = np.where(corrected.si, _LIMIT_MMOL_L, _LIMIT_MG_DL)
    low, high = (calcium_status.in_si(corrected, bound) for bound in corrected.value)
    return indications.Calcium(
        certainly=at_least(low, limit),
        possibly=np.isnan(high) | at_least(high, limit),
    )


def _days(derivation: _Derivation, rule: Rule) -> Integers:
    """The rule's window, else that of the evidence: calcium has one of its own in hypercalcaemia."""
    if "window_days" in rule.parameters:
        return np.full(len(derivation.frame), rule.parameters["window_days"], dtype=np.int64)
    calcium = any("calcium" in lab for lab in rule.parameters["labs"])
    return derivation.calcium_days if calcium else derivation.creatinine_days


def _counts(derivation: _Derivation, rule: Rule, key: str) -> dict[str, Column]:
    names = sorted({*rule.parameters["first"], *rule.parameters["later"]})
    columns: dict[str, Column] = {}
    for name in names:
        columns |= derivation.series.quantity(key, name, rule.parameters["window_days"], "no-counts")
    return columns


def _corrected_calcium(derivation: _Derivation, rule: Rule, key: str) -> dict[str, Column]:
    if rule.kind == "dose_min" and "bands_by_calcium" not in rule.parameters:
        return {}
    found = derivation.corrected_calcium(rule.parameters.get("window_days", _INDICATION_DAYS))
    own = Columns(len(derivation.frame))
    derivation.add_calcium(own, "corrected_calcium", key, found)
    return own.data


_Prepare = Callable[[_Derivation, Rule, str], dict[str, Column]]


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
