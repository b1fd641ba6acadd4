"""A dose as charted: one MedicationAdministration, its drug, amount, duration and route. semantics.md, sections 1 to 4."""

from dataclasses import dataclass
from math import inf
from typing import Any

from tests.reference.catalogue import Catalogue, Drug, Product
from tests.reference.codes import codings, matched, texts
from tests.reference.documents import Entry, Input, not_processed, number_as_text, patient_of, resolved
from tests.reference.evidence import Quantity
from tests.reference.intervals import Interval, exactly, scaled
from tests.reference.moments import Moment, minutes_between, moment
from tests.reference.phrases import first_named, plain, strengths
from tests.reference.rows import meanings, refuted
from tests.reference.units import Unit

STATUS = ("in-progress", "not-done", "on-hold", "completed", "entered-in-error", "stopped", "unknown")
USED = ("completed", "in-progress", "stopped", "unknown")

READY_TO_USE = (0.04, 0.05)
"""'zoledronic acid at 0.04 or 0.05 mg/mL'"""


@dataclass(frozen=True)
class StrengthOf:
    """A Medication's ingredient: mg, and the mL it is in (None: in one vial, tablet or the like)."""

    mg: float
    ml: float | None


@dataclass(frozen=True)
class Charted:
    """One record. specific: the product by code; reasons: what each reason on it means; assumed: of its status and drug."""

    id: str
    position: int
    patient: str
    drug: Drug
    specific: str | None
    texts: tuple[str, ...]
    strengths: tuple[StrengthOf, ...]
    start: Moment
    end: Moment | None
    stopped: bool
    route: str | None
    dosage: dict[str, Any]
    orders: frozenset[str]
    reasons: tuple[frozenset[str], ...]
    assumed: frozenset[str]


def charted(entry: Entry, read: Input, medications: dict[str, Entry], catalogue: Catalogue) -> Charted | None:
    """A used record of a catalogue drug. None: irrelevant, excluded or rejected."""
    resource = entry.resource
    concept, reference = _medication(resource)
    medication = _resolved_medication(entry, read, reference, medications) if reference else None
    if reference and (medication is None or medication.get("status") == "entered-in-error"):
        return None  # 'a dose whose Medication cannot be found, `medication-unresolved`'; 'medication-in-error'
    concepts = [concept] if medication is None else _concepts(entry, read, medication, medications)
    words = [word for one in concepts for word in texts(one)] + texts(None, reference)
    drug, specific = identified(concepts, words, catalogue)
    start, end = _times(resource)
    subject = patient_of(read, entry)
    if drug is None or resource.get("status") not in USED or entry.id is None or subject is None or start is None:
        return None
    dosage = resource.get("dosage") or {}
    if not_processed(resource) or number_as_text(dosage.get("dose"), dosage.get("rateQuantity")):
        return None
    return Charted(
        id=entry.id,
        position=entry.position,
        patient=subject,
        drug=drug,
        specific=specific,
        texts=tuple(words),
        strengths=_strengths(medication, drug, catalogue) if medication else (),
        start=start,
        end=end,
        stopped=resource["status"] == "stopped",
        route=_route(resource, catalogue),
        dosage=dosage,
        orders=frozenset(_orders(entry, read)),
        reasons=tuple(_reasons(entry, read, catalogue)),
        assumed=frozenset(_assumed(resource["status"], concepts, catalogue)),
    )


def _assumed(status: str, concepts: list[Any], catalogue: Catalogue) -> set[str]:
    """'`unknown`: used, with the assumption `status-unknown`'; 'It selects the *drug* only if no coding matched (assumption
    `matched-by-text`)'."""
    by_code, _ = identified(concepts, [], catalogue)
    return {"status-unknown"} & {f"status-{status}"} | (set() if by_code else {"matched-by-text"})


def _medication(resource: dict[str, Any]) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """The concept or the reference, in the shape of R4 or R5."""
    both = resource.get("medication") or {}
    return (
        resource.get("medicationCodeableConcept") or both.get("concept"),
        resource.get("medicationReference") or both.get("reference"),
    )


def _resolved_medication(
    entry: Entry, read: Input, reference: dict[str, Any], medications: dict[str, Entry]
) -> dict[str, Any] | None:
    found = resolved(read, entry, reference)
    if isinstance(found, dict):
        return found if found.get("resourceType") == "Medication" else None
    other = medications.get(found[1]) if found and found[0] == "Medication" else None
    return None if other is None or not_processed(other.resource) else other.resource


def _concepts(entry: Entry, read: Input, medication: dict[str, Any], medications: dict[str, Entry]) -> list[Any]:
    """'Medication.code first, then its ingredients' items.'"""
    found = [medication.get("code")]
    for ingredient in medication.get("ingredient") or []:
        item = ingredient.get("item") or {}
        found.append(ingredient.get("itemCodeableConcept") or item.get("concept"))
        reference = ingredient.get("itemReference") or item.get("reference")
        other = _resolved_medication(entry, read, reference, medications) if reference else None
        if other and other is not medication:
            found.append(other.get("code"))
    return [concept for concept in found if concept]


def identified(concepts: list[Any], words: list[str], catalogue: Catalogue) -> tuple[Drug | None, str | None]:
    """The drug, and the product where a code says it.

    'The first coding that matches, in order, product-specific before ingredient.' 'the code is another known substance: the code
    wins'. 'Text selects the *drug* only if no coding matched: whole word, case-insensitive, a name listed for the drug.'
    """
    found = [coding for concept in concepts for coding in codings(concept, catalogue.systems)]
    for coding in found:
        for product in catalogue.products.values():
            if matched(product.codes, coding):
                return catalogue.drugs[product.drug], product.name
    for coding in found:
        for drug in catalogue.drugs.values():
            if matched(drug.codes, coding):
                return drug, None
    if any(matched(catalogue.other_substances, coding) for coding in found):
        return None, None
    names = [(name, drug.name) for drug in catalogue.drugs.values() for name in drug.names]
    names += [(brand, product.drug) for product in catalogue.products.values() for brand in product.brands]
    named = first_named(words, names)
    return (catalogue.drugs[named], None) if named else (None, None)


def _times(resource: dict[str, Any]) -> tuple[Moment | None, Moment | None]:
    """'Dose start: `effectivePeriod.start` or `effectiveDateTime` (R5: `occurencePeriod`/`occurenceDateTime`). Dose end:
    `effectivePeriod.end`.'"""
    for name in ("effective", "occurence", "occurrence"):
        if f"{name}Period" in resource:
            period = resource[f"{name}Period"] or {}
            return moment(period.get("start")), moment(period.get("end"))
        if f"{name}DateTime" in resource:
            return moment(resource[f"{name}DateTime"]), None
    return None, None


def _route(resource: dict[str, Any], catalogue: Catalogue) -> str | None:
    """By the first code that is known, else by the text as a whole."""
    concept = (resource.get("dosage") or {}).get("route")
    for coding in codings(concept, catalogue.systems):
        if coding in catalogue.routes:
            return catalogue.routes[coding]
    return next((catalogue.routes["", plain(text)] for text in texts(concept) if ("", plain(text)) in catalogue.routes), None)


def _orders(entry: Entry, read: Input) -> list[str]:
    """'they share `partOf` or `request`': what each points to."""
    resource, found = entry.resource, []
    for kind, references in (("partOf", resource.get("partOf") or []), ("request", [resource.get("request")])):
        for reference in references:
            name = resolved(read, entry, reference)
            target = (reference or {}).get("reference")
            if isinstance(name, tuple):
                found.append(f"{kind} {name[0]}/{name[1]}")
            elif isinstance(target, str) and target.startswith("urn:"):
                found.append(f"{kind} {target}")
    return found


def _reasons(entry: Entry, read: Input, catalogue: Catalogue) -> list[frozenset[str]]:
    """'`reasonCode` / `reasonReference` → Condition not excluded by verificationStatus (R5: `reason`)'. 'A reason reference that
    resolves gives the Condition's codes, then its texts; one that does not resolve, its display; a refuted Condition gives
    nothing.'"""
    resource = entry.resource
    both = resource.get("reason") or []
    concepts = [*(resource.get("reasonCode") or []), *(one["concept"] for one in both if one.get("concept"))]
    for reference in [*(resource.get("reasonReference") or []), *(one["reference"] for one in both if one.get("reference"))]:
        condition = _referenced_condition(entry, read, reference)
        if condition is None:
            concepts.append({"text": reference.get("display")})
        elif not refuted(condition):
            concepts.append(condition.get("code"))
    return [meanings(concept, catalogue) for concept in concepts]


def _referenced_condition(entry: Entry, read: Input, reference: dict[str, Any]) -> dict[str, Any] | None:
    found = resolved(read, entry, reference)
    if isinstance(found, dict):
        return found if found.get("resourceType") == "Condition" else None
    if found is None or found[0] != "Condition":
        return None
    other = read.newest.get(found)
    return None if other is None or not_processed(other.resource) else other.resource


def _strengths(medication: dict[str, Any], drug: Drug, catalogue: Catalogue) -> tuple[StrengthOf, ...]:
    """Of the ingredient that is the drug; where none says that it is, of all."""
    ingredients = medication.get("ingredient") or []
    own = [one for one in ingredients if _is_drug(one, drug, catalogue)] or ingredients
    read = [_strength(one.get("strength") or one.get("strengthRatio"), catalogue) for one in own]
    return tuple(strength for strength in read if strength)


def _is_drug(ingredient: dict[str, Any], drug: Drug, catalogue: Catalogue) -> bool:
    concept = ingredient.get("itemCodeableConcept") or (ingredient.get("item") or {}).get("concept")
    found, _ = identified([concept], texts(concept), catalogue)
    return found is not None and found.name == drug.name


def _strength(ratio: Any, catalogue: Catalogue) -> StrengthOf | None:
    numerator, denominator = (ratio or {}).get("numerator") or {}, (ratio or {}).get("denominator") or {}
    unit, _ = catalogue.units.lookup(numerator.get("system"), numerator.get("code"), numerator.get("unit"))
    if unit is None or unit.kind != "mass" or numerator.get("value") is None:
        return None
    mg = float(numerator["value"]) * unit.factor * 1000
    per, _ = catalogue.units.lookup(denominator.get("system"), denominator.get("code"), denominator.get("unit"))
    if per is None or per.kind != "volume":
        return StrengthOf(mg, None)
    return StrengthOf(mg, float(denominator.get("value") or 1) * per.factor * 1e6)


# ---- amount and duration


@dataclass(frozen=True)
class Amounts:
    """charted: as written, before what a stop makes of it. amount: 'the amount given'. duration: minutes. volume: mL."""

    charted: Quantity
    amount: Quantity
    duration: Quantity


def amounts(record: Charted, kilograms: Quantity, catalogue: Catalogue) -> Amounts:
    """'`stopped`: the amount given is [0, dose], the duration [end - start, ∞).'"""
    as_charted = charted_amount(record, kilograms, catalogue)
    minutes = duration(record, as_charted, catalogue)
    given = as_charted
    if record.stopped:
        given = Quantity(Interval(0.0, given.high)) if given.interval else given
        minutes = Quantity(Interval(minutes.low, inf)) if minutes.interval else minutes
    return Amounts(as_charted, given, minutes)


def charted_amount(record: Charted, kilograms: Quantity, catalogue: Catalogue) -> Quantity:
    """'`dosage.dose` in a mass (or activity) unit; in a volume unit, × the strength of the Medication's ingredient when that is
    mass per volume; in a per-kg unit × weight; else unknown, `dose-unit`. No `dose` but a rate in amount per time and a duration:
    their product. Nothing: unknown, `no-dose`.' 'A dose with a comparator: `dose-unit`.'"""
    dose = record.dosage.get("dose") or {}
    if dose.get("value") is None:
        return _by_rate(record, catalogue)
    unit, _ = catalogue.units.lookup(dose.get("system"), dose.get("code"), dose.get("unit"))
    if unit is None or dose.get("comparator"):
        return Quantity(None, ("dose-unit",))
    value = float(dose["value"])
    if unit.kind == amount_kind(record.drug):
        return Quantity(exactly(value * unit.factor / amount_factor(record.drug)))
    if unit.kind == "volume" and amount_kind(record.drug) == "mass":
        concentration = next((s.mg / s.ml for s in record.strengths if s.ml and not ready_to_use(s, record.drug)), None)
        return Quantity(exactly(value * unit.factor * 1e6 * concentration)) if concentration else Quantity(None, ("dose-unit",))
    per_kg = {"mass": "mass_per_mass", "radioactivity": "radioactivity_per_mass"}[amount_kind(record.drug)]
    if unit.kind == per_kg:
        per_kilogram = value * unit.factor / amount_factor(record.drug) * 1000
        return Quantity(scaled(kilograms.interval, per_kilogram) if kilograms.interval else None, kilograms.missing)
    return Quantity(None, ("dose-unit",))


def written_per_kg(record: Charted, catalogue: Catalogue) -> float | None:
    """The value of a dose in a per-kg unit, in base units: what was charted, whatever the weight."""
    dose = record.dosage.get("dose") or {}
    unit, _ = catalogue.units.lookup(dose.get("system"), dose.get("code"), dose.get("unit"))
    if unit is None or dose.get("value") is None or unit.kind not in ("mass_per_mass", "radioactivity_per_mass"):
        return None
    return float(dose["value"]) * unit.factor


def amount_kind(drug: Drug) -> str:
    return "mass" if drug.amount_unit == "mg" else "radioactivity"


def amount_factor(drug: Drug) -> float:
    """Of the drug's amount unit, to the base of its kind (g, Bq)."""
    return {"mg": 0.001, "kBq": 1000.0}[drug.amount_unit]


def ready_to_use(strength: StrengthOf, drug: Drug) -> bool:
    """'never for a ready-to-use bottle, that is a strength per 100 mL or zoledronic acid at 0.04 or 0.05 mg/mL: the volume given
    says nothing there'"""
    if strength.ml is None:
        return False
    dilute = any(abs(strength.mg / strength.ml - value) <= 0.01 * value + 1e-9 for value in READY_TO_USE)
    return abs(strength.ml - 100) < 1e-6 or (drug.name == "zoledronic_acid" and dilute)


def _by_rate(record: Charted, catalogue: Catalogue) -> Quantity:
    rate = rate_of(record, catalogue)
    minutes = _timed(record)
    if rate is None or minutes is None or minutes <= 0 or rate[0] != amount_kind(record.drug):
        return Quantity(None, ("no-dose",))
    return Quantity(exactly(rate[1] / amount_factor(record.drug) * minutes))


def rate_of(record: Charted, catalogue: Catalogue) -> tuple[str, float] | None:
    """('mass', 'radioactivity' or 'volume', base units per minute) of 'a rate (`rateQuantity` or `rateRatio`, its denominator's
    value counts)'."""
    kinds = {"rate_mass": "mass", "rate_radioactivity": "radioactivity", "volumetric_flow": "volume"}
    quantity, ratio = record.dosage.get("rateQuantity") or {}, record.dosage.get("rateRatio") or {}
    if quantity.get("value") is not None:
        unit, _ = catalogue.units.lookup(quantity.get("system"), quantity.get("code"), quantity.get("unit"))
        if unit is None or unit.kind not in kinds or quantity.get("comparator"):
            return None
        return kinds[unit.kind], float(quantity["value"]) * unit.factor * 60
    above, below = ratio.get("numerator") or {}, ratio.get("denominator") or {}
    upper, _ = catalogue.units.lookup(above.get("system"), above.get("code"), above.get("unit"))
    lower, _ = catalogue.units.lookup(below.get("system"), below.get("code"), below.get("unit"))
    if upper is None or lower is None or above.get("value") is None or lower.kind != "time" or upper.kind not in kinds.values():
        return None
    minutes = float(1 if below.get("value") is None else below["value"]) * lower.factor / 60
    return (upper.kind, float(above["value"]) * upper.factor / minutes) if minutes > 0 else None


def _timed(record: Charted) -> float | None:
    return minutes_between(record.start, record.end) if record.end else None


def duration(record: Charted, as_charted: Quantity, catalogue: Catalogue) -> Quantity:
    """'Infusion duration in minutes = end - start, when both have a time of day. Else, with a rate: in mass or activity per time
    with an amount, or in volume per time with a dose given in volume: dose / rate. Else unknown. Start = end is an instant:
    unknown. End before start: unknown.'"""
    unknown = Quantity(None, ("no-duration",))
    minutes = _timed(record)
    if minutes is not None:
        return Quantity(exactly(minutes)) if minutes > 0 else unknown
    rate = rate_of(record, catalogue)
    if rate is None or rate[1] <= 0:
        return unknown
    kind, per_minute = rate
    if kind == "volume":
        volume = _volume(record, catalogue)
        return Quantity(exactly(volume / per_minute)) if volume is not None else unknown
    if kind == amount_kind(record.drug) and as_charted.interval:
        return Quantity(scaled(as_charted.interval, amount_factor(record.drug) / per_minute))
    return unknown


def _volume(record: Charted, catalogue: Catalogue) -> float | None:
    """A dose given in volume, in the base unit."""
    dose = record.dosage.get("dose") or {}
    unit: Unit | None
    unit, _ = catalogue.units.lookup(dose.get("system"), dose.get("code"), dose.get("unit"))
    if unit is None or unit.kind != "volume" or dose.get("value") is None or dose.get("comparator"):
        return None
    return float(dose["value"]) * unit.factor


# ---- product by code, brand or strength


def labelled_product(record: Charted, catalogue: Catalogue) -> tuple[str, str] | None:
    """(product, basis) of (a): 'a product-specific code, brand or strength (…; 1 % tolerance)', in this order; the strength of
    the Medication before that of a text."""
    if record.specific:
        return record.specific, "code"
    own = [catalogue.products[name] for name in record.drug.products]
    brand = first_named(record.texts, [(brand, product.name) for product in own for brand in product.brands])
    if brand:
        return brand, "text"
    printed = [StrengthOf(mg, ml) for text in record.texts for mg, ml in strengths(text)]
    for basis, some in (("strength", record.strengths), ("text", printed)):
        for strength in some:
            found = by_strength(strength, own)
            if found:
                return found, basis
    return None


def by_strength(strength: StrengthOf, products: list[Product]) -> str | None:
    for product in products:
        for listed in product.strengths:
            value = strength.mg / strength.ml if listed.per_ml and strength.ml else None if listed.per_ml else strength.mg
            if value is not None and abs(value - listed.value) <= 0.01 * listed.value + 1e-6:
                return product.name
    return None
