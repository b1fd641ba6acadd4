"""From records to doses: doubles, parts, product, indication, order. semantics.md, section 4."""

from dataclasses import dataclass, replace
from functools import cmp_to_key
from typing import Any

from tests.reference.catalogue import Catalogue, Product
from tests.reference.charted import Amounts, Charted, amounts, labelled_product, written_per_kg
from tests.reference.evidence import AS_IS, HYPERCALCAEMIA, MMOL_CALCIUM, Chart, Quantity, View, calcium, weight
from tests.reference.evidence import CORRECTED_DAYS as SEVEN
from tests.reference.intervals import Interval, at_least, at_most, less, more
from tests.reference.moments import Moment, days_between
from tests.reference.parts import Group, grouped, in_order, without_doubles
from tests.reference.rows import Condition

MALIGNANT = ("bone_metastases", "multiple_myeloma", "giant_cell_tumor_of_bone")
"""'malignant bone indications'"""

ORDER = (*MALIGNANT, "osteoporosis", "paget")
"""'then bone_metastases before multiple_myeloma before giant_cell_tumor_of_bone before osteoporosis before paget'"""

RECENT_DAYS = 90


@dataclass(frozen=True)
class Dose:
    """A dose with all that was decided about it; weighed: assumptions of a weight that made its amount. The last fields, for a
    reader of differences, are filled by `audit`."""

    id: str
    patient: str
    drug: str
    product: str
    product_basis: str
    indication: str
    indication_basis: str
    rules_of: str
    start: Moment
    stopped: bool
    route: str | None
    charted: Quantity
    amount: Quantity
    duration: Quantity
    merged: tuple[str, ...]
    assumed: frozenset[str]
    weighed: frozenset[str]
    creatinine_window: int
    ordinal: int = 0
    previous: Moment | None = None
    first: Moment | None = None
    values: tuple[tuple[str, Any], ...] = ()


# ---- indication


def hypercalcaemia_certain(chart: Chart, start: Moment) -> bool:
    """'with one of them, hypercalcaemia counts only if the corrected calcium's low bound, from labs at most 7 days before the
    dose, is ≥ 12.0 mg/dL (3.0 mmol/L when the calcium was reported so)'"""
    level = calcium(chart, start, SEVEN, ionised=False)
    return level.interval is not None and all(at_least(*twelve(of_kind.low, si)) for of_kind, si in level.by_kind)


def hypercalcaemia_possible(chart: Chart, start: Moment) -> bool:
    """'the corrected calcium's high bound within 7 days is ≥ 12.0 mg/dL or unknown'"""
    level = calcium(chart, start, SEVEN, ionised=False)
    return level.interval is None or any(at_least(*twelve(of_kind.high, si)) for of_kind, si in level.by_kind)


def twelve(mg_per_dl: float, si: bool) -> tuple[float, float]:
    return (mg_per_dl / MMOL_CALCIUM, 3.0) if si else (mg_per_dl, 12.0)


def chosen(found: set[str], chart: Chart, start: Moment, recent: bool, alone: bool) -> str | None:
    """The indication among several. recent: hypercalcaemia certainly began within 90 days (of reasons: 'this part is left out');
    alone: 'the only reason on the dose is taken as it is'."""
    found = found & {*ORDER, HYPERCALCAEMIA}
    if found == {HYPERCALCAEMIA} and alone:
        return HYPERCALCAEMIA
    if HYPERCALCAEMIA in found:
        malignant = found & set(MALIGNANT)
        first = hypercalcaemia_certain(chart, start) if malignant else recent and hypercalcaemia_possible(chart, start)
        if first:
            return HYPERCALCAEMIA
    return next((name for name in ORDER if name in found), None)


def relevant(condition: Condition, start: Moment) -> bool:
    """'with a date (if any) not after the dose date, and present or possibly present on it (ended without a date: only if it
    began within 90 days before the dose)'; 'undated and ended before the dose or on an unknown date, it is no indication'"""
    if condition.start and condition.start.first > start.last:
        return False
    if condition.end is True:
        return condition.start is not None and days_between(condition.start, start)[0] <= RECENT_DAYS
    return not isinstance(condition.end, Moment) or condition.end.last >= start.first


def certainly_recent(condition: Condition, start: Moment) -> bool:
    """'only if it certainly began within 90 days before the dose'"""
    if condition.start is None:
        return False
    least, greatest = days_between(condition.start, start)
    return least >= 0 and greatest <= RECENT_DAYS


def by_reason(reasons: tuple[frozenset[str], ...], chart: Chart, start: Moment) -> str | None:
    return chosen({name for meaning in reasons for name in meaning}, chart, start, recent=True, alone=True)


def by_conditions(chart: Chart, start: Moment) -> str | None:
    present = [condition for condition in chart.conditions if relevant(condition, start)]
    recent = any(HYPERCALCAEMIA in c.value_sets and certainly_recent(c, start) for c in present)
    return chosen({name for c in present for name in c.value_sets}, chart, start, recent, alone=False)


# ---- product


def product(group: Group, chart: Chart, catalogue: Catalogue) -> tuple[str, str]:
    """The product and what decided it: (a) to (e) of section 4."""
    drug = group.head.drug
    labelled = next((found for record in group.records if (found := labelled_product(record, catalogue))), None)
    if labelled:
        return labelled
    own = [catalogue.products[name] for name in drug.products]
    if len(own) == 1:
        return own[0].name, "only"
    if drug.name == "ibandronate":
        return ibandronate(group, chart)
    return by_amount(group, chart, own) or (drug.default, "default")


def by_amount(group: Group, chart: Chart, own: list[Product]) -> tuple[str, str] | None:
    """'(b) an amount that only one product's label has, within 10 % (ends included); (c) an explicit indication (reason on the
    dose) that only one product of the drug has; (d) the amount: zoledronic acid > 4.5 mg → 5 mg product, else 4 mg; denosumab
    > 90 mg → 120 mg, else 60 mg'. 'A stopped dose: the charted amount decides.'"""
    charted = group.amounts.charted.interval
    near = [p.name for p in own if charted and any(_near(charted, amount) for amount in p.label_amounts)]
    if len(near) == 1:
        return near[0], "amount"
    reasons = tuple(reason for record in group.records for reason in record.reasons)
    indication = by_reason(reasons, chart, group.head.start)
    having = [p.name for p in own if indication in p.indications]
    if indication and len(having) == 1:
        return having[0], "indication"
    above = next((p for p in own if p.amount_above is not None), None)
    if charted and above and above.amount_above is not None:
        other = next(p.name for p in own if p is not above)
        if more(charted.low, above.amount_above):
            return above.name, "amount"
        if at_most(charted.high, above.amount_above):
            return other, "amount"
    return None


def _near(charted: Interval, amount: float) -> bool:
    return at_least(charted.low, 0.9 * amount) and at_most(charted.high, 1.1 * amount)


def ibandronate(group: Group, chart: Chart) -> tuple[str, str]:
    """'route oral or an amount ≥ 20 mg → `ibandronate_oral`; an explicit reason on the dose; 3.0 mg (± 0.1) → 3 mg product; bone
    metastases or hypercalcaemia among the patient's conditions, or 2.0, 4.0 or 6.0 mg (± 0.1) → 6 mg product; else 3 mg product.
    (A reason of bone metastases or hypercalcaemia means the 6 mg product, osteoporosis the 3 mg one, others do not decide; the
    conditions count without the guard for hypercalcaemia.)'"""
    charted, start = group.amounts.charted.interval, group.head.start
    if route(group) == "oral":
        return "ibandronate_oral", "route"
    if charted and at_least(charted.low, 20):
        return "ibandronate_oral", "amount"
    six = {"bone_metastases", HYPERCALCAEMIA}
    reason = by_reason(tuple(reason for record in group.records for reason in record.reasons), chart, start)
    if reason in six:
        return "ibandronate_iv_6mg", "indication"
    if reason == "osteoporosis":
        return "ibandronate_iv_3mg", "indication"
    if charted and _about(charted, 3.0):
        return "ibandronate_iv_3mg", "amount"
    if any(c.value_sets & six and relevant(c, start) for c in chart.conditions):
        return "ibandronate_iv_6mg", "indication"
    if charted and any(_about(charted, amount) for amount in (2.0, 4.0, 6.0)):
        return "ibandronate_iv_6mg", "amount"
    return "ibandronate_iv_3mg", "default"


def _about(charted: Interval, amount: float) -> bool:
    return not less(charted.low, amount - 0.1) and not more(charted.high, amount + 0.1)


def route(group: Group) -> str | None:
    """'route the first known'"""
    return next((record.route for record in group.records if record.route), None)


# ---- doses


def doses(records: list[Charted], charts: dict[str, Chart], catalogue: Catalogue) -> list[Dose]:
    """Every dose of the input, each with its place among those of its patient and product."""
    found: list[Dose] = []
    for name, drug in sorted({(record.patient, record.drug.name) for record in records}):
        chart = charts.setdefault(name, Chart())

        def of(record: Charted, chart: Chart = chart) -> Amounts:
            return amounts(record, weight(chart, record.start), catalogue)

        own = [record for record in records if (record.patient, record.drug.name) == (name, drug)]
        kept = without_doubles(own, lambda record, of=of: of(record).charted, catalogue)  # type: ignore[misc]
        found += [_dose(group, chart, catalogue) for group in grouped(kept, catalogue, of)]
    return _ordered(found)


def _dose(group: Group, chart: Chart, catalogue: Catalogue) -> Dose:
    head, start = group.head, group.head.start
    name, basis = product(group, chart, catalogue)
    label = catalogue.products[name]
    reason = by_reason(tuple(reason for record in group.records for reason in record.reasons), chart, start)
    condition = None if reason else by_conditions(chart, start)
    default = label.indications[0] if label.indications else ""
    indication = reason or condition or default
    return Dose(
        id=f"MedicationAdministration/{head.id}",
        patient=head.patient,
        drug=head.drug.name,
        product=name,
        product_basis=basis,
        indication=indication,
        indication_basis="reason" if reason else "condition" if condition else "assumed",
        rules_of=indication if indication in label.indications else default,
        start=start,
        stopped=any(record.stopped for record in group.records),
        route=route(group),
        charted=group.amounts.charted,
        amount=group.amounts.amount,
        duration=group.amounts.duration,
        merged=tuple(record.id for record in group.records[1:]),
        assumed=frozenset(_assumed(group, basis, reason or condition, catalogue)),
        weighed=frozenset(_weighed(group, chart, catalogue)),
        creatinine_window=label.creatinine_days,
    )


def _weighed(group: Group, chart: Chart, catalogue: Catalogue) -> set[str]:
    view = View()
    for record in group.records:
        if written_per_kg(record, catalogue) is not None:
            weight(chart, record.start, view)
    return view.assumed if group.amounts.amount.interval else set()


def _assumed(group: Group, basis: str, indication: str | None, catalogue: Catalogue) -> set[str]:
    """'assumptions of all'; '(b) and (d) are recorded as the assumption `product-by-amount`, (c) `product-by-indication`, (e)
    `product-by-default`'; '`product-by-text`'; '(c) the product's default, assumption `indication-assumed`'."""
    assumed = {word for record in group.records for word in record.assumed}
    assumed |= {f"product-by-{basis}"} & {"product-by-amount", "product-by-indication", "product-by-default"}
    named = [labelled_product(record, catalogue) for record in group.records if len(record.drug.products) > 1]
    assumed |= {"product-by-text" for one in named if one and one[1] == "text"}
    assumed |= {"merged-parts"} if len(group.records) > 1 else set()
    return assumed if indication else assumed | {"indication-assumed"}


def _ordered(found: list[Dose]) -> list[Dose]:
    """'"Previous dose" and "first dose" are within the data'."""
    ordered: list[Dose] = []
    for patient, name in sorted({(dose.patient, dose.product) for dose in found}):
        course = [dose for dose in found if (dose.patient, dose.product) == (patient, name)]
        course.sort(key=cmp_to_key(lambda a, b: in_order((a.start, a.id), (b.start, b.id))))
        for number, dose in enumerate(course):
            before = course[number - 1].start if number else None
            ordered.append(replace(dose, ordinal=number + 1, previous=before, first=course[0].start))
    return ordered


__all__ = ["AS_IS", "Dose", "doses"]
