"""The Parquet files of phi/ as a Frictionless Data Package: a data contract that other tools can read."""

from typing import Any

import pyarrow as pa

from bonefhir import __version__, tables
from bonefhir.report.run_json import FORMAT
from bonefhir.tables import Column, Table

WRITTEN = (
    tables.VERDICTS,
    tables.DOSES,
    tables.LABS,
    tables.PATIENTS,
    tables.CONDITIONS,
    tables.PROCEDURES,
    tables.DATA_QUALITY,
)
KEYS = {"verdicts": ["dose_id", "rule_id"], "doses": ["dose_id"], "patients": ["patient_id"]}


def package() -> dict[str, Any]:
    return {
        "$schema": "https://datapackage.org/profiles/2.0/datapackage.json",
        "name": "bonefhir-phi",
        "title": "Tables of a run of bonefhir",
        "description": "Every resource names patients by id: keep it where patient data may be kept.",
        "version": __version__,
        "format": FORMAT,
        "resources": [_resource(table) for table in WRITTEN],
    }


def _resource(table: Table) -> dict[str, Any]:
    schema: dict[str, Any] = {"fields": [_field(column) for column in table]}
    if table.name in KEYS:
        schema["primaryKey"] = KEYS[table.name]
    if table is tables.VERDICTS:
        schema["foreignKeys"] = [{"fields": ["dose_id"], "reference": {"resource": "doses", "fields": ["dose_id"]}}]
    path = f"phi/{table.name}.parquet"
    return {
        "name": table.name.replace("_", "-"),
        "type": "table",
        "path": path,
        "format": "parquet",
        "mediatype": "application/vnd.apache.parquet",
        "description": table.grain,
        "schema": schema,
    }


def _field(column: Column) -> dict[str, Any]:
    field: dict[str, Any] = {"name": column.name, "type": kind(column.type), "description": column.meaning}
    if column.unit:
        field["unit"] = column.unit
    return field | {"arrowType": spelled(column.type), "phi": column.phi}


def spelled(of: pa.DataType) -> str:
    """Arrow's word for a type; how the elements of a list are called differs between writers."""
    if pa.types.is_list(of):
        return f"list<{spelled(of.value_type)}>"
    return str(of)


def kind(of: pa.DataType) -> str:
    """Frictionless' word for a type."""
    if pa.types.is_dictionary(of):
        return kind(of.value_type)
    tests = (
        (pa.types.is_boolean, "boolean"),
        (pa.types.is_integer, "integer"),
        (pa.types.is_floating, "number"),
        (pa.types.is_date, "date"),
        (pa.types.is_timestamp, "datetime"),
        (pa.types.is_list, "array"),
        (pa.types.is_string, "string"),
    )
    return next(word for test, word in tests if test(of))
