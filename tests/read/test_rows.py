"""From a resource to its row: every field that is read, in R4 and R5, and the fault that each error gives."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.read.fhir import (
    Json,
    administration,
    administration_r5,
    condition,
    fault,
    ndjson,
    observation,
    patient,
    procedure,
    quantity,
    read,
    rows,
    scan,
    without,
)

SOURCE = ("seq", "file", "line", "entry", "offset", "length", "digest", "release", "conforms", "table")


def own(row: Json) -> Json:
    """What is not of the source, and not null."""
    return {name: value for name, value in row.items() if name not in SOURCE and value is not None}


def test_patient(tmp_path: Path) -> None:
    meta = {"lastUpdated": "2025-01-01T10:00:00.000Z", "versionId": "7"}
    row = own(read(tmp_path, patient(meta=meta, deceasedDateTime="2025-02", name=[{"family": "Doe"}])))
    assert row == {
        "id": "p1",
        "last_updated": "2025-01-01T10:00:00.000Z",
        "version_id": "7",
        "gender": "female",
        "birth_date": "1950-03-04",
        "deceased_date_time": "2025-02",
    }
    assert own(read(tmp_path, {"resourceType": "Patient", "id": "x", "deceasedBoolean": False}))["deceased_boolean"] is False


def test_administration(tmp_path: Path) -> None:
    dosage = {
        "dose": {"value": 4.0, "unit": "mg", "system": "s", "code": "mg"},
        "rateRatio": {"numerator": quantity(100, "mL"), "denominator": quantity(15, "min")},
        "route": {"coding": [{"system": "r", "code": "iv"}]},
    }
    reason = {"reasonCode": [{"text": "bone pain"}], "reasonReference": [{"reference": "Condition/c1", "display": "d"}]}
    links = {"partOf": [{"reference": "Procedure/x"}], "request": {"reference": "MedicationRequest/r1"}}
    row = own(read(tmp_path, administration(dosage=dosage, **reason, **links)))
    assert row == {
        "id": "m1",
        "status": "completed",
        "subject": "Patient/p1",
        "medication": '{"text":"zoledronic acid"}',
        "start": "2025-06-10T09:30:00Z",
        "end": "2025-06-10T09:45:00Z",
        "dose_value": "4.0",
        "dose_unit": "mg",
        "dose_system": "s",
        "dose_code": "mg",
        "rate_value": "100",
        "rate_unit": "mL",
        "rate_system": "http://unitsofmeasure.org",
        "rate_code": "mL",
        "rate_per_value": "15",
        "rate_per_unit": "min",
        "rate_per_system": "http://unitsofmeasure.org",
        "rate_per_code": "min",
        "route": '{"coding":[{"system":"r","code":"iv"}]}',
        "reasons": '[{"text":"bone pain"}]',
        "reason_refs": '[{"ref":"Condition/c1","display":"d"}]',
        "part_of": '["Procedure/x"]',
        "request": "MedicationRequest/r1",
    }


def test_r4_and_r5_administrations_give_the_same_row(tmp_path: Path) -> None:
    reasons = {"reasonCode": [{"text": "a"}], "reasonReference": [{"reference": "Condition/c"}]}
    r4 = administration(**reasons)
    r5 = administration_r5(reason=[{"concept": {"text": "a"}, "reference": {"reference": "Condition/c"}}])
    one, other = read(tmp_path, r4), read(tmp_path, r5)
    assert (one["release"], other["release"]) == ("R4", "R5")
    assert own(one) == own(other)
    by_reference = {"reference": {"reference": "Medication/x", "display": "d"}}
    row = read(tmp_path, administration_r5(medication=by_reference, occurenceDateTime="2025-06-10") | {"occurencePeriod": None})
    assert (row["medication_ref"], row["medication_display"], row["start"], row["end"]) == (
        "Medication/x",
        "d",
        "2025-06-10",
        None,
    )


def test_a_contained_condition_is_a_reason_unless_refuted(tmp_path: Path) -> None:
    system = "http://terminology.hl7.org/CodeSystem/condition-ver-status"
    for status, reasons in (("confirmed", '[{"text":"m"}]'), ("refuted", None)):
        inside = {"resourceType": "Condition", "id": "c", "code": {"text": "m"}, "subject": {"reference": "Patient/p1"}}
        inside["verificationStatus"] = {"coding": [{"system": system, "code": status}]}
        row = read(tmp_path, administration(contained=[inside], reasonReference=[{"reference": "#c"}]))
        assert (row["reasons"], row["reason_refs"]) == (reasons, None)


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"effectiveDateTime": "2025-06-10"}, ("2025-06-10", "dateTime")),
        ({"effectiveInstant": "2025-06-10T10:00:00Z"}, ("2025-06-10T10:00:00Z", "instant")),
        ({"effectivePeriod": {"start": "2025-06-09", "end": "2025-06-10"}}, ("2025-06-10", "period.end")),
        ({"effectivePeriod": {"start": "2025-06-09"}}, ("2025-06-09", "period.start")),
        ({"effectivePeriod": {}, "issued": "2025-06-11T10:00:00Z"}, ("2025-06-11T10:00:00Z", "issued")),
        ({"issued": "2025-06-11T10:00:00Z"}, ("2025-06-11T10:00:00Z", "issued")),
        ({"effectiveTiming": {}}, (None, None)),
    ],
)
def test_the_time_of_a_lab(tmp_path: Path, more: Json, expected: tuple[str | None, str | None]) -> None:
    row = read(tmp_path, without(observation(), "effectiveDateTime") | more)
    assert (row["effective"], row["effective_kind"]) == expected
    assert (row["fault"] == "no-time") == (expected == (None, None))


@pytest.mark.parametrize(
    ("more", "kind", "value", "warnings"),
    [
        ({"valueQuantity": {"value": 1.10, "unit": "mg/dL"}}, "Quantity", "1.1", None),
        ({"valueQuantity": {"unit": "mg/dL"}}, "none", None, None),
        ({"dataAbsentReason": {"text": "x"}}, "none", None, None),
        ({"valueQuantity": quantity(1), "dataAbsentReason": {"text": "x"}}, "none", None, "value-and-absent-reason"),
        ({"valueString": ">60"}, "String", None, None),
        ({"valueInteger": 3}, "Integer", None, None),
        ({"valueRange": {"low": quantity(1)}}, "Range", None, None),
        ({}, "none", None, None),
    ],
)
def test_the_value_of_a_lab(tmp_path: Path, more: Json, kind: str, value: str | None, warnings: str | None) -> None:
    row = read(tmp_path, without(observation(), "valueQuantity") | more)
    assert (row["value_kind"], row["quantity_value"], row["warnings"], row["fault"]) == (kind, value, warnings, None)


def test_digits_as_written(tmp_path: Path) -> None:
    text = json.dumps(observation()).replace("1.1,", "1.10,")
    (row,) = rows(scan(tmp_path, text.encode()))
    assert row["quantity_value"] == "1.10"


def test_components_are_rows_of_their_own(tmp_path: Path) -> None:
    parts = [
        {"code": {"text": "a"}, "valueQuantity": quantity(1), "referenceRange": [{"low": quantity(0.5), "high": quantity(2)}]},
        {"code": {"text": "b"}, "dataAbsentReason": {"text": "x"}},
        {"code": {"text": "c"}, "valueString": "y"},
    ]
    found = rows(scan(tmp_path, without(observation(), "valueQuantity") | {"component": parts}, "a.json"))
    assert [(row["component"], row["code"], row["value_kind"], row["quantity_value"]) for row in found] == [
        (-1, '{"coding":[{"system":"http://loinc.org","code":"2160-0","display":"Creatinine"}]}', "none", None),
        (0, '{"text":"a"}', "Quantity", "1"),
        (1, '{"text":"b"}', "none", None),
        (2, '{"text":"c"}', "String", None),
    ]
    assert json.loads(found[1]["reference_lows"]) == [quantity(0.5)]
    assert len({row["seq"] for row in found}) == 1
    assert {(row["effective"], row["subject"], row["status"]) for row in found} == {
        ("2025-06-09T08:00:00Z", "Patient/p1", "final")
    }


def test_a_fault_in_a_component_is_one_of_the_resource(tmp_path: Path) -> None:
    parts = [{"code": {"text": "a"}, "valueQuantity": quantity(1)}, {"code": {"text": "b"}, "valueQuantity": quantity("1")}]
    found = rows(scan(tmp_path, observation(component=parts), "a.json"))
    assert {(row["fault"], row["fault_path"]) for row in found} == {("not-fhir", "component[1].valueQuantity.value")}


def test_condition(tmp_path: Path) -> None:
    clinical = {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": "resolved"}]}
    row = own(read(tmp_path, condition(clinicalStatus=clinical, recordedDate="2024-02-01", abatementString="spring")))
    assert row == {
        "id": "c1",
        "subject": "Patient/p1",
        "code": '{"text":"multiple myeloma"}',
        "onset": "2024-01",
        "recorded": "2024-02-01",
        "abatement_undated": True,
        "clinical_status": "resolved",
    }
    periods = without(condition(onsetPeriod={"start": "2020"}, abatementPeriod={"end": "2021-05"}), "onsetDateTime")
    row = read(tmp_path, periods)
    assert (row["onset"], row["abatement"], row["abatement_undated"]) == ("2020", "2021-05", False)
    assert read(tmp_path, condition(abatementPeriod={"start": "2021"}))["abatement_undated"] is True


@pytest.mark.parametrize(
    "performed",
    [
        {"performedDateTime": "2025-01-07"},
        {"performedPeriod": {"start": "2025-01-01", "end": "2025-01-07"}},
        {"performedPeriod": {"start": "2025-01-07"}},
        {"occurrenceDateTime": "2025-01-07"},
        {"occurrencePeriod": {"end": "2025-01-07"}},
    ],
)
def test_procedure(tmp_path: Path, performed: Json) -> None:
    row = read(tmp_path, without(procedure(), "performedDateTime") | performed)
    assert (row["performed"], row["status"], row["code"]) == ("2025-01-07", "completed", '{"text":"dental examination"}')


def test_medication_of_r4_and_r5_in_one_shape(tmp_path: Path) -> None:
    ratio = {"numerator": quantity(4, "mg"), "denominator": quantity(100, "mL")}
    reference = {"reference": "http://e/Substance/s", "display": "zoledronic acid"}
    r4 = {"ingredient": [{"itemReference": reference, "strength": ratio, "isActive": True}], "form": {"text": "solution"}}
    r5 = {"ingredient": [{"item": {"reference": reference}, "strengthRatio": ratio, "isActive": True}], "doseForm": {"text": "s"}}
    found = [read(tmp_path, {"resourceType": "Medication", "id": "x", "status": "active"} | shape) for shape in (r4, r5)]
    assert [row["release"] for row in found] == ["R4", "R5"]
    assert found[0]["medication"] == found[1]["medication"]
    assert json.loads(found[0]["medication"]) == {
        "ingredient": [
            {
                "itemReference": {"reference": "Substance/s", "display": "zoledronic acid"},
                "isActive": True,
                "strength": ratio,
            }
        ],
        "status": "active",
    }


VERIFICATION = "http://terminology.hl7.org/CodeSystem/condition-ver-status"


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        (administration(status="given"), ("bad-code", "status")),
        (without(administration(), "status"), ("not-fhir", "status")),
        (administration(status=5), ("not-fhir", "status")),
        (observation(status="Final"), ("bad-code", "status")),
        (procedure(status="done"), ("bad-code", "status")),
        (patient(gender="femail"), ("bad-code", "gender")),
        (patient(gender=None), ("not-fhir", "gender")),
        (patient(birthDate="0000-01-01"), ("not-fhir", "birthDate")),
        (patient(birthDate="1950-03-04T10:00:00Z"), ("not-fhir", "birthDate")),
        (patient(deceasedBoolean="false"), ("not-fhir", "deceasedBoolean")),
        (patient(deceasedBoolean=1), ("not-fhir", "deceasedBoolean")),
        ({"resourceType": "Medication", "id": "x", "status": "ok"}, ("bad-code", "status")),
        (
            condition(verificationStatus={"coding": [{"system": VERIFICATION, "code": "no"}]}),
            ("bad-code", "verificationStatus.coding.code"),
        ),
        (without(administration(), "medicationCodeableConcept"), ("not-fhir", "medication[x]")),
        (administration(medicationCodeableConcept=[{"text": "a"}]), ("not-fhir", "medicationCodeableConcept")),
        (administration(dosage=[]), ("not-fhir", "dosage")),
        (administration(dosage={"dose": quantity("5,0")}), ("not-fhir", "dosage.dose.value")),
        (administration(dosage={"dose": quantity(None)}), ("not-fhir", "dosage.dose.value")),
        (administration(dosage={"dose": quantity(-0.0)}), ("not-fhir", "dosage.dose.value")),
        (administration(dosage={"rateRatio": {"numerator": quantity("1")}}), ("not-fhir", "dosage.rateRatio.numerator.value")),
        (without(administration(), "effectivePeriod"), ("no-time", "effective[x]")),
        (administration(effectivePeriod={"end": "2025-06-10"}), ("no-time", "effective[x]")),
        (administration(effectivePeriod={"start": "06/10/2025"}), ("not-fhir", "effectivePeriod.start")),
        (administration(effectivePeriod={"start": 20250610}), ("not-fhir", "effectivePeriod.start")),
        (observation(effectiveDateTime="2025-02-30"), ("not-fhir", "effectiveDateTime")),
        (observation(effectiveDateTime=20250610), ("not-fhir", "effectiveDateTime")),
        (observation(code={"coding": {"code": "x"}}), ("not-fhir", "code.coding")),
        (without(observation(), "code"), ("not-fhir", "code")),
        (observation(code={"coding": [{"code": " 2160-0 "}]}), ("not-fhir", "code.coding.code")),
        (observation(valueQuantity=quantity(1) | {"comparator": "~"}), ("bad-code", "valueQuantity.comparator")),
        (observation(component={}), ("not-fhir", "component")),
        (observation(component=[1]), ("not-fhir", "component[0]")),
        (observation(implicitRules="http://x"), ("modifier-extension", "implicitRules")),
        (observation(modifierExtension=[{"url": "http://x"}]), ("modifier-extension", "modifierExtension")),
        (observation(component=[{"code": {}, "modifierExtension": [{"url": "u"}]}]), ("modifier-extension", "modifierExtension")),
        (observation(meta={"lastUpdated": "yesterday"}), ("not-fhir", "meta.lastUpdated")),
        (observation(meta={"versionId": 3}), ("not-fhir", "meta.versionId")),
        (observation(valueQuantity={"value": 1, "unit": "a\0b"}), ("encoding", None)),
    ],
)
def test_faults(tmp_path: Path, resource: Json, expected: tuple[str, str | None]) -> None:
    assert fault(tmp_path, resource) == expected


@pytest.mark.parametrize(
    "resource",
    [
        observation(modifierExtension=[]),
        observation(note=[{"text": "modifierExtension"}]),
        observation(valueQuantity=quantity(1) | {"comparator": "ad"}),
        condition(verificationStatus={"coding": [{"system": "http://local", "code": "sure"}]}),
        patient(_birthDate={"extension": [{"url": "u", "valueDateTime": "1950-03-04T10:00:00Z"}]}),
        administration(effectivePeriod={"start": "2025-06-10T09:30"}),
    ],
)
def test_no_faults(tmp_path: Path, resource: Json) -> None:
    assert fault(tmp_path, resource) == (None, None)


def test_the_fault_that_explains_the_others_is_reported(tmp_path: Path) -> None:
    resource = without(observation(status="x", effectiveDateTime="y", valueQuantity=quantity("1")), "subject")
    assert fault(tmp_path, resource) == ("no-patient", "subject")
    assert fault(tmp_path, resource | {"modifierExtension": [{"url": "u"}]}) == ("modifier-extension", "modifierExtension")


def test_no_fault_holds_a_value(tmp_path: Path) -> None:
    secret = "SENTINEL"
    resources = [
        patient(gender=secret, birthDate=secret, id=secret + "/"),
        observation(status=secret, effectiveDateTime=secret, code={secret: 1, "text": {secret: 2}}),
        administration(dosage={"dose": {"value": secret}}, medicationCodeableConcept=secret),
        observation(**{secret: [{secret: None}]}, modifierExtension=[{secret: 1}]),
    ]
    scanned = scan(tmp_path, ndjson(*resources) + b'{"resourceType": "' + secret.encode() + b'"}\n{"' + secret.encode())
    texts = [str((row["fault"], row["fault_path"], row["fault_detail"], row["warnings"])) for row in rows(scanned)]
    assert secret not in "".join(texts) + str(scanned.rejects.to_pylist()) + str(scanned.warnings)


@pytest.mark.parametrize(
    ("resource", "kind"),
    [
        (observation(focus=[{"reference": "Patient/donor"}]), "other-focus"),
        (observation(focus=[{"reference": "Patient/p1"}]), None),
        (observation(focus=[{"reference": "Condition/c"}]), None),
        (patient(identifier=[]), "empty-array"),
        (patient(name=[{"text": "[]"}]), "empty-array"),
        (observation(code={"text": "a\u202eb"}), "bidi-text"),
        (observation(effectiveDateTime="2025-06-10T09:30Z"), "no-seconds"),
        (observation(code={"coding": [{"code": "２１６０-０"}]}), "code-fullwidth"),
        (observation(code={"text": "é"}), None),
    ],
)
def test_warnings(tmp_path: Path, resource: Json, kind: str | None) -> None:
    assert read(tmp_path, resource)["warnings"] == kind


def test_duplicate_keys(tmp_path: Path) -> None:
    def one(text: str) -> Any:
        scanned = scan(tmp_path, text.encode())
        found = rows(scanned) or scanned.rejects.to_pylist()
        return found[0]

    plain = json.dumps(observation())
    row = one(plain.replace('"status": "final"', '"status": "entered-in-error", "status": "final"'))
    assert (row["fault"], row["status"], row["subject"]) == ("duplicate-keys", None, "Patient/p1")
    row = one(plain.replace('"value": 1.1', '"value": 1.1, "val\\u0075e": 5'))
    assert (row["fault"], row["quantity_value"]) == ("duplicate-keys", None)
    row = one(plain.replace('"id": "o1"', '"id": "o1", "\\u0069d": "o2"'))
    assert (row["fault"], row["id"]) == ("duplicate-keys", None)
    row = one(plain.replace('"status"', '"resourceType": "Patient", "status"'))
    assert (row["reason"], row["resource_type"]) == ("duplicate-keys", None)
    row = one(plain.replace('"status"', '"meta": {"versionId": "1", "versionId": "2"}, "status"'))
    assert (row["fault"], row["version_id"]) == ("duplicate-keys", None)


def test_keys_may_be_written_with_escapes(tmp_path: Path) -> None:
    text = json.dumps(observation()).replace('"status"', '"st\\u0061tus"').replace('"modifierExt', '"m')
    (row,) = rows(scan(tmp_path, text.encode()))
    assert (row["status"], row["fault"]) == ("final", None)
    hidden = json.dumps(observation(modifierExtension=[{"url": "u"}])).replace("modifierExtension", "modifierExtensio\\u006e")
    (row,) = rows(scan(tmp_path, hidden.encode()))
    assert row["fault"] == "modifier-extension"


def test_equal_contents_have_equal_digests(tmp_path: Path) -> None:
    one = observation()
    content = (
        json.dumps(one).encode() + b"\n" + json.dumps(one, separators=(",", ":")).encode() + b"\n" + ndjson(observation(id="x"))
    )
    first, second, third = (row["digest"] for row in rows(scan(tmp_path, content)))
    assert first == second != third


@pytest.mark.parametrize(
    ("resource", "shape"),
    [
        (administration(effectiveTimePeriod={}), "reject"),
        (administration(wasNotGiven=True), "reject"),
        (without(administration(), "subject") | {"patient": {"reference": "Patient/p1"}}, "reject"),
        (condition(clinicalStatus="active"), "reject"),
        (condition(assertedDate="2020"), "reject"),
        (procedure(notDone=True), "reject"),
        (patient(animal={}), "reject"),
        (observation(comment="x"), "row"),
    ],
)
def test_older_releases_are_recognised(tmp_path: Path, resource: Json, shape: str) -> None:
    """An older Observation keeps its row: it may be a lab that somebody looks for."""
    scanned = scan(tmp_path, resource, "a.json")
    if shape == "reject":
        (reject,) = scanned.rejects.to_pylist()
        assert (reject["reason"], reject["resource_type"], reject["id"]) == ("stu3", resource["resourceType"], resource["id"])
    else:
        (row,) = rows(scanned)
        assert (row["fault"], row["subject"], row["release"]) == ("stu3", "Patient/p1", "R4")
