"""References by urn:uuid that only the whole input can resolve."""

import json
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from bonefhir import tables

_PLAIN = ("subject", "medication_ref", "request")
_LISTS = ("part_of", "reason_refs")


def urns(table: pa.Table) -> set[str]:
    """Those that the references of a table still are."""
    found: set[str] = set()
    for name in [n for n in (*_PLAIN, *_LISTS) if n in table.column_names]:
        distinct = table[name].combine_chunks().dictionary if len(table) else pa.array([], pa.string())
        texts = distinct.filter(pc.match_substring(distinct, "urn:")).to_pylist()
        found.update(ref for text in texts for ref in (_refs(text) if name in _LISTS else (text,)) if ref.startswith("urn:"))
    return found


def _refs(text: str) -> list[str]:
    """Of a list of part_of or reason_refs."""
    found = (each.get("ref") if isinstance(each, dict) else each for each in json.loads(text))
    return [ref for ref in found if isinstance(ref, str)]


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
    if not pc.any(pc.match_substring(array.dictionary, "urn:")).as_py():
        return array
    texts = array.dictionary.to_pylist()
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


def conditions(reason_refs: pa.ChunkedArray, numbers: npt.NDArray[np.int64]) -> tuple[pa.Array, npt.NDArray[np.int64]]:
    """Ids of the Conditions that are named, and the number of the row that names each; once for each number."""
    encoded = reason_refs.cast(pa.string()).combine_chunks().dictionary_encode()
    codes, rows = np.unique(np.stack([encoded.indices.to_numpy(), numbers]), axis=1)
    named = [[ref[10:] for ref in _refs(text) if ref.startswith("Condition/")] for text in encoded.dictionary.to_pylist()]
    lengths = np.array([len(named[code]) for code in codes.tolist()], dtype=np.int64)
    return pa.array([each for code in codes.tolist() for each in named[code]], pa.string()), np.repeat(rows, lengths)
