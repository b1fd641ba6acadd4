"""Observations → measurements in canonical units (tables.LABS), each usable or with the reason why it is not."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from bonefhir import tables
from bonefhir.interval import Flags, Floats
from bonefhir.knowledge import units
from bonefhir.knowledge.codes import comparable
from bonefhir.knowledge.model import Knowledge, Measurement
from bonefhir.normalise.concepts import CodeIndex, decode, distinct_rows, per_distinct
from bonefhir.normalise.times import Times
from bonefhir.vocabulary import ASSUMPTIONS, UNREADABLE, as_texts, assumption

_EXCLUDING = re.compile(
    r"(?<!\w)(?:urine|urinary|ratio|clearance|dialysate|dialysis|fluid|stone|crystals|oxalate|score|product|filtration|gfr|formula|"
    r"kinase|antibody)(?!\w)"
)
_UNMAPPED = {"creatinine": re.compile(r"(?<!\w)creatinine(?!\w)"), "calcium_total": re.compile(r"(?<!\w)calcium(?!\w)")}
_SUSPECTS = frozenset({"creatinine", "calcium_total", "calcium_corrected", "calcium_ionised", "albumin"})


class AnalyteMatcher:
    """Distinct Observation.code → (analyte or None, unmapped)."""

    def __init__(self, knowledge: Knowledge) -> None:
        self._systems = knowledge.systems
        self._codes = CodeIndex((code, m.name) for m in knowledge.measurements.values() for code in m.codes)
        self._known = frozenset(comparable(*coding) for coding in knowledge.known_lab_codes)

    def match(self, text: str | None) -> tuple[str | None, bool]:
        if text is None:
            return UNREADABLE, False
        concept = decode(text, self._systems)
        analyte = next((a for coding in concept.codings if (a := self._codes.get(coding))), None)
        if analyte is not None or any(coding in self._known for coding in concept.codings):
            return analyte, False
        for name, word in _UNMAPPED.items():
            if any(word.search(t) and not _EXCLUDING.search(t) for t in concept.texts):
                return name, True
        return None, False


def identify(observations: pa.Table, knowledge: Knowledge) -> tuple[npt.NDArray[np.object_], Flags]:
    """Per row: the analyte (None: nobody asks for it; '?': unreadable code), and whether only its text names it."""
    matcher = AnalyteMatcher(knowledge)
    values, codes = per_distinct(observations["code"], matcher.match)
    analytes = np.array([analyte for analyte, _ in values], dtype=object)[codes]
    unmapped = np.array([flag for _, flag in values], dtype=bool)[codes]
    return analytes, unmapped


class Readings:
    """Columns of measurements while they are made usable or not; `reason` holds '' for usable."""

    def __init__(self, observations: pa.Table, analytes: npt.NDArray[np.object_]) -> None:
        self.table = observations
        self.analytes = analytes
        rows = len(analytes)
        self.reason = np.full(rows, "", dtype=object)
        self.assumptions = np.zeros(rows, dtype=np.int64)
        self.suspect = np.zeros(rows, dtype=bool)
        self._analytes = pa.array(analytes, pa.string()).dictionary_encode()

    def by_analyte(self, numbers: Mapping[str, float], otherwise: float) -> Floats:
        """The number of each row's analyte."""
        values, codes = per_distinct(self._analytes, lambda analyte: numbers.get(analyte or "", otherwise))
        return np.asarray(np.array(values, dtype=np.float64)[codes])

    def are(self, column: str, *words: str) -> Flags:
        """The symbol in the column is one of these words."""
        values, codes = per_distinct(self.table[column], lambda text: text in words)
        return np.asarray(np.array(values, dtype=bool)[codes])

    def unusable(self, rows: Flags, reason: str) -> None:
        """The first reason stays."""
        self.reason[rows & (self.reason == "")] = reason


def normalise(
    observations: pa.Table,
    when: Times,
    analytes: npt.NDArray[np.object_],
    unmapped: Flags,
    rejected: Flags,
    knowledge: Knowledge,
    file_names: pa.Array,
) -> tuple[pa.Table, npt.NDArray[np.bool_]]:
    """LABS of the rows given, and per row whether its unit is suspect.

    when        their times
    rejected    the resource was rejected: its measurement exists, and is not usable
    """
    readings = Readings(observations, analytes)
    readings.unusable(rejected, "rejected")
    readings.unusable(unmapped, "unmapped-lab")
    readings.unusable(~readings.are("value_kind", "Quantity"), "not-a-quantity")
    value = _numbers(observations["quantity_value"])
    readings.unusable(np.isnan(value), "not-a-quantity")
    factor, si = _factors(readings, knowledge)
    bounds = _bounds(readings, value, factor, knowledge)
    return _table(readings, when, knowledge, bounds, si, file_names), readings.suspect


def _numbers(column: pa.ChunkedArray) -> Floats:
    return np.asarray(pc.cast(column, pa.float64()).to_numpy(zero_copy_only=False), dtype=np.float64)


def _factors(readings: Readings, knowledge: Knowledge) -> tuple[Floats, Flags]:
    """Factor to the canonical unit, and whether the unit is the SI one; problems make the row unusable."""
    columns = [readings.table[f"quantity_{part}"] for part in ("system", "code", "unit")]
    keys = pa.StructArray.from_arrays(
        [*(c.cast(pa.string()).combine_chunks() for c in columns), pa.array(readings.analytes, pa.string())],
        names=["system", "code", "unit", "analyte"],
    )
    distinct, codes = distinct_rows(keys)
    found = [_conversion(knowledge, key) for key in distinct]
    problems = np.array([c.problem for c in found], dtype=object)[codes]
    for problem in sorted(set(problems) - {""}):
        readings.unusable(problems == problem, problem)
    by_alias = np.array([c.by_alias for c in found], dtype=bool)[codes]
    readings.assumptions |= np.where(by_alias, assumption("unit-alias"), 0)
    return np.array([c.factor for c in found], dtype=np.float64)[codes], np.array([c.si for c in found], dtype=bool)[codes]


@dataclass(frozen=True)
class _Conversion:
    """How values of one analyte in one unit become canonical; problem '': they do."""

    factor: float = np.nan
    si: bool = False
    by_alias: bool = False
    problem: str = ""


def _conversion(knowledge: Knowledge, key: Mapping[str, str | None]) -> _Conversion:
    measurement = knowledge.measurements.get(key["analyte"] or "")
    match = units.lookup(knowledge, key["system"], key["code"], key["unit"])
    if match.unit is None or measurement is None:
        return _Conversion(problem=match.problem or "")
    factor = units.factor_to(match.unit, measurement)
    if factor is None:
        return _Conversion(by_alias=match.by_alias, problem="unit-mismatch")
    return _Conversion(factor, match.unit.quantity_kind == "substance_concentration", match.by_alias)


def _bounds(readings: Readings, value: Floats, factor: Floats, knowledge: Knowledge) -> tuple[Floats, Floats]:
    """Bounds in the canonical unit; NaN where unusable. Plausibility is tested on the value reported."""
    canonical = value * factor
    at_least = readings.by_analyte({name: m.plausible[0] for name, m in knowledge.measurements.items()}, 0.0)
    at_most = readings.by_analyte({name: m.plausible[1] for name, m in knowledge.measurements.items()}, 0.0)
    negative = np.asarray(pc.starts_with(readings.table["quantity_value"], "-").fill_null(False))
    implausible = ~np.isnan(canonical) & ((canonical < at_least) | (canonical > at_most))
    readings.suspect = implausible & ~negative & _plausible_otherwise(readings, value, factor, at_least, at_most, knowledge)
    readings.unusable(negative, "negative")
    readings.unusable(implausible, "implausible")
    readings.unusable(readings.are("quantity_comparator", "ad"), "comparator-ad")
    usable = readings.reason == ""
    low = np.where(usable, np.where(readings.are("quantity_comparator", "<", "<="), 0.0, canonical), np.nan)
    high = np.where(usable, np.where(readings.are("quantity_comparator", ">", ">="), np.inf, canonical), np.nan)
    return low, high


def _plausible_otherwise(
    readings: Readings, value: Floats, factor: Floats, at_least: Floats, at_most: Floats, knowledge: Knowledge
) -> Flags:
    """Creatinine, calcium, albumin: plausible if the number had been written in the analyte's other unit."""
    others = {name: _other_factor(knowledge.measurements[name], knowledge) for name in _SUSPECTS & set(knowledge.measurements)}
    other = readings.by_analyte(others, np.nan)
    conventional = np.abs(factor - 1.0) < 1e-9
    canonical = value * np.where(conventional, other, 1.0)
    return np.asarray(~np.isnan(canonical) & (canonical >= at_least) & (canonical <= at_most))


def _other_factor(measurement: Measurement, knowledge: Knowledge) -> float:
    unit = measurement.suspect_unit or measurement.si_unit
    match = knowledge.ucum.get(unit or "")
    factor = units.factor_to(match, measurement) if match else None
    return np.nan if factor is None else factor


def _reference_low(readings: Readings, knowledge: Knowledge) -> Floats:
    """The first `low` of referenceRange in a unit that converts, in the canonical unit; NaN: none."""
    keys = pa.StructArray.from_arrays(
        [readings.table["reference_lows"].cast(pa.string()).combine_chunks(), pa.array(readings.analytes, pa.string())],
        names=["lows", "analyte"],
    )
    distinct, codes = distinct_rows(keys)
    return np.asarray(np.array([_first_low(key, knowledge) for key in distinct], dtype=np.float64)[codes])


class _Low(msgspec.Struct):
    value: float | None = None
    unit: str | None = None
    system: str | None = None
    code: str | None = None


def _first_low(key: Mapping[str, str | None], knowledge: Knowledge) -> float:
    measurement = knowledge.measurements.get(key["analyte"] or "")
    if measurement is None or key["lows"] is None:
        return np.nan
    for low in msgspec.json.decode(key["lows"], type=list[_Low]):
        match = units.lookup(knowledge, low.system, low.code, low.unit)
        factor = units.factor_to(match.unit, measurement) if match.unit else None
        if factor is not None and low.value is not None:
            return low.value * factor
    return np.nan


def _table(
    readings: Readings,
    when: Times,
    knowledge: Knowledge,
    bounds: tuple[Floats, Floats],
    si: Flags,
    file_names: pa.Array,
) -> pa.Table:
    source = readings.table
    readings.assumptions |= np.where(readings.are("effective_kind", "issued"), assumption("time-from-issued"), 0)
    readings.assumptions |= np.where(when.no_offset, assumption("lab-no-offset"), 0)
    readings.assumptions |= np.where(source["component"].to_numpy() >= 0, assumption("from-component"), 0)
    usable = readings.reason == ""
    canonical = {name: m.unit for name, m in knowledge.measurements.items()}
    columns = {
        "resource": _resources(source),
        "patient_id": source["subject"],
        "analyte": pa.array(readings.analytes, pa.string()),
        "value_low": bounds[0],
        "value_high": bounds[1],
        "unit": pa.array([canonical.get(a) for a in readings.analytes], pa.string()),
        "reported": _reported(source),
        "in_si": si & usable,
        "limit_low": _reference_low(readings, knowledge),
        "usable": usable,
        "unusable_reason": pa.array(readings.reason, pa.string(), mask=usable),
        "time": source["effective"],
        "instant": pa.array(when.instant).cast(pa.timestamp("us", tz="UTC")),
        "date_first": pa.array(when.first),
        "date_last": pa.array(when.last),
        "assumptions": as_texts(readings.assumptions, ASSUMPTIONS),
        "source_file": file_names.take(source["file"].combine_chunks()),
        "source_line": source["line"],
    }
    return tables.build(tables.LABS, columns)


def _resources(source: pa.Table) -> pa.ChunkedArray:
    names = pc.binary_join_element_wise("Observation", source["id"].fill_null("?"), "/")
    component = source["component"]
    suffixed = pc.binary_join_element_wise(names, component.cast(pa.string()), "#")
    return pc.if_else(pc.less(component, 0), names, suffixed)


def _reported(source: pa.Table) -> pa.ChunkedArray:
    """'<0.2 mg/dL': comparator, digits and unit as written."""
    unit = pc.coalesce(source["quantity_unit"].cast(pa.string()), source["quantity_code"].cast(pa.string()), "")
    number = pc.binary_join_element_wise(
        source["quantity_comparator"].cast(pa.string()).fill_null(""), source["quantity_value"].fill_null(""), ""
    )
    return pc.utf8_trim_whitespace(pc.binary_join_element_wise(number, unit, " "))
