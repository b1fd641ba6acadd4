"""Medication → JSON of what names a drug: code, ingredients, status. One shape for R4 and R5 (the one of R4)."""

from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import UNSET, Raw, UnsetType

from bonefhir.read import elements, references
from bonefhir.read.columns import Row
from bonefhir.read.contained import Fields
from bonefhir.read.elements import Quantity, Ratio, Read, Typed
from bonefhir.read.resource import Resource

STATUSES = frozenset({"active", "inactive", "entered-in-error"})
Lookup = Callable[[str, str], Fields | None]
"""id, type → the contained resource."""

_ENCODE = msgspec.json.Encoder().encode


class _Ingredient(msgspec.Struct, rename="camel"):
    item_codeable_concept: Raw | UnsetType = UNSET
    item_reference: Raw | UnsetType = UNSET
    item: Raw | UnsetType = UNSET
    is_active: bool | UnsetType = UNSET
    strength: Raw | UnsetType = UNSET
    strength_ratio: Raw | UnsetType = UNSET
    strength_quantity: Raw | UnsetType = UNSET


class CodeableReference(msgspec.Struct):
    """R5: a concept, a reference, or both."""

    concept: Raw | UnsetType = UNSET
    reference: Raw | UnsetType = UNSET


_ingredients = Typed(list[_Ingredient])
_ratio = Typed(Ratio)
codeable_reference = Typed(CodeableReference)


def row(medication: Resource) -> Row:
    status = medication.code("status", STATUSES, required=False)
    return (status, as_json(medication, status, medication.contained))


def contained(parent: Resource, identity: str) -> str | None:
    """The contained Medication as JSON; null if it is missing or says nothing about a drug (then the drug is unknown)."""
    fields = parent.contained(identity, "Medication")
    if fields is None:
        return None
    medication = Resource(fields, "Medication", parent.scope, [])
    text = as_json(medication, medication.code("status", STATUSES, required=False), parent.contained)
    for fault in medication.faults:
        parent.faults.append(elements.within(fault, "contained") or fault)
    parent.warnings.extend(medication.warnings)
    speaks = text.startswith('{"code"') or '"item' in text
    return text if speaks else None


def as_json(medication: Resource, status: str | None, lookup: Lookup) -> str:
    found: dict[str, Any] = {}
    code = medication.get("code", elements.CONCEPT)
    if code is not None and code != "{}":
        found["code"] = Raw(code.encode())
    raw = medication.fields.get("ingredient")
    if raw is not None:
        ingredients, fault = _ingredients(raw)
        medication.take("ingredient", Read(None, fault))
        found["ingredient"] = [_ingredient(medication, each, lookup) for each in ingredients or ()]
    if status is not None:
        found["status"] = status
    return _ENCODE(found).decode()


def _ingredient(medication: Resource, each: _Ingredient, lookup: Lookup) -> dict[str, Any]:
    found: dict[str, Any] = {}
    concept, reference = each.item_codeable_concept, each.item_reference
    if each.item is not UNSET:
        both, fault = codeable_reference(each.item)
        medication.take("ingredient.item", Read(None, fault))
        if both is not None:
            concept, reference = both.concept, both.reference
    if not isinstance(concept, UnsetType):
        text = medication.take("ingredient.itemCodeableConcept", elements.CONCEPT[bytes(concept)])
        found |= {"itemCodeableConcept": Raw(text.encode())} if text else {}
    if not isinstance(reference, UnsetType):
        found |= _item(medication, reference, lookup)
    if each.is_active is not UNSET:
        found["isActive"] = each.is_active
    return found | _strength(medication, each)


def _item(medication: Resource, reference: Raw, lookup: Lookup) -> dict[str, Any]:
    """The item of an ingredient that is referenced. A contained one is replaced by its code: one step, so a circle ends."""
    link = medication.take("ingredient.itemReference", references.LINK[bytes(reference)])
    if link.kind == "contained":
        text = _contained_code(link.target, lookup)
        if text is not None:
            return {"itemCodeableConcept": Raw(text.encode())}
        return {"itemReference": {"display": link.display}} if link.display else {}
    named = {"reference": references.resolve(link, medication.scope), "display": link.display}
    named = {key: value for key, value in named.items() if value is not None}
    return {"itemReference": named} if named else {}


def _contained_code(identity: str, lookup: Lookup) -> str | None:
    fields = lookup(identity, "Substance") or lookup(identity, "Medication") or {}
    code = fields.get("code")
    if code is None:
        return None
    both, _ = codeable_reference(code)  # R5: Substance.code is a CodeableReference
    if both is not None and not isinstance(both.concept, UnsetType):
        code = both.concept
    text: str | None = elements.as_read(elements.CONCEPT[bytes(code)]).value
    return text if text != "{}" else None


def _strength(medication: Resource, each: _Ingredient) -> dict[str, Any]:
    raw = each.strength if each.strength_ratio is UNSET else each.strength_ratio
    if isinstance(raw, UnsetType):
        numerator = _amount(medication, each.strength_quantity)
        return {"strength": {"numerator": numerator}} if numerator else {}
    ratio, fault = _ratio(raw)
    medication.take("ingredient.strength", Read(None, fault))
    if ratio is None:
        return {}
    parts = {"numerator": _amount(medication, ratio.numerator), "denominator": _amount(medication, ratio.denominator)}
    return {"strength": {name: amount for name, amount in parts.items() if amount}}


def _amount(medication: Resource, raw: Raw | UnsetType) -> dict[str, Any]:
    if isinstance(raw, UnsetType):
        return {}
    quantity: Quantity = medication.take("ingredient.strength", elements.QUANTITY[bytes(raw)])
    return elements.as_fields(quantity)
