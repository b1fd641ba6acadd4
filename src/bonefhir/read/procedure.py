"""Procedure → the part of its row in `procedures_read` that is its own."""

from bonefhir.read import elements
from bonefhir.read.columns import Row
from bonefhir.read.part import Part
from bonefhir.read.resource import Resource

STATUSES = frozenset({"preparation", "in-progress", "not-done", "on-hold", "stopped", "completed", "entered-in-error", "unknown"})


def row(procedure: Resource) -> Row:
    return tuple(value for part in PARTS for value in part.read(procedure))


def _performed(procedure: Resource) -> str | None:
    """performed[x] of R4, occurrence[x] of R5: the time, else the end of the period, else its start."""
    for stem in ("performed", "occurrence"):
        if f"{stem}DateTime" in procedure.fields:
            return procedure.moment(f"{stem}DateTime")
        period = procedure.get(f"{stem}Period", elements.PERIOD)
        if period is not None:
            time: str | None = period.end or period.start
            return time
    return None


PARTS = (
    Part(("status",), lambda procedure: (procedure.code("status", STATUSES),), ("status",)),
    Part(("subject",), lambda procedure: (procedure.subject(),), ("subject",)),
    Part(("code",), lambda procedure: (procedure.get("code", elements.CONCEPT),), ("code",)),
    Part(
        ("performed",),
        lambda procedure: (_performed(procedure),),
        ("performedDateTime", "performedPeriod", "occurrenceDateTime", "occurrencePeriod"),
    ),
)
