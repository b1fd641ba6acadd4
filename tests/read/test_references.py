"""What each form of a reference leads to, and who is the subject."""

from pathlib import Path
from typing import Any

import pytest

from bonefhir.read.references import NO_LINK, Scope, contradicts, id_of, parse, resolve
from tests.read.fhir import Json, administration, bundle, ndjson, observation, patient, quantity, read, rows, scan, without

UUID = "urn:uuid:6f1f5c3e-0000-4000-8000-000000000001"


@pytest.mark.parametrize(
    ("reference", "target"),
    [
        ("Patient/p1", "Patient/p1"),
        ("Patient/p1/_history/3", "Patient/p1"),
        ("http://example.org/fhir/Patient/p1", "Patient/p1"),
        ("https://example.org:8443/a/b/Patient/p1/_history/2", "Patient/p1"),
        ("http://169.254.169.254/latest/meta-data/Patient/1", "Patient/1"),
        ("Patient/..", "Patient/.."),
        ("Patient/-rf", "Patient/-rf"),
        (UUID, UUID),
        (UUID.upper().replace("URN:UUID", "urn:uuid"), UUID),
        ("urn:oid:1.2.3", "urn:oid:1.2.3"),
        ("#p", None),
        ("#", None),
        ("", None),
        ("p1", None),
        ("/Patient/p1", None),
        ("Patient/", None),
        ("Patient/a b", None),
        ("Patient/p1 ", None),
        ("Patient/" + "a" * 65, None),
        ("Patient?identifier=x|1", None),
        ("http://example.org/fhir/Patient?identifier=1", None),
        ("javascript:alert(1)", None),
        ("file:///etc/Patient/p1", None),
        ("Patient/p1#x", None),
        ("patient/p1", None),
        ("Patient/pé", None),
    ],
)
def test_forms(reference: str, target: str | None) -> None:
    assert resolve(parse(reference), None) == target


def test_urns_are_looked_up_from_the_inside_out() -> None:
    outer = Scope()
    outer.add(UUID, "Patient/outer")
    outer.add("urn:oid:1.2", "Patient/a")
    outer.add("urn:oid:1.2", "Patient/b")
    inner = Scope(outer)
    assert resolve(parse(UUID), inner) == "Patient/outer"
    inner.add(UUID, "Patient/inner")
    assert resolve(parse(UUID), inner) == "Patient/inner"
    assert resolve(parse("urn:oid:1.2"), inner) == "urn:oid:1.2"
    assert resolve(NO_LINK, inner) is None


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (UUID, UUID[9:]),
        ("http://e/fhir/Patient/p1", "p1"),
        ("http://e/fhir/Patient/p1/_history/2", "p1"),
        ("urn:oid:1.2", None),
        ("Patient/p1", None),
        ("http://e/fhir/a%20b", None),
    ],
)
def test_the_id_that_a_full_url_gives(url: str, expected: str | None) -> None:
    assert id_of(url) == expected


def test_a_full_url_may_contradict_the_id() -> None:
    assert contradicts("http://e/Patient/a", "Patient", "b")
    assert contradicts("http://e/Observation/a", "Patient", "a")
    assert not contradicts("http://e/Patient/a", "Patient", "a")
    assert not contradicts(UUID, "Patient", "a")


@pytest.mark.parametrize(
    "subject",
    [
        {"identifier": {"value": "1"}},
        {"display": "Jane"},
        {"reference": "Group/g"},
        {"reference": "Observation/o"},
        {"reference": "Patient?identifier=1"},
        {"reference": "#p"},
        {"reference": 5},
        {"reference": None},
        {},
        "Patient/p1",
        ["Patient/p1"],
        None,
    ],
)
def test_without_a_patient_a_resource_is_faulty(tmp_path: Path, subject: Any) -> None:
    for resource in (observation(subject=subject), administration(subject=subject)):
        row = read(tmp_path, resource)
        assert (row["subject"], row["fault"]) == (None, "no-patient")
    assert read(tmp_path, without(observation(), "subject"))["fault"] == "no-patient"


def entry(url: str, resource: Json) -> Json:
    return {"fullUrl": url, "resource": resource}


def test_urns_within_a_bundle(tmp_path: Path) -> None:
    nested = {"resourceType": "Bundle", "type": "batch", "entry": [{"resource": observation(subject={"reference": UUID})}]}
    content = {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [
            entry("urn:uuid:0-1", without(observation(subject={"reference": UUID}), "id")),
            entry("urn:uuid:0-2", nested),
            entry(UUID, without(patient(), "id")),
            entry("urn:uuid:0-3", observation(id="o3", subject={"reference": "urn:uuid:elsewhere"})),
        ],
    }
    scanned = scan(tmp_path, content, "a.json")
    found = {(row["table"], row["id"], row.get("subject"), row["fault"]) for row in rows(scanned)}
    person = UUID[9:]
    assert found == {
        ("observations_read", "0-1", f"Patient/{person}", None),
        ("observations_read", "o1", f"Patient/{person}", None),
        ("patients_read", person, None, None),
        ("observations_read", "o3", "urn:uuid:elsewhere", None),
    }
    assert {"file": 0, "url": UUID, "target": f"Patient/{person}"} in scanned.full_urls.to_pylist()


def test_a_contained_patient_becomes_a_row_of_its_own(tmp_path: Path) -> None:
    inside = without(patient(id="p", birthDate="1960-01-01"), "x")
    resource = observation(contained=[{"resourceType": "Group", "id": "p"}, inside], subject={"reference": "#p"})
    scanned = scan(tmp_path, ndjson(patient(), resource))
    found = {row["id"]: row for row in rows(scanned)}
    assert found["o1"]["subject"] == "Patient/o1#p"
    assert (found["o1#p"]["birth_date"], found["o1#p"]["line"], scanned.read) == ("1960-01-01", 2, 2)


def test_ids_that_are_none(tmp_path: Path) -> None:
    for wrong in ("a" * 65, "", "a/b", "%2e", "a b", "é", "a\0", 5, None, ["a"]):
        row = read(tmp_path, patient(id=wrong))
        assert row["id"] is None
        assert row["fault"] in ("not-fhir", "encoding")
    for legal in ("..", "-rf", ".bashrc", "A" * 64):
        assert (read(tmp_path, patient(id=legal))["id"], read(tmp_path, patient(id=legal))["fault"]) == (legal, None)
    assert read(tmp_path, without(patient(), "id"))["fault"] == "no-id"


def test_a_medication_by_reference(tmp_path: Path) -> None:
    def drug(reference: str, *contained: Json) -> Json:
        dose = without(administration(), "medicationCodeableConcept")
        return read(
            tmp_path, dose | {"medicationReference": {"reference": reference, "display": "d"}, "contained": list(contained)}
        )

    code = {"text": "Zometa"}
    strength = {"numerator": quantity(4, "mg"), "denominator": quantity(5, "mL")}
    assert drug("Medication/x/_history/1")["medication_ref"] == "Medication/x"
    assert drug("Substance/x")["medication_ref"] is None
    assert (drug("#m")["medication_ref"], drug("#m")["contained_medication"]) == ("#m", None)
    inside = {"resourceType": "Medication", "id": "m", "code": code, "status": "active", "form": {"text": "vial"}}
    assert drug("#m", inside)["contained_medication"] == '{"code":{"text":"Zometa"},"status":"active"}'
    mixed = {
        "resourceType": "Medication",
        "id": "m",
        "ingredient": [{"itemReference": {"reference": "#s"}, "strength": strength}],
    }
    substance = {"resourceType": "Substance", "id": "s", "code": code}
    text = drug("#m", mixed, substance)["contained_medication"]
    assert text.startswith('{"ingredient":[{"itemCodeableConcept":{"text":"Zometa"},"strength":{"numerator":{"value":4,')


def test_contained_medications_in_a_circle_end(tmp_path: Path) -> None:
    def one(name: str, other: str) -> Json:
        return {"resourceType": "Medication", "id": name, "ingredient": [{"itemReference": {"reference": f"#{other}"}}]}

    dose = without(administration(), "medicationCodeableConcept")
    row = read(tmp_path, dose | {"medicationReference": {"reference": "#a"}, "contained": [one("a", "b"), one("b", "a")]})
    assert (row["medication_ref"], row["contained_medication"]) == ("#a", None)


def test_full_urls_that_contradict_are_warned_of(tmp_path: Path) -> None:
    content = bundle()
    content["entry"] = [entry("http://e/Patient/a", patient(id="b")), entry("http://e/Patient/c", patient(id="c"))]
    assert [row["warnings"] for row in rows(scan(tmp_path, content))] == ["fullurl-mismatch", None]
