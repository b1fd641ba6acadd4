"""R4 (and R4B), R5, or older: told by the elements that a resource has, never by what a file or Bundle claims."""

from collections.abc import Mapping

from msgspec import Raw

R4, R5, OLDER = "R4", "R5", "STU3"

_R5_ONLY: dict[str, frozenset[str]] = {
    "MedicationAdministration": frozenset(
        {"occurenceDateTime", "occurencePeriod", "occurenceTiming", "medication", "reason", "isSubPotent", "subPotentReason"}
        | {"basedOn", "encounter", "recorded"}
    ),
    "Medication": frozenset({"doseForm", "totalVolume", "definition", "marketingAuthorizationHolder"}),
    "Observation": frozenset(
        {"triggeredBy", "bodyStructure", "instantiatesCanonical", "instantiatesReference", "valueAttachment", "valueReference"}
    ),
    "Condition": frozenset({"participant"}),
    "Procedure": frozenset(
        {"occurrenceDateTime", "occurrencePeriod", "occurrenceString", "occurrenceAge", "occurrenceRange", "occurrenceTiming"}
        | {"reason", "used", "recorded", "reportedBoolean", "reportedReference", "focus"}
    ),
    "Patient": frozenset(),
}
_R4_ONLY: dict[str, frozenset[str]] = {
    "MedicationAdministration": frozenset(
        {"effectiveDateTime", "effectivePeriod", "medicationCodeableConcept", "medicationReference", "reasonCode"}
        | {"reasonReference", "context", "instantiates"}
    ),
    "Medication": frozenset({"form", "amount"}),
    "Observation": frozenset(),
    "Condition": frozenset({"recorder", "asserter"}),
    "Procedure": frozenset({"performedDateTime", "performedPeriod", "reasonCode", "reasonReference", "usedReference"}),
    "Patient": frozenset(),
}
_OLDER_ONLY: dict[str, frozenset[str]] = {
    "MedicationAdministration": frozenset(
        {"effectiveTimeDateTime", "effectiveTimePeriod", "wasNotGiven", "notGiven", "patient", "practitioner", "prescription"}
        | {"reasonNotGiven", "reasonGiven"}
    ),
    "Medication": frozenset({"isBrand", "isOverTheCounter", "package", "product", "image"}),
    "Observation": frozenset({"context", "comment", "comments", "related", "reliability"}),
    "Condition": frozenset({"patient", "dateRecorded", "assertedDate", "context"}),
    "Procedure": frozenset({"notDone", "notDoneReason", "notPerformed", "context", "request", "notes"}),
    "Patient": frozenset({"animal", "careProvider"}),
}
_CODES_IN_OLDER = ("clinicalStatus", "verificationStatus")

NOT_PLAINLY_R4 = {name: _R5_ONLY[name] | _OLDER_ONLY[name] for name in _R5_ONLY}


def release(resource_type: str, fields: Mapping[str, Raw]) -> str:
    """'R4', 'R5', or 'STU3' for STU3 and DSTU2. Shapes that several releases share count as R4."""
    if resource_type == "Condition" and any(bytes(fields.get(name, b""))[:1] == b'"' for name in _CODES_IN_OLDER):
        return OLDER
    if NOT_PLAINLY_R4[resource_type].isdisjoint(fields):
        return R4
    if not _OLDER_ONLY[resource_type].isdisjoint(fields):
        return OLDER
    return R5 if _R4_ONLY[resource_type].isdisjoint(fields) else R4
