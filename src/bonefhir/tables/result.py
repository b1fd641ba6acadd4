"""Result tables: what the reports are made of."""

import pyarrow as pa

from bonefhir.tables.schema import TEXTS, Column, Table

EVIDENCE = pa.struct(
    [
        ("role", pa.string()),
        ("resource", pa.string()),
        ("time", pa.string()),
        ("reported", pa.string()),
        ("value_low", pa.float64()),
        ("value_high", pa.float64()),
        ("unit", pa.string()),
    ]
)

VERDICTS = Table(
    "verdicts",
    "one row per dose and applicable rule",
    (
        Column("rule_id", pa.string(), "as in the catalogue", phi=False),
        Column("rule_version", pa.string(), "as in the catalogue", phi=False),
        Column("dose_id", pa.string(), "'MedicationAdministration/<id>'"),
        Column("patient_id", pa.string(), "'Patient/<id>'"),
        Column("product", pa.string(), "product whose label applies", phi=False),
        Column("indication", pa.string(), "indication found or assumed", phi=False),
        Column("dose_start", pa.string(), "as written in the source"),
        Column("verdict", pa.string(), "'pass', 'fail' or 'indeterminate'", phi=False),
        Column("severity", pa.string(), "'error', 'warning' or 'info'", phi=False),
        Column("reasons", TEXTS, "why indeterminate, in the order of vocabulary.REASONS", phi=False),
        Column("observed_low", pa.float64(), "the quantity judged, lower bound"),
        Column("observed_high", pa.float64(), "the quantity judged, upper bound"),
        Column("limit", pa.float64(), "the limit it was compared with"),
        Column("unit", pa.string(), "unit of both", phi=False),
        Column("message", pa.string(), "one sentence with the numbers"),
        Column("assumptions", TEXTS, "what was assumed", phi=False),
        Column("evidence", pa.list_(EVIDENCE), "every resource the verdict rests on"),
    ),
)

DATA_QUALITY = Table(
    "data_quality",
    "one row per data-quality finding",
    (
        Column("kind", pa.string(), "such as duplicate-dose, unit-suspect", phi=False),
        Column("severity", pa.string(), "'error', 'warning' or 'info'", phi=False),
        Column("resource", pa.string(), "'<type>/<id>'; null: none"),
        Column("patient_id", pa.string(), "'Patient/<id>'; null: none"),
        Column("file", pa.string(), "file, relative to the source given", phi=False),
        Column("line", pa.int64(), "line, from 1", phi=False),
        Column("detail", pa.string(), "what was met and what was done"),
    ),
)

FILES = Table(
    "files",
    "one row per input file: the ledger",
    (
        Column("file", pa.string(), "relative to the source given", phi=False),
        Column("format", pa.string(), "'ndjson', 'bundle', 'resource' or null", phi=False),
        Column("compression", pa.string(), "'gzip', 'zstd' or null", phi=False),
        Column("bytes", pa.int64(), "size on disk", phi=False),
        Column("sha256", pa.string(), "of the bytes on disk", phi=False),
        Column("read", pa.int64(), "resources read", phi=False),
        Column("used", pa.int64(), "… of them used", phi=False),
        Column("irrelevant", pa.int64(), "… of a type or code that nobody asks for", phi=False),
        Column("superseded", pa.int64(), "… older versions, exact copies and double records", phi=False),
        Column("excluded", pa.int64(), "… whose status excludes them", phi=False),
        Column("rejected", pa.int64(), "… rejected", phi=False),
        Column("empty_entries", pa.int64(), "entries of Bundles without a resource, not counted as read", phi=False),
    ),
)
