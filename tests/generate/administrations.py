"""MedicationAdministrations and Medications: every product, in every form of drug, amount, infusion, route and reason."""

from dataclasses import dataclass, field
from datetime import date

from tests.generate.choice import Choice
from tests.generate.drugs import DRUGS, OTHER_SUBSTANCES, ROUTE_FORMS, Drug
from tests.generate.writing import LOCAL, MODIFIER, RXNORM, Resource, concept, quantity, reference, unreadable, written

MASS = {"mg": (1.0, ("MG", "milligram", "mgs")), "g": (0.001, ("gram", "gm")), "ug": (1000.0, ("mcg", "µg"))}
ACTIVITY = {
    "kBq": (1.0, ("kbq",)),
    "MBq": (0.001, ("MBQ",)),
    "mCi": (1 / 37000, ("mci", "millicurie")),
    "uCi": (1 / 37, ("µCi", "microCi")),
}


@dataclass
class Written:
    """A record, and the resources it needs beside it."""

    resource: Resource
    others: list[Resource] = field(default_factory=list)


@dataclass(frozen=True)
class Slot:
    """Where a record stands: local day, minute of the day, offset, and how long the infusion takes (None: unknown)."""

    day: date
    minute: int
    offset: int
    minutes: int | None


def administration(choice: Choice, product: str, identifier: str, subject: Resource, slot: Slot, amount: float) -> Written:
    """A used record of a product's drug; amount in the drug's unit."""
    drug = DRUGS[product]
    resource: Resource = {
        "resourceType": "MedicationAdministration",
        "id": identifier,
        "status": choice.weighted(((85, "completed"), (6, "stopped"), (5, "in-progress"), (4, "unknown"))),
        "subject": subject,
    }
    made = Written(resource)
    _medicate(choice, drug, made)
    _time(choice, resource, slot)
    _dose(choice, drug, made, amount, slot)
    _route(choice, drug, resource)
    return made


def _time(choice: Choice, resource: Resource, slot: Slot) -> None:
    start = written(choice, slot.day, slot.minute, slot.offset)
    if slot.minutes is None or slot.minute + slot.minutes >= 1440:
        resource["effectiveDateTime"] = start
        return
    precise = written(choice, slot.day, slot.minute, slot.offset, precise=True)
    end = written(choice, slot.day, slot.minute + slot.minutes, slot.offset, precise=True)
    form = choice.weighted(((84, "period"), (6, "no-end"), (3, "same"), (2, "backwards"), (5, "dates")))
    if form == "period":
        resource["effectivePeriod"] = {"start": precise, "end": end}
    elif form == "no-end":
        resource["effectivePeriod"] = {"start": precise}
    elif form == "same":
        resource["effectivePeriod"] = {"start": precise, "end": precise}
    elif form == "backwards":
        resource["effectivePeriod"] = {"start": end, "end": precise}
    else:
        resource["effectivePeriod"] = {"start": slot.day.isoformat(), "end": slot.day.isoformat()}


# ---- drug


def _medicate(choice: Choice, drug: Drug, made: Written) -> None:
    form = choice.weighted(((70, "concept"), (30, "reference")))
    meaning = drug_concept(choice, drug)
    if form == "concept":
        made.resource["medicationCodeableConcept"] = meaning
        return
    medication: Resource = {"resourceType": "Medication", "id": f"{made.resource['id']}-m", "code": meaning}
    if choice.chance(0.2):
        del medication["code"]
        medication["ingredient"] = [{"itemCodeableConcept": meaning}]
    if drug.strengths and choice.chance(0.6):
        medication.setdefault("ingredient", [{"itemCodeableConcept": ingredient_concept(choice, drug)}])
        medication["ingredient"][0]["strength"] = strength(choice, *choice.pick(drug.strengths))
    if choice.chance(0.03):
        medication["status"] = "entered-in-error"
    if choice.chance(0.3):
        made.resource["contained"] = [{**medication, "id": "med"}]
        made.resource["medicationReference"] = {"reference": "#med"}
    else:
        made.resource["medicationReference"] = reference(choice, "Medication", medication["id"], urn=False)
        if not choice.chance(0.03):
            made.others.append(medication)
    if choice.chance(0.2):
        made.resource["medicationReference"]["display"] = choice.pick(drug.texts)


def drug_concept(choice: Choice, drug: Drug) -> Resource:
    """Product-specific or ingredient code, text alone, or a conflict of the two."""
    form = choice.weighted(
        ((50, "ingredient"), (20 if drug.specific else 0, "specific"), (14, "text"), (6, "both"), (5, "unlisted"), (5, "brand"))
    )
    if form == "text":
        return choice.pick(
            ({"text": choice.pick(drug.texts)}, {"coding": [{"system": LOCAL, "code": "D1", "display": choice.pick(drug.texts)}]})
        )
    if form == "unlisted":
        return {"coding": [{"system": RXNORM, "code": "9999999"}], "text": choice.pick(drug.texts)}
    found = ingredient_concept(choice, drug)
    if form == "brand":
        found["text"] = choice.pick(drug.texts)
    if form in ("specific", "both") and drug.specific:
        system, code, display = choice.pick(drug.specific)
        special = concept(choice, system, code, display)
        found = {"coding": found["coding"] + special["coding"]} if form == "both" else special
    return found


def ingredient_concept(choice: Choice, drug: Drug) -> Resource:
    system, code, display = choice.pick(drug.ingredient)
    return concept(choice, system, code, display)


def strength(choice: Choice, mg: float, ml: float | None) -> Resource:
    numerator = quantity(choice, mg, "mg", ("MG", "milligram"))
    if ml is None:
        return {"numerator": numerator, "denominator": {"value": 1, "unit": choice.pick(("vial", "tablet", "{tablet}"))}}
    return {"numerator": numerator, "denominator": quantity(choice, ml, "mL", ("ml", "milliliter"))}


# ---- dose, rate, route


def _dose(choice: Choice, drug: Drug, made: Written, amount: float, slot: Slot) -> None:
    """The amount as mass or activity, as volume, per kg, by rate, unreadable or not at all."""
    units = ACTIVITY if drug.unit == "kBq" else MASS
    code = drug.unit if choice.chance(0.8) else choice.pick(tuple(units))
    factor, aliases = units[code]
    dose = quantity(choice, round(amount * factor, 12), code, aliases)
    dosage: Resource = {"dose": dose}
    form = choice.weighted(((80, "amount"), (6, "volume"), (4, "per-kg"), (4, "rate"), (3, "unreadable"), (3, "none")))
    if form == "volume" and drug.strengths:
        mg, ml = choice.pick(drug.strengths)
        dosage["dose"] = quantity(choice, round(amount * (ml or 1) / mg, 12), "mL", ("ml", "cc"))
    elif form == "per-kg":
        per = "kBq/kg" if drug.unit == "kBq" else "mg/kg"
        dosage["dose"] = quantity(choice, round(amount / 70, 4), per, ("MG/KG",) if per == "mg/kg" else ("kbq/kg",))
    elif form == "rate":
        del dosage["dose"]
    elif form == "unreadable":
        dosage["dose"] = choice.pick((unreadable(choice, amount, code, "kg"), {"value": 1, "unit": "vial"}, {"unit": code}))
    elif form == "none":
        made.resource["dosage"] = {"text": "as charted"}
        return
    if form == "rate" or choice.chance(0.08):
        dosage.update(rate(choice, drug, amount, slot, dosage.get("dose", {}).get("value", amount) if form == "volume" else None))
    made.resource["dosage"] = dosage


def rate(choice: Choice, drug: Drug, amount: float, slot: Slot, volume: float | None) -> Resource:
    """rateQuantity or rateRatio: amount or volume per time."""
    minutes = slot.minutes or choice.pick(drug.minutes)
    unit = "mL" if volume is not None else drug.unit
    number = volume if volume is not None else amount
    if drug.unit == "mg" and choice.chance(0.5):
        per, factor = choice.pick(((f"{unit}/h", 60), (f"{unit}/min", 1)))
        return {"rateQuantity": quantity(choice, round(number / minutes * factor, 9), per)}
    denominator = choice.pick(
        (quantity(choice, minutes, "min", ("minutes", "mins")), quantity(choice, round(minutes / 60, 9), "h", ("hr",)))
    )
    return {"rateRatio": {"numerator": quantity(choice, number, unit), "denominator": denominator}}


def _route(choice: Choice, drug: Drug, resource: Resource) -> None:
    name = drug.route if choice.chance(0.9) else choice.pick(tuple(ROUTE_FORMS))
    form: Resource = choice.pick(ROUTE_FORMS[name])
    if choice.chance(0.1):
        form = choice.pick(({"text": "as directed"}, {"coding": [{"system": LOCAL, "code": "9"}]}))
    if not choice.chance(0.06):
        resource.setdefault("dosage", {})["route"] = form


# ---- not a dose after all


def reject(choice: Choice, resource: Resource) -> None:
    """Excluded, rejected, or of another substance."""
    kind = choice.pick(("status", "bogus", "no-time", "modifier", "in-dosage", "substance", "no-start"))
    if kind == "status":
        resource["status"] = choice.pick(("not-done", "entered-in-error", "on-hold"))
    elif kind == "bogus":
        resource["status"] = "given"
    elif kind == "modifier":
        resource["modifierExtension"] = MODIFIER
    elif kind == "in-dosage":
        resource.setdefault("dosage", {"text": "x"})["modifierExtension"] = MODIFIER
    elif kind == "substance":
        resource.pop("medicationReference", None)
        system, code, _ = choice.pick(OTHER_SUBSTANCES)
        resource["medicationCodeableConcept"] = {"coding": [{"system": system, "code": code}], "text": "zoledronic acid"}
    elif kind == "no-start":
        resource.pop("effectiveDateTime", None)
        resource["effectivePeriod"] = {"end": "2024-03-01"}
    else:
        resource.pop("effectiveDateTime", None)
        resource.pop("effectivePeriod", None)
