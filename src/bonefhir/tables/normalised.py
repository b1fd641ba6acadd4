"""Normalised tables: canonical units, dates and codes, each value both as reported and as converted."""

import pyarrow as pa

from bonefhir.tables.schema import SYMBOL, TEXTS, Column, Table


def _interval(name: str, meaning: str, unit: str) -> tuple[Column, Column]:
    return (
        Column(f"{name}_low", pa.float64(), f"{meaning}, lower bound", unit),
        Column(f"{name}_high", pa.float64(), f"{meaning}, upper bound", unit),
    )


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
        Column("assumptions", SYMBOL, "what was assumed of it, apart by blanks; '': nothing"),
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
        Column("instant", pa.timestamp("us", tz="UTC"), "instant, where a time of day is known; else null"),
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
        Column("reported_rate", pa.string(), "rate as written"),
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
        Column(
            "rule_indication",
            SYMBOL,
            "indication whose rules apply: `indication`, or the product's default if it is not labelled for that",
        ),
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
        Column("kdigo_g_stage", SYMBOL, "KDIGO GFR category of the eGFR, 'G3a'; a range: 'G2 to G3a'; null: no eGFR"),
        *_interval("hypocalcaemia_grade", "CTCAE grade (version ctcae_version) of the calcium, 0 to 4", "1"),
        *_interval("hypercalcaemia_grade", "CTCAE grade (version ctcae_version) of the calcium, 0 to 4", "1"),
        Column("ctcae_version", SYMBOL, "version of the CTCAE whose grades are given; null: no calcium"),
        Column("assumptions", TEXTS, "assumptions about the dose itself"),
        *PLACE,
    ),
)
