"""Rows of a sheet of a workbook as XML, a column at a time: xlsxwriter, a cell at a time, takes fifty times as long."""

import re
from collections.abc import Sequence
from math import isfinite

import pyarrow as pa
import pyarrow.compute as pc

from bonefhir.report.visible import visible

LONGEST = 32_767
"""Units of UTF-16 that a cell can hold."""

_ODD = r"[^ -~]|[&<>]|_x|^ | $"
"""Where a text may have to be written in another way."""

_ESCAPE = re.compile("(_x[0-9a-fA-F]{4}_)")
"""What looks like the escape of a character would be read as one."""


def rows(columns: Sequence[pa.Array], styles: Sequence[str], first: int) -> pa.Array:
    """A text for each row. columns: texts or numbers; styles: the numbers of theirs; first: number of the first row, from 1."""
    numbers = pa.array(range(first, first + len(columns[0])), pa.int64()).cast(pa.string())
    pieces: list[pa.Array | str] = ['<row r="', numbers, '">']
    for place, (values, style) in enumerate(zip(columns, styles, strict=True)):
        cell = _numbers(values) if pa.types.is_floating(values.type) else _texts(values)
        pieces += [f'<c r="{column_name(place)}', numbers, f'" s="{style}"', cell]
    return pc.binary_join_element_wise(*pieces, "</row>", "")


def column_name(place: int) -> str:
    """'A' to 'Z'."""
    return chr(ord("A") + place)


def _texts(texts: pa.Array) -> pa.Array:
    """What follows the style of a cell. A missing or empty text is a blank cell."""
    plain = pc.fill_null(texts, "")
    cells = pc.if_else(pc.equal(plain, ""), "/>", pc.binary_join_element_wise(*_in_line(plain), ""))
    odd = pc.or_(pc.match_substring_regex(plain, _ODD), pc.greater(pc.utf8_length(plain), LONGEST // 2))
    if not pc.any(odd).as_py():
        return cells
    return pc.replace_with_mask(cells, odd, pa.array([_text(text) for text in plain.filter(odd).to_pylist()], pa.string()))


def _in_line(text: pa.Array | str, space: str = "") -> tuple[str, pa.Array | str, str]:
    return f' t="inlineStr"><is><t{space}>', text, "</t></is></c>"


def _text(text: str) -> str:
    shown = visible(text).encode("utf-16-le")[: 2 * LONGEST].decode("utf-16-le", "ignore")
    escaped = _ESCAPE.sub(r"_x005F\1", shown)
    for plain, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        escaped = escaped.replace(plain, entity)
    space = ' xml:space="preserve"' if shown != shown.strip() else ""
    return "".join(_in_line(escaped, space))


def _numbers(numbers: pa.Array) -> pa.Array:
    """The same of numbers, each distinct one once."""
    encoded = numbers.dictionary_encode()
    told = [f"><v>{number:.16G}</v></c>" if isfinite(number) else _text(str(number)) for number in encoded.dictionary.to_pylist()]
    return pc.fill_null(pa.array(told, pa.string()).take(encoded.indices), "/>")
