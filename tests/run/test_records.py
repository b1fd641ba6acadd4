"""What a portion keeps of its rows comes back as it was, whichever shards are asked for."""

import tracemalloc
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any

import msgspec
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bonefhir import records, scanned, shards, tables
from bonefhir.dealt import OF_PATIENTS
from bonefhir.scanned import Dealt, Part
from bonefhir.tables import Column, Table

SHARDS = 5
WORDS = st.none() | st.sampled_from(["", "a", "β" * 3, "final", "x" * 300])
SUBJECTS = st.none() | st.sampled_from([*(f"Patient/p{n}" for n in range(9)), "urn:uuid:1"])
VALUES: dict[pa.DataType, st.SearchStrategy[Any]] = {
    pa.int64(): st.integers(0, 1 << 60),
    pa.int32(): st.integers(-1, 1 << 30),
    pa.bool_(): st.none() | st.booleans(),
}


def values(column: Column) -> st.SearchStrategy[Any]:
    if column.name == "seq":
        return st.just(0)
    return SUBJECTS if column.name == "subject" else VALUES.get(column.type, WORDS)


def rows_of(table: Table) -> st.SearchStrategy[list[dict[str, Any]]]:
    return st.lists(st.fixed_dictionaries({column.name: values(column) for column in table}), max_size=12)


PORTION = st.fixed_dictionaries({table.name: rows_of(table) for table in OF_PATIENTS})


def read(portions: list[dict[str, list[dict[str, Any]]]]) -> list[dict[str, pa.Table]]:
    """Each row at a place of its own."""
    place = 0
    found = []
    for portion in portions:
        of_portion = {}
        for table in OF_PATIENTS:
            for row in portion[table.name]:
                row["seq"] = place = place + 1
            of_portion[table.name] = pa.Table.from_pylist(portion[table.name], schema=table.schema)
        found.append(of_portion)
    return found


def shard_of(table: Table, row: dict[str, Any]) -> int:
    about = row.get("subject")
    if table is tables.PATIENTS_READ:
        about = None if row["id"] is None else f"Patient/{row['id']}"
    return int(shards.of_patients(pa.chunked_array([pa.array([about], pa.string())]), SHARDS)[0])


@settings(max_examples=25, deadline=None)
@given(st.lists(PORTION, min_size=1, max_size=3), st.sampled_from([0, 2, 100]), st.sampled_from([0, 7]))
def test_rows_come_back(portions: list[dict[str, list[dict[str, Any]]]], few: int, before: int) -> None:
    """few: distinct texts that are numbered, so that portions differ in what they number."""
    as_read = read(portions)
    with TemporaryDirectory() as folder:
        run: Any = SimpleNamespace(parts=Path(folder), work=Path(folder), shards=SHARDS)
        usual, records.FEW = records.FEW, few
        try:
            parts = []
            for number, given_ in enumerate(as_read):
                part = Part(Path(folder) / "scan" / str(number), before * number)
                part.folder.mkdir(parents=True)
                records.write(part.folder, given_, SHARDS)
                parts.append(part)
        finally:
            records.FEW = usual
        scanned.index(run, parts)
        for first, last in ((0, SHARDS), (0, 2), (2, 3), (4, SHARDS)):
            found = Dealt(run).rows(first, last)
            for table in OF_PATIENTS:
                wanted = [
                    row | {"line": row["line"] + before * number}
                    for number, portion in enumerate(portions)
                    for row in portion[table.name]
                    if first <= shard_of(table, row) < last
                ]
                assert found[table.name].to_pylist() == wanted
                assert found[table.name].schema == table.schema
        for part, portion in zip(parts, portions, strict=True):
            for table in OF_PATIENTS:
                assert Part(part.folder, 0).rows(table).to_pylist() == portion[table.name]


def test_of_a_portion_little_is_in_memory_when_all_are_put_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """There may be tens of thousands. Each numbers a thousand texts of some columns, in an order of its own."""
    words = [f"http://terminology.hospital.example/of-some-code/{number}" for number in range(records.FEW)]
    chance, names = Random(1), ("release", "fault", "status", "code")
    part = Part(tmp_path / "scan" / "0", 0)
    part.folder.mkdir(parents=True)
    records.write(part.folder, {}, 2000)

    def layouts(folder: Path) -> dict[str, records.Layout]:
        own = {name: chance.sample(words, len(words)) for name in names}
        made = {table.name: records.Layout(symbols=own) for table in OF_PATIENTS}
        return msgspec.json.decode(msgspec.json.encode(made), type=dict[str, records.Layout])

    monkeypatch.setattr(records, "layouts", layouts)
    run: Any = SimpleNamespace(parts=tmp_path, work=tmp_path, shards=2000)
    scanned.index(run, [part])
    most = {}
    for number in (10, 40):
        tracemalloc.start()
        scanned.index(run, [part] * number)
        most[number] = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert (most[40] - most[10]) / 30 < 200_000
