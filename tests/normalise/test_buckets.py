"""How patients are dealt into buckets."""

from random import Random

import pyarrow as pa
import pytest

from bonefhir.normalise import buckets


@pytest.mark.parametrize(("doses", "labs", "expected"), [(0, 0, 1), (20_000, 400_000, 1), (20_001, 0, 2), (1, 1_000_000, 3)])
def test_their_number_follows_from_the_input(doses: int, labs: int, expected: int) -> None:
    assert buckets.count(doses, labs) == expected


@pytest.mark.parametrize("number", [1, 2, 7])
@pytest.mark.parametrize("kind", [pa.string(), pa.dictionary(pa.int32(), pa.string())])
def test_each_row_is_in_one_bucket_with_all_of_its_patient(number: int, kind: pa.DataType) -> None:
    rng = Random(number)
    patients = [rng.choice([None, *(f"Patient/{n}" for n in range(40))]) for _ in range(500)]
    texts = pa.array(patients, pa.string())
    column = texts if kind == pa.string() else texts.dictionary_encode()
    found = list(buckets.split(pa.table({"patient_id": column, "row": range(500)}), number))
    assert len(found) == number
    rows = [part["row"].to_pylist() for part in found]
    assert sorted(row for part in rows for row in part) == list(range(500))
    assert all(part == sorted(part) for part in rows)
    owners = [set(part["patient_id"].to_pylist()) for part in found]
    assert sum(map(len, owners)) == len(set().union(*owners))


def test_a_table_without_rows_has_a_part_for_each() -> None:
    empty = pa.table({"patient_id": pa.array([], pa.string())})
    assert [len(part) for part in buckets.split(empty, 3)] == [0, 0, 0]
