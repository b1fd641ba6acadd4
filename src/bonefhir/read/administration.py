"""MedicationAdministration → the part of its row in `administrations_read` that is its own."""

from typing import Any, NamedTuple

import msgspec
from msgspec import UNSET, Raw, UnsetType

from bonefhir.read import elements, medication, references
from bonefhir.read.columns import Row
from bonefhir.read.condition import verification
from bonefhir.read.elements import NO_QUANTITY, Quantity, Ratio, Read, Typed
from bonefhir.read.fault import Fault
from bonefhir.read.part import Part
from bonefhir.read.references import Link
from bonefhir.read.release import R4, R5
from bonefhir.read.resource import MISSING, Resource

STATUSES = frozenset({"in-progress", "not-done", "on-hold", "completed", "entered-in-error", "stopped", "unknown"})
_ENCODE = msgspec.json.Encoder().encode
_NOTHING_GIVEN = (*NO_QUANTITY, *NO_QUANTITY, *NO_QUANTITY, None)


class _Dosage(msgspec.Struct, rename="camel"):
    route: Raw | UnsetType = UNSET
    dose: Raw | UnsetType = UNSET
    rate_ratio: Raw | UnsetType = UNSET
    rate_quantity: Raw | UnsetType = UNSET


class _Drug(NamedTuple):
    concept: str | None = None
    ref: str | None = None
    display: str | None = None
    contained: str | None = None


_dosage = Typed(_Dosage)
_ratio = Typed(Ratio)


def row(dose: Resource) -> Row:
    status = _status(dose)
    subject = dose.subject()
    drug = _drug(dose)
    start, end = _period(dose)
    given = _given(dose)
    reasons = _reasons(dose)
    request = _request(dose)
    return (status, subject, *drug, start, end, *given, *reasons, _part_of(dose), request)


def _status(dose: Resource) -> str | None:
    return dose.code("status", STATUSES)


def _request(dose: Resource) -> str | None:
    return references.resolve(dose.link("request"), dose.scope)


def _part_of(dose: Resource) -> str | None:
    parts = [target for link in dose.links("partOf") if (target := references.resolve(link, dose.scope))]
    return _ENCODE(parts).decode() if parts else None


def _drug(dose: Resource) -> _Drug:
    concept, link = dose.get("medicationCodeableConcept", elements.CONCEPT), dose.link("medicationReference")
    raw = dose.fields.get("medication")
    if raw is not None:
        concept, link = _codeable_reference(dose, "medication", raw)
    if link.kind == "contained":
        return _Drug(concept, f"#{link.target}", link.display, medication.contained(dose, link.target))
    target = references.resolve(link, dose.scope)
    if target is not None and not target.startswith(("Medication/", "urn:")):
        target = None
    if concept is None and link == references.NO_LINK:
        dose.fault("not-fhir", "medication[x]", MISSING)
    return _Drug(concept, target, link.display)


def _codeable_reference(dose: Resource, name: str, raw: Raw) -> tuple[str | None, Link]:
    both, fault = medication.codeable_reference(raw)
    dose.take(name, Read(None, fault))
    concept, link = None, references.NO_LINK
    if both is not None and not isinstance(both.concept, UnsetType):
        concept = dose.take(f"{name}.concept", elements.CONCEPT[bytes(both.concept)])
    if both is not None and not isinstance(both.reference, UnsetType):
        link = dose.take(f"{name}.reference", references.LINK[bytes(both.reference)])
    return concept, link


def _period(dose: Resource) -> tuple[str | None, str | None]:
    """Start and end as written; R5 spells it occurence, with one r."""
    unreadable = False
    for stem in ("effective", "occurence"):
        if f"{stem}DateTime" in dose.fields:
            return dose.moment(f"{stem}DateTime"), None
        period = dose.get(f"{stem}Period", elements.PERIOD)
        if period is not None and period.start is not None:
            return period.start, period.end
        unreadable = unreadable or dose.faulty(f"{stem}Period")
    if not unreadable:
        dose.fault("no-time", "effective[x]", "the administration has no start")
    return None, None


def _given(dose: Resource) -> Row:
    """dose, rate, the rate's denominator, route."""
    raw = dose.fields.get("dosage")
    if raw is None:
        return _NOTHING_GIVEN
    dosage, fault = _dosage(raw)
    dose.take("dosage", Read(None, fault))
    if dosage is None:
        return _NOTHING_GIVEN
    amount = _quantity(dose, "dosage.dose", dosage.dose)
    if amount.value is not None and amount.value.startswith("-") and float(amount.value) == 0:
        dose.faults.append(Fault("not-fhir", "dosage.dose.value", "a negative zero"))
    rate, per = _quantity(dose, "dosage.rateQuantity", dosage.rate_quantity), NO_QUANTITY
    if not isinstance(dosage.rate_ratio, UnsetType):
        ratio, fault = _ratio(dosage.rate_ratio)
        dose.take("dosage.rateRatio", Read(None, fault))
        if ratio is not None:
            rate = _quantity(dose, "dosage.rateRatio.numerator", ratio.numerator)
            per = _quantity(dose, "dosage.rateRatio.denominator", ratio.denominator)
    route = None if isinstance(dosage.route, UnsetType) else dose.take("dosage.route", elements.CONCEPT[bytes(dosage.route)])
    return (*amount, *rate, *per, route)


def _quantity(dose: Resource, path: str, raw: Raw | UnsetType) -> Quantity:
    if isinstance(raw, UnsetType):
        return NO_QUANTITY
    quantity: Quantity = dose.take(path, elements.QUANTITY[bytes(raw)])
    return quantity


def _reasons(dose: Resource) -> tuple[str | None, str | None]:
    concepts, links = _concepts_and_links(dose)
    return (
        f"[{','.join(concepts)}]" if concepts else None,
        _ENCODE([_as_ref(dose, link) for link in links]).decode() if links else None,
    )


def _concepts_and_links(dose: Resource) -> tuple[list[str], list[Link]]:
    """Reasons as CodeableConcepts in JSON, and as references. A contained Condition counts as its code, unless it is refuted."""
    concepts = [dose.take("reasonCode", elements.CONCEPT[bytes(raw)]) for raw in dose.members("reasonCode")]
    links = dose.links("reasonReference")
    for raw in dose.members("reason"):
        concept, link = _codeable_reference(dose, "reason", raw)
        concepts.append(concept)
        links += [] if link == references.NO_LINK else [link]
    concepts += [_contained_condition(dose, link.target) for link in links if link.kind == "contained"]
    return [concept for concept in concepts if concept is not None], [link for link in links if link.kind != "contained"]


def _contained_condition(dose: Resource, identity: str) -> str | None:
    fields = dose.contained(identity, "Condition")
    if fields is None:
        return None
    condition = Resource(fields, "Condition", dose.scope, [])
    status = verification(condition)
    text: str | None = condition.get("code", elements.CONCEPT)
    return None if status in ("refuted", "entered-in-error") or condition.faults else text


def _as_ref(dose: Resource, link: Link) -> dict[str, Any]:
    target = references.resolve(link, dose.scope)
    leads = target is not None and target.startswith(("Condition/", "urn:"))
    return {"ref": target if leads else None, "display": link.display}


def _quantity_columns(prefix: str) -> tuple[str, ...]:
    return tuple(f"{prefix}_{name}" for name in Quantity._fields)


_PARTS = (
    Part(("status",), lambda dose: (_status(dose),), ("status",)),
    Part(("subject",), lambda dose: (dose.subject(),), ("subject",)),
    Part(
        ("medication", "medication_ref", "medication_display", "contained_medication"),
        _drug,
        ("medicationCodeableConcept", "medicationReference", "medication"),
    ),
    Part(("start", "end"), _period, ("effectiveDateTime", "effectivePeriod", "occurenceDateTime", "occurencePeriod")),
    Part((*_quantity_columns("dose"), *_quantity_columns("rate"), *_quantity_columns("rate_per"), "route"), _given, ("dosage",)),
    Part(("part_of",), lambda dose: (_part_of(dose),), ("partOf",)),
    Part(("request",), lambda dose: (_request(dose),), ("request",)),
)
PARTS = {
    R4: (
        *_PARTS,
        Part(("reasons",), lambda dose: _reasons(dose)[:1], ("reasonCode",)),
        Part(("reason_refs",), lambda dose: _reasons(dose)[1:], ("reasonReference",)),
    ),
    R5: (*_PARTS, Part(("reasons", "reason_refs"), _reasons, ("reason",))),
}
"""Without contained Conditions, reasons that are codes and reasons that are references have nothing to do with each other."""
