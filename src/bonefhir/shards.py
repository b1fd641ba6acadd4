"""Patients dealt into shards while files are read, and shards put together into buckets, so that a bucket at a time is in memory.

What is decided, derived and judged of one patient needs no other's resources, but for ids and references that lead from one
patient to another: for those, ids are compared by a hash (whole.py). Nothing here changes what comes out: only what stands
together while it is worked on.
"""

from hashlib import blake2b
from zlib import crc32

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Numbers = npt.NDArray[np.int64]

BYTES_PER_RESOURCE = 1_000
"""Of FHIR, unpacked: few hospitals write less."""

BYTES_IN_MEMORY = 2_500
"""Reckoned with for one resource while its bucket is worked on, with its verdicts and their evidence: 600 were measured on the
benchmark *sparse* (while resolved), 900 on *dense* (while audited). As much again stays free for the tables that are merged and
checked later, which are as large whatever the buckets are.
"""

BASE, PROCESS = 250 << 20, 220 << 20
"""Bytes of the process that leads (Great Expectations is in it) and of each that works, before any data."""

LEAST, MOST = 30_000, 250_000
"""Resources of a bucket: with fewer what each bucket costs outweighs them, and more take more time, not less, as they leave the
processor's cache."""

PER_BUCKET = 4
"""Shards, about: shards differ in size, and are put together when their sizes are known."""

AT_MOST = 4_096

KEY = np.dtype([("key", "<u8"), ("row", "<u4"), ("shard", "<u2")])
"""Id of a resource as a hash, the row of its table, its shard."""

_WIDTH = 64
_MIX = np.uint64(0x9E3779B97F4A7C15)


def processes(memory: int, cores: int) -> int:
    """As many as there is room for."""
    return max(1, min(cores, (memory - BASE) // (PROCESS + LEAST * BYTES_IN_MEMORY)))


def bucket_size(memory: int, jobs: int) -> int:
    """Resources of a bucket, about, if so many buckets are in memory at a time."""
    return max(LEAST, min(MOST, (memory - BASE - jobs * PROCESS) // (jobs * BYTES_IN_MEMORY)))


def count(size: int, per_bucket: int) -> int:
    """Number of shards for so many bytes of FHIR. One: nothing has to be dealt."""
    resources = size // BYTES_PER_RESOURCE
    return 1 if resources <= per_bucket else min(AT_MOST, -(-resources * PER_BUCKET // per_bucket))


def buckets(sizes: Numbers, per_bucket: int) -> list[tuple[int, int]]:
    """First shard and the one after the last of each bucket; sizes: resources of each shard."""
    found, first, total = [], 0, 0
    for shard, size in enumerate(sizes.tolist()):
        if total and total + size > per_bucket:
            found.append((first, shard))
            first, total = shard, 0
        total += size
    return [*found, (first, len(sizes))]


def of_patients(subjects: pa.ChunkedArray, shards: int) -> Numbers:
    """Shard of each row, by a hash of 'Patient/<id>' that is the same everywhere; of nobody's rows the first.

    `shards` itself where the subject is a urn, of whom only the whole input can tell who it is.
    """
    array = subjects.combine_chunks()
    encoded = array if pa.types.is_dictionary(array.type) else array.dictionary_encode()
    texts = encoded.dictionary.to_pylist()
    known = [shards if text.startswith("urn:") else crc32(text.encode()) % shards for text in texts]
    codes = encoded.indices.fill_null(len(texts)).to_numpy(zero_copy_only=False)
    return np.asarray(np.array([*known, 0], dtype=np.int64)[codes])


def keys(ids: pa.Array) -> npt.NDArray[np.uint64]:
    """A hash of each id; none is null. Equal ids have equal hashes, on every machine."""
    long = pc.greater(pc.binary_length(ids), _WIDTH).to_numpy(zero_copy_only=False)
    if long.any():
        texts = zip(ids.to_pylist(), long.tolist(), strict=True)
        ids = pa.array([blake2b(text.encode()).hexdigest()[:_WIDTH] if cut else text for text, cut in texts], pa.string())
    padded = pc.ascii_rpad(ids, _WIDTH)
    words = np.frombuffer(padded.buffers()[2], "<u8", len(padded) * _WIDTH // 8, padded.offset * _WIDTH).reshape(-1, _WIDTH // 8)
    found = np.zeros(len(words), dtype=np.uint64)
    for word in words.T:
        found = (found ^ word) * _MIX
        found ^= found >> np.uint64(29)
    return found


def identities(ids: pa.ChunkedArray, shard: Numbers) -> npt.NDArray[np.void]:
    """KEY of each row with an id that another patient's resource may have, sorted by key. A contained one's tells whose it is."""
    array = ids.combine_chunks()
    rows = np.flatnonzero(pc.invert(pc.match_substring(array, "#")).fill_null(False).to_numpy(zero_copy_only=False))
    found = np.empty(len(rows), dtype=KEY)
    found["key"] = keys(array.take(pa.array(rows)))
    found["row"], found["shard"] = rows, shard[rows]
    return np.asarray(found[np.argsort(found["key"], kind="stable")])
