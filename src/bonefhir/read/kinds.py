"""The resource types that are used: which table their rows go to, and what makes the rows."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from bonefhir.read import administration, condition, medication, observation, patient, procedure
from bonefhir.read.columns import Row
from bonefhir.read.part import Part
from bonefhir.read.release import R4, R5
from bonefhir.read.resource import Resource
from bonefhir.tables import (
    ADMINISTRATIONS_READ,
    CONDITIONS_READ,
    MEDICATIONS_READ,
    OBSERVATIONS_READ,
    PATIENTS_READ,
    PROCEDURES_READ,
    Table,
)


@dataclass(frozen=True)
class Kind:
    """rows: from the resource, the columns of its table that follow those of its source.

    parts: what they are made of in a plain resource of each release; none: it needs thought.
    """

    table: Table
    rows: Callable[[Resource], list[Row]]
    parts: Mapping[str, tuple[Part, ...]] = field(default_factory=dict)


def _one(row: Callable[[Resource], Row]) -> Callable[[Resource], list[Row]]:
    return lambda resource: [row(resource)]


def _both(parts: tuple[Part, ...]) -> Mapping[str, tuple[Part, ...]]:
    return {R4: parts, R5: parts}


KINDS = {
    "Patient": Kind(PATIENTS_READ, _one(patient.row), _both(patient.PARTS)),
    "Medication": Kind(MEDICATIONS_READ, _one(medication.row)),
    "MedicationAdministration": Kind(ADMINISTRATIONS_READ, _one(administration.row), administration.PARTS),
    "Observation": Kind(OBSERVATIONS_READ, observation.rows, _both(observation.PARTS)),
    "Condition": Kind(CONDITIONS_READ, _one(condition.row), _both(condition.PARTS)),
    "Procedure": Kind(PROCEDURES_READ, _one(procedure.row), _both(procedure.PARTS)),
}
