"""CodeableConcepts and Medications as the read tables hold them (JSON text) → codings in canonical form, and texts.

Every function here works on one distinct concept; the columns only hold dictionary codes into them.
"""

import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from bonefhir.knowledge.codes import ICD_10, ICD_10_CM, comparable
from bonefhir.knowledge.model import Code

PREFIX_KINDS = frozenset({"icd10cm_category", "icd10who"})

T = TypeVar("T")
V = TypeVar("V")


class CodingJson(msgspec.Struct):
    system: str | None = None
    code: str | None = None
    display: str | None = None


class ConceptJson(msgspec.Struct):
    coding: list[CodingJson] | None = None
    text: str | None = None


@dataclass(frozen=True)
class Concept:
    """codings: (canonical system, comparable code), in order. texts: text, then displays, NFKC-normalised."""

    codings: tuple[tuple[str, str], ...] = ()
    texts: tuple[str, ...] = ()


NOTHING = Concept()


def plain(text: str) -> str:
    """The form in which texts are compared: NFKC, case folded, blanks collapsed."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def decode(text: str | None, systems: Mapping[str, str]) -> Concept:
    """A CodeableConcept; what is no CodeableConcept is an empty one (the reader has rejected it)."""
    if text is None:
        return NOTHING
    try:
        return concept_of(msgspec.json.decode(text, type=ConceptJson), systems)
    except msgspec.MsgspecError:
        return NOTHING


def concept_of(raw: ConceptJson, systems: Mapping[str, str]) -> Concept:
    codings = raw.coding or []
    texts = [raw.text, *(c.display for c in codings)]
    return Concept(
        tuple(comparable(systems.get(c.system, c.system), c.code) for c in codings if c.system and c.code),
        tuple(dict.fromkeys(plain(t) for t in texts if t)),
    )


class CodeIndex(Generic[V]):
    """(system, code) → value, with the prefixes of ICD categories."""

    def __init__(self, rows: Iterable[tuple[Code, V]]) -> None:
        self._exact: dict[tuple[str, str], V] = {}
        self._prefixes: dict[tuple[str, str], V] = {}
        for code, value in rows:
            key = comparable(code.system, code.code)
            self._exact.setdefault(key, value)
            if code.kind in PREFIX_KINDS:
                self._prefixes.setdefault(key, value)
        self._lengths = sorted({len(code) for _, code in self._prefixes}, reverse=True)

    def get(self, coding: tuple[str, str]) -> V | None:
        """The exact row, else the longest category that the code begins with."""
        found = self._exact.get(coding)
        if found is not None or coding[0] not in (ICD_10, ICD_10_CM):
            return found
        system, code = coding
        for length in self._lengths:
            value = self._prefixes.get((system, code[:length]))
            if value is not None and len(code) >= length:
                return value
        return None


def per_distinct(column: pa.ChunkedArray | pa.Array, function: Callable[[str | None], T]) -> tuple[list[T], "np.ndarray"]:
    """The function's value for each distinct text of a symbol column (null last), and each row's index into them."""
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if not pa.types.is_dictionary(array.type):
        array = array.dictionary_encode()
    texts: list[str | None] = array.dictionary.to_pylist()
    values = [function(text) for text in texts] + [function(None)]
    codes = array.indices.fill_null(len(texts)).to_numpy(zero_copy_only=False).astype(np.int64)
    return values, codes


def codes_of(column: pa.ChunkedArray | pa.Array) -> "np.ndarray":
    """A number for each distinct text of a column; null is one of them."""
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    encoded = array if pa.types.is_dictionary(array.type) else array.dictionary_encode()
    return np.asarray(encoded.indices.fill_null(len(encoded.dictionary)).to_numpy(zero_copy_only=False).astype(np.int64))


def repeated(hashes: "npt.NDArray[np.uint64]") -> "npt.NDArray[np.bool_]":
    """Whether each is there more than once."""
    together = np.sort(hashes)
    twice = together[1:][together[1:] == together[:-1]]
    return np.isin(hashes, twice) if len(twice) else np.zeros(len(hashes), dtype=bool)


def taken(values: Iterable[object], codes: "np.ndarray", kind: pa.DataType) -> pa.Array:
    """The value of each row."""
    return pa.array(list(values), kind).take(pa.array(codes))


def files_of(rows: pa.Table, file_names: pa.Array) -> pa.DictionaryArray:
    """Of each row the name of its file."""
    used, codes = np.unique(rows["file"].to_numpy(), return_inverse=True)
    return pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int32)), file_names.take(pa.array(used)))
