"""Kinds about the rest of the chart: monitoring, calcium, counts, other products, conditions, dental examinations."""

from collections.abc import Callable

from tests.reference.catalogue import Rule
from tests.reference.doses import Dose
from tests.reference.evidence import (
    MMOL_CALCIUM,
    NMOL_VITAMIN_D,
    CalciumValue,
    View,
    age,
    assumed_of,
    calcium,
    calcium_days,
    evidence_days,
    latest,
    not_later,
    when,
    words,
)
from tests.reference.intervals import at_least, less
from tests.reference.judging import (
    FAIL,
    INDETERMINATE,
    NOT_APPLICABLE,
    PASS,
    Case,
    Outcome,
    missing,
    settled,
)
from tests.reference.moments import Moment, certainly_later, days_between, placed, placed_after
from tests.reference.rows import CALCIUM, Condition

# ---- monitoring


def concepts_of(lab: str) -> tuple[str, ...]:
    return CALCIUM if lab == "any_calcium" else (lab,)


def lab_before(rule: Rule, dose: Dose, case: Case, view: View) -> Outcome:
    """fail: for some lab no measurement of it, usable or not, in the window; pass: a usable one of each; else indeterminate
    `unusable-lab`; '`no-lab-records` in place of `fail` if the whole input has no readable Observation coded as that lab'"""
    outcomes = []
    for lab in rule.parameters["labs"]:
        days = rule.parameters.get("window_days", evidence_days(lab, dose.creatinine_window, dose.rules_of))
        start = view.start(dose.start)
        usable = [placed(when(one), start, days) for one in case.chart.usable(*concepts_of(lab))]
        unusable = [placed(one.time, start, days) if one.time else "certain" for one in case.chart.unusable(*concepts_of(lab))]
        view.assumed.update(_cited(case, lab, start, lambda time, start, days=days: placed(time, start, days)))
        outcomes.append(_measured(usable, unusable, case.lab_records & set(concepts_of(lab))))
    return _all_needed(outcomes)


def _cited(case: Case, lab: str, start: Moment, place: Callable[[Moment, Moment], str]) -> set[str]:
    """Assumptions of the latest measurement, which stands for all."""
    usable, unusable = (some(*concepts_of(lab)) for some in (case.chart.usable, case.chart.unusable))
    certain = [one for one in usable if place(when(one), start) == "certain"]
    if not certain:
        return set()
    perhaps = [one for one in usable if place(when(one), start) == "possible"]
    perhaps = [one for one in perhaps if not any(certainly_later(when(c), when(one)) for c in certain)]
    lost = [one for one in unusable if one.time is None or place(one.time, start) != "no"]
    return assumed_of([*not_later(certain), *perhaps], lost, start)


def _measured(usable: list[str], unusable: list[str], records: set[str]) -> Outcome:
    if "certain" in usable:
        return Outcome(PASS)
    partial = "partial-date" if "possible" in usable else ""
    if "certain" in unusable or "possible" in unusable or partial:
        here = "unusable-lab" if "certain" in unusable or "possible" in unusable else ""
        return Outcome(INDETERMINATE, words(here, partial))
    return Outcome(FAIL) if records else Outcome(INDETERMINATE, ("no-lab-records",))


def _all_needed(outcomes: list[Outcome]) -> Outcome:
    for verdict in (FAIL, INDETERMINATE):
        some = [outcome for outcome in outcomes if outcome.verdict == verdict]
        if some:
            return Outcome(verdict, words(*(reason for outcome in some for reason in outcome.reasons)))
    return Outcome(PASS)


def lab_after(rule: Rule, dose: Dose, case: Case, view: View) -> Outcome:
    """fail: no measurement of a lab in the days given, the input's last date is later than them, and the patient did not die
    before their last day; pass: a usable one of each; else indeterminate `not-yet-due`, `unusable-lab`, `no-lab-records`"""
    start, days = view.start(dose.start), (rule.parameters["from_days"], rule.parameters["to_days"])
    due = case.last_date is not None and (case.last_date - start.last).days > days[1] and not _died(case, start, days[1])
    outcomes = []
    for lab in rule.parameters["labs"]:
        usable = [placed_after(when(one), start, *days) for one in case.chart.usable(*concepts_of(lab))]
        unusable = [placed_after(o.time, start, *days) if o.time else "certain" for o in case.chart.unusable(*concepts_of(lab))]
        view.assumed.update(_cited(case, lab, start, lambda time, start: placed_after(time, start, *days)))
        found = _measured(usable, unusable, {"any"})
        records = case.lab_records & set(concepts_of(lab))
        if found.verdict == FAIL and not (due and records):
            found = Outcome(INDETERMINATE, words("" if records else "no-lab-records", "" if due else "not-yet-due"))
        outcomes.append(found)
    return _all_needed(outcomes)


def _died(case: Case, start: Moment, to_days: int) -> bool:
    """'the patient did not die (date, or deceasedBoolean) before their last day'"""
    deceased = case.chart.patient.deceased
    if isinstance(deceased, Moment):
        return days_between(start, deceased)[0] < to_days
    return deceased is True


def calcium_min(rule: Rule, dose: Dose, case: Case, view: View) -> Outcome:
    """fail: calcium.high < limit; pass: calcium.low ≥ limit"""
    level = calcium(case.chart, dose.start, calcium_days(dose.creatinine_window, dose.rules_of), True, view)
    if not level.values:
        return missing(level) or Outcome(INDETERMINATE)
    limits = [_calcium_limit(rule, value.kind, value.limit) for value in level.values]
    pairs = list(zip(level.values, limits, strict=True))
    return settled(
        all(less(value.interval.high, limit) for value, limit in pairs),
        all(at_least(value.interval.low, limit) for value, limit in pairs),
        "albumin-unknown" if any(_between(value, limit) for value, limit in pairs) else "",
    )


def _between(value: CalciumValue, limit: float) -> bool:
    """'`albumin-unknown` if the limit lies between the values corrected with 2.0 and 5.0'"""
    return value.albumin_unknown and less(value.interval.low, limit) and at_least(value.interval.high, limit)


def _calcium_limit(rule: Rule, kind: str, own: float) -> float:
    """'optional `limit_mg_dl`, `limit_ionised_mmol_l` (else the lower limit of section 5)'"""
    return float(rule.parameters.get("limit_ionised_mmol_l" if kind == "calcium_ionised" else "limit_mg_dl", own))


def calcium_indication(rule: Rule, dose: Dose, case: Case, view: View) -> Outcome:
    """fail: corrected calcium.high < min; pass: corrected calcium.low ≥ min"""
    level = calcium(case.chart, dose.start, rule.parameters["window_days"], False, view)
    if level.interval is None:
        return missing(level) or Outcome(INDETERMINATE)
    mg, mmol = rule.parameters["min_mg_dl"], rule.parameters["min_mmol_l"]
    bounds = [(of_kind, mmol * MMOL_CALCIUM if si else mg) for of_kind, si in level.by_kind]
    return settled(
        all(less(of_kind.high, limit) for of_kind, limit in bounds),
        all(at_least(of_kind.low, limit) for of_kind, limit in bounds),
        "albumin-unknown" if any(_between(value, limit) for value in level.values for _, limit in bounds) else "",
    )


def counts_min(rule: Rule, dose: Dose, case: Case, view: View) -> Outcome:
    """fail: some count.high < its minimum; pass: every count.low ≥ its minimum; else indeterminate (`no-counts` if one is
    missing)"""
    minima = rule.parameters["first" if dose.ordinal == 1 else "later"]
    days = rule.parameters["window_days"]
    counts, hints = {}, []
    for name, least in minima.items():
        own = View(widened=view.widened, assumed=view.assumed)
        counts[name] = latest(case.chart, name, dose.start, days, "no-counts", own)
        if counts[name].interval and not at_least(counts[name].low, least):
            hints += own.notes
    if any(count.interval and less(count.high, minima[name]) for name, count in counts.items()):
        return Outcome(FAIL)
    enough = all(count.interval and at_least(count.low, minima[name]) for name, count in counts.items())
    return missing(*counts.values()) or settled(False, enough, *hints)


def vitamin_d_min(rule: Rule, dose: Dose, case: Case, view: View) -> Outcome:
    """Not applicable: no usable value in the window. fail: value.high < min; pass: value.low ≥ min"""
    level = latest(case.chart, "vitamin_d", dose.start, rule.parameters["window_days"], "none", view)
    if level.interval is None:
        return Outcome(NOT_APPLICABLE) if level.missing == ("none",) else Outcome(INDETERMINATE, level.missing)
    factor, limit = (NMOL_VITAMIN_D, rule.parameters["min_nmol_l"]) if level.si else (1.0, rule.parameters["min_ng_ml"])
    return settled(less(level.high * factor, limit), at_least(level.low * factor, limit))


# ---- other doses, conditions, procedures


def no_other_product(rule: Rule, dose: Dose, case: Case, view: View) -> Outcome:
    """fail: a dose of one of them in the window up to and including this dose's date; pass: none; indeterminate `partial-date`"""
    found = []
    for other in case.doses:
        if other.product in rule.parameters["others"]:
            least, greatest = days_between(other.start, dose.start)
            if least >= 0 and greatest <= rule.parameters["window_days"]:
                return Outcome(FAIL)
            found.append(greatest >= 0 and least <= rule.parameters["window_days"])
    return Outcome(INDETERMINATE, ("partial-date",)) if any(found) else Outcome(PASS)


def condition_absent(rule: Rule, dose: Dose, case: Case, view: View) -> Outcome:
    """fail: a used condition certainly in the window; pass: none that could be; else indeterminate `partial-date`"""
    days = rule.parameters["lookback_days"]
    relevant = [c for c in case.chart.conditions if rule.parameters["value_set"] in c.value_sets]
    places = [_recorded(condition, dose.start, days) for condition in relevant]
    if "certain" in places:
        return Outcome(FAIL)
    return Outcome(INDETERMINATE, ("partial-date",)) if "possible" in places else Outcome(PASS)


def _recorded(condition: Condition, start: Moment, days: int) -> str:
    """'With `lookback_days` N > 0 a condition counts if it is present on the dose date and its date is at most N days before it;
    ended without a date, or undated: possible. With 0: any condition dated on or before the dose, ended or not; undated:
    possible.'"""
    if condition.start is None:
        over = isinstance(condition.end, Moment) and condition.end.last < start.first
        return "no" if over and days else "possible"
    least, greatest = days_between(condition.start, start)
    if days == 0:
        return "certain" if least >= 0 else "possible" if greatest >= 0 else "no"
    if greatest < 0 or least > days:
        return "no"
    if isinstance(condition.end, Moment) and condition.end.last < start.first:
        return "no"
    present = condition.end is None or (isinstance(condition.end, Moment) and condition.end.first >= start.last)
    return "certain" if present and least >= 0 and greatest <= days else "possible"


def dental_before_first(rule: Rule, dose: Dose, case: Case, view: View) -> Outcome:
    """Not applicable: not the first dose. fail: none in the window, and the input does contain dental procedures; pass: one in
    the window; else indeterminate `no-dental-records`, `partial-date`"""
    if dose.ordinal != 1:
        return Outcome(NOT_APPLICABLE)
    days = rule.parameters["window_days"]
    places = [placed(one.time, dose.start, days) if one.time else "possible" for one in case.chart.procedures]
    if "certain" in places:
        return Outcome(PASS)
    if "possible" in places:
        return Outcome(INDETERMINATE, ("partial-date",))
    return Outcome(FAIL) if case.dental else Outcome(INDETERMINATE, ("no-dental-records",))


def age_min(rule: Rule, dose: Dose, case: Case, view: View) -> Outcome:
    years, youngest = age(case.chart, dose.start, view), rule.parameters["min_years"]
    return missing(years) or settled(less(years.high, youngest), at_least(years.low, youngest))


def indication_not(rule: Rule, dose: Dose, case: Case, view: View) -> Outcome:
    if dose.indication_basis == "assumed":
        return Outcome(NOT_APPLICABLE)
    one_of_them = dose.indication in rule.parameters["indications_not"]
    return settled(one_of_them, not one_of_them)
