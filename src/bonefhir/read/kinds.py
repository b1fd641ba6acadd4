"""The resource types that are used: which table their rows go to, and what makes the rows."""

from collections.abc import Callable
from dataclasses import dataclass

from bonefhir.read import administration, condition, medication, observation, patient, procedure
from bonefhir.read.columns import Row
from bonefhir.read.part import Part
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

    parts: what they are made of in a plain resource, which has one row; none: it needs thought.
    """

    table: Table
    rows: Callable[[Resource], list[Row]]
    parts: tuple[Part, ...] = ()


def _one(row: Callable[[Resource], Row]) -> Callable[[Resource], list[Row]]:
    return lambda resource: [row(resource)]


KINDS = {
    "Patient": Kind(PATIENTS_READ, _one(patient.row), patient.PARTS),
    "Medication": Kind(MEDICATIONS_READ, _one(medication.row)),
    "MedicationAdministration": Kind(ADMINISTRATIONS_READ, _one(administration.row), administration.PARTS),
    "Observation": Kind(OBSERVATIONS_READ, observation.rows, observation.PARTS),
    "Condition": Kind(CONDITIONS_READ, _one(condition.row), condition.PARTS),
    "Procedure": Kind(PROCEDURES_READ, _one(procedure.row), procedure.PARTS),
}
