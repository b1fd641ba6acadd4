"""Contained resources: found by id inside of their parent."""

import msgspec
import pyarrow as pa
from msgspec import Raw

from bonefhir.read import characters

Fields = dict[str, Raw]
_fields = msgspec.json.Decoder(Fields).decode
_members = msgspec.json.Decoder(list[Raw]).decode


def matching(raw: Raw, identity: str, resource_type: str) -> Fields | None:
    """The fields of a contained resource if it has this id and type. One that is no object is for the conformance check."""
    try:
        fields = _fields(raw)
        found = msgspec.json.decode(fields["id"], type=str), msgspec.json.decode(fields["resourceType"], type=str)
    except (msgspec.DecodeError, UnicodeDecodeError, KeyError):
        return None
    return fields if found == (identity, resource_type) else None


def find(parent: bytes, identity: str, resource_type: str) -> tuple[int, bytes, Fields] | None:
    """Where in the parent's bytes the contained resource begins, its bytes, its fields."""
    try:
        members = _members(_fields(parent)["contained"])
    except (msgspec.DecodeError, UnicodeDecodeError, KeyError):
        return None  # the parent could be read only after it was mended: it is rejected anyway
    for raw in members:
        fields = matching(raw, identity, resource_type)
        if fields is not None and characters.utf8(bytes(raw)):
            return pa.py_buffer(raw).address - pa.py_buffer(parent).address, bytes(raw), fields
    return None
