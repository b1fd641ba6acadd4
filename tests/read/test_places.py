"""Columns of resources, also behind a block's border, in characters."""

import gzip
from pathlib import Path

import pytest

from bonefhir.read.content import BLOCK
from bonefhir.read.places import columns_of
from bonefhir.read.sources import SourceFile

BEFORE = {"none": "", "line": "x" * 10 + "\n", "border": "\n" * (BLOCK - 3), "blocks": "é" * BLOCK + "\n"}


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("before", BEFORE.values(), ids=BEFORE)
def test_a_column_counts_characters_of_its_line(tmp_path: Path, before: str, packed: bool) -> None:
    text = before + 'é {"a":1},\n  {"b":2}'
    path = tmp_path / "a.json"
    raw = text.encode()
    path.write_bytes(gzip.compress(raw) if packed else raw)
    first, second = raw.rindex(b'{"a"'), raw.rindex(b'{"b"')
    file = SourceFile(0, path, "a.json")
    assert columns_of(file, [second, first, second, 0]) == [3, 3, 3, 1]


def test_a_file_that_has_gone_has_columns_all_the_same(tmp_path: Path) -> None:
    assert columns_of(SourceFile(0, tmp_path / "gone", "gone"), [7]) == [1]
