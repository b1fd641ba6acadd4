"""Characters that hide, reorder or break what stands around them, spelled out.

Text of the data can hold U+202E, which turns the words after it round, or a zero-width space in the middle of a drug's
name. Whatever a person is shown goes through here.
"""

import re
from collections.abc import Iterable

import pyarrow as pa
import pyarrow.compute as pc

# Controls, format characters (bidirectional, zero width, tags), line and paragraph separators, private use, noncharacters.
# Ranges instead of categories: the same list serves Python's regular expressions and Arrow's.
_RANGES = (
    (0x00, 0x1F),
    (0x7F, 0x9F),
    (0xAD, 0xAD),
    (0x600, 0x605),
    (0x61C, 0x61C),
    (0x6DD, 0x6DD),
    (0x70F, 0x70F),
    (0x8E2, 0x8E2),
    (0x115F, 0x1160),
    (0x180B, 0x180F),
    (0x200B, 0x200F),
    (0x2028, 0x202E),
    (0x2060, 0x206F),
    (0x3164, 0x3164),
    (0xE000, 0xF8FF),
    (0xFE00, 0xFE0F),
    (0xFEFF, 0xFEFF),
    (0xFFA0, 0xFFA0),
    (0xFFF0, 0xFFFC),
    (0xFFFE, 0xFFFF),
    (0x1D173, 0x1D17A),
    (0xE0000, 0xE0FFF),
    (0xF0000, 0x10FFFF),
)
# Bytes of a file's name that are not UTF-8, as Python holds them. Arrow's texts have none.
_BYTES = (0xDC80, 0xDCFF)
_HIDDEN = re.compile("[" + "".join(f"{re.escape(chr(a))}-{re.escape(chr(b))}" for a, b in (*_RANGES, _BYTES)) + "]")
HIDDEN = "[" + "".join(f"\\x{{{a:x}}}-\\x{{{b:x}}}" for a, b in _RANGES) + "]"


def visible(text: str) -> str:
    """`text` with each hidden character as ⟨U+202E⟩, and each byte of a file's name that is not UTF-8 as \\xff."""
    return _HIDDEN.sub(lambda match: _spelled(ord(match.group())), text)


def visible_texts(texts: Iterable[str]) -> list[str]:
    """The same for many: most are plain, and to look at all of them together is the quickest way to know."""
    listed = list(texts)
    if _HIDDEN.search("".join(listed)) is None:
        return listed
    return [text if text.isascii() and text.isprintable() else visible(text) for text in listed]


def _spelled(code: int) -> str:
    return f"\\x{code - 0xDC00:02x}" if _BYTES[0] <= code <= _BYTES[1] else f"⟨U+{code:04X}⟩"


def visible_column(texts: pa.Array) -> pa.Array:
    """The same for a column of texts. Null stays null. Hidden characters are rare, so rows without any are not touched."""
    hidden = pc.fill_null(pc.match_substring_regex(texts, HIDDEN), False)
    if not pc.any(hidden).as_py():
        return texts
    spelled = pa.array([visible(text) for text in pc.filter(texts, hidden).to_pylist()], pa.string())
    return pc.replace_with_mask(texts, hidden, spelled)
