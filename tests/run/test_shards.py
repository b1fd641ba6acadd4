"""How patients are dealt into shards, and shards put together into buckets."""

from itertools import pairwise
from random import Random

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bonefhir import shards

GIB = 1 << 30


@pytest.mark.parametrize(("memory", "cores", "expected"), [(GIB, 2, 2), (GIB, 64, 2), (GIB // 4, 8, 1), (16 * GIB, 8, 8)])
def test_as_many_processes_as_there_is_room_for(memory: int, cores: int, expected: int) -> None:
    assert shards.processes(memory, cores) == expected


def test_more_memory_makes_larger_buckets_within_bounds() -> None:
    sizes = [shards.bucket_size(memory, 2) for memory in (GIB // 2, GIB, 2 * GIB, 64 * GIB)]
    assert sizes == sorted(sizes)
    assert (sizes[0], sizes[-1]) == (shards.LEAST, shards.MOST)
    assert 2 * (shards.PROCESS + sizes[1] * shards.BYTES_IN_MEMORY) + shards.BASE <= GIB


@pytest.mark.parametrize(("size", "expected"), [(0, 1), (100_000, 1), (101_000, 5), (10**15, shards.AT_MOST)])
def test_what_fits_into_one_bucket_is_not_dealt(size: int, expected: int) -> None:
    assert shards.count(size, 100) == expected


@given(st.lists(st.integers(0, 50), min_size=1, max_size=30), st.integers(1, 100))
def test_a_bucket_is_a_run_of_shards_and_no_larger_than_it_must_be(sizes: list[int], per_bucket: int) -> None:
    found = shards.buckets(np.array(sizes), per_bucket)
    assert [shard for first, last in found for shard in range(first, last)] == list(range(len(sizes)))
    for first, last in found:
        assert sum(sizes[first:last]) <= per_bucket or sum(size > 0 for size in sizes[first:last]) == 1
    for (first, _), (_, last) in pairwise(found):
        assert sum(sizes[first:last]) > per_bucket


@pytest.mark.parametrize("kind", [pa.string(), pa.dictionary(pa.int32(), pa.string())])
def test_all_rows_of_a_patient_are_in_one_shard_and_urns_apart(kind: pa.DataType) -> None:
    chance = Random(1)
    names = [f"Patient/{number}" for number in range(300)]
    subjects = [chance.choice([None, "urn:uuid:1", *names]) for _ in range(2000)]
    texts = pa.array(subjects, pa.string())
    column = pa.chunked_array([texts if kind == pa.string() else texts.dictionary_encode()])
    found = shards.of_patients(column, 7).tolist()
    by_patient: dict[str | None, set[int]] = {}
    for subject, shard in zip(subjects, found, strict=True):
        by_patient.setdefault(subject, set()).add(shard)
    assert by_patient.pop(None) == {0}
    assert by_patient.pop("urn:uuid:1") == {7}
    assert all(len(each) == 1 for each in by_patient.values())
    assert set.union(*by_patient.values()) == set(range(7))


IDS = st.lists(st.one_of(st.text("ab-.", max_size=90), st.text(max_size=30)), max_size=30)


@given(IDS)
def test_only_equal_ids_have_equal_keys(ids: list[str]) -> None:
    keys = shards.keys(pa.array(ids, pa.string())).tolist()
    trimmed = {text.rstrip(" ") for text in ids}
    assert len(set(keys)) == len(trimmed)
    assert keys == [shards.keys(pa.array([text], pa.string()))[0] for text in ids]


def test_the_keys_of_a_run_on_another_machine_are_the_same() -> None:
    assert shards.keys(pa.array(["a", "creatinine-17"])).tolist() == [15698005472742328457, 3541904686930075468]


def test_identities_are_sorted_and_leave_out_what_nobody_else_can_have() -> None:
    ids = pa.chunked_array([["b", None, "d1#p", "a"], ["b"]], pa.string())
    found = shards.identities(ids, np.array([4, 0, 1, 2, 3]))
    assert found["key"].tolist() == sorted(found["key"].tolist())
    assert sorted(zip(found["row"].tolist(), found["shard"].tolist(), strict=True)) == [(0, 4), (3, 2), (4, 3)]
