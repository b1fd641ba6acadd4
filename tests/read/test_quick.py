"""The short way and the long way give the same rows: compared on Observations that were changed at random."""

import json
import random
from pathlib import Path

import pytest

from bonefhir.read.reader import Reader
from tests.read.fhir import Json, Scan, ndjson, observation, quantity, rows, scan

PLAIN = observation(
    meta={"lastUpdated": "2025-06-09T10:00:00.123Z", "versionId": "2"},
    identifier=[{"system": "urn:oid:1", "value": "7"}],
    issued="2025-06-09T10:00:00Z",
    referenceRange=[{"low": quantity(0.5), "high": quantity(1.2)}],
)
VALUES = (
    *(None, True, 0, 1.5, 1e400, "", "x", "é", "\u202e", "\0", "final", "2025", "2025-06-09T08:00", "2025-02-30", "Patient/p2"),
    *(
        [],
        {},
        ["x"],
        {"reference": "Patient/p2"},
        {"reference": "#p"},
        {"reference": "urn:uuid:7"},
        {"value": 1},
        {"value": "1"},
        {"coding": []},
    ),
    *({"value": 3.10, "unit": "mg"}, {"value": -0.0}, {"value": 1e5}, {"low": {"value": 1}}, {"versionId": "9"}, [{"low": 3}]),
)
KEYS = (
    *(
        "id",
        "meta",
        "status",
        "code",
        "subject",
        "effectiveDateTime",
        "issued",
        "valueQuantity",
        "referenceRange",
        "focus",
        "note",
    ),
    *(
        "component",
        "dataAbsentReason",
        "effectivePeriod",
        "valueString",
        "value",
        "unit",
        "comparator",
        "system",
        "low",
        "comment",
    ),
    *("versionId", "lastUpdated", "coding", "reference", "display", "text", "modifierExtension", "implicitRules", "contained"),
)


def changed(rng: random.Random) -> str:
    resource: Json = json.loads(json.dumps(PLAIN))
    for _ in range(rng.randrange(3)):
        inner = [resource, *(value for value in resource.values() if isinstance(value, dict))]
        node = rng.choice(inner)
        key = rng.choice((*node, rng.choice(KEYS)))
        if rng.random() < 0.2:
            node.pop(key, None)
        else:
            node[key] = json.loads(json.dumps(rng.choice(VALUES)))
    text = json.dumps(resource, ensure_ascii=rng.random() < 0.5, separators=rng.choice(((",", ":"), (", ", ": "))))
    if rng.random() < 0.1:
        text = text.replace('"status"', rng.choice(('"status":"amended","status"', '"st\\u0061tus"', '"id":"o2","status"')), 1)
    return text.replace("Infinity", "1e400")


def in_a_bundle(lines: bytes) -> bytes:
    """The same as entries, with fullUrls that fit, contradict, or are urns."""
    urls = ("http://e/fhir/Observation/o1", "http://e/fhir/Observation/x", "urn:uuid:1", "elsewhere")
    entries = [b'{"fullUrl":"%s","resource":%s}' % (urls[n % 4].encode(), line) for n, line in enumerate(lines.split(b"\n"))]
    who = b'{"fullUrl":"urn:uuid:7","resource":{"resourceType":"Patient","id":"p7"}}'
    return b'{"resourceType":"Bundle","type":"batch","entry":[' + b",".join([*entries, who]) + b"]}"


def told(scanned: Scan) -> tuple[list[Json], list[Json], int]:
    return rows(scanned), scanned.rejects.to_pylist(), scanned.read


@pytest.mark.parametrize("seed", range(4))
def test_both_ways_give_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    rng = random.Random(seed)
    content = ndjson(PLAIN, PLAIN) + "\n".join(changed(rng) for _ in range(1500)).encode()
    content = in_a_bundle(content) if seed % 2 else content
    short = told(scan(tmp_path, content))
    monkeypatch.setattr(Reader, "_quick", lambda *_: False)
    assert told(scan(tmp_path, content)) == short


def test_the_short_way_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Reader, "_used", lambda *_: pytest.fail("the long way was taken"))
    assert len(rows(scan(tmp_path, ndjson(*[PLAIN] * 10)))) == 10
