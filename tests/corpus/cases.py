"""The files of the corpus, by what is wrong with them."""

import gzip
import json
from typing import Any

from tests.corpus.make import (
    CASES,
    Case,
    controls,
    dose,
    extra,
    lab,
    line,
    nest,
    packed,
    person,
    swapped,
    whole,
    with_controls,
)
from tests.read.fhir import Json, bundle, ndjson, quantity

LINES = whole(bytes, as_lines=True)
URL = "http://example.org/fhir"


def add(**files: Case) -> None:
    """name_suffix="…" → 'name.suffix', hyphens for underscores."""
    for key, case in files.items():
        stem, _, suffix = key.rpartition("__")
        CASES[f"{stem.replace('_', '-')}.{suffix.replace('_', '.')}"] = case


def entries(*more: Any, **envelope: Any) -> Case:
    """A Bundle of the controls and entries as given."""
    return lambda name: json.dumps(
        bundle(*controls(name)) | {"entry": [*bundle(*controls(name))["entry"], *more]} | envelope
    ).encode()


def bad_dose(**more: Any) -> Case:
    return with_controls(extra(dose, **more))


def bad_lab(**more: Any) -> Case:
    return with_controls(extra(lab, **more))


def bad_person(**more: Any) -> Case:
    return with_controls(extra(person, **more))


add(
    json_trailing_comma__json=whole(lambda raw: raw[:-2].rstrip()[:-1] + b",]}"),
    json_comment__json=whole(lambda raw: raw.replace(b"{", b"{ // exported\n", 1)),
    json_nan__json=whole(lambda raw: raw.replace(b'"value": 4', b'"value": NaN')),
    json_leading_zero__json=whole(lambda raw: raw.replace(b'"value": 4', b'"value": 04')),
    json_control_character__json=whole(lambda raw: raw.replace(b"zoledronic", b"zole\ndronic")),
    json_two_documents__json=whole(lambda raw: raw + raw),
    json_cut__json=whole(lambda raw: raw[: len(raw) // 2]),
    json_null__json=lambda name: b"null",
    json_array__json=lambda name: json.dumps(controls(name)).encode(),
    encoding_bom__json=whole(lambda raw: b"\xef\xbb\xbf" + raw),
    encoding_utf16__json=whole(lambda raw: raw.decode().encode("utf-16")),
    encoding_latin1__json=whole(lambda raw: raw.replace(b"female", b"fem\xe4le")),
    encoding_lone_surrogate__ndjson=line(extra(dose, medicationCodeableConcept={"text": "zole\ud800"})),
    encoding_nul__ndjson=line(extra(dose, medicationCodeableConcept={"text": "zole\0dronic"})),
    encoding_astral__json=bad_person(name=[{"family": "山田😀"}]),
    encoding_bidi__json=bad_dose(medicationCodeableConcept={"text": "zole\u202edronic"}),
)
CASES["encoding-overlong.ndjson"] = line(
    lambda name: json.dumps(extra(lab, note=[{"text": "@"}])(name)).replace("@", "\udcc0\udcaf")
)

add(
    lines_crlf__ndjson=whole(lambda raw: raw.replace(b"\n", b"\r\n"), as_lines=True),
    lines_blank__ndjson=whole(lambda raw: raw.replace(b"\n", b"\n\n  \n"), as_lines=True),
    lines_lone_cr__ndjson=whole(lambda raw: raw.replace(b"\n", b"\r"), as_lines=True),
    lines_last_cut__ndjson=whole(lambda raw: raw[:-60], as_lines=True),
    lines_first_cut__ndjson=lambda name: ndjson(person(name))[:40] + b"\n" + ndjson(*controls(name)),
    lines_two_on_one__ndjson=line(lambda name: json.dumps(lab(name)) + json.dumps(lab(name))),
    lines_scalars__ndjson=line(lambda name: 'null\n17\n"hello"'),
    lines_comment__ndjson=whole(lambda raw: b"# exported 2025-06-10\n" + raw, as_lines=True),
    lines_bundle__ndjson=line(lambda name: bundle(extra(lab)(name), kind="searchset")),
    lines_in_json__json=LINES,
    gzip_sound__ndjson_gz=packed(LINES),
    gzip_cut__ndjson_gz=packed(LINES, lambda raw: raw[:-6]),
    gzip_checksum__ndjson_gz=packed(LINES, lambda raw: raw[:-8] + bytes(4) + raw[-4:]),
    gzip_bomb__ndjson_gz=packed(lambda name: b'{"resourceType":"Patient","id":"' + b"a" * (40 << 20) + b'"}'),
    gzip_twice__ndjson_gz=packed(packed(LINES)),
    gzip_unnamed__ndjson=packed(LINES),
    gzip_padded__ndjson_gz=packed(LINES, lambda raw: raw + bytes(512)),
    gzip_empty__ndjson_gz=lambda name: gzip.compress(b"", mtime=0),
    zip_archive__zip=lambda name: b"PK\x03\x04" + bytes(60),
    empty__json=lambda name: b"",
)

add(
    depth_arrays__json=lambda name: b"[" * 100_000 + b"]" * 100_000,
    depth_document__json=lambda name: b'{"resourceType":"Patient","x":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    depth_extension__ndjson=line(
        extra(lab, extension=[nest(100, {"url": "x", "valueString": "y"}, lambda each: {"url": "x", "extension": [each]})])
    ),
    size_keys__ndjson=line(extra(lab, **{f"k{number}": 1 for number in range(5000)})),
    size_keys_of_a_person__ndjson=line(extra(person, **{f"k{number}": 1 for number in range(5000)})),
    size_digits__ndjson=line(swapped(extra(lab), '"value": 1.0', '"value": 1.' + "1" * 3000)),
    size_codings__ndjson=line(
        extra(lab, code={"coding": [{"system": "http://loinc.org", "code": f"{n}-0"} for n in range(300)]})
    ),
    size_line__ndjson=line(extra(lab, note=[{"text": "x" * (9 << 20)}])),
)

add(
    number_1e400__ndjson=line(swapped(extra(dose), '"value": 4', '"value": 1e400')),
    number_minus_zero__ndjson=line(swapped(extra(dose), '"value": 4', '"value": -0')),
    number_comma__json=bad_dose(dosage={"dose": quantity("5,0", "mg")}),
    number_text__json=bad_lab(valueQuantity=quantity("1.0")),
    number_nan_text__json=bad_dose(dosage={"dose": quantity("NaN", "mg")}),
    number_null__json=bad_dose(dosage={"dose": quantity(None, "mg")}),
    number_boolean__json=bad_lab(valueQuantity=quantity(True)),
    number_digits__ndjson=line(swapped(extra(lab), '"value": 1.0', '"value": 1.100000000000000000000001')),
    twice_value__ndjson=line(swapped(extra(dose), '"value": 4', '"value": 4, "value": 400')),
    twice_status__ndjson=line(swapped(extra(dose), '"status"', '"status": "entered-in-error", "status"')),
    twice_type__ndjson=line(swapped(extra(lab), '"resourceType"', '"resourceType": "Patient", "resourceType"')),
    twice_escaped__ndjson=line(swapped(extra(lab), '"value": 1.0', '"value": 1.0, "val\\u0075e": 9.0')),
    twice_entry__json=whole(lambda raw: raw.replace(b'"entry"', b'"entry": [], "entry"')),
    comparator_unknown__json=bad_lab(valueQuantity=quantity(1.0) | {"comparator": "~"}),
)

add(
    shape_no_subject__json=bad_dose(drop=("subject",)),
    shape_no_medication__json=bad_dose(drop=("medicationCodeableConcept",)),
    shape_no_time__json=bad_dose(drop=("effectiveDateTime",)),
    shape_no_id__json=with_controls(lambda name: {key: value for key, value in lab(name).items() if key != "id"}),
    shape_no_type__json=with_controls(lambda name: {key: value for key, value in lab(name).items() if key != "resourceType"}),
    shape_unknown_type__json=bad_lab(resourceType="Observatoin"),
    shape_status__json=bad_dose(status="given"),
    shape_status_case__json=bad_lab(status="Final"),
    shape_coding_object__json=bad_lab(code={"coding": {"system": "http://loinc.org", "code": "2160-0"}}),
    shape_unknown_element__json=bad_lab(effectivDateTime="2025-06-09"),
    shape_null_element__json=bad_lab(note=None),
    shape_empty_array__json=bad_person(identifier=[]),
    shape_absent_and_value__json=bad_lab(dataAbsentReason={"text": "unknown"}),
    shape_modifier_extension__json=bad_dose(modifierExtension=[{"url": f"{URL}/negates", "valueBoolean": True}]),
    shape_modifier_inside__json=bad_dose(performer=[{"actor": {"display": "x"}, "modifierExtension": [{"url": f"{URL}/not"}]}]),
    shape_implicit_rules__json=bad_lab(implicitRules=f"{URL}/rules"),
    shape_dstu2__json=bad_dose(drop=("subject",), patient={"reference": "Patient/x"}, wasNotGiven=True),
    shape_stu3_lab__json=bad_lab(comment="hemolysed", context={"reference": "Encounter/e"}),
    shape_extended_primitive__json=bad_person(_birthDate={"extension": [{"url": f"{URL}/t", "valueString": "x"}]}),
    shape_r5__json=bad_dose(
        drop=("medicationCodeableConcept", "effectiveDateTime"),
        medication={"concept": {"text": "zoledronic acid"}},
        occurencePeriod={"start": "2025-06-10T09:30:00Z"},
    ),
    code_blanks__json=bad_lab(code={"coding": [{"system": "http://loinc.org", "code": " 2160-0 "}]}),
    code_fullwidth__json=bad_lab(code={"coding": [{"system": "http://loinc.org", "code": "２１６０-０"}]}),
    gender_unknown__json=bad_person(gender="femail"),
    verification_unknown__json=with_controls(
        lambda name: {
            "resourceType": "Condition",
            "id": f"{name}-x",
            "subject": {"reference": f"Patient/{name}-p"},
            "verificationStatus": {
                "coding": [{"system": "http://terminology.hl7.org/CodeSystem/condition-ver-status", "code": "sure"}]
            },
        }
    ),
)

for label, text in {
    "t24": "2025-06-10T24:00:00Z",
    "feb30": "2025-02-30",
    "us": "06/10/2025",
    "blanks": " 2025-06-10 ",
    "fullwidth": "２０２５-06-10",
    "year-0000": "0000-01-01",
    "number": 20250610,
    "offset-15": "2025-06-10T09:00:00+15:00",
    "year": "2025",
    "month": "2025-06",
    "no-offset": "2025-06-10T09:30:00",
    "no-seconds": "2025-06-10T09:30Z",
    "offset-14": "2025-06-10T09:30:00+14:00",
    "offset-minus-zero": "2025-06-10T09:30:00-00:00",
}.items():
    CASES[f"date-{label}.json"] = bad_dose(effectiveDateTime=text)
add(
    date_birth_0000__json=bad_person(birthDate="0000-01-01"),
    date_birth_year__json=bad_person(birthDate="1950"),
    date_open_period__json=bad_dose(drop=("effectiveDateTime",), effectivePeriod={"start": "2025-06-10T10:00:00Z"}),
)

for label, subject in {
    "javascript": {"reference": "javascript:alert(1)"},
    "wrong-type": {"reference": "Observation/o"},
    "display-only": {"display": "DOE^JANE"},
    "identifier": {"identifier": {"value": "1"}},
    "conditional": {"reference": "Patient?identifier=1"},
    "fragment-missing": {"reference": "#p"},
    "group": {"reference": "Group/g"},
    "dangling": {"reference": "Patient/nowhere"},
    "absolute": {"reference": "http://169.254.169.254/latest/Patient/1"},
    "versioned": {"reference": "Patient/x/_history/2"},
}.items():
    CASES[f"reference-{label}.json"] = bad_dose(subject=subject)


def medications(name: str) -> Json:
    circle = [
        {"resourceType": "Medication", "id": one, "ingredient": [{"itemReference": {"reference": f"#{other}"}}]}
        for one, other in (("a", "b"), ("b", "a"))
    ]
    found = extra(dose, drop=("medicationCodeableConcept",))(name)
    return found | {"medicationReference": {"reference": "#a"}, "contained": circle}


def transaction(name: str) -> bytes:
    uuid = "urn:uuid:6f1f5c3e-0000-4000-8000-00000000000"
    parts = [person(name), dose(name, subject={"reference": f"{uuid}1"})]
    found = [
        {"fullUrl": f"{uuid}{n + 1}", "resource": {k: v for k, v in part.items() if k != "id"}} for n, part in enumerate(parts)
    ]
    return json.dumps({"resourceType": "Bundle", "type": "transaction", "entry": found}).encode()


add(
    reference_contained_circle__json=with_controls(medications),
    reference_urn__json=transaction,
    reference_other_focus__json=bad_lab(focus=[{"reference": "Patient/donor"}]),
    bundle_no_type__json=lambda name: json.dumps({k: v for k, v in bundle(*controls(name)).items() if k != "type"}).encode(),
    bundle_next_page__json=entries(type="searchset", total=400, link=[{"relation": "next", "url": "http://127.0.0.1:9/2"}]),
    bundle_fewer_than_total__json=entries(type="searchset", total=48),
    bundle_outcome__json=entries({"resource": {"resourceType": "OperationOutcome"}, "search": {"mode": "outcome"}}),
    bundle_delete__json=entries({"request": {"method": "DELETE", "url": "Observation/x"}}),
    bundle_null_entry__json=entries(None),
    bundle_entry_text__json=entries({"resource": json.dumps(lab("text"))}),
    bundle_nested__json=lambda name: json.dumps(nest(5, bundle(*controls(name)), bundle)).encode(),
    bundle_full_url__json=entries({"fullUrl": f"{URL}/Patient/a", "resource": person("other")}),
    bundle_entry_object__json=lambda name: json.dumps(bundle() | {"entry": {"resource": person(name)}}).encode(),
    single__json=lambda name: json.dumps(person(name)).encode(),
    id_65__json=bad_person(id="a" * 65),
    id_path__json=bad_person(id="../../etc/passwd"),
    id_percent__json=bad_person(id="%2e%2e"),
    id_nul__json=bad_person(id="a\0b"),
    id_dots__json=bad_person(id=".."),
    id_option__json=bad_person(id="-rf"),
    wrong_xml__json=lambda name: b'<?xml version="1.0"?><Patient xmlns="http://hl7.org/fhir"/>',
    wrong_html__ndjson=lambda name: b"<!DOCTYPE html><html><body>Sign in</body></html>",
    wrong_csv__ndjson=lambda name: b"patient,creatinine\n1,1.0\n",
    wrong_parquet__ndjson=lambda name: b"PAR1" + bytes(60) + b"PAR1",
    wrong_words__md=lambda name: b"# About this folder\n\nExported on a Tuesday.\n",
    unfinished__ndjson_part=LINES,
)
for odd in ("-rf-names.ndjson", "=1+1-names.ndjson", "<img src=x onerror=alert(1)>.ndjson", "a;b $(x).ndjson"):
    CASES[odd] = LINES
