"""What a bucket leaves beside its verdicts: tables.DOSES, tables.DATA_QUALITY, and access to the evidence."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pyarrow as pa

from bonefhir import tables
from bonefhir.derive.calcium import KINDS
from bonefhir.derive.columns import Columns
from bonefhir.derive.derive import Derived
from bonefhir.derive.grades import CTCAE, G_STAGES, g_stage, words
from bonefhir.derive.windows import NEVER
from bonefhir.vocabulary import DOSE_ASSUMPTIONS, as_lists

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

_CALCIUM_UNITS = {"ionised": "mmol/L", "corrected": "mg/dL", "total": "mg/dL", None: None}


def doses_table(derived: Derived) -> pa.Table:
    frame, columns = derived.frame, derived.columns
    kinds = np.array([*KINDS, None], dtype=object)[columns.data["calcium_kind"].astype(np.int64)]
    own: dict[str, object] = {
        "merged_ids": pa.array(frame["merged_ids"].tolist(), tables.TEXTS),
        "reported_amount": pa.array(frame["reported_amount"].to_numpy(dtype=object), pa.string()),
        "duration_minutes": columns.data["duration_low"],
        "interval_days": np.where(columns.interval("interval").exact, columns.data["interval_low"], np.nan),
        "ordinal": columns.data["ordinal"],
        "female_low": columns.data["female_low"],
        "female_high": columns.data["female_high"],
        "calcium_kind": pa.array(kinds, pa.string()),
        "calcium_unit": pa.array([_CALCIUM_UNITS[kind] for kind in kinds], pa.string()),
        "calcium_limit": columns.data["calcium_limit_low"],
        "kdigo_g_stage": pa.array(_g_stages(columns), pa.string()),
        "ctcae_version": pa.array([None if np.isnan(g) else CTCAE for g in columns.data["hypocalcaemia_grade_low"]], pa.string()),
        "assumptions": as_lists(frame["dose_assumptions"].to_numpy(dtype=np.int64), DOSE_ASSUMPTIONS),
        "instant": _time(frame["instant"], tables.DOSES.schema.field("instant").type),
        "date_first": _time(frame["date_first"], pa.date32()),
        "date_last": _time(frame["date_last"], pa.date32()),
    }
    for column in tables.DOSES:
        if column.name in own:
            continue
        values = columns.data[column.name] if column.name in columns.data and column.type == pa.float64() else frame[column.name]
        own[column.name] = pa.array(np.asarray(values), from_pandas=column.type != pa.float64())
    return tables.build(tables.DOSES, own)


def _g_stages(columns: Columns) -> list[str | None]:
    egfr = columns.interval("egfr")
    return words(g_stage(egfr.low), g_stage(egfr.high), G_STAGES)


def _time(values: "pd.Series[object]", wanted: pa.DataType) -> pa.Array:
    array = pa.array(values.to_numpy(dtype="datetime64[us]"))
    return array.cast(pa.timestamp("us", tz="UTC")) if pa.types.is_timestamp(wanted) else array.cast(wanted)


def quality_table(derived: Derived, patients: pd.DataFrame, last_date: int) -> pa.Table:
    """patients: tables.PATIENTS of the bucket; last_date: of the whole input, as days since 1970 or NEVER."""
    parts = [_quality(frame, found, "MedicationAdministration/" + frame["id"]) for frame, found in derived.quality]
    parts.append(_quality(patients, _unborn(patients, last_date), patients["patient_id"]))
    return pa.concat_tables([tables.DATA_QUALITY.empty(), *parts])


def _unborn(patients: pd.DataFrame, last_date: int) -> list[tuple[int, str]]:
    """Patients who are certainly born after everything that was given or measured."""
    born = patients["birth_first"].to_numpy(dtype="datetime64[D]").astype(np.int64)
    later = (born > last_date) & (last_date != NEVER)
    return [(int(row), "birth-after-data") for row in np.flatnonzero(later)]


def _quality(frame: pd.DataFrame, found: Sequence[tuple[int, str]], resource: "pd.Series[str]") -> pa.Table:
    chosen = [row for row, _ in found]
    rows = frame.iloc[chosen]
    kinds = [kind for _, kind in found]
    texts = {
        "kind": kinds,
        "severity": [_SEVERITY[kind] for kind in kinds],
        "resource": resource.iloc[chosen].tolist(),
        "patient_id": rows["patient_id"].tolist(),
        "file": rows["source_file"].tolist(),
        "detail": [_DETAIL[kind] for kind in kinds],
    }
    columns: dict[str, object] = {name: pa.array(values, pa.string()) for name, values in texts.items()}
    return tables.build(tables.DATA_QUALITY, columns | {"line": pa.array(rows["source_line"].tolist(), pa.int64())})
