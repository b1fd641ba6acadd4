"""Resources of R4 in the shape of R5: what was renamed, and what became a CodeableReference."""

from typing import Any

from tests.generate.writing import Resource

RENAMED = {
    "MedicationAdministration": {"effectiveDateTime": "occurenceDateTime", "effectivePeriod": "occurencePeriod"},
    "Procedure": {"performedDateTime": "occurrenceDateTime", "performedPeriod": "occurrencePeriod"},
}


def as_r5(resource: Resource) -> Resource:
    """R5 itself spells a dose's time `occurence`."""
    names = RENAMED.get(resource["resourceType"], {})
    found = {names.get(name, name): value for name, value in resource.items()}
    if "contained" in found:
        found["contained"] = [as_r5(one) for one in found["contained"]]
    if resource["resourceType"] == "MedicationAdministration":
        _dose(found)
    elif resource["resourceType"] == "Medication" and "ingredient" in found:
        found["ingredient"] = [_ingredient(one) for one in found["ingredient"]]
    elif resource["resourceType"] == "Condition":
        found.setdefault("clinicalStatus", {"coding": [{"code": "active"}]})
    return found


def _dose(found: dict[str, Any]) -> None:
    for name, part in (("medicationCodeableConcept", "concept"), ("medicationReference", "reference")):
        if name in found:
            found["medication"] = {part: found.pop(name)}
    reasons = [{"concept": one} for one in found.pop("reasonCode", [])]
    reasons += [{"reference": one} for one in found.pop("reasonReference", [])]
    if reasons:
        found["reason"] = reasons


def _ingredient(ingredient: Resource) -> Resource:
    found = {"item": {"concept": ingredient["itemCodeableConcept"]}}
    return found | ({"strengthRatio": ingredient["strength"]} if "strength" in ingredient else {})
