"""Which product a dose is of, and for which indication it was given (semantics, section 4)."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np

from bonefhir.coded import Lists, Texts
from bonefhir.derive.chart import Chart
from bonefhir.derive.windows import Moments, around, flagged
from bonefhir.interval import Flags, Integers, Interval, above, at_least, at_most
from bonefhir.knowledge.model import Knowledge
from bonefhir.vocabulary import assumption
from bonefhir.words import Words

HYPERCALCAEMIA = "hypercalcemia_of_malignancy"
_MALIGNANT = ("bone_metastases", "multiple_myeloma", "giant_cell_tumor_of_bone")
_ORDER = ("bone_metastases", "multiple_myeloma", "giant_cell_tumor_of_bone", "osteoporosis", "paget")
NAMES = (*_ORDER, HYPERCALCAEMIA, "")
"""Indications that are looked for; the last one is none."""
_RECENT = 90
"""Days: how long ago hypercalcaemia, or a condition that ended on an unknown date, may have begun."""
_AMOUNT_TOLERANCE = 0.1
"""Relative: an amount within 10 % of a labelled one."""


@dataclass(frozen=True)
class Found:
    """Indications of each dose at one level (reasons, or conditions): flags per indication, and those found by text only.

    recent      hypercalcaemia certainly began within 90 days before the dose
    """

    present: dict[str, Flags]
    by_text: dict[str, Flags]
    recent: Flags


@dataclass(frozen=True)
class Calcium:
    """Corrected calcium (never ionised) of the 7 days before each dose against 12.0 mg/dL, or 3.0 mmol/L.

    certainly   its low bound reaches the limit
    possibly    its high bound does, or it is unknown
    """

    certainly: Flags
    possibly: Flags


def of_reasons(doses: Chart) -> Found:
    names = NAMES[:-1]
    by_code, by_text = (_holding(doses.lists[column], names) for column in ("reasons", "reasons_by_text"))
    present = {n: by_code[n] | by_text[n] for n in names}
    return Found(present, {n: by_text[n] & ~by_code[n] for n in names}, np.ones(len(doses), dtype=bool))


def _holding(lists: Lists, names: Sequence[str]) -> dict[str, Flags]:
    """Of each name, the rows whose lists hold it."""
    words: Texts = lists.values  # type: ignore[assignment]
    row = np.repeat(np.arange(len(lists)), np.diff(lists.offsets))
    found = Words.told(replace(words, codes=words.codes[lists.offsets[0] : lists.offsets[-1]]))
    return {name: flagged(row[found.among([name])], len(lists)) for name in names}


def of_conditions(doses: Moments, conditions: Chart, when: Moments, ends: Moments) -> Found:
    """A condition counts if it is not dated after the dose and is present, or possibly present, on it.

    when    dates on which each condition may have begun; ends: on which it may have ended
    """
    names = NAMES[:-1]
    sets = conditions.words("value_set")
    rows = np.flatnonzero(sets.among(names))
    dose, row = around(doses, when.take(rows), 1_000_000)
    event = rows[row]
    d, begin, end = doses.take(dose), when.take(event), ends.take(event)
    ended = conditions.flags("ended_undated")[event]
    began_recently = begin.dated & (begin.last <= d.first) & (d.last - begin.first <= _RECENT)
    begun = ~begin.dated | (begin.first <= d.last)
    lasting = ~end.dated | (end.last >= d.first)
    perhaps_recently = begin.dated & (begin.first <= d.last) & (d.first - begin.last <= _RECENT)
    counts = begun & lasting & (perhaps_recently | ~ended)
    text = conditions.flags("by_text")[event]
    of_set = {n: counts & sets.among([n])[event] for n in names}
    present = {n: flagged(dose[of_set[n]], len(doses)) for n in names}
    coded = {n: flagged(dose[of_set[n] & ~text], len(doses)) for n in names}
    recent = flagged(dose[of_set[HYPERCALCAEMIA] & began_recently], len(doses))
    return Found(present, {n: present[n] & ~coded[n] for n in names}, recent)


def chosen(found: Found, calcium: Calcium, alone: bool) -> Words:
    """The indication of each dose at one level; '' where the level decides nothing.

    alone   the only reason on a dose is taken as it is (level of reasons)
    """
    malignant = np.logical_or.reduce([found.present[n] for n in _MALIGNANT])
    others = np.logical_or.reduce([found.present[n] for n in _ORDER])
    hypercalcaemia = found.present[HYPERCALCAEMIA]
    counts = np.where(malignant, calcium.certainly, found.recent & calcium.possibly)
    if alone:
        counts = counts | ~others
    result = np.full(len(hypercalcaemia), NAMES.index(""))
    for name in reversed(_ORDER):
        result[found.present[name]] = NAMES.index(name)
    result[hypercalcaemia & counts] = NAMES.index(HYPERCALCAEMIA)
    return Words(NAMES, result)


@dataclass(frozen=True)
class Products:
    product: Words
    basis: Words
    assumptions: Integers


_BASIS_ASSUMPTION = {
    "amount": "product-by-amount",
    "indication": "product-by-indication",
    "condition": "product-by-indication",
    "default": "product-by-default",
}


def products(doses: Chart, reason: Words, conditions: Found, knowledge: Knowledge) -> Products:
    """The first that decides: told by code or text, an amount of one label only, the reason, the amount, the default.

    reason      indication by the reasons on the dose, '' where there is none
    conditions  the patient's conditions, which count for ibandronate only
    """
    told, told_by, drugs = doses.words("product"), doses.words("product_basis"), doses.words("drug")
    names, bases = _kinds(told, ("", *knowledge.products)), _kinds(told_by, ("", *_BASIS_ASSUMPTION, "route"))
    product = told.each(lambda name: names.index(name or ""), np.int64)
    basis = np.where(told.among([None]), 0, told_by.each(lambda name: bases.index(name or ""), np.int64))
    charted = Interval(doses.floats("charted_low"), doses.floats("charted_high"))
    for drug in sorted({str(drugs.kinds[code]) for code in np.unique(drugs.codes)}):
        of_drug = drugs.among([drug])
        choice = _Choice(names, bases, product, basis, of_drug, charted, doses.words("route"), reason, conditions)
        if drug == "ibandronate":
            _ibandronate(choice)
        else:
            _by_amount_or_reason(choice, knowledge, drug)
    bits = np.array([assumption(_BASIS_ASSUMPTION[b]) if b in _BASIS_ASSUMPTION else 0 for b in bases], dtype=np.int64)[basis]
    basis = np.where(basis == bases.index("condition"), bases.index("indication"), basis)
    return Products(Words(names, product), Words(bases, basis), bits)


def _kinds(words: Words, others: Sequence[str]) -> tuple[str, ...]:
    """Each once, the others first."""
    return tuple(dict.fromkeys([*others, *(kind for kind in words.kinds if kind)]))


@dataclass(frozen=True)
class _Choice:
    """Doses of one drug on their way to a product: `give` decides for those that have none yet.

    names, bases    what product and basis are indices into; 0: none yet
    """

    names: tuple[str, ...]
    bases: tuple[str, ...]
    product: Integers
    basis: Integers
    of_drug: Flags
    amount: Interval
    route: Words
    reason: Words
    conditions: Found

    def give(self, condition: Flags | bool, product: str, basis: str) -> None:
        hit = self.of_drug & (self.product == 0) & condition
        self.product[hit], self.basis[hit] = self.names.index(product), self.bases.index(basis)

    def near(self, labelled: tuple[float, ...]) -> Flags:
        """An amount within 10 % of one of a label's."""
        near = np.zeros(len(self.product), dtype=bool)
        for value in labelled:
            near |= self.about(value, _AMOUNT_TOLERANCE * value)
        return near

    def about(self, value: float, tolerance: float) -> Flags:
        return at_least(self.amount.low, value - tolerance) & at_most(self.amount.high, value + tolerance)

    def given_for(self, indications: Collection[str]) -> Flags:
        return self.reason.among(indications)


def _by_amount_or_reason(choice: _Choice, knowledge: Knowledge, drug: str) -> None:
    candidates = [knowledge.products[name] for name in knowledge.drugs[drug].products]
    near = {p.name: choice.near(p.label_amounts) for p in candidates}
    only_one = np.sum(list(near.values()), axis=0) == 1
    for p in candidates:
        choice.give(near[p.name] & only_one, p.name, "amount")
    for p in candidates:
        elsewhere = {i for other in candidates if other is not p for i in other.indications}
        choice.give(choice.given_for(set(p.indications) - elsewhere), p.name, "indication")
    for p in candidates:
        if p.amount_above is not None:
            choice.give(above(choice.amount.low, p.amount_above), p.name, "amount")
    smaller = next(p.name for p in candidates if p.amount_above is None)
    for p in candidates:
        if p.amount_above is not None:
            choice.give(at_most(choice.amount.high, p.amount_above), smaller, "amount")
    choice.give(True, knowledge.drugs[drug].default, "default")


def _ibandronate(choice: _Choice) -> None:
    """Its three products share their strengths, so route, reason and the patient's conditions count as well."""
    small, large, tablet = "ibandronate_iv_3mg", "ibandronate_iv_6mg", "ibandronate_oral"
    oncology = choice.conditions.present["bone_metastases"] | choice.conditions.present[HYPERCALCAEMIA]
    choice.give(choice.route.among(["oral"]), tablet, "route")
    choice.give(at_least(choice.amount.low, 20), tablet, "amount")
    choice.give(choice.given_for(["bone_metastases", HYPERCALCAEMIA]), large, "indication")
    choice.give(choice.given_for(["osteoporosis"]), small, "indication")
    choice.give(choice.about(3.0, 0.1), small, "amount")
    choice.give(oncology, large, "condition")
    for value in (2.0, 4.0, 6.0):
        choice.give(choice.about(value, 0.1), large, "amount")
    choice.give(True, small, "default")
