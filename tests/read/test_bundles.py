"""Bundles: every type, nested, in NDJSON; what they say of themselves; what breaks only an entry."""

import json
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bonefhir.read import bundle as bundles
from tests.read.fhir import Json, balance, bundle, ndjson, observation, patient, rows, scan
from tests.read.test_batch import told


def kinds(scanned: Any) -> list[str]:
    return [kind for kind, _, _ in scanned.warnings]


@pytest.mark.parametrize("kind", ["collection", "searchset", "transaction", "batch-response", "history", "document", "message"])
def test_any_type_is_opened(tmp_path: Path, kind: str) -> None:
    scanned = scan(tmp_path, bundle(patient(), observation(), kind=kind), "a.json")
    assert (scanned.counts.format, [row["entry"] for row in rows(scanned)], scanned.warnings) == ("bundle", ["0", "1"], [])


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"link": [{"relation": "next", "url": "http://127.0.0.1:9/2"}], "total": 400}, ["more-pages"]),
        ({"link": [{"relation": "self", "url": "http://e"}]}, []),
        ({"type": "searchset", "total": 48}, ["more-pages"]),
        ({"type": "searchset", "total": 1}, []),
        ({"type": None}, "not-fhir"),
        ({"total": "x"}, "not-fhir"),
        ({"entry": {"resource": patient()}}, "not-fhir"),
        ({"entry": None}, "not-fhir"),
    ],
)
def test_what_a_bundle_says_of_itself(tmp_path: Path, more: Json, expected: list[str] | str) -> None:
    scanned = scan(tmp_path, bundle(patient()) | more, "a.json")
    if isinstance(expected, list):
        assert (kinds(scanned), scanned.read) == (expected, 1)
    else:
        assert [(row["reason"], row["line"]) for row in scanned.rejects.to_pylist()] == [(expected, None)]


def test_a_bundle_without_a_type_is_read_with_a_warning(tmp_path: Path) -> None:
    scanned = scan(tmp_path, {"resourceType": "Bundle", "entry": [{"resource": patient()}]}, "a.json")
    assert (kinds(scanned), len(rows(scanned))) == (["bundle-without-type"], 1)


def test_entries_that_are_no_resources(tmp_path: Path) -> None:
    content = bundle(patient())
    content["entry"] += [
        None,
        {"request": {"method": "DELETE", "url": "Observation/o1"}},
        {"resource": {"resourceType": "OperationOutcome"}, "search": {"mode": "outcome"}},
        {"resource": json.dumps(observation())},
        {"resource": None},
        "x",
        {},
    ]
    scanned = scan(tmp_path, content, "a.json")
    assert kinds(scanned) == ["null-entry", "delete-entry", "outcome-entry"]
    assert (scanned.counts.empty_entries, scanned.unused) == (3, {"OperationOutcome": 1})
    assert [(row["reason"], row["entry"]) for row in scanned.rejects.to_pylist()] == [
        ("not-an-object", "4"),
        ("not-an-object", "5"),
        ("not-an-object", "6"),
    ]
    assert balance(scanned) == scanned.read == 5


def test_a_warning_that_comes_often_is_counted(tmp_path: Path) -> None:
    content = bundle()
    content["entry"] = [None] * 1000
    ((kind, line, words),) = scan(tmp_path, content, "a.json").warnings
    assert (kind, line) == ("null-entry", 1)
    assert "1000 times" in words


def test_keys_that_come_twice(tmp_path: Path) -> None:
    text = json.dumps(bundle(patient(), observation()))
    for twice in ('"entry": [], "entry"', '"type": "batch", "entry"'):
        scanned = scan(tmp_path, text.replace('"entry"', twice, 1).encode(), "a.json")
        assert [(row["reason"], row["line"]) for row in scanned.rejects.to_pylist()] == [("duplicate-keys", None)]
    scanned = scan(tmp_path, text.replace('"resource": {', '"resource": {}, "resource": {', 1).encode(), "a.json")
    assert [(row["reason"], row["entry"]) for row in scanned.rejects.to_pylist()] == [("duplicate-keys", "0")]
    assert [row["id"] for row in rows(scanned)] == ["o1"]


def nested(levels: int) -> Json:
    inner: Json = bundle(patient())
    for _ in range(levels):
        inner = bundle(inner)
    return inner


def test_nested_bundles_are_opened_to_a_limit(tmp_path: Path) -> None:
    one = scan(tmp_path, nested(1), "a.json")
    assert (kinds(one), [row["entry"] for row in rows(one)]) == ([], ["0/0"])
    five = scan(tmp_path, nested(5), "a.json")
    assert (kinds(five), [row["entry"] for row in rows(five)]) == (["nested-bundle"], ["0/0/0/0/0/0"])
    many = scan(tmp_path, nested(40), "a.json")
    assert ([row["reason"] for row in many.rejects.to_pylist()], rows(many), many.read) == (["too-deep"], [], 1)
    opened = b'{"resourceType":"Bundle","type":"batch","entry":[{"resource":'
    deep = opened * 2000 + b"{}" + b"}]}" * 2000
    assert [row["reason"] for row in scan(tmp_path, deep, "a.json").rejects.to_pylist()] == ["too-deep"]


@pytest.mark.parametrize("more", [{}, {"search": {"mode": "outcome"}}])
@pytest.mark.parametrize("url", ["urn:uuid:7", "URN:UUID:7"])
def test_a_full_url_that_is_a_bundles_and_a_patients_is_nobodys(tmp_path: Path, more: Json, url: str) -> None:
    content = bundle(patient(), observation(subject={"reference": "urn:uuid:7"}), bundle())
    content["entry"][0] |= {"fullUrl": url} | more
    assert [row["subject"] for row in rows(scan(tmp_path, content, "a.json"))[1:]] == ["Patient/p1"]
    content["entry"][2]["fullUrl"] = "urn:uuid:7"
    assert [row["subject"] for row in rows(scan(tmp_path, content, "a.json"))[1:]] == ["urn:uuid:7"]


def test_bundles_as_lines(tmp_path: Path) -> None:
    scanned = scan(tmp_path, ndjson(patient(), bundle(observation(), patient(id="p2")), observation(id="o2")))
    assert kinds(scanned) == ["bundle-in-ndjson"]
    assert [(row["id"], row["line"], row["entry"]) for row in rows(scanned)] == [
        ("p1", 1, None),
        ("o1", 2, "0"),
        ("p2", 2, "1"),
        ("o2", 3, None),
    ]


def test_an_entry_with_broken_characters_breaks_nothing_else(tmp_path: Path) -> None:
    text = json.dumps(bundle(patient(), observation(note=[{"text": "@"}]), patient(id="p2")), indent=1)
    for escape in ("\\ud800", "\\u0000"):
        scanned = scan(tmp_path, text.replace("@", escape).encode(), "a.json")
        assert [(row["id"], row["fault"]) for row in rows(scanned)] == [("p1", None), ("o1", "encoding"), ("p2", None)]


AROUND = (
    *(
        '"fullUrl":"urn:uuid:7"',
        '"fullUrl":"http://e/fhir/Patient/p1"',
        '"fullUrl":"URN:UUID:7"',
        '"fullUrl" : "urn:oid:1.2"',
        '"fullUrl":5',
        '"fullUrl":null',
    ),
    *('"search":{"mode":"match"}', '"search":{"mode":"include"}', '"search":{"mode":"outcome"}', '"search":null', '"x":":"'),
    *(
        '"request":{"method":"POST","url":"Patient"}',
        '"request":{"method":"DELETE"}',
        '"request":{"method":"POST","method":"PUT"}',
    ),
    *('"link":[{"url":"\\u0022"}]', '"resource":{"resourceType":"Patient","id":"p9"}', '"resource":null', '"x":1e400', '"x":{}'),
)
ABOUT = (
    *('"type":"searchset","total":2', '"type":"searchset","total":9', '"type":"batch"', '"type":"batch","type":"batch"'),
    *('"id":"b"', '"link":[{"relation":"next","url":"x"}]', '"type":5', '"entry":[]'),
)
INSIDE = (
    patient(),
    observation(subject={"reference": "urn:uuid:7"}),
    patient(id=5),
    {"resourceType": "Encounter", "id": "e1"},
    {"id": "x"},
    "x",
    None,
    {"resourceType": 1},
)


def any_bundle(rng: Random, depth: int = 0) -> str:
    entries = [any_entry(rng, depth) for _ in range(rng.randint(0, 3))]
    members = ['"resourceType":"Bundle"', rng.choice(ABOUT), f'"entry":[{",".join(entries)}]']
    return f"{{{','.join(members[: rng.choice((2, 3, 3, 3, 3))])}}}"


def any_entry(rng: Random, depth: int) -> str:
    if rng.random() < 0.05:
        return rng.choice(("null", "3", "{}", "[]"))
    if depth < 2 and rng.random() < 0.1:
        resource = any_bundle(rng, depth + 1)
    else:
        odd = rng.random() < 0.2
        resource = json.dumps(rng.choice(INSIDE) if odd else rng.choice(INSIDE[:2]), indent=rng.choice((None, 1)))
    members = [rng.choice(AROUND[:2] if rng.random() < 0.8 else AROUND) for _ in range(rng.randint(0, 2))]
    members.insert(rng.randint(0, len(members)), f'"resource":{resource}')
    return f"{{{rng.choice((',', ',' + chr(10), ' , ')).join(members)}}}"


@settings(max_examples=300, deadline=None)
@given(st.randoms(use_true_random=False), st.booleans())
def test_a_plain_bundle_says_what_it_would_say_entry_by_entry(rng: Random, in_a_line: bool) -> None:
    content = any_bundle(rng)
    content = f'{content.replace(chr(10), " ")}\n{{"resourceType":"Encounter"}}\n' if in_a_line else content
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(bundles, "_plain", lambda _: None)
        one_by_one = told(content.encode())
    assert told(content.encode()) == one_by_one


def test_what_is_plain_is_known(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(bundles, "_one_by_one", None)
    assert scan(tmp_path, bundle(patient(), observation()), "a.json").read == 2
