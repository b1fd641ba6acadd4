"""Lines of resource types that are not used: they come in long runs, and are only counted."""

from collections import Counter

import msgspec

from bonefhir.read import characters
from bonefhir.read.names import RESOURCE_TYPES, USED

UNUSED = RESOURCE_TYPES - USED - {"Bundle"}
_TYPE = b'"resourceType"'
_OPEN, _CLOSE = ord("{"), ord("}")


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
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    return found if found.keys() <= UNUSED and found.total() == lines else None


def _objects(whole: bytes) -> int | None:
    """The number of lines, if all of them begin and end like an object."""
    lines, begin = 0, 0
    while (end := whole.find(b"\n", begin)) >= 0:
        if whole[begin] != _OPEN or whole[end - 1] != _CLOSE:
            return None
        lines, begin = lines + 1, end + 1
    return lines


def _begins_unused(text: bytes) -> bool:
    try:
        return _head(text[: text.find(b"\n") + 1]).resource_type in UNUSED
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
