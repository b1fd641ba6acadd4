"""Every table by which the stages speak to each other, and every Parquet file that is written: names, types, units, meaning.

Three families:

* **read** tables (`PATIENTS_READ` …): what stands in the FHIR, field by field, as text, one row per resource (observations: one per
  value). Nothing is judged or converted yet. A field that could not be read is null and the row's `fault` says so.
* **normalised** tables (`LABS` …): canonical units, dates and codes, each value both as reported and as converted.
* **result** tables (`VERDICTS`, `DATA_QUALITY` …): what the reports are made of.

`SYMBOL` columns are dictionary-encoded: texts that repeat. Quantities have `_low` and `_high`, float64, NaN where missing.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa

from bonefhir.errors import AccountingError

SYMBOL = pa.dictionary(pa.int32(), pa.string())
TEXTS = pa.list_(pa.string())


@dataclass(frozen=True)
class Column:
    """`phi`: may hold data of a patient, so it never leaves phi/."""

    name: str
    type: pa.DataType
    meaning: str
    unit: str = ""
    phi: bool = True


@dataclass(frozen=True)
class Table:
    name: str
    grain: str
    columns: tuple[Column, ...]

    @property
    def schema(self) -> pa.Schema:
        return pa.schema([(c.name, c.type) for c in self.columns])

    @property
    def names(self) -> list[str]:
        return [c.name for c in self.columns]

    def empty(self) -> pa.Table:
        return self.schema.empty_table()

    def __iter__(self) -> Iterator[Column]:
        return iter(self.columns)


def _interval(name: str, meaning: str, unit: str) -> tuple[Column, Column]:
    return (
        Column(f"{name}_low", pa.float64(), f"{meaning}, lower bound", unit),
        Column(f"{name}_high", pa.float64(), f"{meaning}, upper bound", unit),
    )


def _quantity(prefix: str, what: str) -> tuple[Column, ...]:
    return (
        Column(f"{prefix}_value", pa.string(), f"{what}: value, the digits as written"),
        Column(f"{prefix}_comparator", SYMBOL, f"{what}: comparator"),
        Column(f"{prefix}_unit", SYMBOL, f"{what}: unit (text)"),
        Column(f"{prefix}_system", SYMBOL, f"{what}: system of the unit's code"),
        Column(f"{prefix}_code", SYMBOL, f"{what}: code of the unit"),
    )


# ------------------------------------------------------------------------------------------------------------------ read

SOURCE = (
    Column("seq", pa.int64(), "place in the reading order of the whole run: file number << 40 | ordinal in the file"),
    Column("file", pa.int32(), "number of the file, in reading order"),
    Column("line", pa.int64(), "line of the file on which the resource begins, from 1"),
    Column("entry", pa.string(), "Bundle: index of the entry, '3', nested '3/0'; else null"),
    Column("offset", pa.int64(), "byte at which the resource begins, in the decompressed file"),
    Column("length", pa.int64(), "bytes of the resource"),
    Column("id", pa.string(), "Resource.id, else the last part of the entry's fullUrl; null: no id"),
    Column("last_updated", pa.string(), "meta.lastUpdated as written"),
    Column("version_id", pa.string(), "meta.versionId as written"),
    Column("digest", pa.int64(), "hash of the resource's bytes: equal bytes, equal digest"),
    Column("release", SYMBOL, "'R4' (also R4B) or 'R5', by shape"),
    Column("fault", SYMBOL, "reason for which it must be rejected (rejects.ndjson), or null"),
    Column("fault_path", SYMBOL, "element path of the fault, never with a value"),
    Column("fault_detail", SYMBOL, "what is wrong, in words, never with a value"),
    Column("warnings", SYMBOL, "kinds of data-quality warnings met while reading, joined by a blank; null: none"),
)

PATIENTS_READ = Table(
    "patients_read",
    "one row per Patient read",
    (
        *SOURCE,
        Column("gender", SYMBOL, "Patient.gender"),
        Column("birth_date", pa.string(), "Patient.birthDate"),
        Column("deceased_boolean", pa.bool_(), "Patient.deceasedBoolean"),
        Column("deceased_date_time", pa.string(), "Patient.deceasedDateTime"),
    ),
)

MEDICATIONS_READ = Table(
    "medications_read",
    "one row per Medication read",
    (
        *SOURCE,
        Column("status", SYMBOL, "Medication.status"),
        Column("medication", SYMBOL, "the Medication as JSON: code, ingredient and status only"),
    ),
)

ADMINISTRATIONS_READ = Table(
    "administrations_read",
    "one row per MedicationAdministration read",
    (
        *SOURCE,
        Column("status", SYMBOL, "MedicationAdministration.status"),
        Column("subject", SYMBOL, "'Patient/<id>'; 'urn:uuid:…' if only the whole input can resolve it; null: unresolvable"),
        Column("medication", SYMBOL, "medicationCodeableConcept (R5: medication.concept) as JSON; null: none"),
        Column("medication_ref", SYMBOL, "medicationReference: 'Medication/<id>', 'urn:uuid:…', or '#contained'; null: none or unresolvable"),
        Column("medication_display", SYMBOL, "display of the medication's reference"),
        Column("contained_medication", SYMBOL, "the contained Medication it refers to, as JSON like medications_read.medication; else null"),
        Column("start", pa.string(), "effectiveDateTime or effectivePeriod.start (R5: occurence…) as written"),
        Column("end", pa.string(), "effectivePeriod.end as written; null with effectiveDateTime"),
        *_quantity("dose", "dosage.dose"),
        *_quantity("rate", "dosage.rateQuantity, or the numerator of dosage.rateRatio"),
        *_quantity("rate_per", "denominator of dosage.rateRatio; null with rateQuantity"),
        Column("route", SYMBOL, "dosage.route as JSON"),
        Column("reasons", SYMBOL, "reasonCode (R5: reason.concept): JSON list of CodeableConcepts; null: none"),
        Column("reason_refs", SYMBOL, "reasonReference: JSON list of {\"ref\": 'Condition/<id>' or urn or null, \"display\": text or null}; null: none"),
        Column("part_of", SYMBOL, "partOf: JSON list of references as resolved; null: none"),
        Column("request", SYMBOL, "request.reference as resolved; null: none"),
    ),
)

OBSERVATIONS_READ = Table(
    "observations_read",
    "one row per value of an Observation read: its own, and one for each component",
    (
        *SOURCE,
        Column("status", SYMBOL, "Observation.status"),
        Column("subject", SYMBOL, "as in administrations_read"),
        Column("component", pa.int32(), "index of the component; -1: the Observation's own value"),
        Column("code", SYMBOL, "Observation.code or component.code as JSON; null: unreadable"),
        Column("effective", pa.string(), "the time as written: effectiveDateTime, effectiveInstant, effectivePeriod.end, its start, issued"),
        Column("effective_kind", SYMBOL, "which of them: 'dateTime', 'instant', 'period.end', 'period.start', 'issued'; null: none"),
        *_quantity("quantity", "valueQuantity"),
        Column("value_kind", SYMBOL, "'Quantity'; 'none' (no value, or dataAbsentReason); else the type's name: 'String', 'Range', 'CodeableConcept', …"),
        Column("reference_lows", SYMBOL, "referenceRange[].low: JSON list of Quantities, in order; null: none"),
    ),
)

CONDITIONS_READ = Table(
    "conditions_read",
    "one row per Condition read",
    (
        *SOURCE,
        Column("subject", SYMBOL, "as in administrations_read"),
        Column("code", SYMBOL, "Condition.code as JSON; null: none or unreadable"),
        Column("onset", pa.string(), "onsetDateTime or onsetPeriod.start as written"),
        Column("recorded", pa.string(), "recordedDate as written"),
        Column("abatement", pa.string(), "abatementDateTime or abatementPeriod.end as written"),
        Column("abatement_undated", pa.bool_(), "an abatement that is not a date: string, Age, Range, a Period without end"),
        Column("clinical_status", SYMBOL, "code of clinicalStatus"),
        Column("verification_status", SYMBOL, "code of verificationStatus"),
    ),
)

PROCEDURES_READ = Table(
    "procedures_read",
    "one row per Procedure read",
    (
        *SOURCE,
        Column("status", SYMBOL, "Procedure.status"),
        Column("subject", SYMBOL, "as in administrations_read"),
        Column("code", SYMBOL, "Procedure.code as JSON; null: none or unreadable"),
        Column("performed", pa.string(), "performedDateTime or performedPeriod.end, else its start (R5: occurrence…) as written"),
    ),
)

FULL_URLS = Table(
    "full_urls",
    "one row per entry of a Bundle whose fullUrl is a urn:uuid",
    (
        Column("url", pa.string(), "the fullUrl"),
        Column("target", pa.string(), "'Patient/<id>' that it stands for"),
    ),
)

REJECTS = Table(
    "rejects",
    "one row per rejected resource, line, entry or file",
    (
        Column("file", pa.int32(), "number of the file"),
        Column("line", pa.int64(), "line, from 1; null: the file as a whole"),
        Column("entry", pa.string(), "index of the Bundle's entry; else null"),
        Column("resource_type", pa.string(), "resourceType, where it could be read and is a name of FHIR"),
        Column("id", pa.string(), "id, where it could be read and has the form of an id"),
        Column("stage", pa.string(), "'read', 'resolve', 'conform' or 'normalise'"),
        Column("reason", pa.string(), "as listed in the contract"),
        Column("path", pa.string(), "element path; null: none"),
        Column("detail", pa.string(), "what is wrong, in words, without any value"),
    ),
)

READ_TABLES = (PATIENTS_READ, MEDICATIONS_READ, ADMINISTRATIONS_READ, OBSERVATIONS_READ, CONDITIONS_READ, PROCEDURES_READ)

# ------------------------------------------------------------------------------------------------------------ normalised

PLACE = (
    Column("source_file", SYMBOL, "file, relative to the source given", phi=False),
    Column("source_line", pa.int64(), "line of the file, from 1", phi=False),
)

TIMES = (
    Column("instant", pa.timestamp("us", tz="UTC"), "instant, where a time of day is known; else null"),
    Column("date_first", pa.date32(), "first possible local date"),
    Column("date_last", pa.date32(), "last possible local date; equal to date_first if the date is known to the day"),
)

PATIENTS = Table(
    "patients",
    "one row per patient with a used Patient resource",
    (
        Column("patient_id", pa.string(), "'Patient/<id>'"),
        Column("gender", SYMBOL, "as written"),
        Column("female_low", pa.float64(), "0 male, 1 female; [0, 1] unknown"),
        Column("female_high", pa.float64(), "0 male, 1 female; [0, 1] unknown"),
        Column("birth_date", pa.string(), "as written"),
        Column("birth_first", pa.date32(), "first possible date of birth"),
        Column("birth_last", pa.date32(), "last possible date of birth"),
        Column("deceased", pa.bool_(), "died, by deceasedBoolean or deceasedDateTime"),
        Column("deceased_first", pa.date32(), "first possible date of death; null: unknown or alive"),
        Column("deceased_last", pa.date32(), "last possible date of death; null: unknown or alive"),
        *PLACE,
    ),
)

LABS = Table(
    "labs",
    "one row per measurement of a concept that a rule or a formula may use, usable or not",
    (
        Column("resource", pa.string(), "'Observation/<id>', '#<n>' appended for its component n"),
        Column("patient_id", SYMBOL, "'Patient/<id>'"),
        Column("analyte", SYMBOL, "name of the measurement, as in checks/measurements/"),
        Column("value_low", pa.float64(), "in `unit`, lower bound; NaN: unusable"),
        Column("value_high", pa.float64(), "in `unit`, upper bound; NaN: unusable"),
        Column("unit", SYMBOL, "canonical UCUM unit of the analyte"),
        Column("reported", pa.string(), "comparator, value and unit as written"),
        Column("in_si", pa.bool_(), "reported in the analyte's SI unit"),
        Column("limit_low", pa.float64(), "low of the first convertible reference range, in `unit`; NaN: none"),
        Column("usable", pa.bool_(), "may support a verdict"),
        Column("unusable_reason", SYMBOL, "why not; null: usable"),
        Column("time", pa.string(), "as written"),
        *TIMES,
        Column("assumptions", pa.int64(), "bits of vocabulary.ASSUMPTIONS"),
        *PLACE,
    ),
)

CONDITIONS = Table(
    "conditions",
    "one row per used Condition and value set it belongs to",
    (
        Column("resource", pa.string(), "'Condition/<id>'"),
        Column("patient_id", SYMBOL, "'Patient/<id>'"),
        Column("value_set", SYMBOL, "as in checks/terminology/"),
        Column("by_text", pa.bool_(), "matched by text, not by code"),
        Column("date_first", pa.date32(), "first possible date of its beginning; null: undated"),
        Column("date_last", pa.date32(), "last possible date of its beginning; null: undated"),
        Column("end_first", pa.date32(), "first possible date of its end; null: no end or its date is unknown"),
        Column("end_last", pa.date32(), "last possible date of its end; null: no end or its date is unknown"),
        Column("ended_undated", pa.bool_(), "ended, on an unknown date"),
        Column("time", pa.string(), "date as written"),
        *PLACE,
    ),
)

PROCEDURES = Table(
    "procedures",
    "one row per used Procedure and value set it belongs to",
    (
        Column("resource", pa.string(), "'Procedure/<id>'"),
        Column("patient_id", SYMBOL, "'Patient/<id>'"),
        Column("value_set", SYMBOL, "as in checks/terminology/"),
        Column("date_first", pa.date32(), "first possible date; null: undated"),
        Column("date_last", pa.date32(), "last possible date; null: undated"),
        Column("time", pa.string(), "as written"),
        *PLACE,
    ),
)

ADMINISTRATIONS = Table(
    "administrations",
    "one row per used MedicationAdministration of a drug of the catalogue",
    (
        Column("seq", pa.int64(), "place in the reading order of the whole run"),
        Column("id", pa.string(), "MedicationAdministration.id"),
        Column("patient_id", SYMBOL, "'Patient/<id>'"),
        Column("status", SYMBOL, "MedicationAdministration.status"),
        Column("drug", SYMBOL, "active ingredient"),
        Column("product", SYMBOL, "product told by code, text or strength; null: not told"),
        Column("product_basis", SYMBOL, "'code', 'text' or 'strength'; '': not told"),
        Column("start", pa.string(), "as written"),
        Column("end", pa.string(), "as written"),
        *TIMES,
        Column("end_instant", pa.timestamp("us", tz="UTC"), "instant of the end; null: none or without a time of day"),
        Column("end_last", pa.date32(), "last possible local date of the end; null: none"),
        Column("reported_amount", pa.string(), "dose as written"),
        Column("amount", pa.float64(), "amount charted; NaN: unknown", "amount_unit"),
        Column("amount_unit", SYMBOL, "mg or kBq"),
        Column("amount_per_kg", pa.float64(), "amount charted per kg of body weight; NaN: not so charted", "amount_unit/kg"),
        Column("amount_problem", SYMBOL, "'dose-unit', 'no-dose' or ''"),
        Column("volume_ml", pa.float64(), "dose charted as a volume; NaN: not so charted", "mL"),
        Column("rate_amount", pa.float64(), "amount per minute; NaN: none", "amount_unit/min"),
        Column("rate_volume", pa.float64(), "volume per minute; NaN: none", "mL/min"),
        Column("route", SYMBOL, "intravenous, subcutaneous, …; null: unknown"),
        Column("reasons", TEXTS, "indications given as reason, by code"),
        Column("reasons_by_text", TEXTS, "indications given as reason, by text only"),
        Column("request", SYMBOL, "request; null: none"),
        Column("part_of", TEXTS, "partOf"),
        Column("assumptions", pa.int64(), "bits of vocabulary.ASSUMPTIONS"),
        *PLACE,
    ),
)

DOSES = Table(
    "doses",
    "one row per dose of a product of the catalogue",
    (
        Column("dose_id", pa.string(), "'MedicationAdministration/<id>'"),
        Column("patient_id", pa.string(), "'Patient/<id>'"),
        Column("status", SYMBOL, "MedicationAdministration.status ('stopped' if any merged part is)"),
        Column("drug", SYMBOL, "active ingredient"),
        Column("product", SYMBOL, "product whose label applies"),
        Column("product_basis", SYMBOL, "what decided: 'code', 'text', 'strength', 'amount', 'indication', 'default', …"),
        Column("merged_ids", TEXTS, "ids of the records merged into this dose, itself included; empty: none"),
        Column("indication", SYMBOL, "indication found or assumed"),
        Column("rule_indication", SYMBOL, "indication whose rules apply: `indication`, or the product's default if it is not labelled for that"),
        Column("indication_basis", SYMBOL, "'reason', 'condition' or 'assumed'"),
        Column("start", pa.string(), "as written"),
        Column("end", pa.string(), "as written"),
        *TIMES,
        Column("reported_amount", pa.string(), "dose as written"),
        *_interval("amount", "amount given", "amount_unit"),
        Column("amount_unit", SYMBOL, "mg or kBq"),
        Column("route", SYMBOL, "intravenous, subcutaneous, oral, …; null: unknown"),
        Column("duration_minutes", pa.float64(), "infusion time; NaN: unknown; a stopped dose: its lower bound", "min"),
        *_interval("duration", "infusion time", "min"),
        Column("interval_days", pa.float64(), "days since the previous dose of the product; NaN: none", "d"),
        *_interval("interval", "days since the previous dose of the product", "d"),
        Column("ordinal", pa.int32(), "number of the dose among the patient's doses of the product, from 1"),
        *_interval("age", "age in completed years", "a"),
        *_interval("female", "0 male, 1 female", "1"),
        *_interval("weight", "body weight used", "kg"),
        *_interval("creatinine", "serum creatinine", "mg/dL"),
        *_interval("clearance", "creatinine clearance (Cockcroft-Gault)", "mL/min"),
        *_interval("baseline_creatinine", "creatinine before the first dose", "mg/dL"),
        *_interval("baseline_clearance", "creatinine clearance before the first dose", "mL/min"),
        *_interval("egfr", "estimated glomerular filtration rate (CKD-EPI 2021)", "mL/min/{1.73_m2}"),
        Column("calcium_kind", SYMBOL, "'ionised', 'corrected' (as reported) or 'total' (corrected here); null: none"),
        *_interval("calcium", "calcium that decides the calcium status", "calcium_unit"),
        Column("calcium_unit", SYMBOL, "mmol/L (ionised) or mg/dL"),
        Column("calcium_limit", pa.float64(), "its lower limit of normal", "calcium_unit"),
        Column("assumptions", TEXTS, "assumptions about the dose itself"),
        *PLACE,
    ),
)

# ---------------------------------------------------------------------------------------------------------------- result

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


def build(table: Table, columns: dict[str, object]) -> pa.Table:
    """An Arrow table of exactly the declared columns, in order, each cast to its declared type."""
    if set(columns) != set(table.names):
        raise AccountingError(f"columns of {table.name} differ from those declared: {sorted(set(columns) ^ set(table.names))}")
    return pa.table([_as(columns[c.name], c.type) for c in table], schema=table.schema)


def _as(values: object, wanted: pa.DataType) -> pa.Array | pa.ChunkedArray:
    array = values if isinstance(values, pa.Array | pa.ChunkedArray) else pa.array(values, from_pandas=False)
    if array.type == wanted:
        return array
    if pa.types.is_dictionary(wanted):
        return array.cast(wanted.value_type).dictionary_encode().cast(wanted)
    return array.cast(wanted)
