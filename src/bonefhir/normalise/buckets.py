"""Patients dealt into buckets: what is derived and judged of one needs no other, so a bucket at a time is in memory."""

from collections.abc import Iterator
from zlib import crc32

import numpy as np
import numpy.typing as npt
import pyarrow as pa

DOSES = 20_000
LABS = 400_000
"""At most about so many in a bucket, unless one patient has more. Its evidence and verdicts then take some 200 MB."""


def count(doses: int, labs: int) -> int:
    """Number of buckets. It depends on the input only: whatever does the work, the same rows stand together."""
    return max(1, -(-doses // DOSES), -(-labs // LABS))


def split(rows: pa.Table, buckets: int) -> Iterator[pa.Table]:
    """The rows of each bucket, in their order, by column patient_id; rows of nobody are in the first."""
    if buckets == 1:
        yield rows
        return
    bucket = _bucket(rows["patient_id"], buckets)
    order = np.argsort(bucket, kind="stable")
    ends = np.cumsum(np.bincount(bucket, minlength=buckets))
    in_order = rows.take(order)
    for start, end in zip((0, *ends[:-1]), ends, strict=True):
        yield in_order.slice(start, end - start)


def _bucket(patients: pa.ChunkedArray, buckets: int) -> npt.NDArray[np.int64]:
    """By a hash that is the same everywhere."""
    encoded = patients.cast(pa.string()).combine_chunks().dictionary_encode()
    numbers = [crc32(patient.encode()) % buckets for patient in encoded.dictionary.to_pylist()]
    codes = encoded.indices.fill_null(len(numbers)).to_numpy(zero_copy_only=False)
    return np.asarray(np.array([*numbers, 0], dtype=np.int64)[codes])
