"""Every table by which the stages speak to each other, and every Parquet file that is written: names, types, units, meaning.

Three families:

* **read** tables (`PATIENTS_READ` …): what stands in the FHIR, field by field, as text, one row per resource (observations:
  one per value). Nothing is judged or converted yet. A field that could not be read is null and the row's `fault` says so.
* **normalised** tables (`LABS` …): canonical units, dates and codes, each value both as reported and as converted.
* **result** tables (`VERDICTS`, `DATA_QUALITY` …): what the reports are made of.

`SYMBOL` columns are dictionary-encoded: texts that repeat. Quantities have `_low` and `_high`, float64, NaN where missing.
"""

from bonefhir.tables.normalised import ADMINISTRATIONS, CONDITIONS, DOSES, LABS, PATIENTS, PLACE, PROCEDURES, TIMES
from bonefhir.tables.read import (
    ADMINISTRATIONS_READ,
    CONDITIONS_READ,
    FULL_URLS,
    MEDICATIONS_READ,
    OBSERVATIONS_READ,
    PATIENTS_READ,
    PROCEDURES_READ,
    READ_TABLES,
    REJECTS,
    SOURCE,
)
from bonefhir.tables.result import DATA_QUALITY, EVIDENCE, FILES, VERDICTS
from bonefhir.tables.schema import SYMBOL, TEXTS, Column, Table, build

__all__ = [
    "ADMINISTRATIONS",
    "ADMINISTRATIONS_READ",
    "CONDITIONS",
    "CONDITIONS_READ",
    "DATA_QUALITY",
    "DOSES",
    "EVIDENCE",
    "FILES",
    "FULL_URLS",
    "LABS",
    "MEDICATIONS_READ",
    "OBSERVATIONS_READ",
    "PATIENTS",
    "PATIENTS_READ",
    "PLACE",
    "PROCEDURES",
    "PROCEDURES_READ",
    "READ_TABLES",
    "REJECTS",
    "SOURCE",
    "SYMBOL",
    "TEXTS",
    "TIMES",
    "VERDICTS",
    "Column",
    "Table",
    "build",
]
