"""Patient → the part of its row in `patients_read` that is its own."""

from bonefhir.read import moments
from bonefhir.read.columns import Row
from bonefhir.read.part import Part
from bonefhir.read.resource import NOT_A_DATE, Resource

GENDERS = frozenset({"male", "female", "other", "unknown"})
_BOOLEANS = {b"true": True, b"false": False}


def row(patient: Resource) -> Row:
    return tuple(value for part in PARTS for value in part.read(patient))


def _birth_date(patient: Resource) -> str | None:
    raw = patient.fields.get("birthDate")
    if raw is None:
        return None
    text = moments.day(bytes(raw))
    if text is None:
        patient.fault("not-fhir", "birthDate", NOT_A_DATE)
    return text


def _deceased(patient: Resource) -> bool | None:
    raw = patient.fields.get("deceasedBoolean")
    if raw is None:
        return None
    value = _BOOLEANS.get(bytes(raw))
    if value is None:
        patient.fault("not-fhir", "deceasedBoolean", "not a boolean")
    return value


PARTS = (
    Part(("gender",), lambda patient: (patient.code("gender", GENDERS, required=False),), ("gender",)),
    Part(("birth_date",), lambda patient: (_birth_date(patient),), ("birthDate",)),
    Part(("deceased_boolean",), lambda patient: (_deceased(patient),), ("deceasedBoolean",)),
    Part(("deceased_date_time",), lambda patient: (patient.moment("deceasedDateTime"),), ("deceasedDateTime",)),
)
