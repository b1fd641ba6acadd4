"""A site's codes, given to the concepts that they name: a product, a drug, a measurement or a value set."""

from collections.abc import MutableMapping
from dataclasses import dataclass, replace
from typing import TypeVar

from bonefhir.knowledge import measurements
from bonefhir.knowledge.codes import UNUSED_KINDS, comparable
from bonefhir.knowledge.faults import Faults, Place, unknown
from bonefhir.knowledge.labels import Labels
from bonefhir.knowledge.model import Code, Drug, Measurement, Product, ValueSet
from bonefhir.knowledge.terminology import Terminology

T = TypeVar("T", Product, Drug, Measurement, ValueSet)


@dataclass
class _Concepts:
    """Everything that a local code may stand for. Products and drugs share one world of codes, labs have their own."""

    labels: Labels
    labs: MutableMapping[str, Measurement]
    sets: MutableMapping[str, ValueSet]
    lab_codes: dict[tuple[str, str], str]
    faults: Faults

    def names(self) -> set[str]:
        return {*self.labels.products, *self.labels.drugs, *self.labs, *self.sets}

    def add(self, name: str, code: Code, place: Place) -> None:
        """In a drug of one product the product has the drug's name and takes the code."""
        if name in self.labels.products and self._free_drug(name, code, place):
            self.labels.products[name] = _with(self.labels.products[name], code)
        elif name in self.labels.drugs and name not in self.labels.products and self._free_drug(name, code, place):
            self.labels.drugs[name] = _with(self.labels.drugs[name], code)
        elif name in self.labs and self._free_lab(name, code, place):
            self.labs[name] = _with(self.labs[name], code)
        elif name in self.sets and self._free_in_set(self.sets[name], code, place):
            self.sets[name] = _with(self.sets[name], code)

    def _free_drug(self, name: str, code: Code, place: Place) -> bool:
        return self.labels.claim(("code", *comparable(code.system, code.code)), name, place, self.faults)

    def _free_lab(self, name: str, code: Code, place: Place) -> bool:
        """A code of the terminology that is known and not measured may be given a meaning; one that has one may not."""
        key = comparable(code.system, code.code)
        if key in self.lab_codes:
            self.faults.add(place, f"code '{code.code}' already stands for the measurement {self.lab_codes[key]}")
            return False
        self.lab_codes[key] = name
        return True

    def _free_in_set(self, value_set: ValueSet, code: Code, place: Place) -> bool:
        if comparable(code.system, code.code) in {comparable(c.system, c.code) for c in value_set.codes}:
            self.faults.add(place, f"code '{code.code}' already stands in '{value_set.name}'")
            return False
        return True


def attach(
    terms: Terminology,
    labels: Labels,
    sets: MutableMapping[str, ValueSet],
    labs: MutableMapping[str, Measurement],
    faults: Faults,
) -> None:
    """Extends the concepts in place. Codes of kind exclude, hold, deprecated and panel are known, and mean nothing."""
    concepts = _Concepts(labels, labs, sets, measurements.claimed(labs), faults)
    for name, code, place in terms.codes:
        key = comparable(code.system, code.code)
        if code.kind in UNUSED_KINDS:
            terms.known_labs.append((code, place))
            terms.excluded.update({key} if code.kind == "exclude" else ())
        elif key in terms.excluded:
            faults.add(place, f"code '{code.code}' is excluded: it looks right and is wrong")
        elif key in terms.other:
            faults.add(place, f"code '{code.code}' already stands for {terms.other[key][0]}")
        elif name not in concepts.names():
            faults.add(place, unknown("concept", name, concepts.names()))
        else:
            concepts.add(name, code, place)


def _with(concept: T, code: Code) -> T:
    return replace(concept, codes=(*concept.codes, code))
