"""The short way for the resource that fills most files: an Observation with one quantity, a time, a patient, and no oddities.

It gives the row that the long way would give, or null: then the long way is taken. A test compares the two.
"""

import msgspec
from msgspec import UNSET, Raw

from bonefhir.read import elements, moments, observation, references
from bonefhir.read.columns import Row
from bonefhir.read.contained import Fields
from bonefhir.read.elements import Quantity
from bonefhir.read.references import Link, Scope
from bonefhir.read.release import NOT_PLAINLY_R4
from bonefhir.read.resource import META

_ODD = NOT_PLAINLY_R4["Observation"] | {
    *("component", "contained", "dataAbsentReason", "focus", "implicitRules", "modifierExtension"),
    *("effectiveInstant", "effectivePeriod", "effectiveTiming"),
}
_STATUSES = {f'"{status}"'.encode(): status for status in observation.STATUSES}
_NO_META = (None, None)


def observation_row(fields: Fields, scope: Scope | None) -> tuple[Row, Row] | None:
    """lastUpdated and versionId; and the columns that are an Observation's own. Null: not plain, or something is wrong."""
    try:
        if not _ODD.isdisjoint(fields):
            return None
        status = _STATUSES[bytes(fields["status"])]
        link = references.LINK[bytes(fields["subject"])]
        code = elements.CONCEPT[bytes(fields["code"])]
        time = moments.date_time(bytes(fields["effectiveDateTime"]))
        quantity = elements.QUANTITY[bytes(fields["valueQuantity"])]
    except KeyError:
        return None
    if time is None or type(code) is not str or type(quantity) is not Quantity or type(link) is not Link:
        return None
    subject = link.target if link.kind == "to" else references.resolve(link, scope) or ""
    if moments.without_seconds(time) or quantity.value is None or subject[:8] != "Patient/":
        return None
    ranges = fields.get("referenceRange")
    lows = None if ranges is None else elements.LOWS[bytes(ranges)]
    raw = fields.get("meta")
    meta = _NO_META if raw is None else _meta(raw)
    if meta is None or type(lows) is elements.Read:
        return None
    return meta, (status, subject, -1, code, time, "dateTime", *quantity, "Quantity", lows)


def _meta(raw: Raw) -> tuple[str | None, str | None] | None:
    text = bytes(raw)
    if text.count(b'"lastUpdated"') > 1 or text.count(b'"versionId"') > 1:
        return None
    try:
        meta = META(text)
    except msgspec.DecodeError:
        return None
    version = None if meta.version_id is UNSET else meta.version_id
    if meta.last_updated is UNSET:
        return None, version
    updated = moments.date_time(bytes(meta.last_updated))
    return None if updated is None else (updated, version)
