"""dosage.dose and dosage.rate → amounts in mg or kBq, volumes in mL, and rates per minute."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from bonefhir.interval import Flags, Floats
from bonefhir.knowledge import units
from bonefhir.knowledge.model import Knowledge, Unit
from bonefhir.normalise.concepts import plain
from bonefhir.normalise.drugs import DrugMatch, QuantityJson, RatioJson

_AMOUNT_KINDS = {"mg": "mass", "kBq": "radioactivity"}
_PER_KG_KINDS = {"mg": "mass_per_mass", "kBq": "radioactivity_per_mass"}
_READY_TO_USE = (0.04, 0.05)
"""mg/mL of the ready-to-use bottles of zoledronic acid: part of the bottle is replaced, so the volume given says nothing."""


@dataclass
class Amounts:
    """One element per administration; NaN where the form was not used or could not be read."""

    reported: list[str | None]
    reported_rate: list[str | None]
    amount: Floats
    unit: list[str]
    per_kg: Floats
    problem: list[str]
    volume: Floats
    rate_amount: Floats
    rate_volume: Floats
    by_alias: Flags

    def columns(self) -> dict[str, object]:
        return {
            "reported_amount": pa.array(self.reported, pa.string()),
            "reported_rate": pa.array(self.reported_rate, pa.string()),
            "amount": self.amount,
            "amount_unit": pa.array(self.unit, pa.string()),
            "amount_per_kg": self.per_kg,
            "amount_problem": pa.array(self.problem, pa.string()),
            "volume_ml": self.volume,
            "rate_amount": self.rate_amount,
            "rate_volume": self.rate_volume,
        }


@dataclass(frozen=True)
class Quantity:
    """A Quantity as written: digits, comparator, unit text, system, code."""

    value: str | None
    comparator: str | None
    unit: str | None
    system: str | None
    code: str | None

    @property
    def number(self) -> float | None:
        """None for what is no amount: absent, negative (also -0), or with a comparator."""
        if self.value is None or self.value.startswith("-") or self.comparator is not None:
            return None
        return float(self.value)

    @property
    def reported(self) -> str | None:
        if self.value is None:
            return None
        return f"{self.comparator or ''}{self.value} {self.unit or self.code or ''}".strip()


@dataclass(frozen=True)
class Charted:
    reported: str | None = None
    reported_rate: str | None = None
    amount: float = np.nan
    unit: str = "mg"
    per_kg: float = np.nan
    problem: str = ""
    volume: float = np.nan
    rate_amount: float = np.nan
    rate_volume: float = np.nan
    by_alias: bool = False


def charted(administrations: pa.Table, matches: Sequence[DrugMatch], knowledge: Knowledge) -> Amounts:
    """Distinct forms are read once: the numbers and units of doses repeat."""
    parts = [
        administrations[f"{prefix}_{part}"].to_pylist()
        for prefix in ("dose", "rate", "rate_per")
        for part in ("value", "comparator", "unit", "system", "code")
    ]
    reader = _Reader(knowledge)
    rows = [
        reader.read(match, Quantity(*row[:5]), Quantity(*row[5:10]), Quantity(*row[10:]))
        for match, *row in zip(matches, *parts, strict=True)
    ]
    number = _floats(rows)
    return Amounts(
        [r.reported for r in rows],
        [r.reported_rate for r in rows],
        number["amount"],
        [r.unit for r in rows],
        number["per_kg"],
        [r.problem for r in rows],
        number["volume"],
        number["rate_amount"],
        number["rate_volume"],
        np.array([r.by_alias for r in rows], dtype=bool),
    )


def _floats(rows: Sequence[Charted]) -> dict[str, npt.NDArray[np.float64]]:
    return {
        name: np.array([getattr(row, name) for row in rows], dtype=np.float64)
        for name in ("amount", "per_kg", "volume", "rate_amount", "rate_volume")
    }


class _Reader:
    def __init__(self, knowledge: Knowledge) -> None:
        self._knowledge = knowledge
        self._cache: dict[tuple[DrugMatch, Quantity, Quantity, Quantity], Charted] = {}
        self._units: dict[tuple[str | None, str | None, str | None], units.UnitMatch] = {}

    def read(self, match: DrugMatch, dose: Quantity, rate: Quantity, per: Quantity) -> Charted:
        key = (match.drug, _strength_key(match.strength), dose, rate, per)
        if key not in self._cache:  # type: ignore[comparison-overlap]
            self._cache[key] = self._read(match, dose, rate, per)  # type: ignore[index]
        return self._cache[key]  # type: ignore[index]

    def _read(self, match: DrugMatch, dose: Quantity, rate: Quantity, per: Quantity) -> Charted:
        drug = self._knowledge.drugs[match.drug or ""]
        rate_amount, rate_volume = self._rate(drug.amount_unit, rate, per)
        form = self._dose(drug.amount_unit, match, dose)
        rates = {"rate_amount": rate_amount, "rate_volume": rate_volume, "reported_rate": _reported_rate(rate, per)}
        return Charted(**{**form, "unit": drug.amount_unit, **rates})  # type: ignore[arg-type]

    def _dose(self, amount_unit: str, match: DrugMatch, dose: Quantity) -> dict[str, object]:
        if dose.value is None:
            return {"problem": "no-dose"}
        unit = self._lookup(dose)
        form: dict[str, object] = {"reported": dose.reported, "by_alias": unit.by_alias}
        if dose.number is None or unit.unit is None:
            return form | {"problem": "dose-unit", "by_alias": False}
        kind = unit.unit.quantity_kind
        if kind == _AMOUNT_KINDS[amount_unit]:
            return form | {"amount": dose.number * self._ratio(unit.unit, amount_unit)}
        if kind == _PER_KG_KINDS[amount_unit]:
            return form | {"per_kg": dose.number * self._ratio(unit.unit, f"{amount_unit}/kg")}
        if kind == "volume":
            volume = dose.number * self._ratio(unit.unit, "mL")
            amount = volume * self._mg_per_ml(amount_unit, match)
            return form | {"volume": volume, "amount": amount, "problem": "dose-unit" if np.isnan(amount) else ""}
        return form | {"problem": "dose-unit"}

    def _mg_per_ml(self, amount_unit: str, match: DrugMatch) -> float:
        """Strength of the ingredient as mass per volume; NaN where the volume given does not tell the amount."""
        strength = match.strength
        if amount_unit != "mg" or strength is None or strength.numerator is None or strength.denominator is None:
            return np.nan
        top, bottom = _quantity(strength.numerator), _quantity(strength.denominator)
        mass, volume = self._lookup(top).unit, self._lookup(bottom).unit
        if mass is None or volume is None or mass.quantity_kind != "mass" or volume.quantity_kind != "volume":
            return np.nan
        ml = (bottom.number or 0.0) * self._ratio(volume, "mL")
        if top.number is None or ml <= 0:
            return np.nan
        concentration = top.number * self._ratio(mass, "mg") / ml
        return np.nan if _ready_to_use(match.drug, ml, concentration) else concentration

    def _rate(self, amount_unit: str, rate: Quantity, per: Quantity) -> tuple[float, float]:
        """(amount per minute, mL per minute), NaN where not so charted."""
        unit = self._lookup(rate).unit
        if rate.number is None or unit is None or rate.number <= 0:
            return np.nan, np.nan
        if per.value is None:
            return self._rate_quantity(amount_unit, rate.number, unit)
        time = self._lookup(per).unit
        if time is None or time.quantity_kind != "time" or not per.number:
            return np.nan, np.nan
        minutes = per.number * self._ratio(time, "min")
        if unit.quantity_kind == _AMOUNT_KINDS[amount_unit]:
            return rate.number * self._ratio(unit, amount_unit) / minutes, np.nan
        if unit.quantity_kind == "volume":
            return np.nan, rate.number * self._ratio(unit, "mL") / minutes
        return np.nan, np.nan

    def _rate_quantity(self, amount_unit: str, number: float, unit: Unit) -> tuple[float, float]:
        if unit.quantity_kind == "rate_mass" and amount_unit == "mg":
            return number * self._ratio(unit, "mg/min"), np.nan
        if unit.quantity_kind == "volumetric_flow":
            return np.nan, number * self._ratio(unit, "mL/min")
        return np.nan, np.nan

    def _lookup(self, quantity: Quantity) -> units.UnitMatch:
        key = (quantity.system, quantity.code, quantity.unit)
        if key not in self._units:
            self._units[key] = units.lookup(self._knowledge, *key)
        return self._units[key]

    def _ratio(self, unit: Unit, to: str) -> float:
        return unit.factor / self._knowledge.ucum[to].factor


def _reported_rate(rate: Quantity, per: Quantity) -> str | None:
    return rate.reported if per.reported is None else f"{rate.reported or '?'} per {per.reported}"


def _ready_to_use(drug: str | None, volume_ml: float, concentration: float) -> bool:
    bottle = any(abs(concentration - c) <= 0.01 * c for c in _READY_TO_USE)
    return abs(volume_ml - 100) < 1e-9 or (drug == "zoledronic_acid" and bottle)


def _quantity(raw: QuantityJson) -> Quantity:
    return Quantity(bytes(raw.value).decode() or None, None, raw.unit, raw.system, raw.code)


def _strength_key(strength: RatioJson | None) -> str:
    if strength is None:
        return ""
    parts = (strength.numerator, strength.denominator)
    return "|".join("" if q is None else plain(f"{bytes(q.value)!r} {q.unit} {q.system} {q.code}") for q in parts)
