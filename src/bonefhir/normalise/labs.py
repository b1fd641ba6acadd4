"""Observations → measurements in canonical units (tables.LABS), each usable or with the reason why it is not."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from bonefhir import tables
from bonefhir.interval import Flags, Floats, Integers
from bonefhir.knowledge import units
from bonefhir.knowledge.codes import comparable
from bonefhir.knowledge.model import Knowledge, Measurement
from bonefhir.normalise.concepts import CodeIndex, codes_of, decode, files_of, per_distinct, taken
from bonefhir.normalise.times import Times
from bonefhir.sorting import distinct_of
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


@dataclass(frozen=True)
class Identified:
    """What Observations name: few different codes, and of each row the number of its own.

    analytes  of each code, None: nobody asks for it; '?': unreadable
    unmapped  of each code, whether only its text names the analyte
    """

    analytes: Sequence[str | None]
    unmapped: Sequence[bool]
    codes: Integers

    @property
    def asked_for(self) -> Flags:
        return np.asarray(np.array([analyte is not None for analyte in self.analytes], dtype=bool)[self.codes])

    @property
    def readable(self) -> frozenset[str]:
        """Analytes of which there is any row with a readable code."""
        used = np.bincount(self.codes, minlength=len(self.analytes)).astype(bool).tolist()
        each = zip(self.analytes, self.unmapped, used, strict=True)
        return frozenset(name for name, unmapped, here in each if here and not unmapped and name not in (None, UNREADABLE))

    def of_rows(self, rows: Integers) -> "Identified":
        return replace(self, codes=self.codes[rows])


def identify(observations: pa.Table, knowledge: Knowledge) -> Identified:
    matcher = AnalyteMatcher(knowledge)
    values, codes = per_distinct(observations["code"], matcher.match)
    return Identified([analyte for analyte, _ in values], [flag for _, flag in values], codes)


class Readings:
    """Columns of measurements while they are made usable or not; `reason` holds '' for usable."""

    def __init__(self, observations: pa.Table, identified: Identified) -> None:
        self.table = observations
        rows = len(observations)
        self.reason = np.full(rows, "", dtype=object)
        self.assumptions = np.zeros(rows, dtype=np.int64)
        self.suspect = np.zeros(rows, dtype=bool)
        self.unmapped = np.array(identified.unmapped, dtype=bool)[identified.codes]
        analytes = pa.array(identified.analytes, pa.string()).dictionary_encode()
        self.analytes = analytes.take(pa.array(identified.codes))

    def by_analyte(self, numbers: Mapping[str, float], otherwise: float) -> Floats:
        """The number of each row's analyte."""
        values, codes = per_distinct(self.analytes, lambda analyte: numbers.get(analyte or "", otherwise))
        return np.asarray(np.array(values, dtype=np.float64)[codes])

    def are(self, column: str, *words: str) -> Flags:
        """The symbol in the column is one of these words."""
        values, codes = per_distinct(self.table[column], lambda text: text in words)
        return np.asarray(np.array(values, dtype=bool)[codes])

    def unusable(self, rows: Flags, reason: str) -> None:
        """The first reason stays."""
        self.reason[rows & (self.reason == "")] = reason


_SYMBOLS = ("quantity_comparator", "quantity_unit", "quantity_system", "quantity_code", "value_kind", "effective_kind")
_FORM = ("quantity_value", *_SYMBOLS, "reference_lows", "component")
NEEDED = (*_FORM, "id", "subject", "effective", "file", "line")
"""Columns of OBSERVATIONS_READ that LABS are made of, beside the code."""


def normalise(
    observations: pa.Table,
    when: Times,
    identified: Identified,
    rejected: Flags,
    knowledge: Knowledge,
    file_names: pa.Array,
) -> tuple[pa.Table, npt.NDArray[np.bool_]]:
    """LABS of the rows given, and per row whether its unit is suspect. Distinct forms are read once: values and units repeat.

    when        their times
    rejected    the resource was rejected: its measurement exists, and is not usable
    """
    codes = (codes_of(observations[name]) for name in _FORM if name != "component")
    first, form = distinct_of((identified.codes, rejected, observations["component"].to_numpy() >= 0, *codes))
    readings = Readings(observations.select(_FORM).take(pa.array(first)), identified.of_rows(first))
    read = _read(readings, rejected[first], knowledge)
    columns = {name: values.take(pa.array(form)) for name, values in read.items()}
    assumptions = readings.assumptions[form] | np.where(when.no_offset, assumption("lab-no-offset"), 0)
    return tables.build(tables.LABS, columns | _of_rows(observations, when, assumptions, file_names)), readings.suspect[form]


def _read(readings: Readings, rejected: Flags, knowledge: Knowledge) -> dict[str, pa.Array]:
    """What a measurement says, as columns of LABS."""
    readings.unusable(rejected, "rejected")
    readings.unusable(readings.unmapped, "unmapped-lab")
    readings.unusable(~readings.are("value_kind", "Quantity"), "not-a-quantity")
    value = _numbers(readings.table["quantity_value"])
    readings.unusable(np.isnan(value), "not-a-quantity")
    factor, si = _factors(readings, knowledge)
    low, high = _bounds(readings, value, factor, knowledge)
    readings.assumptions |= np.where(readings.are("effective_kind", "issued"), assumption("time-from-issued"), 0)
    readings.assumptions |= np.where(readings.table["component"].to_numpy() >= 0, assumption("from-component"), 0)
    usable = readings.reason == ""
    canonical, analyte = per_distinct(
        readings.analytes, lambda name: m.unit if (m := knowledge.measurements.get(name or "")) else None
    )
    return {
        "analyte": readings.analytes,
        "value_low": pa.array(low),
        "value_high": pa.array(high),
        "unit": taken(canonical, analyte, pa.string()).dictionary_encode(),
        "reported": _reported(readings.table).combine_chunks(),
        "in_si": pa.array(si & usable),
        "limit_low": pa.array(_reference_low(readings, knowledge)),
        "usable": pa.array(usable),
        "unusable_reason": pa.array(readings.reason, pa.string(), mask=usable).dictionary_encode(),
    }


def _of_rows(source: pa.Table, when: Times, assumptions: Integers, file_names: pa.Array) -> dict[str, object]:
    """The other columns of LABS."""
    return {
        "resource": _resources(source),
        "patient_id": source["subject"],
        "time": source["effective"],
        "instant": pa.array(when.instant).cast(pa.timestamp("us", tz="UTC")),
        "date_first": pa.array(when.first),
        "date_last": pa.array(when.last),
        "assumptions": as_texts(assumptions, ASSUMPTIONS),
        "source_file": files_of(source, file_names),
        "source_line": source["line"],
    }


def _numbers(column: pa.ChunkedArray) -> Floats:
    return np.asarray(pc.cast(column, pa.float64()).to_numpy(zero_copy_only=False), dtype=np.float64)


def _factors(readings: Readings, knowledge: Knowledge) -> tuple[Floats, Flags]:
    """Factor to the canonical unit, and whether the unit is the SI one; problems make the row unusable."""
    columns = [readings.table[f"quantity_{part}"] for part in ("system", "code", "unit")]
    distinct, codes = _distinct([*columns, readings.analytes])
    found = [_conversion(knowledge, *key) for key in distinct]
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


def _distinct(columns: Sequence[pa.ChunkedArray | pa.Array]) -> tuple[list[tuple[Any, ...]], Integers]:
    """Distinct values of the columns together, and which of them each row has."""
    first, codes = distinct_of(map(codes_of, columns))
    return list(zip(*(column.take(pa.array(first)).to_pylist() for column in columns), strict=True)), codes


def _conversion(knowledge: Knowledge, system: str | None, code: str | None, unit: str | None, analyte: str | None) -> _Conversion:
    measurement = knowledge.measurements.get(analyte or "")
    match = units.lookup(knowledge, system, code, unit)
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
    distinct, codes = _distinct([readings.table["reference_lows"], readings.analytes])
    return np.asarray(np.array([_first_low(lows, analyte, knowledge) for lows, analyte in distinct], dtype=np.float64)[codes])


class _Low(msgspec.Struct):
    value: float | None = None
    unit: str | None = None
    system: str | None = None
    code: str | None = None


def _first_low(lows: str | None, analyte: str | None, knowledge: Knowledge) -> float:
    measurement = knowledge.measurements.get(analyte or "")
    if measurement is None or lows is None:
        return np.nan
    for low in msgspec.json.decode(lows, type=list[_Low]):
        match = units.lookup(knowledge, low.system, low.code, low.unit)
        factor = units.factor_to(match.unit, measurement) if match.unit else None
        if factor is not None and low.value is not None:
            return low.value * factor
    return np.nan


def _resources(source: pa.Table) -> pa.ChunkedArray:
    names = pc.binary_join_element_wise("Observation", source["id"].fill_null("?"), "/")
    component = source["component"]
    if (component.to_numpy() < 0).all():
        return names
    suffixed = pc.binary_join_element_wise(names, component.cast(pa.string()), "#")
    return pc.if_else(pc.less(component, 0), names, suffixed)


def _reported(source: pa.Table) -> pa.ChunkedArray:
    """'<0.2 mg/dL': comparator, digits and unit as written."""
    unit = pc.coalesce(source["quantity_unit"].cast(pa.string()), source["quantity_code"].cast(pa.string()), "")
    number = pc.binary_join_element_wise(
        source["quantity_comparator"].cast(pa.string()).fill_null(""), source["quantity_value"].fill_null(""), ""
    )
    return pc.utf8_trim_whitespace(pc.binary_join_element_wise(number, unit, " "))
