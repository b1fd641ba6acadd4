"""References by urn:uuid that only the whole input can resolve."""

import json
from collections.abc import Mapping

import numpy as np
import pyarrow as pa

from bonefhir import tables

_PLAIN = ("subject", "medication_ref", "request")
_LISTS = ("part_of", "reason_refs")


def urn_targets(full_urls: pa.Table) -> dict[str, str]:
    """urn:uuid → 'Type/<id>'. Of one urn with several targets the first in reading order counts."""
    targets: dict[str, str] = {}
    for url, target in zip(full_urls["url"].to_pylist(), full_urls["target"].to_pylist(), strict=True):
        targets.setdefault(url, target)
    return targets


def resolve(table: pa.Table, targets: Mapping[str, str]) -> pa.Table:
    """The table with its urns replaced; one that stays unresolved is null (in a list: null as its element)."""
    for name in [n for n in (*_PLAIN, *_LISTS) if n in table.column_names]:
        index = table.schema.get_field_index(name)
        table = table.set_column(index, table.schema.field(index), _replaced(table[name], targets, name in _LISTS))
    return table


def _replaced(column: pa.ChunkedArray, targets: Mapping[str, str], lists: bool) -> pa.Array:
    array = column.combine_chunks()
    if isinstance(array, pa.ChunkedArray):
        array = array.chunk(0) if array.num_chunks else pa.array([], tables.SYMBOL)
    texts = array.dictionary.to_pylist()
    if not any("urn:" in text for text in texts):
        return array
    replaced = [_of_list(text, targets) if lists else _of(text, targets) for text in texts]
    codes = array.indices.fill_null(len(texts)).to_numpy(zero_copy_only=False)
    values = np.array([*replaced, None], dtype=object)[codes]
    return pa.array(values, pa.string()).dictionary_encode().cast(tables.SYMBOL)


def _of(text: str, targets: Mapping[str, str]) -> str | None:
    return targets.get(text) if text.startswith("urn:") else text


def _of_list(text: str, targets: Mapping[str, str]) -> str:
    return json.dumps([_element(element, targets) for element in json.loads(text)], ensure_ascii=False)


def _element(element: object, targets: Mapping[str, str]) -> object:
    if isinstance(element, dict):
        ref = element.get("ref")
        return element | {"ref": _of(ref, targets) if isinstance(ref, str) else None}
    return _of(element, targets) if isinstance(element, str) else None
