"""Characters that JSON allows and FHIR or our outputs do not: NUL, lone surrogates, bytes that are not UTF-8, bidi overrides.

Everything here works on raw bytes before decoding. Replacements keep the length in bytes where the text is still to be
found by position (`mend`); letters that hide behind an escape are written out (`plain`), so that later searches see them.
"""

import codecs
import re

BOM = b"\xef\xbb\xbf"
BLANK = b" \t\r\n"

_HEX = rb"[0-9a-fA-F]"
_TOKEN = re.compile(
    rb"\\(?:"
    rb"u[dD][89abAB]" + _HEX * 2 + rb"\\u[dD][c-fC-F]" + _HEX * 2 + rb"|"  # a pair: sound
    rb"(u[dD][89a-fA-F]" + _HEX * 2 + rb"|u0000)|"  # 1: a lone surrogate, or NUL
    rb"u00([2-7]" + _HEX + rb")|"  # 2: a printable ASCII character
    rb".)",
    re.DOTALL,
)
_SUSPECT = re.compile(rb"\\u(?:0000|00[2-7]|[dD][89a-fA-F])")
_BIDI = re.compile(rb"\xe2\x80[\xaa-\xae]|\xe2\x81[\xa6-\xa9]|\\u202[a-eA-E]|\\u206[6-9]")
_REPLACEMENT = b"\\ufffd"


def suspect(raw: bytes) -> bool:
    """May hold an escape that `mend` or `plain` changes."""
    return b"\\" in raw and _SUSPECT.search(raw) is not None


def mend(raw: bytes) -> tuple[bytes, list[int]]:
    """raw with NUL and lone surrogates replaced, byte for byte of the same length; and where they stood."""
    places: list[int] = []

    def replace(match: re.Match[bytes]) -> bytes:
        if match[1] is None:
            return match[0]
        places.append(match.start())
        return _REPLACEMENT

    return _TOKEN.sub(replace, raw), places


def plain(raw: bytes) -> bytes:
    """raw with escaped printable ASCII written out, but for the quotation mark and the backslash: `\\u0069d` becomes `id`."""

    def replace(match: re.Match[bytes]) -> bytes:
        if match[2] is None:
            return match[0]
        character = bytes.fromhex(match[2].decode("ascii"))
        return match[0] if character in b'"\\\x7f' else character

    return _TOKEN.sub(replace, raw)


def utf8(raw: bytes) -> bool:
    """Valid UTF-8. In pieces, so that a document of gigabytes is not doubled."""
    if raw.isascii():
        return True
    decoder = codecs.getincrementaldecoder("utf-8")()
    step = 1 << 20
    try:
        for start in range(0, len(raw), step):
            decoder.decode(raw[start : start + step])
        decoder.decode(b"", True)
    except UnicodeDecodeError:
        return False
    return True


def replaced(raw: bytes) -> bytes:
    """raw with what is not UTF-8 replaced by U+FFFD: to see what a broken resource was about, never to use it."""
    return raw.decode("utf-8", "replace").encode()


def bidi(raw: bytes) -> bool:
    """Holds a character that turns the direction of the text around (a drug's name may read differently than it is)."""
    return _BIDI.search(raw) is not None
