"""What a unit as written in a Quantity means, and how it converts to a measurement's canonical unit (semantics, section 3)."""

import unicodedata
from dataclasses import dataclass

from bonefhir.knowledge import ucum
from bonefhir.knowledge.model import Knowledge, Measurement, Unit

UCUM = "http://unitsofmeasure.org"


@dataclass(frozen=True)
class UnitMatch:
    """unit None: the value cannot be used, for the reason `problem`.

    by_alias    read through the alias table, not as a UCUM code: assumption unit-alias
    problem     'no-unit', 'unit-conflict' (code and text differ), 'unit-mismatch' (unknown, or a spelling never guessed)
    """

    unit: Unit | None
    by_alias: bool = False
    problem: str | None = None


def plain(text: str | None) -> str:
    """NFKC, trimmed: µ and μ are one letter, m² is m2."""
    return unicodedata.normalize("NFKC", text).strip() if text else ""


def lookup(knowledge: Knowledge, system: str | None, code: str | None, unit: str | None) -> UnitMatch:
    """The unit of a Quantity from its unit's system and code and its unit text, as written."""
    bare, text = plain(code), plain(unit)
    if not bare and not text:
        return UnitMatch(None, problem="no-unit")
    if bare and knowledge.systems.get(system or "") == UCUM:
        as_it_is = _as_ucum(knowledge, code or "")
        if as_it_is is not None:
            other = _by_alias(knowledge, text)
            conflict = other is not None and not same(other, as_it_is)
            return UnitMatch(None, problem="unit-conflict") if conflict else UnitMatch(as_it_is)
    for spelling in (bare, text):
        if spelling in knowledge.rejected_units:
            break
        found = _by_alias(knowledge, spelling)
        if found is not None:
            return UnitMatch(found, by_alias=True)
    return UnitMatch(None, problem="unit-mismatch")


def same(one: Unit, other: Unit) -> bool:
    """They measure one kind of quantity in one size: 10*3/uL and 10*9/L."""
    return one.quantity_kind == other.quantity_kind and abs(one.factor - other.factor) <= 1e-12 * max(one.factor, other.factor)


def factor_to(unit: Unit, measurement: Measurement) -> float | None:
    """A value in `unit` times this is in the measurement's canonical unit; None: not one of its kinds of quantity."""
    if unit.code in measurement.factors:
        return measurement.factors[unit.code]
    if unit.quantity_kind not in measurement.kinds:
        return None
    for code, factor in {measurement.unit: 1.0, **measurement.factors}.items():
        known = ucum.parse(code)
        if known is not None and known.quantity_kind == unit.quantity_kind:
            return unit.factor / known.factor * factor
    return None


def _as_ucum(knowledge: Knowledge, code: str) -> Unit | None:
    """A code of UCUM. The table comes first: 'K/uL' is a valid code of UCUM (kelvin) that nobody means."""
    listed, parsed = knowledge.units.get(code), ucum.parse(code)
    if code in knowledge.rejected_units or (listed and not (parsed and same(listed, parsed))):
        return None
    return listed or parsed


def _by_alias(knowledge: Knowledge, text: str) -> Unit | None:
    """Through the table, else as UCUM. A bare number is no unit: it is the code of another system."""
    if not text or text in knowledge.rejected_units:
        return None
    parsed = ucum.parse(text)
    return knowledge.units.get(text) or (parsed if parsed and parsed.quantity_kind != "dimensionless" else None)
