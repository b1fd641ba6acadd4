"""Data-quality findings of single resources (tables.DATA_QUALITY). They are not verdicts: they say what was met in the data."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from bonefhir import tables
from bonefhir.interval import Flags
from bonefhir.knowledge import units
from bonefhir.knowledge.model import Knowledge
from bonefhir.normalise.concepts import codes_of, files_of, per_distinct, repeated
from bonefhir.normalise.fates import EXCLUDED, IRRELEVANT, SUPERSEDED
from bonefhir.sorting import distinct_of

SEVERITY = {
    "version-conflict": "warning",
    "version-order": "warning",
    "older-version": "info",
    "id-collision": "error",
    "code-text-mismatch": "error",
    "code-unlisted": "warning",
    "unit-suspect": "warning",
    "unmapped-lab": "warning",
}
"""Kinds not named here are warnings."""

DETAIL = {
    "version-conflict": "different contents under one id, and no version tells which is newer: the later one read was taken",
    "version-order": "versionId and lastUpdated disagree about which version is newer: lastUpdated was followed",
    "older-version": "an older version with other contents was set aside",
    "id-collision": "two Patients of one id differ in birth date and sex: they may be two people",
    "code-text-mismatch": "code and text name different substances: the code was followed",
    "code-unlisted": "matched by text; its code is in none of the lists, and may be another substance",
    "unit-suspect": "implausible in the unit written, plausible in the other unit of this lab: not corrected, not used",
    "unmapped-lab": "its text names a lab that a rule needs, its code is unknown: it counts as measured, and is not used",
    "rejected": "",
    "unit-not-ucum": "the code of its unit stands under UCUM, where it is none or means another unit: read as the usual one",
    "values-differ": "two results of one lab and one time are far apart: either may be right, and their range was used",
    "not-a-quantity": "the value is no Quantity with a number: not used",
    "no-unit": "no unit: not used",
    "unit-conflict": "unit text and unit code mean different units: not used",
    "unit-mismatch": "the unit is unknown or of another kind of quantity: not used",
    "implausible": "outside the plausible range in the unit written: not used",
    "negative": "negative value: not used",
    "comparator-ad": "comparator 'ad': not used",
}


def build(kinds: Sequence[str], columns: dict[str, object], detail: Sequence[str] | None = None) -> pa.Table:
    """One row per kind given; `columns` holds resource, patient_id, file and line."""
    severities = [SEVERITY.get(kind, "warning") for kind in kinds]
    details = [DETAIL.get(kind, kind.replace("-", " ")) for kind in kinds] if detail is None else detail
    texts = {"kind": kinds, "severity": severities, "detail": details}
    return tables.build(tables.DATA_QUALITY, {name: pa.array(list(v), pa.string()) for name, v in texts.items()} | columns)


def of_resources(resource_type: str, resources: pa.Table, found: Sequence[tuple[int, str]], file_names: pa.Array) -> pa.Table:
    if not found:
        return tables.DATA_QUALITY.empty()
    rows = np.array([row for row, _ in found], dtype=np.int64)
    return build([kind for _, kind in found], _places(resource_type, resources.take(rows), file_names))


_HIDE_A_CODE = ("code-fullwidth", "many-codings")


def while_reading(resource_type: str, resources: pa.Table, fate: npt.NDArray[np.int8], file_names: pa.Array) -> pa.Table:
    """Warnings that the reader left on resources which matter, or might, were their code written well."""
    warned = resources["warnings"].is_valid().to_numpy() & (fate != SUPERSEDED)
    rows = np.flatnonzero(warned)
    warnings = resources["warnings"].take(rows).cast(pa.string()).to_pylist()
    found = [
        (row, kind)
        for row, kinds in zip(rows.tolist(), warnings, strict=True)
        for kind in kinds.split()
        if fate[row] != IRRELEVANT or kind in _HIDE_A_CODE
    ]
    return of_resources(resource_type, resources, found, file_names)


def of_collisions(patients: pa.Table, rows: Sequence[int], file_names: pa.Array) -> pa.Table:
    return of_resources("Patient", patients, [(row, "id-collision") for row in rows], file_names)


def of_medications(
    doses: pa.Table, fate: npt.NDArray[np.int8], mismatch: Flags, unlisted: Flags, file_names: pa.Array
) -> pa.Table:
    """Of doses that are used, and of those that a mismatching code has kept out."""
    open_ = (fate != SUPERSEDED) & (fate != EXCLUDED)
    found = [(row, "code-text-mismatch") for row in np.flatnonzero(open_ & mismatch).tolist()]
    found += [(row, "code-unlisted") for row in np.flatnonzero(open_ & unlisted).tolist()]
    return of_resources("MedicationAdministration", doses, sorted(found), file_names)


def of_units(
    resource_type: str, rows: pa.Table, used: Flags, prefix: str, knowledge: Knowledge, file_names: pa.Array
) -> pa.Table:
    """Units of used rows that were read through the alias table although their code stands under UCUM.

    prefix: of the columns of the Quantity, such as 'dose'
    """

    def misread(system: str | None, code: str | None, unit: str | None) -> bool:
        claimed = bool(units.plain(code)) and knowledge.systems.get(system or "") == units.UCUM
        return claimed and units.lookup(knowledge, system, code, unit).by_alias

    columns = rows.select([f"{prefix}_{name}" for name in ("system", "code", "unit")])
    first, codes = distinct_of(map(codes_of, columns.columns))
    distinct = zip(*(column.to_pylist() for column in columns.take(pa.array(first)).columns), strict=True)
    wrong = np.flatnonzero(np.array([misread(*each) for each in distinct], dtype=bool)[codes] & used)
    return of_resources(resource_type, rows, [(row, "unit-not-ucum") for row in wrong.tolist()], file_names)


def of_labs(labs: pa.Table, suspect: Flags) -> pa.Table:
    """Each value that is not usable, with its reason (rejected ones are rejects), and those that contradict each other."""
    reasons, codes = per_distinct(labs["unusable_reason"], lambda reason: reason or "")
    unusable = np.flatnonzero(np.array([reason not in ("", "rejected") for reason in reasons], dtype=bool)[codes])
    why = np.where(suspect[unusable], "unit-suspect", np.array(reasons, dtype=object)[codes[unusable]])
    differing = _differing(labs)
    if not len(unusable) + len(differing):
        return tables.DATA_QUALITY.empty()
    rows, kinds = np.concatenate([unusable, differing]), [*why.tolist(), *["values-differ"] * len(differing)]
    source = labs.take(rows)
    columns = {
        "resource": source["resource"],
        "patient_id": source["patient_id"].cast(pa.string()),
        "file": source["source_file"].cast(pa.string()),
        "line": source["source_line"],
    }
    analytes = source["analyte"].cast(pa.string()).to_pylist()
    return build(kinds, columns, [f"{a}: {DETAIL[kind]}" for a, kind in zip(analytes, kinds, strict=True)])


_FACTOR = 1.5
"""Ours, and no setting: no verdict rests on it. Methods and roundings are not so far apart; KDIGO calls such a rise an injury."""


def _differing(labs: pa.Table) -> npt.NDArray[np.int64]:
    """Rows of usable results beside which another of the same lab, patient and time (or day, without a time) is far away."""
    usable = np.flatnonzero(labs["usable"].to_numpy())
    keys = ["patient_id", "analyte", "instant", "date_first", "date_last"]
    usable = usable[repeated(_hashes([_numbers(labs[name])[usable] for name in keys]))]
    if not len(usable):
        return usable
    columns = labs.select([*keys, "value_low", "value_high"]).take(pa.array(usable)).to_pandas()
    groups = columns.groupby(keys, dropna=False, observed=True)
    least, most = groups["value_high"].transform("min"), groups["value_low"].transform("max")
    return np.asarray(usable[(most > _FACTOR * least).to_numpy()])


def _numbers(column: pa.ChunkedArray) -> npt.NDArray[np.int64]:
    """Equal ones for equal values, of which missing is one."""
    if pa.types.is_dictionary(column.type):
        return codes_of(column)
    width = pa.int32() if pa.types.is_date(column.type) else pa.int64()
    return np.asarray(column.cast(width).cast(pa.int64()).fill_null(-1 << 62).to_numpy())


def _hashes(columns: Sequence[npt.NDArray[np.int64]]) -> npt.NDArray[np.uint64]:
    """Of rows; equal ones have equal hashes."""
    found = np.zeros(len(columns[0]), dtype=np.uint64)
    for column in columns:
        found = (found ^ column.view(np.uint64)) * np.uint64(0x9E3779B97F4A7C15)
        found ^= found >> np.uint64(29)
    return found


def _places(resource_type: str, source: pa.Table, file_names: pa.Array) -> dict[str, object]:
    ids = pc.binary_join_element_wise(resource_type, source["id"].fill_null("?"), "/")
    patient = ids if resource_type == "Patient" else pa.nulls(len(source), pa.string())
    return {
        "resource": ids,
        "patient_id": source["subject"].cast(pa.string()) if "subject" in source.column_names else patient,
        "file": files_of(source, file_names).cast(pa.string()),
        "line": source["line"],
    }
