"""How deeply JSON is nested, without recursion: for text that may be hostile."""

import re

_STRINGS = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_PAIR = re.compile(rb"\{\}|\[\]")
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))


def exceeds(raw: bytes, limit: int) -> bool:
    """raw, which is valid JSON, has more than `limit` objects and arrays inside of each other."""
    if raw.count(b"{") + raw.count(b"[") <= limit:
        return False
    brackets = _STRINGS.sub(b"", raw).translate(None, _NO_BRACKETS)
    for _ in range(limit):
        if not brackets:
            return False
        brackets = _PAIR.sub(b"", brackets)
    return bool(brackets)
