"""Every line and entry is accounted for exactly once, whatever stands in it."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.read.fhir import administration, balance, bundle, condition, ndjson, observation, patient, procedure, rows, scan

JUNK = [
    b"",
    b"   ",
    b"null",
    b"17",
    b"{",
    b"{}",
    b'{"resourceType": 5}',
    b'{"resourceType": "Nonsense"}',
    b'{"resourceType": "Encounter", "id": "e1"}',
    b'{"resourceType": "Encounter", "id": "e1", "id": "e2"}',
    b'{"resourceType": "Encounter", "resourceType": "Patient"}',
    b'{"resourceType": "Encounter", "id": "\xff"}',
    b'{"resourceType": "Patient", "id": "\xff"}',
    b'{"resourceType": "Patient", "id": "\\ud800"}',
    b'{"resourceType": "Patient", "id": "a"} {"resourceType": "Patient"}',
    b'{"resourceType": "Bundle", "type": "batch", "entry": [null, 1, {}, {"resource": 3}]}',
    b'{"resourceType": "Bundle", "type": "batch", "entry": {}}',
    b'{"resourceType": "Observation", "component": ' + b"[" * 900 + b"]" * 900 + b"}",
]
RESOURCES: list[Any] = [patient(), observation(), administration(), condition(), procedure(), bundle(patient(), observation())]


@given(st.lists(st.sampled_from(JUNK + [json.dumps(r).encode() for r in RESOURCES]), max_size=12))
def test_lines_add_up(lines: list[bytes]) -> None:
    with TemporaryDirectory() as folder:
        scanned = scan(Path(folder), ndjson(patient(id="first"), patient(id="second")) + b"\n".join(lines))
        assert balance(scanned) == scanned.read
        assert {row["id"] for row in rows(scanned)} >= {"first", "second"}


@given(st.lists(st.sampled_from([None, 1, "x", {}, {"resource": 1}, *({"resource": r} for r in RESOURCES)]), max_size=8))
def test_entries_add_up(entries: list[Any]) -> None:
    with TemporaryDirectory() as folder:
        scanned = scan(Path(folder), {"resourceType": "Bundle", "type": "collection", "entry": entries}, "a.json")
        assert balance(scanned) == scanned.read
        assert scanned.counts.empty_entries == sum(entry in (None, {}) for entry in entries)


def test_a_byte_that_is_not_utf8_breaks_its_line_only(tmp_path: Path) -> None:
    contained = {"contained": [patient(id="in")], "subject": {"reference": "#in"}}
    sound = json.dumps(observation(id="sound", **contained)).encode()
    lines = [sound[:place] + b"\xff" + sound[place:] for place in range(1, len(sound))]
    scanned = scan(tmp_path, b"\n".join([*lines, sound]))
    assert balance(scanned) == scanned.read == len(sound)
    assert [row["id"] for row in rows(scanned) if row["fault"] is None and row["table"] == "observations_read"] == ["sound"]


def test_types_that_are_not_used_are_counted(tmp_path: Path) -> None:
    lines = ndjson({"resourceType": "Encounter", "id": "e"}, {"resourceType": "Encounter"}, patient(), {"resourceType": "Group"})
    scanned = scan(tmp_path, lines)
    assert (scanned.unused, scanned.read) == ({"Encounter": 2, "Group": 1}, 4)


def test_what_stands_in_resource_type_is_no_key_of_a_report(tmp_path: Path) -> None:
    scanned = scan(tmp_path, ndjson(patient(), {"resourceType": "Jane Doe", "id": "x"}))
    (reject,) = scanned.rejects.to_pylist()
    assert (scanned.unused, reject["reason"], reject["resource_type"]) == ({}, "no-resource-type", None)


def test_places(tmp_path: Path) -> None:
    text = json.dumps(bundle(patient(), bundle(observation(), observation(id="o2"))), indent=1)
    scanned = scan(tmp_path, text.encode(), "a.json")
    found = [(row["id"], row["entry"], row["line"]) for row in rows(scanned)]
    lines = text.splitlines()
    assert [(name, entry) for name, entry, _ in found] == [("p1", "0"), ("o1", "1/0"), ("o2", "1/1")]
    assert all('"resource": {' in lines[line - 1] for _, _, line in found)
    assert [row["seq"] for row in rows(scanned)] == [row["offset"] for row in rows(scanned)]


def test_rejects_tell_type_and_id_where_they_can_be_read(tmp_path: Path) -> None:
    cut = json.dumps(observation()).encode()[:-10]
    rejects = scan(tmp_path, ndjson(patient(), patient(id="p2")) + cut).rejects.to_pylist()
    assert [(r["line"], r["reason"], r["resource_type"], r["id"]) for r in rejects] == [(3, "truncated", "Observation", "o1")]
