"""What is read column by column is what is read one by one: compared on resources of every type that were changed at random."""

import json
import random
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Raw

from bonefhir.conform import fault_by_models, gate
from bonefhir.read import batch, facts, plans, texts
from bonefhir.read.batch import Batch
from bonefhir.read.reader import Reader
from bonefhir.read.resource import Resource
from bonefhir.read.scan import Scan, scan_files
from bonefhir.read.sources import expand
from tests.conform.test_gate import RICH
from tests.read.fhir import (
    Json,
    administration,
    administration_r5,
    condition,
    ndjson,
    observation,
    patient,
    procedure,
    quantity,
    without,
)

META = {"lastUpdated": "2025-06-09T10:00:00.123Z", "versionId": "2"}
ALL: Json = {"meta": META, "identifier": [{"system": "urn:oid:1", "value": "7"}]}
MANY: Json = ALL | {"encounter": {"reference": "Encounter/e1"}}
PLAIN: list[Json] = [
    observation(**MANY, issued="2025-06-09T10:00:00Z", referenceRange=[{"low": quantity(0.5), "high": quantity(1.2)}]),
    observation(**MANY, code={"text": "né"}, valueQuantity={"value": 1.10, "unit": "µg", "comparator": "<"}),
    observation(
        component=[
            {"code": {"text": "a"}, "valueQuantity": quantity(1), "referenceRange": [{"text": "t"}]},
            {"code": {"text": "b"}, "valueString": "x"},
        ]
    ),
    without(observation(issued="2025-06-09T10:00:00Z", valueString="positive"), "valueQuantity"),
    patient(**ALL, deceasedDateTime="2025-06-09"),
    administration(
        **ALL,
        context={"reference": "Encounter/e1"},
        request={"reference": "MedicationRequest/q"},
        reasonCode=[{"text": "bone metastases"}],
    ),
    administration(partOf=[{"reference": "MedicationAdministration/m2"}], reasonReference=[{"reference": "Condition/c"}]),
    administration_r5(meta=META, reason=[{"concept": {"text": "a"}}]),
    condition(**MANY, recordedDate="2025-06-09", clinicalStatus={"coding": [{"code": "active"}]}, abatementString="x"),
    procedure(**MANY, performedDateTime="2025-06-09T10:00:00+02:00"),
    {"resourceType": "Encounter", "id": "e1", "status": "finished"},
    *(resource for _, resource in RICH),
]
VALUES: tuple[Any, ...] = (
    *(None, True, 0, 1.5, 1e400, "", "x", "é", "\u202e", "\0", "final", "2025", "2025-06-09T08:00", "2025-02-30", "Patient/p2"),
    *("2024-02-29", "2025-06-09T08:00:00Z", "0", "-1", "active", "male", "http://e/fhir/Patient/p3", 2**70, -0.0, 1e5),
    *([], {}, ["x"], {"reference": "Patient/p2"}, {"reference": "#p"}, {"reference": "urn:uuid:7"}, {"value": 1}),
    *(
        {"value": "1"},
        {"coding": []},
        {"value": 3.10, "unit": "mg"},
        {"value": -0.0},
        {"value": 7, "unit": "7"},
        {"unit": "1", "value": 1},
    ),
    *(
        {"value": 1, "extension": [{"url": "x", "valueQuantity": {"value": 2, "unit": "y"}}]},
        [{"low": {"value": 1}}],
        [{"low": 3}],
    ),
    *(
        {"versionId": "9"},
        {"lastUpdated": "2025-06-09T08:00:00Z", "versionId": "9"},
        {"start": "2025", "end": "2025-06-09T08:00"},
    ),
    *({"text": "modifierExtension"}, {"text": "[]"}, {"text": 'a","lastUpdated":"b'}, {"text": "a" * 5000}),
)
KEYS = (
    *("id", "meta", "status", "code", "subject", "effectiveDateTime", "effectivePeriod", "issued", "valueQuantity", "valueFoo"),
    *("referenceRange", "focus", "note", "component", "dataAbsentReason", "valueString", "value", "unit", "comparator", "system"),
    *("low", "comment", "versionId", "lastUpdated", "coding", "reference", "display", "text", "modifierExtension", "contained"),
    *("implicitRules", "patient", "dosage", "reasonReference", "medicationReference", "gender", "birthDate", "é", "resourceType"),
)


def compact(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def changed(rng: random.Random) -> str:
    resource: Json = json.loads(json.dumps(rng.choice(PLAIN)))
    for _ in range(rng.choice((0, 0, 1, 1, 2))):
        inner = [resource, *(value for value in resource.values() if isinstance(value, dict))]
        node = rng.choice(inner)
        key = rng.choice((*node, rng.choice(KEYS)))
        if rng.random() < 0.2:
            node.pop(key, None)
        else:
            node[key] = json.loads(json.dumps(rng.choice(VALUES)))
    text = json.dumps(resource, ensure_ascii=rng.random() < 0.5, separators=rng.choice(((",", ":"), (",", ":"), (", ", ": "))))
    if rng.random() < 0.1:
        text = text.replace('"status"', rng.choice(('"status":"amended","status"', '"st\\u0061tus"', '"id":"o2","status"')), 1)
    if rng.random() < 0.03:
        text = rng.choice((text[:-1], f" {text}", f"{text}\r", f"{text}{text}", "", text.replace("é", "\udce9"), f"[{text}]"))
    return text.replace("Infinity", "1e400")


def lines(rng: random.Random, count: int) -> bytes:
    return "\n".join(changed(rng) for _ in range(count)).encode("utf-8", "surrogateescape")


def in_a_bundle(content: bytes) -> bytes:
    """The same as entries, with fullUrls that fit, contradict, or are urns."""
    urls = ("http://e/fhir/Observation/o1", "http://e/fhir/Observation/x", "urn:uuid:1", "elsewhere")
    sound = [line for line in content.split(b"\n") if _is_json(line)]
    entries = [b'{"fullUrl":"%s","resource":%s}' % (urls[n % 4].encode(), line) for n, line in enumerate(sound)]
    who = b'{"fullUrl":"urn:uuid:7","resource":{"resourceType":"Patient","id":"p7"}}'
    return b'{"resourceType":"Bundle","type":"batch","entry":[' + b",".join([*entries, who]) + b"]}"


def _is_json(line: bytes) -> bool:
    try:
        json.loads(line)
    except ValueError:
        return False
    return True


def told(content: bytes) -> tuple[Any, ...]:
    """All that a scan of two files with this content says; the second one is scanned with the memory of the first."""
    batch._plan.cache_clear()
    with tempfile.TemporaryDirectory() as folder:
        for name in ("a.ndjson", "b.ndjson"):
            Path(folder, name).write_bytes(content)
        scanned = scan_files(expand([folder]), gates=gate)
    return (*_rows(scanned), scanned.rejects.to_pylist(), scanned.full_urls.to_pylist(), scanned.counts)


def _rows(scanned: Scan) -> tuple[list[Json], ...]:
    return tuple(table.to_pylist() for table in scanned.tables.values())


@contextmanager
def one_by_one() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Batch, "_plain", lambda *_: None)
        yield


@contextmanager
def a_few_are_enough() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(batch, "ENOUGH", 1)
        patched.setattr(plans, "FEW", 1)
        patched.setattr(facts, "SOME", 1)
        patched.setattr(plans, "MANY", 1)
        patched.setattr(plans, "ALIKE", 1)
        patched.setattr(texts, "_MANY", 1)
        patched.setattr(texts, "_SEVERAL", 1)
        yield


@contextmanager
def in_small_batches() -> Iterator[None]:
    """So that what was learnt in one counts in the next."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("bonefhir.read.content.BLOCK", 1_500)
        patched.setattr(batch, "SIZE", 3_000)
        yield


def check(content: bytes) -> None:
    with one_by_one():
        slowly = told(content)
    assert told(content) == slowly


@pytest.mark.parametrize("seed", range(4))
def test_both_ways_say_the_same(seed: int) -> None:
    content = lines(random.Random(seed), 1500)
    check(in_a_bundle(content) if seed % 2 else content)


@settings(max_examples=150, deadline=None)
@given(st.randoms(use_true_random=False), st.integers(1, 12), st.booleans())
def test_both_ways_say_the_same_of_a_few(rng: random.Random, count: int, bundled: bool) -> None:
    content = lines(rng, count)
    with a_few_are_enough():
        check(in_a_bundle(content) if bundled else content)


@settings(max_examples=100, deadline=None)
@given(st.randoms(use_true_random=False), st.integers(1, 60))
def test_what_is_alike_nearly_everywhere_may_be_different_all_the_same(rng: random.Random, count: int) -> None:
    """Elements that were alike in one batch are looked at together in the next."""
    with a_few_are_enough(), in_small_batches():
        check(lines(rng, count))


def test_a_run_of_elements_that_are_alike_is_looked_at_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    each = [observation(id=f"o{n}", code={"text": "ab"[n % 2]}, status=("final", "amended")[n % 3 == 0]) for n in range(3000)]
    (tmp_path / "a.ndjson").write_bytes(ndjson(*each))
    batch._plan.cache_clear()
    scan_files(expand([str(tmp_path)]), gates=gate)
    sizes = []
    read = facts.Element.read
    monkeypatch.setattr(facts.Element, "read", lambda self, raws, *rest: (sizes.append(len(raws)), read(self, raws, *rest))[1])
    table = scan_files(expand([str(tmp_path)]), gates=gate).tables["observations_read"]
    assert table["status"].to_pylist() == [one["status"] for one in each]
    assert [one and json.loads(one) for one in table["code"].to_pylist()] == [one["code"] for one in each]
    assert min(sizes) <= 6
    assert max(sizes) == 3000


def test_kinds_beyond_the_most_frequent_go_the_long_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch, "KINDS_AT_ONCE", 2)
    check(lines(random.Random(9), 500))


@pytest.mark.deep
@pytest.mark.parametrize("seed", range(100, 110))
def test_both_ways_say_the_same_for_long(seed: int) -> None:
    content = lines(random.Random(seed), 20_000)
    check(in_a_bundle(content) if seed % 2 else content)


@pytest.mark.parametrize("resource", PLAIN[:10])
def test_the_long_way_is_not_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, resource: Json) -> None:
    monkeypatch.setattr(Reader, "_one", lambda *_: pytest.fail("the long way was taken"))
    (tmp_path / "a.ndjson").write_bytes(ndjson(*[resource] * 100))
    scanned = scan_files(expand([str(tmp_path)]), gates=gate)
    rows = [row for table in _rows(scanned) for row in table]
    assert len(rows) == 100 * (1 + len(resource.get("component", [])))
    assert all(row["conforms"] for row in rows)


@pytest.mark.parametrize("name", ["id", "value"])
def test_what_differs_in_every_resource_is_looked_at_all_the_same(tmp_path: Path, name: str) -> None:
    """One wrong among many: where it stands, and nowhere else."""
    wrong = {"id": "o 7", "value": quantity("1")}[name]
    each = [observation(id=f"o{n}", valueQuantity=quantity(n / 10)) for n in range(100)]
    each[50]["id" if name == "id" else "valueQuantity"] = wrong
    (tmp_path / "a.ndjson").write_bytes(ndjson(*each))
    table = scan_files(expand([str(tmp_path)]), gates=gate).tables["observations_read"]
    assert [n for n, fault in enumerate(table["fault"].to_pylist()) if fault] == [50]
    assert [n for n, conforms in enumerate(table["conforms"].to_pylist()) if not conforms] == [50]
    assert table["quantity_value"].to_pylist()[:3] == ["0.0", "0.1", "0.2"]


def test_what_conforms_is_valid(tmp_path: Path) -> None:
    content = lines(random.Random(77), 3000)
    (tmp_path / "a.ndjson").write_bytes(content)
    names = {table.name: name for name, table in ((name, kind.table) for name, kind in plans.KINDS.items())}
    accepted = 0
    with a_few_are_enough():
        scanned = scan_files(expand([str(tmp_path)]), gates=gate)
    for name, table in scanned.tables.items():
        for row in table.to_pylist():
            if row["conforms"]:
                raw = content[row["offset"] : row["offset"] + row["length"]]
                assert fault_by_models(raw, names[name], row["release"]) is None
                accepted += 1
    assert accepted > 500


ENCOUNTER = b'{"resourceType":"Encounter","id":"e1","status":"finished"}'


@pytest.mark.parametrize(
    "line",
    [
        *(
            b'{"resourceType":"Patient","id":"p"}',
            b'{"resourceType":"Bundle","entry":[]}',
            b"",
            b" ",
            b"{}",
            b"[]",
            b'{"id":"x"}',
        ),
        *(ENCOUNTER[:-1], ENCOUNTER + ENCOUNTER, ENCOUNTER + b"\r", b" " + ENCOUNTER, ENCOUNTER + b"\n" + ENCOUNTER[1:]),
        *(b"\n" + ENCOUNTER + ENCOUNTER, ENCOUNTER.replace(b"e1", b"\xff"), ENCOUNTER.replace(b"e1", b"\\u00e9")),
        ENCOUNTER.replace(b"E", b"\xff"),
        *(ENCOUNTER.replace(b"E", b"e", 1), ENCOUNTER.replace(b'"id"', b'"resourceType"'), b'{"resourceTyp\\u0065":"Patient"}'),
        *(b'{"resourceType":"Encounter","x":"}', b'{"resourceType":"Encounter","contained":[{"resourceType":"Patient"}]}'),
    ],
)
@pytest.mark.parametrize("place", [0, 20, 40])
def test_runs_of_unused_types_are_counted_as_one_by_one(monkeypatch: pytest.MonkeyPatch, line: bytes, place: int) -> None:
    lines = [ENCOUNTER] * 40
    content = b"\n".join([*lines[:place], line, *lines[place:]]) + b"\n"
    at_once = told(content)
    monkeypatch.setattr(Reader, "count_unused", lambda *_: None)
    with one_by_one():
        assert told(content) == at_once


def test_a_run_of_unused_types_is_counted_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Reader, "take", lambda *_: pytest.fail("each was looked at"))
    (tmp_path / "a.ndjson").write_bytes(b"\n".join([ENCOUNTER] * 40) + b"\n")
    (counts,) = scan_files(expand([str(tmp_path)])).counts
    assert (counts.read, counts.unused, counts.lines) == (40, {"Encounter": 40}, 40)


SLOTTED = [
    (resource, name)
    for resource in PLAIN
    for name in resource
    if resource["resourceType"] in plans.KINDS
    and name in plans._SLOTS
    and all(slot.before in compact(resource[name]) for slot in plans._SLOTS[name])
]


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_whatever_is_in_a_slot_is_as_good_as_the_sample(data: st.DataObject) -> None:
    """The gate admits it, and the column holds it as it is written."""
    resource, name = data.draw(st.sampled_from(SLOTTED))
    raw = compact(resource[name])
    columns: dict[str, str] = {}
    for slot in plans._SLOTS[name]:
        head, before, rest = raw.partition(slot.before)
        value = data.draw(st.from_regex(re.compile(slot.form, re.ASCII), fullmatch=True))
        raw = head + before + value.encode() + slot.after + rest.partition(slot.after)[2]
        columns |= dict.fromkeys(slot.columns, value)
    kind = resource["resourceType"]
    assert any(gate(kind, release).admits(name, raw) for release in ("R4", "R5"))
    read = Resource({name: Raw(raw)}, kind, None, [])
    for part in (*plans.SOURCE_PARTS, *chain(*plans.KINDS[kind].parts.values())):
        if name in part.elements:
            values = dict(zip(part.columns, part.read(read), strict=True))
            assert all(values[column] == columns[column] for column in values.keys() & columns.keys())
    assert not read.faults
    assert not read.warnings


def test_a_string_that_is_left_open_does_not_reach_into_the_next_file(tmp_path: Path) -> None:
    """A piece that ends without a line break, and what would complete it: as many objects as lines, one line off."""
    rest = b',"resourceType":"Observation","status":"final","code":{"text":"x"},"subject":{"reference":"Patient/p"},'
    rest += b'"effectiveDateTime":"2020-01-01","valueQuantity":{"value":1,"unit":"mg/dL"}}'
    good, other = ([b'{"id":"%s%03d"' % (name, n) + rest for n in range(40)] for name in (b"a", b"b"))
    (tmp_path / "0.ndjson").write_bytes(b"\n".join([*good, b'{"x":"}']))
    (tmp_path / "1.ndjson").write_bytes(b"\n".join([b'{","":"a999"' + rest, other[0] + other[1], *other]) + b"\n")
    scanned = scan_files(expand([str(tmp_path)]))
    assert scanned.tables["observations_read"].num_rows == 80
    assert sorted((row["file"], row["line"]) for row in scanned.rejects.to_pylist()) == [(0, 41), (1, 1), (1, 2)]


def test_lines_are_read_before_blanks_between_them_fill_the_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.ndjson").write_bytes(b"".join(ndjson(observation(id=f"o{n}")).ljust(20_000) + b"\n" for n in range(200)))
    most = 0
    flush = Batch.flush

    def watched(batch: Batch) -> None:
        nonlocal most
        most = max(most, sum(len(chunk.text) for chunk in batch._chunks))
        flush(batch)

    monkeypatch.setattr(Batch, "flush", watched)
    monkeypatch.setattr("bonefhir.read.content.BLOCK", 1 << 16)
    monkeypatch.setattr("bonefhir.read.batch.SIZE", 1 << 18)
    assert scan_files(expand([str(tmp_path)]), gates=gate).tables["observations_read"].num_rows == 200
    assert most < 1 << 20
