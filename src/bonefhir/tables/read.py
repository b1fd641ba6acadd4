"""Read tables: what stands in the FHIR, field by field, as text."""

import pyarrow as pa

from bonefhir.tables.schema import SYMBOL, Column, Table


def _quantity(prefix: str, what: str) -> tuple[Column, ...]:
    return (
        Column(f"{prefix}_value", pa.string(), f"{what}: value, the digits as written"),
        Column(f"{prefix}_comparator", SYMBOL, f"{what}: comparator"),
        Column(f"{prefix}_unit", SYMBOL, f"{what}: unit (text)"),
        Column(f"{prefix}_system", SYMBOL, f"{what}: system of the unit's code"),
        Column(f"{prefix}_code", SYMBOL, f"{what}: code of the unit"),
    )


SOURCE = (
    Column("seq", pa.int64(), "place in the reading order of the whole run: file number << 40 | offset"),
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
    Column(
        "conforms",
        pa.bool_(),
        "the strict gate has let the resource pass while it was read: it is certainly valid; false: not known",
    ),
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
        Column(
            "medication_ref",
            SYMBOL,
            "medicationReference: 'Medication/<id>', 'urn:uuid:…', or '#contained'; null: none or unresolvable",
        ),
        Column("medication_display", SYMBOL, "display of the medication's reference"),
        Column(
            "contained_medication",
            SYMBOL,
            "the contained Medication it refers to, as JSON like medications_read.medication; else null",
        ),
        Column("start", pa.string(), "effectiveDateTime or effectivePeriod.start (R5: occurence…) as written"),
        Column("end", pa.string(), "effectivePeriod.end as written; null with effectiveDateTime"),
        *_quantity("dose", "dosage.dose"),
        *_quantity("rate", "dosage.rateQuantity, or the numerator of dosage.rateRatio"),
        *_quantity("rate_per", "denominator of dosage.rateRatio; null with rateQuantity"),
        Column("route", SYMBOL, "dosage.route as JSON"),
        Column("reasons", SYMBOL, "reasonCode (R5: reason.concept): JSON list of CodeableConcepts; null: none"),
        Column(
            "reason_refs",
            SYMBOL,
            'reasonReference: JSON list of {"ref": \'Condition/<id>\' or urn or null, "display": text or null}; null: none',
        ),
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
        Column(
            "effective",
            pa.string(),
            "the time as written: effectiveDateTime, effectiveInstant, effectivePeriod.end, its start, issued",
        ),
        Column(
            "effective_kind", SYMBOL, "which of them: 'dateTime', 'instant', 'period.end', 'period.start', 'issued'; null: none"
        ),
        *_quantity("quantity", "valueQuantity"),
        Column(
            "value_kind",
            SYMBOL,
            "'Quantity'; 'none' (no value, or dataAbsentReason); else the type's name: 'String', 'Range', 'CodeableConcept', …",
        ),
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
        Column("file", pa.int32(), "number of the file, in reading order"),
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
