"""Columns of texts as JSON has them, without a Python object for each: most texts need no more than quotes."""

import json

import pyarrow as pa
import pyarrow.compute as pc

from bonefhir.report.plain import bytes_of, has, is_printable
from bonefhir.report.visible import visible

_ODD = r"[^ !#-\[\]-~]"
"""All but printable ASCII, and what JSON escapes of that."""


def quoted(texts: pa.Array, show: bool = True) -> pa.Array:
    """As json.dumps writes them, ASCII only; what is missing as an empty text. show: hidden characters spelled out."""
    plain = pc.fill_null(texts, "")
    found = pc.binary_join_element_wise('"', plain, '"', "")
    whole = bytes_of(plain)
    if is_printable(whole) and not has(whole, '"\\'):
        return found
    odd = pc.match_substring_regex(plain, _ODD)
    if not pc.any(odd).as_py():
        return found
    escaped = [json.dumps(visible(text) if show else text) for text in plain.filter(odd).to_pylist()]
    return pc.replace_with_mask(found, odd, pa.array(escaped, pa.string()))
