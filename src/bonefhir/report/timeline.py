"""The time around a dose: the patient's doses, creatinine, clearance, calcium and weight, in lanes on one axis.

What is drawn (timeline_svg, templates/finding.js) and printed (the command `explain`) is this; nothing is chosen anywhere else.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from math import isfinite
from typing import NamedTuple

import pyarrow as pa

from bonefhir.knowledge.model import Knowledge, Rule
from bonefhir.report.marks import DAYS_AFTER, DAYS_BEFORE, LANES, Marks, days
from bonefhir.report.records import Records, Row
from bonefhir.report.shown import Shown
from bonefhir.report.visible import visible
from bonefhir.settings import Settings

_WINDOW = 28
"""Days, where a product is not in the catalogue any more."""

_HYPERCALCAEMIA = {"creatinine": 2, "calcium": 7}
"""Days for which a result counts before a dose for hypercalcaemia of malignancy, of any product."""

EPOCH = date(1970, 1, 1)


class Mark(NamedTuple):
    """A point of a lane: low and high differ where only a range is known. kind: 'dose', 'this', 'corrected' or ''."""

    kind: str
    day: date
    low: float
    high: float
    said: str
    resource: str


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


class View(NamedTuple):
    """What a finding's timeline shows of the marks of many.

    start, stop: its marks. dose: its resource. unit: of the doses. windows: lane → days before the dose for which its values
    count. limits: lane → lower limit.
    """

    start: int
    stop: int
    outside: int
    day: date
    dose: str
    unit: str
    windows: Mapping[str, int]
    limits: Mapping[str, float]


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


def timeline(view: View, marks: Marks) -> Timeline:
    lanes = list(_lanes(view, marks))
    shown = [mark.day for lane in lanes for mark in lane.marks]
    starts = [lane.window[0] for lane in lanes if lane.window]
    return Timeline(min([*shown, *starts, view.day]), max([*shown, view.day]), view.day, tuple(lanes), view.outside)


def _lanes(view: View, marks: Marks) -> Iterator[Lane]:
    """Those that have marks."""
    rows = marks.rows.slice(view.start, view.stop - view.start)
    lanes = rows["lane"].to_pylist()
    units = dict(zip(lanes, rows["unit"].to_pylist(), strict=True))
    marks_of: dict[int, list[Mark]] = {number: [] for number in range(len(LANES))}
    for number, mark in zip(lanes, _marks(rows, lanes, view), strict=True):
        marks_of[number].append(mark)
    for number, name in enumerate(LANES):
        if marks_of[number]:
            unit = view.unit if name == "doses" else units[number]
            yield Lane(name, unit, tuple(marks_of[number]), view.limits.get(name), _window(view, name))


def _marks(rows: pa.Table, lanes: Sequence[int], view: View) -> Iterator[Mark]:
    columns = (rows[name].to_pylist() for name in ("corrected", "low", "high", "said", "resource"))
    when = days(rows["at"].to_numpy()).tolist()
    for lane, day, corrected, low, high, said, resource in zip(lanes, when, *columns, strict=True):
        of_dose = "this" if resource == view.dose else "dose"
        kind = of_dose if LANES[lane] == "doses" else "corrected" if corrected else ""
        yield Mark(kind, EPOCH + timedelta(days=day), low, high, said, resource)


def _window(view: View, lane: str) -> tuple[date, date] | None:
    counted = view.windows.get(lane)
    return None if counted is None else (view.day - timedelta(days=counted), view.day)


class Views:
    """Of findings, what their timelines show."""

    def __init__(self, shown: Shown, knowledge: Knowledge, settings: Settings) -> None:
        self._shown, self._knowledge, self._settings = shown, knowledge, settings
        self._rules = {rule.id: rule for rule in knowledge.rules}

    def of(self, findings: Sequence[Row]) -> list[View | None]:
        """None for a dose without a date."""
        near = self._shown.marks.near(self._shown.moments(findings))
        numbers = zip(*(column.tolist() for column in near), strict=True)
        return [self._view(*pair) for pair in zip(findings, numbers, strict=True)]

    def _view(self, finding: Row, near: tuple[int, int, int]) -> View | None:
        dose, rule = self._shown.records.doses[finding["dose_id"]], self._rules[finding["rule_id"]]
        if dose["date_first"] is None:
            return None
        counted = windows(dose, rule, self._knowledge, self._settings)
        name, unit = visible(dose["dose_id"]), dose["amount_unit"] or ""
        return View(*near, dose["date_first"], name, unit, counted, limits(dose, self._settings))


def limits(dose: Row, settings: Settings) -> dict[str, float]:
    """Lane → lower limit of calcium: that of the laboratory where it decided, else the usual one."""
    own, kind = dose["calcium_limit"], dose["calcium_kind"]
    known = own is not None and isfinite(own)
    return {
        "calcium": own if known and kind in ("total", "corrected") else settings.calcium_limit_mg_dl,
        "calcium_ionised": own if known and kind == "ionised" else settings.calcium_limit_ionised_mmol_l,
    }


def windows(dose: Row, rule: Rule, knowledge: Knowledge, settings: Settings) -> dict[str, int]:
    """Lane → days before the dose for which a value counts. A rule's own window is that of what it asks for."""
    product = knowledge.products.get(dose["product"])
    own = product.creatinine_window_days if product else _WINDOW
    malignant = dose["rule_indication"] == "hypercalcemia_of_malignancy"
    creatinine = _HYPERCALCAEMIA["creatinine"] if malignant else own
    calcium = _HYPERCALCAEMIA["calcium"] if malignant or rule.kind == "calcium_indication" else own
    asked_days = rule.parameters.get("window_days")
    asked = rule.parameters.get("labs", ()) if rule.kind == "lab_before" else ("calcium",)
    if asked_days and rule.kind in ("lab_before", "calcium_indication"):
        creatinine = asked_days if "creatinine" in asked else creatinine
        calcium = asked_days if any("calcium" in lab for lab in asked) else calcium
    return {"creatinine": creatinine, "calcium": calcium, "calcium_ionised": calcium, "weight": settings.weight_window_days}
