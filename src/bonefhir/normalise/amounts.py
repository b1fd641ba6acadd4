"""dosage.dose and dosage.rate → amounts in mg or kBq, volumes in mL, and rates per minute."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from bonefhir.interval import Flags, Floats
from bonefhir.knowledge import units
from bonefhir.knowledge.model import Knowledge, Unit
from bonefhir.normalise.concepts import codes_of, taken
from bonefhir.normalise.drugs import DrugMatch, QuantityJson
from bonefhir.sorting import distinct_of

Codes = npt.NDArray[np.int64]

UNIT = ("unit", "system", "code")
_AMOUNT_KINDS = {"mg": "mass", "kBq": "radioactivity"}
_PER_KG_KINDS = {"mg": "mass_per_mass", "kBq": "radioactivity_per_mass"}
_READY_TO_USE = (0.04, 0.05)
"""mg/mL of the ready-to-use bottles of zoledronic acid: part of the bottle is replaced, so the volume given says nothing."""


@dataclass
class Amounts:
    """One element per administration; NaN where the form was not used or could not be read."""

    reported: pa.Array
    reported_rate: pa.Array
    amount: Floats
    unit: pa.Array
    per_kg: Floats
    problem: pa.Array
    volume: Floats
    rate_amount: Floats
    rate_volume: Floats
    by_alias: Flags

    def columns(self) -> dict[str, object]:
        return {
            "reported_amount": self.reported,
            "reported_rate": self.reported_rate,
            "amount": self.amount,
            "amount_unit": self.unit,
            "amount_per_kg": self.per_kg,
            "amount_problem": self.problem,
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


def charted(administrations: pa.Table, matches: Sequence[DrugMatch], codes: Codes, knowledge: Knowledge) -> Amounts:
    """codes: which match each administration has. Distinct forms are read once: the numbers and units of doses repeat."""
    parts = [f"{prefix}_{part}" for prefix in ("dose", "rate", "rate_per") for part in ("value", "comparator", *UNIT)]
    first, forms = distinct_of((codes, *(codes_of(administrations[name]) for name in parts)))
    columns = (column.to_pylist() for column in administrations.select(parts).take(pa.array(first)).columns)
    reader = _Reader(knowledge)
    rows = [
        reader.read(matches[code], Quantity(*row[:5]), Quantity(*row[5:10]), Quantity(*row[10:]))
        for code, *row in zip(codes[first].tolist(), *columns, strict=True)
    ]

    def texts(part: Callable[[Charted], str | None]) -> pa.Array:
        return taken(map(part, rows), forms, pa.string())

    def numbers(part: Callable[[Charted], float]) -> Floats:
        return np.asarray(np.array(list(map(part, rows)), dtype=np.float64)[forms])

    return Amounts(
        reported=texts(lambda row: row.reported),
        reported_rate=texts(lambda row: row.reported_rate),
        amount=numbers(lambda row: row.amount),
        unit=texts(lambda row: row.unit),
        per_kg=numbers(lambda row: row.per_kg),
        problem=texts(lambda row: row.problem),
        volume=numbers(lambda row: row.volume),
        rate_amount=numbers(lambda row: row.rate_amount),
        rate_volume=numbers(lambda row: row.rate_volume),
        by_alias=np.asarray(np.array([row.by_alias for row in rows], dtype=bool)[forms]),
    )


class _Reader:
    def __init__(self, knowledge: Knowledge) -> None:
        self._knowledge = knowledge
        self._units: dict[tuple[str | None, str | None, str | None], units.UnitMatch] = {}

    def read(self, match: DrugMatch, dose: Quantity, rate: Quantity, per: Quantity) -> Charted:
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
