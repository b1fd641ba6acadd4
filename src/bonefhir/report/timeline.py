"""The time around a dose: the patient's doses, creatinine, clearance, calcium and weight, in lanes on one axis.

What is drawn (timeline_svg), printed (the command `explain`) and tested is this; nothing is chosen anywhere else.
"""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from math import isfinite
from typing import NamedTuple

from bonefhir.knowledge.model import Knowledge, Rule
from bonefhir.report.records import Records, Row
from bonefhir.settings import Settings

DAYS_BEFORE = 365
DAYS_AFTER = 90
_WINDOW = 28
"""Days, where a product is not in the catalogue any more."""

_HYPERCALCAEMIA = {"creatinine": 2, "calcium": 7}
"""Days for which a result counts before a dose for hypercalcaemia of malignancy, of any product."""

LANES = {
    "creatinine": ("creatinine",),
    "calcium": ("calcium_total", "calcium_corrected"),
    "calcium_ionised": ("calcium_ionised",),
    "weight": ("weight",),
}
"""Lane -> analytes of it; a lane has one unit."""


class Mark(NamedTuple):
    """A point of a lane: low and high differ where only a range is known. kind: 'dose', 'this', or the analyte."""

    kind: str
    day: date
    low: float
    high: float
    said: str
    resource: str
    limit: float | None


class Lane(NamedTuple):
    """window: days before the dose for which its values count; None: no window applies."""

    name: str
    unit: str
    marks: tuple[Mark, ...]
    limit: float | None
    window: tuple[date, date] | None


class Timeline(NamedTuple):
    """first, last: ends of the axis. outside: events of the patient before or after them, or undated."""

    first: date
    last: date
    dose: date
    lanes: tuple[Lane, ...]
    outside: int


class Event(NamedTuple):
    """A dose or a measurement."""

    day: date
    row: Row
    is_dose: bool


def events(dose: Row, records: Records) -> tuple[list[Event], int]:
    """Those within a year before to ninety days after the dose, by day, measurements first; and how many lie outside."""
    patient, around = dose["patient_id"], dose["date_first"]
    listed = [Event(row["date_first"], row, True) for row in records.doses_of.get(patient, ())]
    listed += [Event(row["date_first"], row, False) for row in records.labs_of.get(patient, ())]
    near = [event for event in listed if _near(event.day, around)]
    order = sorted(near, key=lambda e: (e.day, e.is_dose, str(e.row["dose_id" if e.is_dose else "resource"])))
    return order, len(listed) - len(near)


def _near(day: date | None, around: date | None) -> bool:
    return day is not None and around is not None and -DAYS_BEFORE <= (day - around).days <= DAYS_AFTER


def timeline(dose: Row, rule: Rule, records: Records, knowledge: Knowledge, settings: Settings) -> Timeline | None:
    """None for a dose without a date."""
    day = dose["date_first"]
    if day is None:
        return None
    found, outside = events(dose, records)
    lanes = [_doses(dose, found), *_lanes(dose, rule, found, knowledge, settings)]
    shown = [mark.day for lane in lanes for mark in lane.marks]
    starts = [lane.window[0] for lane in lanes if lane.window]
    return Timeline(min([*shown, *starts, day]), max([*shown, day]), day, tuple(lanes), outside)


def _doses(dose: Row, found: Sequence[Event]) -> Lane:
    marks = [
        Mark(
            "this" if row["dose_id"] == dose["dose_id"] else "dose",
            day,
            *_bounds(row, "amount"),
            f"{row['product']}, {row['reported_amount'] or '?'}",
            row["dose_id"],
            None,
        )
        for day, row, is_dose in found
        if is_dose
    ]
    return Lane("doses", dose["amount_unit"] or "", tuple(marks), None, None)


def _lanes(dose: Row, rule: Rule, found: Sequence[Event], knowledge: Knowledge, settings: Settings) -> Iterator[Lane]:
    windows = _windows(dose, rule, knowledge, settings)
    for name, analytes in LANES.items():
        marks = tuple(_measured(found, analytes))
        if marks:
            limit = _limit(name, dose, settings)
            window = (dose["date_first"] - timedelta(days=windows[name]), dose["date_first"])
            unit = next(row["unit"] for _, row, is_dose in found if not is_dose and row["analyte"] in analytes)
            yield Lane(name, unit, marks, limit, window)
        if name == "creatinine":
            yield from _clearance(found)


def _measured(found: Sequence[Event], analytes: Sequence[str]) -> Iterator[Mark]:
    for day, row, is_dose in found:
        if not is_dose and row["analyte"] in analytes and row["usable"] and _known(*_bounds(row, "value")):
            limit = row["limit_low"]
            own = limit if limit is not None and isfinite(limit) else None
            yield Mark(row["analyte"], day, *_bounds(row, "value"), row["reported"] or "", row["resource"], own)


def _clearance(found: Sequence[Event]) -> Iterator[Lane]:
    """The clearance on the days of the doses, where it was computed."""
    marks = [
        Mark("clearance", day, *_bounds(row, "clearance"), "", row["dose_id"], None)
        for day, row, is_dose in found
        if is_dose and _known(*_bounds(row, "clearance"))
    ]
    if marks:
        yield Lane("clearance", "mL/min", tuple(marks), None, None)


def _bounds(row: Row, name: str) -> tuple[float, float]:
    low, high = row[f"{name}_low"], row[f"{name}_high"]
    return (float("nan") if low is None else low, float("nan") if high is None else high)


def _known(low: float, high: float) -> bool:
    return isfinite(low) and isfinite(high)


def _limit(name: str, dose: Row, settings: Settings) -> float | None:
    """Lower limit of calcium: that of the laboratory where it decided, else the usual one."""
    if name == "calcium_ionised":
        return dose["calcium_limit"] if dose["calcium_kind"] == "ionised" else settings.calcium_limit_ionised_mmol_l
    if name == "calcium":
        own = dose["calcium_limit"] if dose["calcium_kind"] in ("total", "corrected") else None
        return settings.calcium_limit_mg_dl if own is None or not isfinite(own) else own
    return None


def _windows(dose: Row, rule: Rule, knowledge: Knowledge, settings: Settings) -> dict[str, int]:
    """Lane -> days before the dose for which a value counts. A rule's own window is that of what it asks for."""
    product = knowledge.products.get(dose["product"])
    own = product.creatinine_window_days if product else _WINDOW
    malignant = dose["rule_indication"] == "hypercalcemia_of_malignancy"
    creatinine = _HYPERCALCAEMIA["creatinine"] if malignant else own
    calcium = _HYPERCALCAEMIA["calcium"] if malignant or rule.kind == "calcium_indication" else own
    days = rule.parameters.get("window_days")
    asked = rule.parameters.get("labs", ()) if rule.kind == "lab_before" else ("calcium",)
    if days and rule.kind in ("lab_before", "calcium_indication"):
        creatinine = days if "creatinine" in asked else creatinine
        calcium = days if any("calcium" in lab for lab in asked) else calcium
    return {"creatinine": creatinine, "calcium": calcium, "calcium_ionised": calcium, "weight": settings.weight_window_days}
