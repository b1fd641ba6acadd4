"""What is no FHIR is told with its place and never with its value; what is FHIR passes."""

import gzip
import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from bonefhir.conform import CANDIDATES, check, fault_of
from bonefhir.read.sources import expand
from tests.read.fhir import (
    Json,
    administration,
    administration_r5,
    condition,
    observation,
    patient,
    procedure,
    quantity,
    without,
)

SECRET = "SENTINEL"


def verdict(resource: Json, release: str = "R4") -> tuple[str, str | None] | None:
    fault = fault_of(json.dumps(resource).encode(), resource["resourceType"], release)
    assert fault is None or SECRET not in str(fault)
    return fault and (fault.reason, fault.path)


EXTENSION = {"url": "http://e/x", "valueString": "y"}


@pytest.mark.parametrize(
    "resource",
    [
        patient(),
        patient(_birthDate={"extension": [{"url": "http://e/t", "valueDateTime": "1950-03-04T10:00:00Z"}]}),
        patient(name=[{"family": "山田😀", "given": ["Šéñ", "x"]}], deceasedBoolean=True),
        patient(name=[{"given": [None, "x"], "_given": [{"extension": [EXTENSION]}, None]}]),
        patient(identifier=[]),
        observation(),
        observation(effectiveDateTime="2024-02-29"),
        observation(effectiveDateTime="2025-06-10T09:30:00-00:00"),
        observation(effectiveDateTime="2025-06-10T09:30"),
        observation(effectiveDateTime="2025-06-10T09:30:15"),
        observation(effectiveDateTime="2025"),
        observation(issued="2025-06-10T09:30:15.123456789+14:00"),
        observation(valueQuantity={"value": 1e-7, "comparator": "<", "unit": "mg/dL"}),
        observation(text={"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">x</div>'}),
        observation(contained=[{"resourceType": "Specimen", "id": "s"}], specimen={"reference": "#s"}),
        observation(contained=[{"resourceType": "MedicinalProduct", "id": "s"}]),
        observation(component=[{"code": {"text": "a"}, "valueInteger": 3}]),
        observation(extension=[{"url": "http://e", "extension": [{"url": "b", "extension": [EXTENSION]}]}]),
        administration(),
        administration(dosage={"dose": quantity(0.005, "g"), "rateQuantity": quantity(1, "mg/h")}),
        condition(),
        procedure(),
        {"resourceType": "Medication", "id": "x", "ingredient": [{"itemCodeableConcept": {"text": "a"}}]},
    ],
)
def test_valid(resource: Json) -> None:
    assert verdict(resource) is None


def test_valid_r5() -> None:
    assert verdict(administration_r5(category=[{"text": "inpatient"}]), "R5") is None
    assert verdict(administration_r5(dosage={"dose": quantity("1")}), "R5") == ("not-fhir", "dosage.dose.value")


def test_shapes_that_releases_share_are_tried_as_both() -> None:
    participant = condition(clinicalStatus={"text": "active"}, evidence=[{"concept": {"text": "x"}}])
    assert verdict(participant, "R4") is None
    assert verdict(participant, "R5") is None


def deep(levels: int) -> Json:
    inner: Json = dict(EXTENSION)
    for _ in range(levels):
        inner = {"url": "http://e", "extension": [inner]}
    return observation(extension=[inner])


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        (observation(effectivDateTime=SECRET), ("not-fhir", None)),
        (observation(code={"coding": [{SECRET: 1}]}), ("not-fhir", "code.coding[0]")),
        (observation(code={"coding": {"code": SECRET}}), ("not-fhir", "code.coding")),
        (observation(code={"coding": [{"code": f" {SECRET} "}]}), ("not-fhir", "code.coding[0].code")),
        (observation(code={"text": ""}), ("not-fhir", "code.text")),
        (observation(code=None), ("not-fhir", "code")),
        (without(observation(), "code"), ("not-fhir", "code")),
        (without(observation(), "status"), ("not-fhir", "status")),
        (observation(note=[{}]), ("not-fhir", "note[0].text")),
        (observation(valueString=SECRET), ("not-fhir", None)),
        (observation(valueQuantity=quantity("1.2")), ("not-fhir", "valueQuantity.value")),
        (observation(valueQuantity=quantity(True)), ("not-fhir", "valueQuantity.value")),
        (observation(valueQuantity=quantity("NaN")), ("not-fhir", "valueQuantity.value")),
        (observation(valueQuantity=quantity(None)), ("not-fhir", "valueQuantity.value")),
        (observation(valueQuantity=quantity(1) | {"comparator": SECRET}), ("bad-code", "valueQuantity.comparator")),
        (observation(referenceRange=[{"low": quantity("1")}]), ("not-fhir", "referenceRange[0].low.value")),
        (observation(component=[{"code": {"text": "a"}, "valueInteger": "3"}]), ("not-fhir", "component[0].valueInteger")),
        (observation(code={"coding": [{"code": "x", "userSelected": "true"}]}), ("not-fhir", "code.coding[0].userSelected")),
        (patient(active=1), ("not-fhir", "active")),
        (patient(name=[{"given": [None]}]), ("not-fhir", "name[0].given[0]")),
        (patient(gender=3), ("not-fhir", "gender")),
        (observation(effectiveDateTime="2025-02-30"), ("not-fhir", "effectiveDateTime")),
        (observation(effectiveDateTime="2025-06-10T24:00:00Z"), ("not-fhir", "effectiveDateTime")),
        (observation(effectiveDateTime=20250610), ("not-fhir", "effectiveDateTime")),
        (observation(contained=[{"resourceType": "Patient", "birthDate": SECRET}]), ("not-fhir", "contained[0].birthDate")),
        (observation(contained=[{"resourceType": SECRET}]), ("not-fhir", "contained")),
        (observation(modifierExtension=[{"url": SECRET}]), ("modifier-extension", "modifierExtension")),
        (observation(implicitRules=SECRET), ("modifier-extension", "implicitRules")),
        (observation(note=[{"text": "a\0b"}]), ("encoding", None)),
        (observation(note=[{"text": "a\ud800"}]), ("encoding", None)),
        (deep(40), ("too-deep", None)),
        (deep(300), ("too-deep", None)),
        (without(administration(), "medicationCodeableConcept"), ("not-fhir", None)),
        (without(administration(), "subject"), ("not-fhir", "subject")),
        (administration(dosage={"timing": {}}), ("not-fhir", "dosage")),
        (administration(category=[{"text": "x"}]), ("not-fhir", "category")),
    ],
)
def test_faults(resource: Json, expected: tuple[str, str | None]) -> None:
    assert verdict(resource) == expected


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ('"value": 1.1', '"value": 1.1, "value": 2', "duplicate-keys"),
        ('"value": 1.1', '"value": 1.' + "1" * 70, "too-large"),
        ('"value": 1.1', '"value": 1e400', "not-fhir"),
        ('"Creatinine"', '"' + "1" * 70 + '"', None),
    ],
)
def test_faults_of_the_text(old: str, new: str, reason: str | None) -> None:
    text = json.dumps(observation())
    assert old in text
    fault = fault_of(text.replace(old, new).encode(), "Observation", "R4")
    assert (fault and fault.reason) == reason


def test_bytes_that_are_not_utf8() -> None:
    fault = fault_of(json.dumps(observation()).encode().replace(b"Creatinine", b"Cr\xc0\xafatinine"), "Observation", "R4")
    assert fault is not None
    assert fault.reason == "encoding"


def test_what_only_stu3_knows_is_named_so() -> None:
    older = without(observation(context={"reference": "Encounter/e"}, comment="x"), "encounter")
    assert verdict(older) == ("stu3", None)


@pytest.mark.parametrize("packed", [False, True])
def test_candidates_are_read_back_from_their_files(tmp_path: Path, packed: bool) -> None:
    bad = observation(id="bad", note=[{}])
    lines = [json.dumps(each).encode() for each in (patient(), bad, observation(id="x"))]
    content = b"\n".join(lines)
    (tmp_path / "a.ndjson").write_bytes(gzip.compress(content) if packed else content)
    (tmp_path / "b.json").write_bytes(lines[1])
    files = {file.number: file for file in expand([str(tmp_path)])}
    rows: list[tuple[Any, ...]] = [
        (10, 0, content.index(lines[2]), len(lines[2]), "Observation", "R4"),
        (12, 1, 0, len(lines[1]), "Observation", "R4"),
        (9, 0, content.index(lines[1]), len(lines[1]), "Observation", "R4"),
        (8, 0, 0, len(lines[0]), "Patient", "R4"),
    ]
    found = check(files, pd.DataFrame(rows, columns=list(CANDIDATES)))
    assert found[["seq", "reason", "path"]].values.tolist() == [[9, "not-fhir", "note[0].text"], [12, "not-fhir", "note[0].text"]]


def test_no_candidates_no_faults() -> None:
    found = check({}, pd.DataFrame([], columns=list(CANDIDATES)))
    assert (list(found.columns), len(found)) == (["seq", "reason", "path", "detail"], 0)


def test_a_fault_without_a_path_beside_one_with_a_path(tmp_path: Path) -> None:
    """None stays None: pandas would make it NaN in a column of texts."""
    lines = [json.dumps(each).encode() for each in (observation(surname=1), observation(status=1))]
    (tmp_path / "a.ndjson").write_bytes(b"\n".join(lines))
    files = {file.number: file for file in expand([str(tmp_path)])}
    starts = (0, len(lines[0]) + 1)
    rows = [(n, 0, at, len(line), "Observation", "R4") for n, (at, line) in enumerate(zip(starts, lines, strict=True))]
    assert check(files, pd.DataFrame(rows, columns=list(CANDIDATES)))["path"].tolist() == [None, "status"]
