"""Which drug of the catalogue, and which of its products, a medication names: by code, else by text (semantics, 3 and 4)."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import msgspec

from bonefhir.knowledge import units
from bonefhir.knowledge.model import Knowledge, Strength
from bonefhir.normalise.concepts import NOTHING, CodeIndex, Concept, ConceptJson, concept_of, plain

_NUMBER = r"(\d+(?:[.,]\d+)?)"
_CONCENTRATION = re.compile(rf"(?<![\d.,]){_NUMBER}\s*mg\s*/\s*(?:{_NUMBER}\s*)?ml\b")
_MASS = re.compile(rf"(?<![\d.,]){_NUMBER}\s*mg\b(?!\s*/\s*(?:kg|m2|m²))")
_TOLERANCE = 0.01
"""Relative, of a printed strength."""


class QuantityJson(msgspec.Struct):
    value: msgspec.Raw = msgspec.Raw()
    unit: str | None = None
    system: str | None = None
    code: str | None = None


class RatioJson(msgspec.Struct):
    numerator: QuantityJson | None = None
    denominator: QuantityJson | None = None


class IngredientJson(msgspec.Struct, rename={"item_concept": "itemCodeableConcept", "strength_ratio": "strengthRatio"}):
    """R5 wraps the item in a CodeableReference."""

    item_concept: ConceptJson | None = None
    item: dict[str, msgspec.Raw] | None = None
    strength: RatioJson | None = None
    strength_ratio: RatioJson | None = None


class MedicationJson(msgspec.Struct):
    code: ConceptJson | None = None
    ingredient: list[IngredientJson] | None = None
    status: str | None = None


@dataclass(frozen=True)
class Medication:
    """A medication as one thing to match: the concept of code, those of the ingredients, and their strengths."""

    concept: Concept = NOTHING
    ingredients: tuple[tuple[Concept, RatioJson | None], ...] = ()
    status: str | None = None


@dataclass(frozen=True)
class DrugMatch:
    """drug None: none of the catalogue. product None: not told by code or text.

    by_text         the drug was found by text only
    product_basis   'code', 'text', 'strength', 'only' (the drug, named by text, has no other) or '' (not told)
    mismatch        code and text name different substances
    unlisted        a code that is in none of our lists stood beside the text
    strength        of the matching ingredient, as written
    """

    drug: str | None = None
    product: str | None = None
    by_text: bool = False
    product_basis: str = ""
    mismatch: bool = False
    unlisted: bool = False
    strength: RatioJson | None = None


def decode_medication(text: str | None, systems: Mapping[str, str]) -> Medication:
    if text is None:
        return Medication()
    try:
        raw = msgspec.json.decode(text, type=MedicationJson)
    except msgspec.MsgspecError:
        return Medication()
    ingredients = tuple((_item(i, systems), i.strength or i.strength_ratio) for i in raw.ingredient or [])
    return Medication(concept_of(raw.code, systems) if raw.code else NOTHING, ingredients, raw.status)


def _item(ingredient: IngredientJson, systems: Mapping[str, str]) -> Concept:
    if ingredient.item_concept is not None:
        return concept_of(ingredient.item_concept, systems)
    if ingredient.item and "concept" in ingredient.item:
        return concept_of(msgspec.json.decode(ingredient.item["concept"], type=ConceptJson), systems)
    return NOTHING


class DrugMatcher:
    """Built once from the catalogue; `match` is called once per distinct medication."""

    def __init__(self, knowledge: Knowledge) -> None:
        self._knowledge = knowledge
        products, drugs = knowledge.products.values(), knowledge.drugs.values()
        self._products = CodeIndex((code, p.name) for p in products for code in p.codes)
        self._drugs = CodeIndex((code, d.name) for d in drugs for code in d.codes)
        self._drug_of = {p.name: p.drug for p in products}
        self._single = {d.name: d.products[0] for d in drugs if len(d.products) == 1}
        self._other = knowledge.other_codes
        self._names = _Words({n: d.name for d in drugs for n in d.names} | {b: p.drug for p in products for b in p.brands})
        self._brands = {d.name: _Words({b: p.name for p in products if p.drug == d.name for b in p.brands}) for d in drugs}
        self._strengths = {d.name: [s for p in products if p.drug == d.name for s in p.strengths] for d in drugs}

    def match(self, medication: Medication, display: str | None = None) -> DrugMatch:
        """`display` is that of the reference to the Medication; it speaks after the texts of the Medication itself."""
        concepts = [medication.concept, *(item for item, _ in medication.ingredients)]
        codings = [coding for concept in concepts for coding in concept.codings]
        texts = [text for concept in concepts for text in concept.texts]
        texts += [plain(display)] if display else []
        found = self._by_code(codings)
        named = next((drug for text in texts if (drug := self._names.first(text))), None)
        if found.drug is None:
            found = self._by_text(codings, named)
        elif named is not None and named != found.drug:
            found = replace(found, mismatch=True)
        return self._with_product(found, found.drug, medication, texts) if found.drug else found

    def _by_code(self, codings: Sequence[tuple[str, str]]) -> DrugMatch:
        for coding in codings:
            product = self._products.get(coding)
            if product is not None:
                return DrugMatch(drug=self._drug_of[product], product=product, product_basis="code")
        drug = next((d for coding in codings if (d := self._drugs.get(coding))), None)
        return DrugMatch(drug=drug)

    def _by_text(self, codings: Sequence[tuple[str, str]], named: str | None) -> DrugMatch:
        if named is None:
            return DrugMatch()
        if any(coding in self._other for coding in codings):
            return DrugMatch(mismatch=True)
        return DrugMatch(drug=named, by_text=True, unlisted=bool(codings))

    def _with_product(self, found: DrugMatch, drug: str, medication: Medication, texts: Sequence[str]) -> DrugMatch:
        strength = self._strength(drug, medication)
        found = replace(found, strength=strength)
        if found.product is not None:
            return found
        if drug in self._single:
            return replace(found, product=self._single[drug], product_basis="only" if found.by_text else "code")
        ways = (
            ("text", self._branded(drug, texts)),
            ("strength", self._of_strengths(drug, self._amounts(strength))),
            ("text", self._of_strengths(drug, [printed for text in texts for printed in _printed_strengths(text)])),
        )
        basis, product = next(((basis, product) for basis, product in ways if product), ("", None))
        return replace(found, product=product, product_basis=basis)

    def _branded(self, drug: str, texts: Sequence[str]) -> str | None:
        return next((p for text in texts if (p := self._brands[drug].first(text))), None)

    def _of_strengths(self, drug: str, strengths: Iterable[tuple[float, str]]) -> str | None:
        return next((p for value, unit in strengths if (p := self._product_at(drug, value, unit))), None)

    def _amounts(self, strength: RatioJson | None) -> list[tuple[float, str]]:
        """A strength as written in a Medication: concentration, and the mass itself where the denominator is no unit volume."""
        if strength is None or (mass := self._measured(strength.numerator, "mg")) is None:
            return []
        volume = self._measured(strength.denominator, "mL")
        if volume is None or volume <= 0:
            return [(mass, "mg")] if volume is None else []
        return [(mass / volume, "mg/mL")] + ([(mass, "mg")] if volume != 1 else [])

    def _measured(self, quantity: QuantityJson | None, unit: str) -> float | None:
        """Its number in the unit; None where there is none, or it is of another kind."""
        if quantity is None or not bytes(quantity.value):
            return None
        found = units.lookup(self._knowledge, quantity.system, quantity.code, quantity.unit).unit
        wanted = self._knowledge.ucum[unit]
        if found is None or found.quantity_kind != wanted.quantity_kind:
            return None
        return float(bytes(quantity.value)) * found.factor / wanted.factor

    def _product_at(self, drug: str, value: float, unit: str) -> str | None:
        matching = {s.product for s in self._strengths[drug] if _same_strength(s, value, unit)}
        return matching.pop() if len(matching) == 1 else None

    def _strength(self, drug: str, medication: Medication) -> RatioJson | None:
        """Of the ingredient that is the drug; of the only one, where the ingredient itself names none."""
        if len(medication.ingredients) == 1:
            return medication.ingredients[0][1]
        for item, strength in medication.ingredients:
            by_code = self._by_code(item.codings).drug
            if drug in (by_code, *(self._names.first(text) for text in item.texts)):
                return strength
        return None


def _same_strength(strength: Strength, value: float, unit: str) -> bool:
    return strength.unit == unit and abs(value - strength.value) <= _TOLERANCE * strength.value + 1e-9


def _printed_strengths(text: str) -> Iterable[tuple[float, str]]:
    """'4 mg/5 ml' → (0.8, 'mg/mL') and (4, 'mg'); concentrations first."""
    for mass, volume in _CONCENTRATION.findall(text):
        yield _float(mass) / (_float(volume) if volume else 1.0), "mg/mL"
    bare = _CONCENTRATION.sub(lambda m: f"{m[1]} mg" if m[2] else " ", text)
    for mass in _MASS.findall(bare):
        yield _float(mass), "mg"


def _float(text: str) -> float:
    return float(text.replace(",", "."))


class _Words:
    """Whole words or phrases → what they name."""

    def __init__(self, meanings: Mapping[str, str]) -> None:
        self._meanings = {plain(word): meaning for word, meaning in meanings.items()}
        words = sorted(self._meanings, key=lambda w: (-len(w), w))
        self._pattern = re.compile(r"(?<!\w)(?:" + "|".join(map(re.escape, words)) + r")(?!\w)") if words else None

    def first(self, text: str) -> str | None:
        found = self._pattern.search(text) if self._pattern else None
        return self._meanings[found[0]] if found else None
