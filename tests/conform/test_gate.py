"""What the gate lets through, fhir.resources does too: compared on resources that were changed at random."""

import json
import random
import re
import subprocess
import sys
from datetime import date, timedelta
from typing import Any

import pytest

from bonefhir import conform
from bonefhir.conform import fault_by_models, gate, written_models
from bonefhir.read import models
from bonefhir.read.gate import DATE
from tests.read.fhir import (
    Json,
    administration,
    administration_r5,
    condition,
    observation,
    patient,
    procedure,
    quantity,
)

EXTENSION = {"url": "http://e/x", "valueString": "y"}
RICH: list[tuple[str, Json]] = [
    ("R4", patient(meta={"lastUpdated": "2025-01-01T10:00:00.000Z", "tag": [{"system": "http://t", "code": "x"}]})),
    ("R4", patient(name=[{"use": "official", "given": ["A", "B"], "family": "C"}], contact=[{"name": {"text": "D"}}])),
    ("R4", patient(extension=[{"url": "http://r", "extension": [EXTENSION, {"url": "c", "valueCoding": {"code": "x"}}]}])),
    ("R4", patient(_birthDate={"extension": [EXTENSION]}, deceasedDateTime="2025-03-01", multipleBirthInteger=2)),
    ("R4", observation(identifier=[{"use": "usual", "system": "urn:oid:1.2", "value": "1", "period": {"start": "2025-01-01"}}])),
    ("R4", observation(component=[{"code": {"text": "a"}, "valueInteger": 3}], note=[{"text": "n", "time": "2025-01-01"}])),
    ("R4", observation(referenceRange=[{"low": quantity(1), "high": quantity(2)}], issued="2025-06-09T09:00:00.123+02:00")),
    ("R4", administration(performer=[{"actor": {"reference": "Practitioner/x"}}], request={"reference": "MedicationRequest/x"})),
    ("R4", administration(dosage={"text": "t", "rateRatio": {"numerator": quantity(1), "denominator": quantity(2)}})),
    ("R4", condition(clinicalStatus={"coding": [{"code": "active"}]}, abatementAge=quantity(50, "a"))),
    ("R4", procedure(performer=[{"actor": {"display": "x"}}], reasonCode=[{"text": "x"}])),
    (
        "R4",
        {"resourceType": "Medication", "id": "x", "code": {"text": "c"}, "ingredient": [{"itemCodeableConcept": {"text": "a"}}]},
    ),
    ("R5", administration_r5(reason=[{"concept": {"text": "a"}}], category=[{"text": "b"}])),
    ("R5", observation(triggeredBy=[{"observation": {"reference": "Observation/x"}, "type": "reflex"}])),
]
TEXTS = (
    "",
    " ",
    "\u00a0",
    "x",
    "x ",
    "a  b",
    "a\nb",
    "\x1f",
    "\x85",
    "\u2028",
    "\u200b",
    "é",
    "😀",
    "1.0",
    "http://a b",
    "<div>x</div>",
)
DATES = (
    "2024",
    "2024-02",
    "2024-02-29",
    "2024-02-30",
    "2024-05-01T10:00:00Z",
    "2024-05-01T10:00",
    "2024-05-01T24:00:00Z",
    "٢٠٢٤-01-01",
)
NUMBERS = (0, 1, -1, 1.5, 3.0, 1e300, 1e-7, 2**31, -(2**31) - 1, True, None)
PIECES = ("[]", "{}", '["x"]', "[null]", '{"value":1}', '{"value":"1"}', '{"url":"a"}', '{"start":"2024"}', '{"coding":[]}')
KEYS = (
    *(
        "id",
        "status",
        "code",
        "value",
        "unit",
        "system",
        "text",
        "coding",
        "extension",
        "valueString",
        "valueQuantity",
        "reference",
    ),
    *(
        "display",
        "start",
        "_status",
        "_value",
        "url",
        "comparator",
        "valueBoolean",
        "note",
        "meta",
        "fhir_comments",
        "resourceType",
    ),
)


def anything(rng: random.Random) -> Any:
    return rng.choice((*TEXTS, *DATES, *NUMBERS, *(json.loads(piece) for piece in PIECES)))


def nodes(value: Any) -> list[Any]:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
    return ([value] if inner else []) + [node for each in inner for node in nodes(each)]


def change(resource: Json, rng: random.Random) -> None:
    node = rng.choice(nodes(resource))
    if isinstance(node, list):
        node[rng.randrange(len(node))] = anything(rng)
        return
    key = rng.choice(list(node))
    what = rng.random()
    if what < 0.2:
        del node[key]
    elif what < 0.85:
        node[key if what < 0.65 else rng.choice(KEYS)] = anything(rng)
    else:
        node[key] = [node[key]]


STYLES: tuple[dict[str, Any], ...] = ({}, {"separators": (",", ":")}, {"separators": (",", ":")}, {"indent": 1})
DIGITS = (
    "0",
    "-0",
    "1.10",
    "1e5",
    "12345678901234567890",
    "0.1234567890123456789",
    "1." + "1" * 70,
    "1e400",
    "01",
    '"1"',
    "true",
)


def written(resource: Json, rng: random.Random) -> bytes:
    """As JSON: compact or not, with escapes or not; now and then a number written oddly, a key twice, or a key with an escape."""
    text = json.dumps(resource, ensure_ascii=rng.random() < 0.3, **rng.choice(STYLES))
    keys = list(re.finditer(r'"(\w+)": ?', text))
    if keys and rng.random() < 0.1:
        key = rng.choice(keys)
        escaped = f'"\\u{ord(key[1][0]):04x}{key[1][1:]}":'
        text = text[: key.start()] + rng.choice((f"{key[0]}1,{key[0]}", f"{escaped}1,{key[0]}", escaped)) + text[key.end() :]
    if rng.random() < 0.15:
        text = re.sub(r'("value": ?)[-+.e0-9]+', lambda found: found[1] + rng.choice(DIGITS), text)
    return text.encode("utf-8", "surrogatepass")


def agree(seed: int, count: int) -> tuple[int, list[str]]:
    rng = random.Random(seed)
    accepted, wrong = 0, []
    for _ in range(count):
        release, original = rng.choice(RICH)
        resource = json.loads(json.dumps(original))
        for _ in range(rng.choice((0, 1, 1, 2))):
            change(resource, rng)
        raw = written(resource, rng)
        name = original["resourceType"]
        if gate(name, release).passes(raw):
            accepted += 1
            fault = fault_by_models(raw, name, release)
            wrong += [] if fault is None else [f"{fault}: {raw.decode()}"]
    return accepted, wrong


def test_the_gate_and_fhir_resources_agree() -> None:
    accepted, wrong = agree(seed=1, count=4000)
    assert not wrong
    assert accepted > 1000


@pytest.mark.deep
@pytest.mark.parametrize("seed", range(2, 12))
def test_the_gate_and_fhir_resources_agree_for_long(seed: int) -> None:
    assert not agree(seed, count=20_000)[1]


@pytest.mark.parametrize(("release", "resource"), RICH)
def test_clean_data_passes_thegate(release: str, resource: Json) -> None:
    assert gate(resource["resourceType"], release).passes(json.dumps(resource).encode())


@pytest.mark.parametrize(
    "more",
    [{"contained": []}, {"modifierExtension": []}, {"implicitRules": "x"}, {"effectiveDateTime": "2025-06-10T10:00"}],
)
def test_what_needs_thought_goes_the_slow_way(more: Json) -> None:
    assert not gate("Observation", "R4").passes(json.dumps(observation(**more)).encode())


def test_the_days_of_the_calendar_pass_and_no_others() -> None:
    """All of them in two thousand years: what does not pass costs a millisecond in fhir.resources."""
    day, one, every = date(1000, 1, 1), timedelta(days=1), set()
    while day.year < 3000:
        every.add(day.isoformat())
        day += one
    pattern = re.compile(rf"\A(?:{DATE})\Z")
    texts = (f"{y}-{m:02}-{d:02}" for y in range(1000, 3000) for m in range(14) for d in range(33))
    assert [text for text in texts if bool(pattern.match(text)) != (text in every)] == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"status"', '"status": "final", "status"'),
        ('"value"', '"value": 1, "value"'),
        ('"value"', '"valu\\u0065": 1, "value"'),
        ('"status"', '"st\\u0061tus"'),
        ('"unit"', '"unit" : "x", "unit"'),
    ],
)
@pytest.mark.parametrize("indent", [None, 2])
def test_keys_that_come_twice_or_with_escapes_do_not_pass(old: str, new: str, indent: int | None) -> None:
    raw = json.dumps(observation(), indent=indent).replace(old, new).encode()
    for _ in range(2):  # it is not remembered either
        assert not gate("Observation", "R4").passes(raw)


def test_what_was_judged_is_remembered_within_bounds() -> None:
    own = gate.__wrapped__("Observation", "R4")
    for number in range(5000):
        assert own.passes(json.dumps(observation(id=f"o{number}", note=[{"text": "x" * (number + 1)}])).encode())
        assert not own.passes(json.dumps(observation(id=f"o {number}")).encode())
    assert all(len(memo) <= 4096 for memo in own._admitted.values())
    assert all(sum(map(len, memo)) <= (1 << 20) + 4096 for memo in own._admitted.values())


@pytest.mark.parametrize(
    ("value", "passes"), [("1.5", True), ("0", True), ("-3", True), ("01", False), ("1.", False), ('"1"', False)]
)
def test_any_plain_number_is_as_good_as_zero(value: str, passes: bool) -> None:
    text = json.dumps(observation()).replace('"value": 1.1', f'"value": {value}')
    assert gate("Observation", "R4").passes(text.encode()) == passes


def test_the_file_says_what_the_models_say() -> None:
    """Else: `python -m bonefhir.conform` writes it anew."""
    assert models.FILE.read_bytes() == written_models()


def test_another_version_of_the_models_is_asked_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    assert models.from_file("0") == {}
    monkeypatch.setattr(conform, "_described", dict)
    own = gate.__wrapped__("Observation", "R4")
    assert own.passes(json.dumps(observation()).encode())
    assert not own.passes(json.dumps(observation(status=1)).encode())


def test_a_gate_loads_no_models() -> None:
    code = "import sys; from bonefhir.conform import gate; gate('Observation', 'R4'); sys.exit('fhir' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
