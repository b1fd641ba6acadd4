"""Observations: every analyte, around every limit, in every unit, usable or not."""

from datetime import date
from typing import Any

from tests.generate.analytes import ANALYTES, MG_DL, NOT_THIS_LAB, SITE_CODES, UNMAPPED, Analyte, Unit
from tests.generate.choice import Choice
from tests.generate.writing import LOCAL, LOINC, MODIFIER, Resource, concept, quantity, unreadable, written


def canonical(choice: Choice, name: str) -> tuple[float, Unit]:
    """A value as written, and its unit: at a limit or a little off, or anywhere usual."""
    analyte = ANALYTES[name]
    unit = analyte.units[0] if choice.chance(0.6) else choice.pick(analyte.units)
    if unit.limits and choice.chance(0.5):
        return choice.near(choice.pick(unit.limits), unit.step), unit
    return round(choice.number(*analyte.usual, analyte.decimals) * unit.per, 10), unit


def observation(
    choice: Choice, name: str, identifier: str, subject: Resource, when: Resource, value: float | None = None
) -> Resource:
    """A measurement of `name`, mostly usable. value: canonical; None: chosen."""
    analyte = ANALYTES[name]
    code, display = choice.pick(analyte.codes)
    system = LOINC
    if name in SITE_CODES and choice.chance(0.06):
        system, code = LOCAL, SITE_CODES[name]
    resource: Resource = {
        "resourceType": "Observation",
        "id": identifier,
        "status": choice.weighted(((80, "final"), (10, "amended"), (10, "corrected"))),
        "code": concept(choice, system, code, display, display),
        "subject": subject,
        **when,
    }
    if value is None:
        number, unit = canonical(choice, name)
    else:
        unit = choice.pick(analyte.units)
        number = round(value * unit.per, 10)
    resource["valueQuantity"] = quantity(choice, number, unit.code, unit.aliases)
    if choice.chance(0.06):
        resource["valueQuantity"]["comparator"] = choice.pick(("<", "<=", ">", ">="))
    if name.startswith("calcium") and choice.chance(0.3):
        resource["referenceRange"] = reference_ranges(choice, name)
    if choice.chance(0.05):
        spoil(choice, resource, number, unit, analyte)
    return resource


def reference_ranges(choice: Choice, name: str) -> list[Resource]:
    unit = choice.pick(ANALYTES[name].units)
    low = {"calcium_ionised": 1.15}.get(name, 8.8) * unit.per
    good = {
        "low": quantity(choice, round(low, 4), unit.code, unit.aliases),
        "high": {"value": round(low * 1.2, 4), "unit": unit.code},
    }
    return choice.pick(([good], [{"text": "see comment"}, good], [{"low": {"value": 9}}, good], [{"high": good["high"]}]))


def spoil(choice: Choice, resource: Resource, number: float, unit: Unit, analyte: Analyte) -> None:
    """No longer a usable measurement, or none at all."""
    kind = choice.pick(tuple(SPOILS))
    if kind == "unit":
        resource["valueQuantity"] = unreadable(choice, number, unit.code, "kg" if unit.code != "kg" else "cm")
    elif kind == "other-kind":
        resource["valueQuantity"] = {"value": number, "unit": analyte.other_kind}
    elif kind == "implausible":
        resource["valueQuantity"] = {"value": analyte.implausible, "unit": analyte.units[0].code}
    elif kind == "negative":
        resource["valueQuantity"]["value"] = -abs(number) - 0.1
    elif kind == "ad":
        resource["valueQuantity"]["comparator"] = "ad"
    else:
        del resource["valueQuantity"]
        resource.update(SPOILS[kind])


SPOILS: dict[str, dict[str, Any]] = {
    "unit": {}, "other-kind": {}, "implausible": {}, "negative": {}, "ad": {},
    "string": {"valueString": "1.2"},
    "words": {"valueString": "haemolysed"},
    "integer": {"valueInteger": 2},
    "absent": {"dataAbsentReason": {"coding": [{"code": "not-performed"}]}},
    "nothing": {},
    "no-number": {"valueQuantity": {"unit": "mg/dL"}},
}  # fmt: skip


def reject(choice: Choice, resource: Resource) -> None:
    """Excluded by status, or rejected for what plain data shows."""
    kind = choice.pick(("preliminary", "status", "no-time", "modifier", "no-code", "no-id", "in-component", "error"))
    if kind == "preliminary":
        resource["status"] = choice.pick(("preliminary", "registered", "cancelled", "unknown"))
    elif kind == "error":
        resource["status"] = "entered-in-error"
    elif kind == "status":
        resource["status"] = "bogus"
    elif kind == "no-time":
        for name in ("effectiveDateTime", "effectivePeriod", "effectiveInstant", "issued"):
            resource.pop(name, None)
    elif kind == "modifier":
        resource["modifierExtension"] = MODIFIER
    elif kind == "no-code":
        del resource["code"]
    elif kind == "no-id":
        del resource["id"]
    else:
        resource["component"] = [{"code": {"text": "note"}, "modifierExtension": MODIFIER, "valueString": "x"}]


def stray(choice: Choice, identifier: str, subject: Resource, when: Resource) -> Resource:
    """An Observation that is known and none of ours, or whose text alone says creatinine or calcium."""
    if choice.chance(0.5):
        code, display = choice.pick(NOT_THIS_LAB)
        meaning = concept(choice, LOINC, code, display, display)
    else:
        text = choice.pick(UNMAPPED)
        meaning = choice.pick(({"text": text}, {"coding": [{"system": LOCAL, "code": "LAB17", "display": text}]}))
    value = quantity(choice, choice.number(0.5, 3, 1), "mg/dL", MG_DL)
    return {
        "resourceType": "Observation", "id": identifier, "status": "final", "code": meaning, "subject": subject, **when,
        "valueQuantity": value,
    }  # fmt: skip


def panel(choice: Choice, names: tuple[str, ...], identifier: str, subject: Resource, when: Resource) -> Resource:
    """A panel with its results as components."""
    components = []
    for name in names:
        single = observation(choice, name, identifier, subject, when)
        kept = {key: value for key, value in single.items() if key.startswith("value") or key in ("code", "referenceRange")}
        if "dataAbsentReason" in single:
            kept["dataAbsentReason"] = single["dataAbsentReason"]
        components.append(kept)
    return {
        "resourceType": "Observation", "id": identifier, "status": "final", "subject": subject, **when,
        "code": concept(choice, LOINC, "24321-2", "Basic metabolic panel"), "component": components,
    }  # fmt: skip


def lab_time(choice: Choice, day: date, minute: int, offset: int) -> Resource:
    """When: a dateTime, an instant, a Period (its end counts), or only `issued`."""
    form = choice.weighted(((80, "dateTime"), (6, "period"), (4, "open-period"), (4, "instant"), (6, "issued")))
    precise = written(choice, day, minute, offset, precise=True)
    if form == "period":
        return {"effectivePeriod": {"start": (day.replace(day=1)).isoformat(), "end": precise}}
    if form == "open-period":
        return {"effectivePeriod": {"start": precise}}
    if form == "instant":
        return {"effectiveInstant": precise}
    if form == "issued":
        return {"issued": precise}
    when: Resource = {"effectiveDateTime": written(choice, day, minute, offset)}
    if choice.chance(0.2):
        when["issued"] = precise
    return when
