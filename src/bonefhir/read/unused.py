"""Lines of resource types that are not used: they come in long runs, and are only counted."""

from collections import Counter

import msgspec
import numpy as np

from bonefhir.read import characters
from bonefhir.read.names import RESOURCE_TYPES, USED

UNUSED = RESOURCE_TYPES - USED - {"Bundle"}
_TYPE = b'"resourceType"'


class _Head(msgspec.Struct, rename="camel", gc=False):
    resource_type: str


_head = msgspec.json.Decoder(_Head).decode
_heads = msgspec.json.Decoder(_Head).decode_lines


def count(text: bytes, end: int) -> Counter[str] | None:
    """How many resources of each type the lines before `end` are; null: they must be looked at one by one.

    Each line must be one JSON object with no blank around it: then as many objects as lines mean one in each.
    """
    if not _begins_unused(text):
        return None
    whole = text[:end]
    lines = _objects(whole)
    if whole.count(_TYPE) != lines or (b"\\" in whole and b"\\u" in whole) or not characters.utf8(whole):
        return None
    try:
        found = Counter(head.resource_type for head in _heads(whole))
    except (msgspec.DecodeError, RecursionError):
        return None
    return found if found.keys() <= UNUSED and found.total() == lines else None


def _objects(whole: bytes) -> int | None:
    """The number of lines, if all of them begin and end like an object."""
    letters = np.frombuffer(whole, np.uint8)
    ends = np.flatnonzero(letters == ord("\n"))
    sound = whole[:1] == b"{" and (letters[ends - 1] == ord("}")).all() and (letters[ends[:-1] + 1] == ord("{")).all()
    return len(ends) if sound else None


def _begins_unused(text: bytes) -> bool:
    try:
        return _head(text[: text.find(b"\n") + 1]).resource_type in UNUSED
    except (msgspec.DecodeError, RecursionError):
        return False
