"""The closed vocabularies of verdicts, reasons and assumptions, and sets of them as bits of an integer column.

A set of reasons or assumptions of a million rows is one int64 column: union is `|`, and the order of the bits is the
order in which semantics.md lists the words, so turning bits into lists also sorts them.
"""

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

PASS, FAIL, INDETERMINATE, NOT_APPLICABLE = "pass", "fail", "indeterminate", "not_applicable"

SEVERITIES = ("info", "warning", "error")
"""Ascending."""

REASONS = (
    "no-route",
    "no-creatinine",
    "no-weight",
    "no-age",
    "no-sex",
    "only-egfr",
    "no-egfr",
    "no-calcium",
    "albumin-unknown",
    "dose-unit",
    "no-dose",
    "no-duration",
    "no-baseline",
    "no-counts",
    "unusable-lab",
    "no-lab-records",
    "not-yet-due",
    "no-dental-records",
    "partial-date",
    "printed-gap",
    "bounds",
)
"""Why a verdict is indeterminate, in the order in which they are listed."""

DOSE_ASSUMPTIONS = (
    "status-unknown",
    "matched-by-text",
    "product-by-text",
    "product-by-amount",
    "product-by-indication",
    "product-by-default",
    "indication-assumed",
    "condition-by-text",
    "no-offset",
    "merged-parts",
    "dose-unit-alias",
    "amount-from-rate",
)
"""Assumptions about the dose itself: on every row of the dose."""

EVIDENCE_ASSUMPTIONS = (
    "first-in-data",
    "same-day-order",
    "time-from-issued",
    "unit-alias",
    "lab-no-offset",
    "albumin-unknown",
    "crcl-as-reported",
    "egfr-as-reported",
    "newer-unusable",
    "calcium-limit-default",
    "condition-by-text-evidence",
    "from-component",
    "duration-from-rate",
)
"""Assumptions about a piece of evidence: only on the rows that used it."""

ASSUMPTIONS = DOSE_ASSUMPTIONS + EVIDENCE_ASSUMPTIONS

PRINTED_AS = {
    "dose-unit-alias": "unit-alias",
    "lab-no-offset": "no-offset",
    "condition-by-text-evidence": "condition-by-text",
}
"""Bits that are kept apart inside but are one word outside."""

Bits = npt.NDArray[np.int64]


def reason(name: str) -> int:
    """The bit of a reason."""
    return 1 << REASONS.index(name)


def assumption(name: str) -> int:
    """The bit of an assumption."""
    return 1 << ASSUMPTIONS.index(name)


def as_lists(bits: Bits, words: Sequence[str]) -> pa.ListArray:
    """One list of words per row, in the order of `words`, each word once."""
    lists, rows = distinct(bits, words)
    return pa.array(lists, type=pa.list_(pa.string())).take(rows)


def as_texts(bits: Bits, words: Sequence[str]) -> pa.DictionaryArray:
    """The same words in one text per row, apart by blanks; '' for none."""
    lists, rows = distinct(bits, words)
    return pa.DictionaryArray.from_arrays(rows, pa.array([" ".join(each) for each in lists], pa.string()))


def distinct(bits: Bits, words: Sequence[str]) -> tuple[list[list[str]], pa.Array]:
    """The words of each distinct set of bits, and which of them each row has."""
    printed = [PRINTED_AS.get(word, word) for word in words]
    sets = pa.array(np.asarray(bits, dtype=np.int64)).dictionary_encode()
    lists = [list(dict.fromkeys(word for i, word in enumerate(printed) if one >> i & 1)) for one in sets.dictionary.to_pylist()]
    return lists, sets.indices


def evidence_bits(texts: pa.ChunkedArray) -> Bits:
    """The assumptions about a piece of evidence that such texts stand for."""
    bit = {PRINTED_AS.get(word, word): assumption(word) for word in EVIDENCE_ASSUMPTIONS}
    array = pc.cast(texts, pa.string()).combine_chunks().dictionary_encode()
    values = np.array([union(bit[word] for word in text.split()) for text in array.dictionary.to_pylist()], dtype=np.int64)
    return np.asarray(values[array.indices.to_numpy(zero_copy_only=False)])


def union(bits: Iterable[int]) -> int:
    total = 0
    for bit in bits:
        total |= bit
    return total


UNREADABLE = "?"
"""The analyte of a measurement whose code cannot be read: it could be any."""

NONE, POSSIBLE, CERTAIN = 0, 1, 2
"""States of something that may be on record: not, perhaps, certainly."""
