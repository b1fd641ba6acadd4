"""Observation → the parts of its rows in `observations_read` that are its own: one for its value, one for each component."""

import msgspec

from bonefhir.read import components, elements, keys, references
from bonefhir.read.columns import Row
from bonefhir.read.elements import NO_QUANTITY, Quantity, Read
from bonefhir.read.part import Part
from bonefhir.read.resource import FIELDS, MISSING, Resource

STATUSES = frozenset({"registered", "preliminary", "final", "amended", "corrected", "cancelled", "entered-in-error", "unknown"})

_PERSONS = ("Patient/", "RelatedPerson/", "Group/", "urn:")


def rows(observation: Resource) -> list[Row]:
    status = _status(observation)
    subject = observation.subject()
    time, kind = _effective(observation)
    if "focus" in observation.fields:
        _check_focus(observation, subject)
    found = [(status, subject, -1, *_value(observation, time, kind))]
    if "component" in observation.fields:
        for index, part in enumerate(_components(observation)):
            found.append((status, subject, index, *_value(part, time, kind)))
            for fault in part.faults:
                observation.faults.append(elements.within(fault, f"component[{index}]") or fault)
            observation.warnings.extend(part.warnings)
    return found


def _status(observation: Resource) -> str | None:
    return observation.code("status", STATUSES)


def _value(part: Resource, time: str | None, time_kind: str | None) -> Row:
    """code … reference_lows, of the Observation itself or of a component."""
    code = _code(part)
    quantity, kind = _quantity(part)
    return (code, time, time_kind, *quantity, kind, _lows(part))


def _code(part: Resource) -> str | None:
    code: str | None = part.get("code", elements.CONCEPT)
    if code is None and "code" not in part.fields:
        part.fault("not-fhir", "code", MISSING)
    return code


def _lows(part: Resource) -> str | None:
    lows: str | None = part.get("referenceRange", elements.LOWS)
    return lows


def _quantity(part: Resource) -> tuple[Quantity, str]:
    """The valueQuantity, and the kind of value. With a dataAbsentReason there is no value, whatever else stands there (obs-6)."""
    if "dataAbsentReason" in part.fields:
        if _kind(part) != "none":
            part.warnings.append("value-and-absent-reason")
        return NO_QUANTITY, "none"
    raw = part.fields.get("valueQuantity")
    if raw is None:
        return NO_QUANTITY, _kind(part)
    read = elements.QUANTITY[bytes(raw)]
    if type(read) is not Read:
        return read, "Quantity" if read.value is not None else "none"
    return part.take("valueQuantity", read), "none" if read.value.value is None and read.fault is None else "Quantity"


def _kind(part: Resource) -> str:
    return next((name[5:] for name in part.fields if name.startswith("value")), "none")


def _components(observation: Resource) -> list[Resource]:
    parts = []
    for index, raw in enumerate(observation.members("component")):
        try:
            fields = FIELDS(raw)
        except msgspec.DecodeError as error:
            observation.take(f"component[{index}]", Read(None, elements.mistyped(error)))
            continue
        if keys.repeated(bytes(raw)):
            observation.fault("duplicate-keys", f"component[{index}]", keys.TWICE)
        parts.append(Resource(fields, "Observation", observation.scope, []))
    return parts


def _effective(observation: Resource) -> tuple[str | None, str | None]:
    """The time as written and which element gave it. Unreadable: null, with a fault; no other element stands in for it."""
    fields = observation.fields
    if "effectiveDateTime" in fields:
        return _with_kind(observation.moment("effectiveDateTime"), "dateTime")
    if "effectiveInstant" in fields:
        return _with_kind(observation.moment("effectiveInstant"), "instant")
    period = observation.get("effectivePeriod", elements.PERIOD)
    if period is not None and (period.end or period.start):
        return (period.end, "period.end") if period.end else (period.start, "period.start")
    if observation.faulty("effectivePeriod"):
        return None, None
    if "issued" in fields:
        return _with_kind(observation.moment("issued"), "issued")
    observation.fault("no-time", "effective[x]", "neither effective[x] nor issued gives a time")
    return None, None


def _with_kind(time: str | None, kind: str) -> tuple[str | None, str | None]:
    return (None, None) if time is None else (time, kind)


def _check_focus(observation: Resource, subject: str | None) -> None:
    """A value about somebody else (a donor, a fetus) that stands in the patient's record."""
    targets = {references.resolve(link, observation.scope) or "" for link in observation.links("focus")}
    if any(target.startswith(_PERSONS) for target in targets - {subject}):
        observation.warnings.append("other-focus")


_VALUES = (
    *("Quantity", "CodeableConcept", "String", "Boolean", "Integer", "Range", "Ratio", "SampledData", "Time", "DateTime"),
    *("Period", "Attachment", "Reference"),
)


def _plain_quantity(observation: Resource) -> Row:
    quantity, kind = _quantity(observation)
    return (*quantity, kind)


def _plain_components(observation: Resource) -> Row:
    """components.COLUMNS of each; none: null. What is wrong with one of them is told at its place the long way."""
    found = []
    for part in _components(observation):
        code, _, _, *others = _value(part, None, None)
        found.append((code, *others))
        observation.faults += part.faults
        observation.warnings += part.warnings
    return (found or None,)


PARTS = (
    Part(("status",), lambda observation: (_status(observation),), ("status",)),
    Part(("subject",), lambda observation: (observation.subject(),), ("subject",)),
    Part(("component",), lambda _: (-1,), ()),
    Part(("code",), lambda observation: (_code(observation),), ("code",)),
    Part(("effective", "effective_kind"), _effective, ("effectiveDateTime", "effectiveInstant", "effectivePeriod"), ("issued",)),
    Part(
        (*(f"quantity_{name}" for name in Quantity._fields), "value_kind"),
        _plain_quantity,
        ("dataAbsentReason", *(f"value{kind}" for kind in _VALUES)),
    ),
    Part(("reference_lows",), lambda observation: (_lows(observation),), ("referenceRange",)),
    Part((components.COLUMN,), _plain_components, ("component",)),
)
"""Of the Observation's own row; and the components, which have rows of their own."""
