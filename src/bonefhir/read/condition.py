"""Condition → the part of its row in `conditions_read` that is its own."""

import msgspec

from bonefhir.read import elements
from bonefhir.read.columns import Row
from bonefhir.read.elements import Concept
from bonefhir.read.part import Part
from bonefhir.read.resource import Resource

CLINICAL = frozenset({"active", "recurrence", "relapse", "inactive", "remission", "resolved", "unknown"})
VERIFICATION = frozenset({"unconfirmed", "provisional", "differential", "confirmed", "refuted", "entered-in-error"})
_CLINICAL_SYSTEM = "http://terminology.hl7.org/CodeSystem/condition-clinical"
_VERIFICATION_SYSTEM = "http://terminology.hl7.org/CodeSystem/condition-ver-status"
_UNDATED = ("abatementString", "abatementAge", "abatementRange", "abatementBoolean")
_concept = msgspec.json.Decoder(Concept).decode


def row(condition: Resource) -> Row:
    onset = _onset(condition)
    abatement, undated = _abatement(condition)
    return (
        condition.subject(),
        condition.get("code", elements.CONCEPT),
        onset,
        condition.moment("recordedDate"),
        abatement,
        undated,
        _clinical(condition),
        verification(condition),
    )


def _onset(condition: Resource) -> str | None:
    onset = condition.moment("onsetDateTime")
    period = condition.get("onsetPeriod", elements.PERIOD)
    return onset or (period and period.start)


def _clinical(condition: Resource) -> str | None:
    return _status(condition, "clinicalStatus", _CLINICAL_SYSTEM, CLINICAL)


def verification(condition: Resource) -> str | None:
    return _status(condition, "verificationStatus", _VERIFICATION_SYSTEM, VERIFICATION)


def _abatement(condition: Resource) -> tuple[str | None, bool]:
    """The end as written; and whether it ended on a date that is not given."""
    if "abatementDateTime" in condition.fields:
        return condition.moment("abatementDateTime"), False
    period = condition.get("abatementPeriod", elements.PERIOD)
    if period is not None:
        return period.end, period.end is None
    return None, any(name in condition.fields for name in _UNDATED)


def _status(condition: Resource, name: str, system: str, allowed: frozenset[str]) -> str | None:
    """The code of FHIR's own system (or of none); other systems do not say it. One that FHIR does not have is a fault."""
    text = condition.get(name, elements.CONCEPT)
    if text is None:
        return None
    concept = _concept(text)
    codings = [] if isinstance(concept.coding, msgspec.UnsetType) else concept.coding
    codes = [coding.code for coding in codings if coding.system == system and isinstance(coding.code, str)]
    if any(code not in allowed for code in codes):
        condition.fault("bad-code", f"{name}.coding.code", "not in the required value set")
        return None
    bare = [c.code for c in codings if c.system is msgspec.UNSET and isinstance(c.code, str) and c.code in allowed]
    return next(iter(codes + bare), None)


PARTS = (
    Part(("subject",), lambda condition: (condition.subject(),), ("subject",)),
    Part(("code",), lambda condition: (condition.get("code", elements.CONCEPT),), ("code",)),
    Part(("onset",), lambda condition: (_onset(condition),), ("onsetDateTime", "onsetPeriod")),
    Part(("recorded",), lambda condition: (condition.moment("recordedDate"),), ("recordedDate",)),
    Part(("abatement", "abatement_undated"), _abatement, ("abatementDateTime", "abatementPeriod", *_UNDATED)),
    Part(("clinical_status",), lambda condition: (_clinical(condition),), ("clinicalStatus",)),
    Part(("verification_status",), lambda condition: (verification(condition),), ("verificationStatus",)),
)
