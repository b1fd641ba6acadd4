"""What a bucket leaves beside its verdicts: tables.DOSES, tables.DATA_QUALITY, and access to the evidence."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bonefhir import tables
from bonefhir.coded import Column, Plain, Rows, Texts, arrow, coded, lists
from bonefhir.derive.calcium import KINDS
from bonefhir.derive.chart import Chart
from bonefhir.derive.columns import Columns
from bonefhir.derive.derive import Derived
from bonefhir.derive.grades import CTCAE, G_STAGES, g_stage, words
from bonefhir.derive.windows import NEVER
from bonefhir.interval import Integers
from bonefhir.vocabulary import DOSE_ASSUMPTIONS, distinct
from bonefhir.words import Words

_SEVERITY = {
    "duplicate-dose": "warning",
    "possible-parts": "warning",
    "implausible-dose": "error",
    "zero-duration": "warning",
    "negative-duration": "warning",
    "dose-before-birth": "error",
    "dose-after-death": "error",
    "birth-after-data": "warning",
    "implausible-age": "warning",
    "partial-date": "info",
    "patient-missing": "warning",
}
_DETAIL = {
    "duplicate-dose": "the same dose stands in another record of this patient: this record was set aside",
    "possible-parts": "overlaps, touches or shares an order with another record of this drug, and is no part of the same dose",
    "implausible-dose": "the amount is outside the plausible range of the drug; it is used all the same",
    "zero-duration": "start and end are one instant: the infusion time is unknown",
    "negative-duration": "the end is before the start: the infusion time is unknown",
    "dose-before-birth": "given before the patient was born; it is judged all the same",
    "dose-after-death": "given more than a day after the patient's death; it is judged all the same",
    "birth-after-data": "the birth date is after every dose and result of the data",
    "implausible-age": "the age at the dose is not plausible: it is unknown",
    "partial-date": "the date of the dose is not known to the day",
    "patient-missing": "no usable Patient resource: age and sex are unknown",
}

_CALCIUM_UNITS = {"ionised": "mmol/L", "corrected": "mg/dL", "total": "mg/dL"}


def doses_rows(derived: Derived) -> Rows:
    """Rows of tables.DOSES."""
    doses, columns = derived.doses, derived.columns
    interval = columns.interval("interval")
    texts = {name: doses.texts[name] for name in ("status", "drug", "start", "end", "reported_amount", "amount_unit", "route")}
    own: dict[str, Column] = {
        **texts,
        **_found(derived),
        **_of_calcium(columns),
        **{name: Plain(_times(doses.integers(name), tables.DOSES.schema.field(name).type)) for name in _TIMES},
        "merged_ids": doses.lists["merged_ids"],
        "source_file": doses.texts["source_file"],
        "source_line": Plain(pa.array(doses.integers("source_line"))),
        "duration_minutes": _number(columns, "duration_low"),
        "interval_days": Plain(pa.array(np.where(interval.exact, interval.low, np.nan))),
        "ordinal": Plain(pa.array(columns.bits("ordinal"), pa.int32())),
        "calcium_limit": _number(columns, "calcium_limit_low"),
    }
    return {name: own[name] if name in own else _number(columns, name) for name in tables.DOSES.names}


_TIMES = ("instant", "date_first", "date_last")


def _found(derived: Derived) -> dict[str, Column]:
    """What was found out of the dose itself."""
    egfr = derived.columns.interval("egfr")
    sets, codes = distinct(derived.assumptions, DOSE_ASSUMPTIONS)
    return {
        "dose_id": derived.dose_id,
        "patient_id": derived.doses.texts["patient_id"],
        "product": derived.product.texts(),
        "product_basis": derived.product_basis.texts(),
        "indication": derived.indication.texts(),
        "rule_indication": derived.rule_indication.texts(),
        "indication_basis": derived.indication_basis.texts(),
        "kdigo_g_stage": words(g_stage(egfr.low), g_stage(egfr.high), G_STAGES).texts(),
        "assumptions": lists(sets, codes.to_numpy()),
    }


def _of_calcium(columns: Columns) -> dict[str, Column]:
    kind = columns.bits("calcium_kind")
    kind = np.where(kind < 0, len(KINDS), kind)
    graded = ~np.isnan(columns.interval("hypocalcaemia_grade").low)
    return {
        "calcium_kind": Words((*KINDS, None), kind).texts(),
        "calcium_unit": Words((*(_CALCIUM_UNITS[name] for name in KINDS), None), kind).texts(),
        "ctcae_version": Words((None, CTCAE), graded.astype(np.int64)).texts(),
    }


def _number(columns: Columns, name: str) -> Plain:
    return Plain(pa.array(np.asarray(columns.data[name], dtype=np.float64)))


def _times(values: Integers, wanted: pa.DataType) -> pa.Array:
    found = pa.array(values, mask=values == NEVER)
    return found.cast(wanted) if pa.types.is_timestamp(wanted) else found.cast(pa.int32()).cast(wanted)


def quality_rows(derived: Derived, patients: Chart, last_date: int) -> Rows:
    """Rows of tables.DATA_QUALITY. patients: tables.PATIENTS of the bucket; last_date: of the whole input, as days since 1970 or
    NEVER."""
    parts = [_quality(chart, found, "id", "MedicationAdministration") for chart, found in derived.quality if found]
    if unborn := _unborn(patients, last_date):
        parts.append(_quality(patients, unborn, "patient_id"))
    return coded(pa.concat_tables([tables.DATA_QUALITY.empty(), *parts]))


def _unborn(patients: Chart, last_date: int) -> list[tuple[int, str]]:
    """Patients who are certainly born after everything that was given or measured."""
    later = (patients.integers("birth_first") > last_date) & (last_date != NEVER)
    return [(int(row), "birth-after-data") for row in np.flatnonzero(later)]


def _quality(chart: Chart, found: Sequence[tuple[int, str]], name: str, resource_type: str = "") -> pa.Table:
    """name: of the column that names the resource, without its type."""
    chosen, kinds = np.array([row for row, _ in found]), [kind for _, kind in found]
    resource = _told(chart.texts[name], chosen)
    if resource_type:
        resource = pc.binary_join_element_wise(resource_type, resource, "/")
    columns: dict[str, object] = {
        "kind": pa.array(kinds, pa.string()),
        "severity": pa.array([_SEVERITY[kind] for kind in kinds], pa.string()),
        "resource": resource,
        "patient_id": _told(chart.texts["patient_id"], chosen),
        "file": _told(chart.texts["source_file"], chosen),
        "line": pa.array(chart.integers("source_line")[chosen]),
        "detail": pa.array([_DETAIL[kind] for kind in kinds], pa.string()),
    }
    return tables.build(tables.DATA_QUALITY, columns)


def _told(texts: Texts, rows: Integers) -> pa.Array:
    return arrow(Texts(texts.codes[rows], texts.texts)).cast(pa.string())
