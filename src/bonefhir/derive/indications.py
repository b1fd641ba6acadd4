"""Which product a dose is of, and for which indication it was given (semantics, section 4)."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
import numpy.typing as npt
import pandas as pd

from bonefhir.derive.windows import Moments, around, flagged
from bonefhir.interval import Flags, Integers, Interval, above, at_least, at_most
from bonefhir.knowledge.model import Knowledge
from bonefhir.vocabulary import assumption

Objects = npt.NDArray[np.object_]

HYPERCALCAEMIA = "hypercalcemia_of_malignancy"
_MALIGNANT = ("bone_metastases", "multiple_myeloma", "giant_cell_tumor_of_bone")
_ORDER = ("bone_metastases", "multiple_myeloma", "giant_cell_tumor_of_bone", "osteoporosis", "paget")
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


def of_reasons(doses: pd.DataFrame) -> Found:
    names = (*_ORDER, HYPERCALCAEMIA)
    by_code, by_text = (_holding(doses[column], names) for column in ("reasons", "reasons_by_text"))
    present = {n: by_code[n] | by_text[n] for n in names}
    return Found(present, {n: by_text[n] & ~by_code[n] for n in names}, np.ones(len(doses), dtype=bool))


def _holding(column: "pd.Series[object]", names: Sequence[str]) -> dict[str, Flags]:
    """Of each name, the rows whose lists hold it."""
    lists = column.tolist()
    row = np.repeat(np.arange(len(lists)), np.fromiter(map(len, lists), dtype=np.int64, count=len(lists)))
    words = np.array(list(chain.from_iterable(lists)), dtype=object)
    return {name: flagged(row[words == name], len(lists)) for name in names}


def of_conditions(doses: Moments, conditions: pd.DataFrame, when: Moments, ends: Moments) -> Found:
    """A condition counts if it is not dated after the dose and is present, or possibly present, on it.

    when    dates on which each condition may have begun; ends: on which it may have ended
    """
    names = (*_ORDER, HYPERCALCAEMIA)
    rows = np.flatnonzero(conditions["value_set"].isin(names).to_numpy())
    dose, row = around(doses, when.take(rows), 1_000_000)
    event = rows[row]
    d, begin, end = doses.take(dose), when.take(event), ends.take(event)
    ended = conditions["ended_undated"].to_numpy(dtype=bool)[event]
    began_recently = begin.dated & (begin.last <= d.first) & (d.last - begin.first <= _RECENT)
    begun = ~begin.dated | (begin.first <= d.last)
    lasting = ~end.dated | (end.last >= d.first)
    perhaps_recently = begin.dated & (begin.first <= d.last) & (d.first - begin.last <= _RECENT)
    counts = begun & lasting & (perhaps_recently | ~ended)
    sets = conditions["value_set"].to_numpy(dtype=object)[event]
    text = conditions["by_text"].to_numpy(dtype=bool)[event]
    present = {n: flagged(dose[counts & (sets == n)], len(doses)) for n in names}
    coded = {n: flagged(dose[counts & (sets == n) & ~text], len(doses)) for n in names}
    recent = flagged(dose[counts & (sets == HYPERCALCAEMIA) & began_recently], len(doses))
    return Found(present, {n: present[n] & ~coded[n] for n in names}, recent)


def chosen(found: Found, calcium: Calcium, alone: bool) -> Objects:
    """The indication of each dose at one level; '' where the level decides nothing.

    alone   the only reason on a dose is taken as it is (level of reasons)
    """
    malignant = np.logical_or.reduce([found.present[n] for n in _MALIGNANT])
    others = np.logical_or.reduce([found.present[n] for n in _ORDER])
    hypercalcaemia = found.present[HYPERCALCAEMIA]
    counts = np.where(malignant, calcium.certainly, found.recent & calcium.possibly)
    if alone:
        counts = counts | ~others
    result = np.full(len(hypercalcaemia), "", dtype=object)
    for name in reversed(_ORDER):
        result[found.present[name]] = name
    result[hypercalcaemia & counts] = HYPERCALCAEMIA
    return result


@dataclass(frozen=True)
class Products:
    product: Objects
    basis: Objects
    assumptions: Integers


_BASIS_ASSUMPTION = {
    "amount": "product-by-amount",
    "indication": "product-by-indication",
    "condition": "product-by-indication",
    "default": "product-by-default",
}


def products(doses: pd.DataFrame, reason: Objects, conditions: Found, knowledge: Knowledge) -> Products:
    """The first that decides: told by code or text, an amount of one label only, the reason, the amount, the default.

    reason      indication by the reasons on the dose, '' where there is none
    conditions  the patient's conditions, which count for ibandronate only
    """
    product = doses["product"].to_numpy(dtype=object).copy()
    basis = np.where(pd.isna(product), "", doses["product_basis"].to_numpy(dtype=object)).astype(object)
    product[pd.isna(product)] = ""
    drugs = doses["drug"].to_numpy(dtype=object)
    charted = Interval(*(doses[name].to_numpy(dtype=np.float64) for name in ("charted_low", "charted_high")))
    route = doses["route"].to_numpy(dtype=object)
    for drug in sorted(set(drugs)):
        choice = _Choice(product, basis, (drugs == drug), charted, route, reason, conditions)
        if drug == "ibandronate":
            _ibandronate(choice)
        else:
            _by_amount_or_reason(choice, knowledge, drug)
    bits = np.zeros(len(doses), dtype=np.int64)
    for name, word in _BASIS_ASSUMPTION.items():
        bits[basis == name] = assumption(word)
    return Products(product, np.where(basis == "condition", "indication", basis), bits)


@dataclass(frozen=True)
class _Choice:
    """Doses of one drug on their way to a product: `give` decides for those that have none yet."""

    product: Objects
    basis: Objects
    of_drug: Flags
    amount: Interval
    route: Objects
    reason: Objects
    conditions: Found

    def give(self, condition: Flags | bool, product: str, basis: str) -> None:
        hit = self.of_drug & (self.product == "") & condition
        self.product[hit], self.basis[hit] = product, basis

    def near(self, labelled: tuple[float, ...]) -> Flags:
        """An amount within 10 % of one of a label's."""
        near = np.zeros(len(self.product), dtype=bool)
        for value in labelled:
            near |= self.about(value, _AMOUNT_TOLERANCE * value)
        return near

    def about(self, value: float, tolerance: float) -> Flags:
        return at_least(self.amount.low, value - tolerance) & at_most(self.amount.high, value + tolerance)


def _by_amount_or_reason(choice: _Choice, knowledge: Knowledge, drug: str) -> None:
    candidates = [knowledge.products[name] for name in knowledge.drugs[drug].products]
    near = {p.name: choice.near(p.label_amounts) for p in candidates}
    only_one = np.sum(list(near.values()), axis=0) == 1
    for p in candidates:
        choice.give(near[p.name] & only_one, p.name, "amount")
    for p in candidates:
        elsewhere = {i for other in candidates if other is not p for i in other.indications}
        choice.give(np.isin(choice.reason, sorted(set(p.indications) - elsewhere)), p.name, "indication")
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
    choice.give(choice.route == "oral", tablet, "route")
    choice.give(at_least(choice.amount.low, 20), tablet, "amount")
    choice.give(np.isin(choice.reason, ["bone_metastases", HYPERCALCAEMIA]), large, "indication")
    choice.give(choice.reason == "osteoporosis", small, "indication")
    choice.give(choice.about(3.0, 0.1), small, "amount")
    choice.give(oncology, large, "condition")
    for value in (2.0, 4.0, 6.0):
        choice.give(choice.about(value, 0.1), large, "amount")
    choice.give(True, small, "default")
