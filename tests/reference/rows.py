"""From resources to rows: patients, measurements, conditions, procedures. semantics.md, sections 1 to 3."""

from dataclasses import dataclass, replace
from math import inf
from typing import Any

from tests.reference.catalogue import Catalogue, Measurement
from tests.reference.codes import codings, matched, texts
from tests.reference.documents import Entry, Input, not_processed, number_as_text, patient_of
from tests.reference.intervals import Interval, exactly, less, more
from tests.reference.moments import Moment, moment
from tests.reference.phrases import URINE_AND_SO_ON, holds, says
from tests.reference.units import Unit

OBSERVATION_STATUS = (
    "registered", "preliminary", "final", "amended", "corrected", "cancelled", "entered-in-error", "unknown",
)  # fmt: skip
OBSERVATION_USED = ("final", "amended", "corrected")
PROCEDURE_STATUS = (
    "preparation", "in-progress", "not-done", "on-hold", "stopped", "completed", "entered-in-error", "unknown",
)  # fmt: skip
PROCEDURE_USED = ("completed", "in-progress")
GENDERS = ("male", "female", "other", "unknown")

COMPARATORS = ("<", "<=", ">", ">=", "ad")
CALCIUM = ("calcium_total", "calcium_corrected", "calcium_ionised")


@dataclass(frozen=True)
class Patient:
    """sex: 'male', 'female' or None; deceased: a Moment, True (no date) or None."""

    sex: str | None = None
    birth: Moment | None = None
    deceased: Moment | bool | None = None


@dataclass(frozen=True)
class Lab:
    """A measurement. concept None: a rejected Observation whose code cannot be read, so it could be any lab.

    time    None: of a rejected Observation, unreadable
    value   canonical unit; None: not usable
    si      reported in the SI unit
    limit   low end of the reference range, canonical unit
    issued  its time is that of `issued`
    """

    resource: str
    patient: str
    concept: str | None
    time: Moment | None
    value: Interval | None
    problem: str | None = None
    si: bool = False
    limit: float | None = None
    issued: bool = False


@dataclass(frozen=True)
class Condition:
    """value_sets: what it means; start None: undated; end: a Moment, True (over, on an unknown date) or None (not over)."""

    resource: str
    patient: str
    value_sets: frozenset[str]
    start: Moment | None
    end: Moment | bool | None


@dataclass(frozen=True)
class Procedure:
    """A dental one. time None: undated."""

    resource: str
    patient: str
    time: Moment | None


def patient(entry: Entry) -> Patient | None:
    """None: rejected, so that 'sex and age are then unknown'. 'an unknown sex is both'."""
    resource = entry.resource
    gender = resource.get("gender")
    if entry.id is None or not_processed(resource) or (gender is not None and gender not in GENDERS):
        return None
    deceased = moment(resource.get("deceasedDateTime")) or (True if resource.get("deceasedBoolean") is True else None)
    return Patient(gender if gender in ("male", "female") else None, moment(resource.get("birthDate")), deceased)


# ---- measurements


def measurements(entry: Entry, read: Input, catalogue: Catalogue) -> list[Lab]:
    """The labs of an Observation: its own, and its components', 'with the parent's status, subject and time'."""
    resource = entry.resource
    unreadable = not isinstance(resource.get("code"), dict)
    parts = [resource, *(c for c in resource.get("component") or [] if isinstance(c, dict))]
    concepts: list[tuple[dict[str, Any], str | None]] = []
    concepts += [(part, concept) for part in parts if (concept := _concept(part, catalogue)) and _has_value(part)]
    if unreadable and _has_value(resource):
        concepts.append((resource, None))
    status = resource.get("status")
    if not concepts or (status in OBSERVATION_STATUS and status not in OBSERVATION_USED):
        return []
    subject = patient_of(read, entry)
    if subject is None:
        return []
    time = observation_time(resource)
    fault = _fault(entry, unreadable, time)
    name = f"Observation/{entry.id}"
    if fault:
        return [Lab(name, subject, concept, time, None, fault) for _, concept in concepts]
    issued = not any(name.startswith("effective") for name in resource)
    return [replace(_lab(name, subject, lab, time, part, catalogue), issued=issued) for part, lab in concepts if lab]


def _fault(entry: Entry, unreadable: bool, time: Moment | None) -> str | None:
    """'A rejected Observation is not lost for judgement: … it counts as a measurement that is not usable.'"""
    if entry.id is None:
        return "no-id"
    if time is None:
        return "no-time"
    parts = [entry.resource, *(c for c in entry.resource.get("component") or [] if isinstance(c, dict))]
    if unreadable or entry.resource.get("status") is None or number_as_text(*(part.get("valueQuantity") for part in parts)):
        return "not-fhir"
    if entry.resource["status"] not in OBSERVATION_STATUS:
        return "bad-code"
    return "modifier-extension" if not_processed(entry.resource) else None


def coded_as(resource: dict[str, Any], catalogue: Catalogue) -> set[str]:
    """The labs that an Observation or its components are coded as, 'whatever became of it' (kinds.md, `lab_before`)."""
    parts = [resource, *(c for c in resource.get("component") or [] if isinstance(c, dict))]
    return {lab for part in parts if (lab := _coded(part, catalogue))}


def _coded(part: dict[str, Any], catalogue: Catalogue) -> str | None:
    """'The first coding that matches, in order.'"""
    for coding in codings(part.get("code") if isinstance(part.get("code"), dict) else None, catalogue.systems):
        for measurement in catalogue.measurements.values():
            if matched(measurement.codes, coding):
                return measurement.name
    return None


def _concept(part: dict[str, Any], catalogue: Catalogue) -> str | None:
    """The lab by code; else 'unmapped-creatinine' or 'unmapped-calcium': 'An Observation whose codings match nothing, but whose
    text or display holds the word creatinine or calcium and none of urine, … is a measurement of that lab that is not usable.'"""
    lab = _coded(part, catalogue)
    code = part.get("code")
    if lab or not isinstance(code, dict):
        return lab
    if any(matched(catalogue.known_labs, coding) for coding in codings(code, catalogue.systems)):
        return None
    words = texts(code)
    if any(holds(text, URINE_AND_SO_ON) for text in words):
        return None
    return next((f"unmapped-{word}" for word in ("creatinine", "calcium") if any(holds(text, [word]) for text in words)), None)


def _has_value(part: dict[str, Any]) -> bool:
    """'With `dataAbsentReason` or without a value, an Observation is no measurement: ignored, counted.'"""
    if part.get("dataAbsentReason"):
        return False
    if "valueQuantity" in part:
        return isinstance(part["valueQuantity"], dict) and part["valueQuantity"].get("value") is not None
    return any(name.startswith("value") for name in part)


def observation_time(resource: dict[str, Any]) -> Moment | None:
    """'Lab time: `effectiveDateTime`, `effectiveInstant`, else `effectivePeriod.end`, else its start; else `issued`; else
    rejected (`no-time`).'"""
    period = resource.get("effectivePeriod") or {}
    written = (
        resource.get("effectiveDateTime")
        or resource.get("effectiveInstant")
        or period.get("end")
        or period.get("start")
        or resource.get("issued")
    )
    return moment(written)


def _lab(name: str, subject: str, concept: str, time: Moment | None, part: dict[str, Any], catalogue: Catalogue) -> Lab:
    if concept.startswith("unmapped"):
        lab = {"unmapped-creatinine": "creatinine", "unmapped-calcium": "calcium_total"}[concept]
        return Lab(name, subject, lab, time, None, "unmapped-lab")
    measurement = catalogue.measurements[concept]
    value, unit, problem = measured(part, measurement, catalogue)
    si = unit is not None and in_si(unit, measurement, catalogue)
    return Lab(name, subject, concept, time, value, problem, si, reference_low(part, measurement, catalogue))


def in_si(unit: Unit, measurement: Measurement, catalogue: Catalogue) -> bool:
    """'were reported in the SI unit': in amount of substance, whatever the prefix."""
    si = catalogue.units.named(measurement.si_unit or "")
    return si is not None and unit.kind == si.kind


def measured(
    part: dict[str, Any], measurement: Measurement, catalogue: Catalogue
) -> tuple[Interval | None, Unit | None, str | None]:
    """The value in the canonical unit, the unit as reported, and why it is not usable."""
    quantity = part.get("valueQuantity")
    if not isinstance(quantity, dict):
        return None, None, "not-a-quantity"
    unit, problem = catalogue.units.lookup(quantity.get("system"), quantity.get("code"), quantity.get("unit"))
    factor = factor_to(unit, measurement, catalogue) if unit else None
    if factor is None:
        return None, None, problem or "unit-mismatch"
    number = float(quantity["value"]) * factor
    low, high = measurement.plausible or (0.0, inf)
    if number < 0 or less(number, low) or more(number, high):
        return None, unit, "implausible"
    return _compared(number, quantity.get("comparator")), unit, "comparator" if quantity.get("comparator") == "ad" else None


def _compared(number: float, comparator: str | None) -> Interval | None:
    """'`comparator` gives an interval (`<`, `<=`: [0, v]; `>`, `>=`: [v, +∞)); `ad` unusable.'"""
    if comparator in ("<", "<="):
        return Interval(0.0, number)
    if comparator in (">", ">="):
        return Interval(number, inf)
    return None if comparator == "ad" else exactly(number)


def factor_to(unit: Unit, measurement: Measurement, catalogue: Catalogue) -> float | None:
    """'any UCUM unit that converts within the kind of quantity is accepted; the factors between mass and substance are: …'"""
    canonical = catalogue.units.named(measurement.unit)
    if canonical and unit.kind == canonical.kind:
        return unit.factor / canonical.factor
    if unit.kind not in measurement.kinds:
        return None
    for code, factor in measurement.factors.items():
        listed = catalogue.units.named(code)
        if listed and listed.kind == unit.kind:
            return unit.factor / listed.factor * factor
    return None


def reference_low(part: dict[str, Any], measurement: Measurement, catalogue: Catalogue) -> float | None:
    """'the first `referenceRange` of the lab with a `low` in a unit that converts'."""
    for reference in part.get("referenceRange") or []:
        low = reference.get("low") if isinstance(reference, dict) else None
        if isinstance(low, dict) and low.get("value") is not None:
            unit, _ = catalogue.units.lookup(low.get("system"), low.get("code"), low.get("unit"))
            factor = factor_to(unit, measurement, catalogue) if unit else None
            if factor is not None:
                return float(low["value"]) * factor
    return None


# ---- conditions and procedures


def meanings(concept: Any, catalogue: Catalogue) -> frozenset[str]:
    """The value sets of Conditions that a concept is in.

    'Conditions, reasons and dental procedures match by code; only if no coding matched, by text. … Of a coding's codes only a
    row of kind exclude silences the text; a code of another value set does not (both count).'
    """
    found = codings(concept, catalogue.systems)
    words = [] if any(matched(catalogue.excluded, coding) for coding in found) else texts(concept)
    return frozenset(
        name
        for name in {*catalogue.value_sets, *catalogue.phrases}
        if any(matched(catalogue.value_sets.get(name, ()), coding) for coding in found)
        or any(says(text, catalogue.phrases.get(name, ())) for text in words)
    )


def refuted(resource: dict[str, Any]) -> bool:
    """'verificationStatus not refuted, not entered-in-error (clinicalStatus decides nothing)'."""
    status = (resource.get("verificationStatus") or {}).get("coding") or []
    return any(coding.get("code") in ("refuted", "entered-in-error") for coding in status)


def condition(entry: Entry, read: Input, catalogue: Catalogue) -> Condition | None:
    resource = entry.resource
    sets = meanings(resource.get("code"), catalogue)
    subject = patient_of(read, entry)
    if not sets or refuted(resource) or entry.id is None or subject is None or not_processed(resource):
        return None
    return Condition(f"Condition/{entry.id}", subject, sets, condition_start(resource), condition_end(resource))


def condition_start(resource: dict[str, Any]) -> Moment | None:
    """'its onset (onsetDateTime, onsetPeriod.start), else recordedDate'."""
    onset = resource.get("onsetDateTime") or (resource.get("onsetPeriod") or {}).get("start")
    return moment(onset or resource.get("recordedDate"))


def condition_end(resource: dict[str, Any]) -> Moment | bool | None:
    """'With clinicalStatus inactive, remission or resolved and no abatement, its end is unknown. An abatement without a date
    (text, age, range) is an unknown end.'"""
    dated = moment(resource.get("abatementDateTime") or (resource.get("abatementPeriod") or {}).get("end"))
    if dated:
        return dated
    clinical = (resource.get("clinicalStatus") or {}).get("coding") or []
    over = any(coding.get("code") in ("inactive", "remission", "resolved") for coding in clinical)
    return True if over or any(name.startswith("abatement") for name in resource) else None


def dental_procedure(entry: Entry, read: Input, catalogue: Catalogue) -> Procedure | None:
    resource = entry.resource
    subject = patient_of(read, entry)
    if "dental" not in meanings(resource.get("code"), catalogue) or resource.get("status") not in PROCEDURE_USED:
        return None
    if entry.id is None or subject is None or not_processed(resource):
        return None
    period = resource.get("performedPeriod") or resource.get("occurrencePeriod") or {}
    at = resource.get("performedDateTime") or resource.get("occurrenceDateTime") or period.get("end") or period.get("start")
    return Procedure(f"Procedure/{entry.id}", subject, moment(at))
