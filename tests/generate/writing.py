"""How a time, a quantity, a concept and a reference are written: every legal form, and some that are not."""

from datetime import date, datetime, time, timedelta
from typing import Any

from tests.generate.choice import Choice

UCUM = "http://unitsofmeasure.org"
LOINC = "http://loinc.org"
SNOMED = "http://snomed.info/sct"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
ATC = "http://www.whocc.no/atc"
UNII = "http://fdasis.nlm.nih.gov"
NDC = "http://hl7.org/fhir/sid/ndc"
HCPCS = "http://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets"
ICD_10_CM = "http://hl7.org/fhir/sid/icd-10-cm"
ICD_10 = "http://hl7.org/fhir/sid/icd-10"
ICD_10_PCS = "http://www.cms.gov/Medicare/Coding/ICD10"
ICD_10_GM = "http://fhir.de/CodeSystem/bfarm/icd-10-gm"
ROUTES = "http://terminology.hl7.org/CodeSystem/v3-RouteOfAdministration"
LOCAL = "http://hospital.example/codes"

OIDS = {
    RXNORM: "urn:oid:2.16.840.1.113883.6.88",
    LOINC: "urn:oid:2.16.840.1.113883.6.1",
    SNOMED: "urn:oid:2.16.840.1.113883.6.96",
}

Resource = dict[str, Any]


# ---- times


def written(choice: Choice, day: date, minute: int, offset: int = 0, precise: bool = False) -> str:
    """A dateTime: the local day and minute of the day; `precise`: always with a time and an offset."""
    form = "full" if precise else choice.weighted(TIME_FORMS)
    if form == "date":
        return day.isoformat()
    if form == "month":
        return day.isoformat()[:7]
    if form == "year":
        return day.isoformat()[:4]
    clock = time(minute // 60, minute % 60).isoformat(timespec="seconds")
    if form == "no-offset":
        return f"{day.isoformat()}T{clock}"
    if form == "no-seconds":
        return f"{day.isoformat()}T{clock[:5]}{offset_text(offset)}"
    if form == "fraction":
        return f"{day.isoformat()}T{clock}.500{offset_text(offset)}"
    if form == "other-offset":
        return shifted(day, minute, offset, choice.pick((-720, -300, 120, 330, 840)))
    return f"{day.isoformat()}T{clock}{offset_text(offset)}"


TIME_FORMS = (
    (60, "full"),
    (14, "date"),
    (6, "other-offset"),
    (5, "no-offset"),
    (4, "no-seconds"),
    (3, "fraction"),
    (3, "month"),
    (1, "year"),
)


def shifted(day: date, minute: int, offset: int, other: int) -> str:
    """The same instant, written in another offset: perhaps on another local day."""
    local = datetime.combine(day, time(0)) + timedelta(minutes=minute + other - offset)
    return local.isoformat(timespec="seconds") + offset_text(other)


def offset_text(minutes: int) -> str:
    if minutes == 0:
        return "Z"
    sign = "-" if minutes < 0 else "+"
    return f"{sign}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"


# ---- quantities


def quantity(choice: Choice, value: float, code: str, aliases: tuple[str, ...] = ()) -> Resource:
    """A Quantity whose unit can be read."""
    form = choice.weighted(((70, "coded"), (10, "coded-alias"), (8, "bare-code"), (12, "text")))
    if form == "bare-code":
        return {"value": value, "code": code}
    text = choice.pick((code, *aliases))
    if form == "text":
        return {"value": value, "unit": text}
    coded = {"value": value, "unit": text if form == "coded-alias" else code, "system": UCUM, "code": code}
    if choice.chance(0.1):
        del coded["unit"]
    return coded


def unreadable(choice: Choice, value: float, code: str, other: str) -> Resource:
    """A Quantity whose unit cannot be used: none, a conflict, of another kind, unknown, or never guessed."""
    return choice.pick(
        (
            {"value": value},
            {"value": value, "unit": other, "system": UCUM, "code": code},
            {"value": value, "unit": "%", "system": UCUM, "code": "%"},
            {"value": value, "unit": "furlong"},
            {"value": value, "unit": "units"},
        )
    )


# ---- concepts


def concept(choice: Choice, system: str, code: str, display: str | None = None, text: str | None = None) -> Resource:
    """A CodeableConcept: the coding alone, behind a local one, under an OID, with or without texts."""
    spelled = OIDS[system] if system in OIDS and choice.chance(0.1) else system
    coding: Resource = {"system": spelled, "code": code}
    if choice.chance(0.15):
        coding["version"] = "2024"
    if display and choice.chance(0.5):
        coding["display"] = display
    codings = [coding]
    if choice.chance(0.15):
        codings.insert(choice.below(2), {"system": LOCAL, "code": "L-1"})
    found: Resource = {"coding": codings}
    if text and choice.chance(0.4):
        found["text"] = text
    return found


# ---- references


def reference(choice: Choice, kind: str, identifier: str, urn: bool) -> Resource:
    """To a resource of the input. urn: by its fullUrl, which is `urn:uuid:` and the id (packed so by `patients`)."""
    forms: list[tuple[int, str]] = [(50, f"{kind}/{identifier}")]
    if urn:
        forms = [(90, f"urn:uuid:{identifier}"), *forms]
    forms += [
        (8, f"https://ehr.example/fhir/{kind}/{identifier}"),
        (6, f"{kind}/{identifier}/_history/3"),
        (4, f"https://ehr.example/fhir/{kind}/{identifier}/_history/1"),
    ]
    return {"reference": choice.weighted(forms)}


def nobody(choice: Choice) -> Resource:
    """A subject that is no patient: the resource is rejected."""
    return choice.pick(
        (
            {"reference": "Group/g1"},
            {"identifier": {"system": "urn:oid:1.2.3", "value": "4711"}},
            {"reference": "Patient?identifier=4711"},
            {"reference": "#missing"},
            {"reference": "urn:uuid:00000000-0000-4000-8000-000000000000"},
            {"display": "a patient"},
        )
    )


MODIFIER = [{"url": "https://ehr.example/not-really", "valueBoolean": True}]
