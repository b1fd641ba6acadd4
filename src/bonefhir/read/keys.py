"""Duplicate keys. JSON parsers disagree on which of them counts, so neither may be used."""

import json
import re
from collections import Counter
from typing import Any

import msgspec
from msgspec import Raw

TWICE = "a key stands twice in one object: which is meant is unknown"

_SPACED_KEY = re.compile(rb"\s:")
_ANY = msgspec.json.Decoder()
_ENCODE = msgspec.json.Encoder().encode


def same_length(fields: dict[str, Raw], raw: bytes) -> bool:
    """The top-level fields are all that raw holds, if raw has no whitespace outside of strings: so no key was there twice.

    A compact object of n members is as long as its keys and values, two quotation marks and a colon for each, n - 1 commas
    and two braces. A key that came twice, or an escape in a key, makes raw longer: the slow way tells which it is.
    """
    return len(b"".join(fields.values())) + len("".join(fields)) + 4 * len(fields) + 1 == len(raw)


def repeated(raw: bytes, value: Any = msgspec.UNSET) -> bool:
    """Some object in raw, at any depth, has a key twice. raw must be valid JSON.

    Without a backslash in it, `":` stands behind keys only, and a key that came twice is missing after a round trip.
    value: raw as decoded already, if nothing was left out in that.
    """
    if b"\\" in raw or _SPACED_KEY.search(raw):
        return bool(without_repeated(raw)[1])
    try:
        value = _ANY.decode(raw) if value is msgspec.UNSET else value
        return raw.count(b'":') != _ENCODE(value).count(b'":')
    except msgspec.ValidationError:  # a number beyond the range of a float
        return bool(without_repeated(raw)[1])


def without_repeated(raw: bytes) -> tuple[bytes, set[str]]:
    """raw without the members whose key comes twice in their object, as compact JSON; and those keys.

    Numbers keep their digits. Raises RecursionError for JSON that is nested too deeply.
    """
    found: set[str] = set()

    def members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        kept = dict(pairs)
        if len(kept) < len(pairs):
            twice = {key for key, count in Counter(key for key, _ in pairs).items() if count > 1}
            found.update(twice)
            kept = {key: value for key, value in kept.items() if key not in twice}
        return kept

    value = json.loads(raw, object_pairs_hook=members, parse_float=_digits, parse_int=_digits)
    return _ENCODE(value), found


def _digits(text: str) -> Raw:
    return Raw(text.encode("ascii"))
