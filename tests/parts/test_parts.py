"""Sorted parts, merged: the same rows in order, the same bytes however they were dealt to the parts."""

from collections.abc import Collection
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from bonefhir import parts, tables
from bonefhir.coded import coded
from bonefhir.tables import Table

Row = dict[str, Any]


@pytest.fixture(autouse=True)
def small_row_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts, "PART_CELLS", 46)
    monkeypatch.setattr(parts, "ROWS", 10)
    monkeypatch.setattr(parts, "CELLS", 200)
    monkeypatch.setattr(parts, "MOST", 3)


def verdict(number: int, chance: Random) -> Row:
    said = {"role": "dose", "resource": f"M/{number // 2}", "time": None, "reported": "4 mg", "unit": None}
    items = [said | {"value_low": 4.0, "value_high": None}] * chance.randrange(3)
    row = {column.name: f"{column.name} {chance.randrange(4)}" for column in tables.VERDICTS if column.type == pa.string()}
    lists = {"reasons": ["bounds"] if chance.random() < 0.2 else [], "assumptions": [], "evidence": items}
    numbers = {"observed_low": float(number), "observed_high": None, "limit": 1.5}
    return row | lists | numbers | {"dose_id": f"M/{number // 2:03d}", "rule_id": f"R-{number % 2}"}


def quality(number: int, chance: Random) -> Row:
    """Long runs of one key, and keys that are missing."""
    row: Row = {column.name: None for column in tables.DATA_QUALITY}
    kind = chance.choice(["duplicate-dose", "partial-date", "unit-suspect"])
    resource = chance.choice([None, "Observation/é", "Observation/a", "Observation/🦴"])
    return row | {"kind": kind, "resource": resource, "line": chance.choice([None, 1, number]), "detail": str(number)}


def lab(number: int, chance: Random) -> Row:
    """Two of each id, which may lie in parts of their own."""
    row: Row = {column.name: None for column in tables.LABS}
    analyte = chance.choice(["calcium", "creatinine"])
    own = {"resource": f"Observation/{number // 2:04d}", "analyte": analyte, "time": str(number)}
    return row | own | {"value_low": float("nan")}


MADE = [(tables.VERDICTS, verdict), (tables.DATA_QUALITY, quality), (tables.LABS, lab)]


def table_of(table: Table, rows: list[Row]) -> pa.Table:
    plain = pa.schema([(c.name, pa.string() if c.type == tables.SYMBOL else c.type) for c in table])
    return tables.build(table, {name: pa.Table.from_pylist(rows, plain)[name] for name in table.names})


def merged(folder: Path, table: Table, dealt: list[list[Row]], plain: Collection[str] = ()) -> Path:
    folder.mkdir()
    paths = [folder / f"{number}.parquet" for number in range(len(dealt))]
    for path, rows in zip(paths, dealt, strict=True):
        parts.write_part(path, table, coded(table_of(table, rows), plain))
    parts.write_whole(folder / "whole.parquet", table, paths)
    return folder / "whole.parquet"


def key(table: Table, row: Row) -> list[tuple[bool, Any]]:
    """Missing last; texts by code point."""
    return [(row[name] is None, "" if row[name] is None else row[name]) for name in parts.ORDER[table.name]]


@pytest.mark.parametrize(("table", "made"), MADE, ids=[table.name for table, _ in MADE])
@pytest.mark.parametrize("number", [0, 1, 9, 10, 47])
@pytest.mark.parametrize("plain", [(), parts.PLAIN], ids=["codes", "plain"])
def test_parts_become_one_sorted_table_of_the_same_bytes(
    table: Table, made: Any, plain: Collection[str], number: int, tmp_path: Path
) -> None:
    chance = Random(number)
    rows = [made(n, chance) for n in range(number)]
    contents = set()
    for size in (1, 2, 5, 11):
        chance.shuffle(rows)
        path = merged(tmp_path / str(size), table, [rows[start::size] for start in range(size)], plain)
        contents.add(path.read_bytes())
        found = pq.read_table(path)
        assert found.schema.remove_metadata() == table.schema
        assert str(found.to_pylist()) == str(sorted(table_of(table, rows).to_pylist(), key=lambda row: key(table, row)))
    assert len(contents) == 1
    assert pq.ParquetFile(path).num_row_groups == -(-number // 10)


def test_a_row_group_holds_the_texts_that_it_uses_and_no_others(tmp_path: Path) -> None:
    chance = Random(1)
    path = merged(tmp_path / "run", tables.VERDICTS, [[verdict(n, chance) for n in range(60)]])
    first = pq.ParquetFile(path, read_dictionary=["dose_id"]).read_row_group(0, ["dose_id"])["dose_id"].chunk(0)
    assert first.dictionary.to_pylist() == [f"M/{n:03d}" for n in range(5)]


@pytest.mark.parametrize(("table", "made"), MADE, ids=[table.name for table, _ in MADE])
def test_a_part_is_read_as_its_table_is_declared(table: Table, made: Any, tmp_path: Path) -> None:
    chance = Random(2)
    rows = table_of(table, [made(number, chance) for number in range(20)])
    parts.write_part(tmp_path / "part", table, coded(rows))
    found = parts.read_part(tmp_path / "part", table)
    assert found.schema == table.schema
    assert str(found.to_pylist()) == str(sorted(rows.to_pylist(), key=lambda row: key(table, row)))
    name = parts.ORDER[table.name][0]
    assert parts.read_part(tmp_path / "part", table, [name]).equals(found.select([name]))


def test_without_parts_the_table_is_empty(tmp_path: Path) -> None:
    parts.write_whole(tmp_path / "whole.parquet", tables.DOSES, [])
    assert pq.read_table(tmp_path / "whole.parquet").equals(tables.DOSES.empty())
