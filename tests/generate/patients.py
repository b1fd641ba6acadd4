"""Patients composed of building blocks, biased towards limits and the ends of windows.

`patient(rng, number)` and `documents(seed, n)` give documents (resources and Bundles) in reading order.
"""

import copy
import random
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from tests.generate import administrations, history, labs
from tests.generate.administrations import Slot
from tests.generate.choice import Choice
from tests.generate.drugs import DRUGS
from tests.generate.r5 import as_r5
from tests.generate.writing import MODIFIER, Resource, nobody, reference, written

Document = dict[str, Any]

PRODUCTS = (
    (30, "zoledronic_acid_4mg"), (10, "zoledronic_acid_5mg"), (14, "pamidronate"), (12, "ibandronate"), (12, "denosumab_120mg"),
    (10, "denosumab_60mg"), (8, "radium_223"), (4, "strontium_89"), (2, "samarium_153"), (2, "clodronate"), (3, "alendronate"),
    (2, "risedronate"), (1, "etidronate"), (1, "abiraterone"),
)  # fmt: skip

CRISIS = (12.0, 12.02, 11.99, 12.8, 11.2, 13.5, 13.49, 14.3)
"""Calcium, mg/dL, around the limits of hypercalcaemia: with and without the correction by an unknown albumin."""

LAB_DAYS = (1, 0, 3, 2, 6, 7, 8, 13, 14, 15, 20, 27, 28, 29, 41, 42, 43, 59, 60, 61, -1, -7)
WEIGHT_DAYS = (5, 0, 30, 3, 1, 89, 90, 91)
CLEARANCES = (30, 35, 40, 49, 50, 60, 10, 49.5, 39.5, 75)


@dataclass
class Patient:
    """What is being written: who, and everything so far. urn: everything is packed in one Bundle, referenced by fullUrl."""

    choice: Choice
    id: str
    urn: bool
    offset: int
    birth: date
    sex: str | None
    resources: list[Resource] = field(default_factory=list)
    made: int = 0

    def name(self, kind: str) -> str:
        self.made += 1
        return f"{self.id}-{kind}{self.made}"

    def subject(self) -> Resource:
        return reference(self.choice, "Patient", self.id, self.urn)


def patient(rng: random.Random, number: int) -> list[Document]:
    """One patient's documents."""
    return composed(Choice.random(rng), number)


def documents(seed: int, n: int) -> list[Document]:
    """Those of n patients."""
    rng = random.Random(seed)
    return [document for number in range(n) for document in patient(rng, number)]


def composed(choice: Choice, number: int) -> list[Document]:
    """One patient's documents, whoever chooses."""
    one = Patient(
        choice,
        id=f"p{number}",
        urn=choice.chance(0.2),
        offset=choice.pick((0, -300, 120, 0)),
        birth=date(2024, 1, 1)
        - timedelta(days=choice.weighted(((9, choice.whole(14000, 32000)), (1, choice.whole(6200, 6900))))),
        sex=choice.weighted(((45, "female"), (40, "male"), (15, None))),
    )
    _person(one)
    product = choice.weighted(PRODUCTS)
    days = _course(one, product)
    if choice.chance(0.3):
        _other_course(one, product, days)
    for day in days:
        _evidence(one, product, day)
    _history(one, product, days)
    _spoil(one)
    if choice.chance(0.15):
        one.resources = [as_r5(resource) for resource in one.resources]
    return _packed(one)


def _person(one: Patient) -> None:
    choice = one.choice
    person: Resource = {"resourceType": "Patient", "id": one.id}
    gender = one.sex or choice.pick((None, "unknown", "other"))
    if gender:
        person["gender"] = gender
    precision = choice.weighted(((80, 10), (5, 7), (8, 4), (7, 0)))
    if precision:
        person["birthDate"] = one.birth.isoformat()[:precision]
    death = choice.weighted(((88, None), (6, "date"), (3, "boolean"), (3, "alive")))
    if death == "date":
        person["deceasedDateTime"] = written(choice, date(2024, 3, 1) + timedelta(days=choice.whole(0, 400)), 600)
    elif death:
        person["deceasedBoolean"] = death == "boolean"
    if choice.chance(0.02):
        person["modifierExtension"] = MODIFIER
    if choice.chance(0.01):
        person["gender"] = "femail"
    if not choice.chance(0.04):
        one.resources.append(person)


# ---- doses


def _course(one: Patient, product: str) -> list[date]:
    """The doses of one product, at intervals where rules turn. Gives their days."""
    choice, drug = one.choice, DRUGS[product]
    day = date(2024, 3, 1) + timedelta(days=choice.whole(0, 200))
    days = []
    for _ in range(choice.weighted(((30, 1), (30, 2), (20, 3), (10, 4), (4, 5), (6 if product == "radium_223" else 0, 7)))):
        days.append(day)
        _dose(one, product, day)
        day += timedelta(days=choice.pick(drug.days))
    return days


def _other_course(one: Patient, product: str, days: list[date]) -> None:
    """A dose of another product, at the end of a window before one of these doses."""
    choice = one.choice
    related = {"zoledronic_acid_4mg": "zoledronic_acid_5mg", "denosumab_120mg": "denosumab_60mg", "radium_223": "abiraterone"}
    other = related.get(product) if choice.chance(0.5) else choice.weighted(PRODUCTS)
    if other and other != product:
        _dose(one, other, choice.pick(days) - timedelta(days=choice.pick((28, 0, -1, 1, 27, 29, 180, 181, 365, 366))))


def _dose(one: Patient, product: str, day: date) -> None:
    choice, drug = one.choice, DRUGS[product]
    minutes = choice.pick(drug.minutes) if choice.chance(0.75) else None
    slot = Slot(day, choice.pick((600, 540, 825, 15, 1380)), one.offset, minutes)
    if drug.per_kg and (not drug.amounts or choice.chance(0.6)):
        kilograms = choice.number(45, 110, 1)
        per_kg = drug.per_kg * choice.pick((1, 0.9, 0.899, 1.1, 1.101, 1.4667))
        amount = round(per_kg * kilograms, 6)
        _lab(one, "weight", day - timedelta(days=choice.pick(WEIGHT_DAYS)), kilograms)
    else:
        amount = choice.pick(drug.amounts)
    form = choice.weighted(((78, "one"), (12, "parts"), (10, "double")))
    if form == "parts":
        _parts(one, product, slot, amount)
        return
    first = _record(one, product, slot, amount)
    if form == "double":
        _double(one, product, slot, amount, first)
    if choice.chance(0.05):
        administrations.reject(choice, first)


def _record(one: Patient, product: str, slot: Slot, amount: float) -> Resource:
    made = administrations.administration(one.choice, product, one.name("d"), one.subject(), slot, amount)
    if one.choice.chance(0.35):
        _reason(one, product, made.resource, slot.day)
    if one.choice.chance(0.01):
        made.resource["subject"] = nobody(one.choice)
    one.resources += [*made.others, made.resource]
    return made.resource


def _parts(one: Patient, product: str, slot: Slot, amount: float) -> None:
    """One dose in two or three records: one order on one day, or infusions close to each other. Or almost."""
    choice = one.choice
    number = choice.pick((2, 2, 3))
    order = choice.weighted(((50, "MedicationRequest/r1"), (30, None), (20, "https://ehr.example/fhir/MedicationRequest/r1")))
    minute = choice.pick((480, 600, 720))
    for part in range(number):
        share = round(amount / number, 9) if choice.chance(0.7) else amount
        minutes = choice.pick((15, 30, 60)) if choice.chance(0.8) else None
        resource = _record(one, product, Slot(slot.day, minute, slot.offset, minutes), share)
        if order and choice.chance(0.85):
            resource["request"] = {"reference": order if part else "MedicationRequest/r1"}
        if choice.chance(0.1):
            resource["partOf"] = [{"reference": "MedicationAdministration/whole"}]
        minute = min(minute + (minutes or 0) + choice.pick((30, 0, 119, 120, 121, 200)), 1380)


def _double(one: Patient, product: str, slot: Slot, amount: float, first: Resource) -> None:
    """The same dose charted again: at the same start, inside its period, at its end, or on its date; or almost."""
    choice = one.choice
    form = choice.pick(("same", "inside", "end", "date", "amount", "copy"))
    if form == "copy":
        one.resources.append({**copy.deepcopy(first), "id": one.name("d")})
        return
    minute = {"inside": slot.minute + 5, "end": slot.minute + (slot.minutes or 10)}.get(form, slot.minute)
    again = Slot(slot.day, min(minute, 1430), slot.offset, slot.minutes if form == "same" else None)
    second = _record(one, product, again, amount + (0.1 if form == "amount" else 0))
    if form == "date":
        second.pop("effectivePeriod", None)
        second["effectiveDateTime"] = slot.day.isoformat()


def _reason(one: Patient, product: str, resource: Resource, day: date) -> None:
    """reasonCode, or reasonReference to a Condition: of the input, contained, refuted, or nowhere."""
    choice = one.choice
    names = [choice.pick(DRUGS[product].reasons) for _ in range(choice.weighted(((80, 1), (20, 2))))]
    for name in names:
        form = choice.weighted(((65, "code"), (20, "reference"), (8, "contained"), (7, "nowhere")))
        if form == "code":
            resource.setdefault("reasonCode", []).append(history.meaning(choice, name))
            continue
        pointer: Resource = {"reference": "Condition/nowhere", "display": choice.pick(history.TEXTS[name])}
        if form == "reference":
            condition = history.condition(choice, name, one.name("c"), one.subject(), day)
            one.resources.append(condition)
            pointer["reference"] = reference(choice, "Condition", condition["id"], one.urn)["reference"]
        elif form == "contained":
            condition = history.condition(choice, name, f"c{len(resource.get('contained', []))}", one.subject(), day)
            resource.setdefault("contained", []).append(condition)
            pointer["reference"] = f"#{condition['id']}"
        resource.setdefault("reasonReference", []).append(pointer)


# ---- evidence


def _evidence(one: Patient, product: str, day: date) -> None:
    """Labs around one dose."""
    choice = one.choice
    kidneys = choice.chance(0.7)
    if kidneys:
        _kidneys(one, day)
    if choice.chance(0.12):
        _crisis(one, day)
    _series(one, day, levels=not kidneys or choice.chance(0.5))
    _counts_and_estimates(one, product, day)
    if choice.chance(0.1):
        identifier, when = one.name("o"), labs.lab_time(choice, day - timedelta(days=choice.pick(LAB_DAYS)), 480, one.offset)
        one.resources.append(labs.stray(choice, identifier, one.subject(), when))
    if choice.chance(0.08):
        names = ("creatinine", choice.pick(("calcium_total", "albumin")))
        when = labs.lab_time(choice, day - timedelta(days=choice.pick(LAB_DAYS)), 480, one.offset)
        one.resources.append(labs.panel(choice, names, one.name("o"), one.subject(), when))


def _crisis(one: Patient, day: date) -> None:
    """Hypercalcaemia of malignancy, recent or not, with a calcium around its limit."""
    choice = one.choice
    if choice.chance(0.7):
        one.resources.append(history.condition(choice, "hypercalcemia_of_malignancy", one.name("c"), one.subject(), day))
    name = choice.pick(("calcium_total", "calcium_corrected", "calcium_total"))
    _lab(one, name, day - timedelta(days=choice.pick((1, 0, 6, 7, 8))), choice.pick(CRISIS))
    if choice.chance(0.5):
        _lab(one, "albumin", day - timedelta(days=choice.pick((1, 0, 7))), choice.pick((4.0, 3.0, 5.0)))


def _series(one: Patient, day: date, levels: bool) -> None:
    """Creatinines before the dose and after it; calcium of each kind, with albumin."""
    choice = one.choice
    for _ in range(choice.weighted(((40, 1), (25, 0), (20, 2), (15, 3))) if levels else 0):
        _lab(one, "creatinine", day - timedelta(days=choice.pick(LAB_DAYS)))
    if choice.chance(0.2):
        _lab(one, "creatinine", day + timedelta(days=choice.pick((5, 10, 1))))
    for name, share in (("calcium_total", 0.6), ("albumin", 0.5), ("calcium_corrected", 0.15), ("calcium_ionised", 0.15)):
        for _ in range(choice.weighted(((80, 1), (20, 2)))):
            if choice.chance(share):
                _lab(one, name, day - timedelta(days=choice.pick(LAB_DAYS)))
    if choice.chance(0.1):
        _lab(one, "calcium_total", day + timedelta(days=choice.pick((1, 14, 15, 7))))


def _counts_and_estimates(one: Patient, product: str, day: date) -> None:
    """Vitamin D, blood counts, and the clearance and eGFR that a laboratory reports."""
    choice = one.choice
    if choice.chance(0.2):
        _lab(one, "vitamin_d", day - timedelta(days=choice.pick((30, 364, 365, 366))))
    if product in ("radium_223", "strontium_89") or choice.chance(0.03):
        for name in ("neutrophils", "platelets", "haemoglobin", "leucocytes"):
            if choice.chance(0.85):
                _lab(one, name, day - timedelta(days=choice.pick((3, 0, 13, 14, 15))))
    for name in ("egfr", "clearance"):
        if choice.chance(0.15):
            _lab(one, name, day - timedelta(days=choice.pick(LAB_DAYS)))


def _kidneys(one: Patient, day: date) -> None:
    """A creatinine and a weight that give a clearance at the limit of a band."""
    choice = one.choice
    creatinine, target = choice.number(0.7, 2.5, 1), choice.near(choice.pick(CLEARANCES))
    years = day.year - one.birth.year - ((day.month, day.day) < (one.birth.month, one.birth.day))
    kilograms = target * 72 * creatinine / (140 - years) / (0.85 if one.sex == "female" else 1)
    if 20 < kilograms < 250:
        _lab(one, "creatinine", day - timedelta(days=choice.pick((1, 0, 7, 28))), creatinine)
        _lab(one, "weight", day - timedelta(days=choice.pick(WEIGHT_DAYS)), kilograms)
    if choice.chance(0.3):
        _lab(one, "height", day - timedelta(days=choice.pick((30, 0, 700, -1))))


def _lab(one: Patient, name: str, day: date, value: float | None = None) -> None:
    """One measurement; sometimes with a second of the same instant, an older or newer version, or rejected."""
    choice = one.choice
    minute = choice.pick((480, 600, 599, 601, 20, 1400))
    when = labs.lab_time(choice, day, minute, one.offset)
    resource = labs.observation(choice, name, one.name("o"), one.subject(), when, value)
    one.resources.append(resource)
    if choice.chance(0.04):
        one.resources.append(labs.observation(choice, name, one.name("o"), one.subject(), when))
    if choice.chance(0.04):
        one.resources.append(_version(choice, resource))
    if choice.chance(0.02):
        labs.reject(choice, resource)
    elif choice.chance(0.01):
        resource["subject"] = nobody(choice)


def _version(choice: Choice, resource: Resource) -> Resource:
    """Another version of a resource: newer or older by clock, by number, or by its place alone."""
    other = copy.deepcopy(resource)
    if "valueQuantity" in other and "value" in other["valueQuantity"]:
        other["valueQuantity"]["value"] = round(other["valueQuantity"]["value"] * 1.3, 3)
    form = choice.pick(("clock", "number", "place", "same", "one-sided", "excluded"))
    times = ["2024-05-01T10:00:00Z", "2024-05-01T10:30:00+02:00"]
    if choice.chance(0.5):
        times.reverse()
    if form in ("clock", "one-sided"):
        other["meta"] = {"lastUpdated": times[0], "versionId": "2"}
        if form == "clock":
            resource["meta"] = {"lastUpdated": times[1], "versionId": "9"}
    elif form == "number":
        numbers = choice.pick((("10", "9"), ("2", "10"), ("x", "1")))
        other["meta"], resource["meta"] = {"versionId": numbers[0]}, {"versionId": numbers[1]}
    elif form == "same":
        return copy.deepcopy(resource)
    elif form == "excluded":
        other["status"] = "entered-in-error"
        other["meta"] = {"versionId": "7"}
    return other


def _history(one: Patient, product: str, days: list[date]) -> None:
    choice = one.choice
    for _ in range(choice.weighted(((40, 1), (30, 2), (15, 0), (15, 3)))):
        name = (
            choice.pick(DRUGS[product].reasons)
            if choice.chance(0.6)
            else choice.pick((*history.CODES, "giant_cell_tumor_of_bone"))
        )
        condition = history.condition(choice, name, one.name("c"), one.subject(), choice.pick(days))
        if choice.chance(0.02):
            condition["modifierExtension"] = MODIFIER
        one.resources.append(condition)
    if choice.chance(0.4):
        one.resources.append(history.procedure(choice, one.name("x"), one.subject(), days[0]))


def _spoil(one: Patient) -> None:
    """What is true of whole records: types not used, and another order of reading."""
    choice = one.choice
    if choice.chance(0.1):
        one.resources.append({"resourceType": "Encounter", "id": one.name("e"), "status": "finished", "class": {"code": "AMB"}})
    if choice.chance(0.5):
        one.resources.reverse()


# ---- packing


def _packed(one: Patient) -> list[Document]:
    """Loose resources, or a Bundle; with urn the Bundle's fullUrls are `urn:uuid:` and the ids."""
    choice = one.choice
    if not one.urn and not choice.chance(0.25):
        return one.resources
    entries = []
    for resource in one.resources:
        entry: Document = {"resource": resource}
        if one.urn and "id" in resource:
            entry["fullUrl"] = f"urn:uuid:{resource['id']}"
            if resource["resourceType"] != "Patient" and choice.chance(0.1):
                entry["resource"] = {key: value for key, value in resource.items() if key != "id"}
        elif choice.chance(0.7) and "id" in resource:
            entry["fullUrl"] = f"https://ehr.example/fhir/{resource['resourceType']}/{resource['id']}"
        entries.append(entry)
    if choice.chance(0.3):
        entries.append({"request": {"method": "DELETE", "url": "Observation/gone"}})
    bundle = {"resourceType": "Bundle", "type": choice.pick(("collection", "searchset", "batch-response")), "entry": entries}
    if choice.chance(0.15):
        half = len(entries) // 2
        inner = {"resourceType": "Bundle", "type": "collection", "entry": entries[half:]}
        bundle["entry"] = [*entries[:half], {"resource": inner}]
    return [bundle]
