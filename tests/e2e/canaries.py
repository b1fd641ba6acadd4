"""Resources full of canaries: values that must not be seen where they do not belong, and the search for them.

Three kinds, by where they may be:

* NOWHERE: names, addresses, telephones, notes, identifiers, extensions, contained Patients, whatever no rule needs
* PHI: what a finding rests on (ids, the date of birth, what was written as unit, text, time): under phi/ only
* the name of a file: under phi/ and in run.json, which lists the input
"""

import base64
import gzip
import io
import json
import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from tests.spec.case import RXNORM, UCUM, Resource, dose, lab, metastases, patient

NOWHERE = "XNOWHEREX"
PHI = "XPHIX"
FILE = "XFILEX"
BIRTH = "1911-03-07"
PHONE = "555-0173-2286"
HIDDEN = f"{NOWHERE} {PHONE}"

Json = Any


def folder(place: Path) -> Path:
    """An input in which every element of valid and invalid resources holds a canary."""
    place.mkdir(parents=True)
    lines = [json.dumps(resource) for resource in [*valid(), *invalid()]]
    (place / f"{FILE}.ndjson").write_text("\n".join([*lines, *broken()]) + "\n", encoding="utf-8")
    (place / "bundle.json").write_text(json.dumps(bundle()), encoding="utf-8")
    (place / "cut.json").write_text(json.dumps(bundle())[:-40], encoding="utf-8")
    (place / "cut.ndjson.gz").write_bytes(gzip.compress("\n".join(lines).encode())[:-9])
    (place / f"{FILE}.txt").write_text(f"Dear {HIDDEN}, see you on {BIRTH}\n", encoding="utf-8")
    return place


def person(**more: Json) -> Resource:
    return patient(
        id=f"{PHI}-patient",
        birthDate=BIRTH,
        name=[{"family": HIDDEN, "given": [HIDDEN], "text": HIDDEN, "period": {"start": BIRTH}}],
        telecom=[{"system": "phone", "value": HIDDEN}],
        address=[{"line": [HIDDEN], "city": HIDDEN, "postalCode": HIDDEN, "text": HIDDEN}],
        identifier=[{"system": f"http://{NOWHERE}.example", "value": HIDDEN, "type": {"text": HIDDEN}}],
        contact=[{"name": {"text": HIDDEN}, "telecom": [{"value": HIDDEN}]}],
        photo=[{"title": HIDDEN, "url": f"http://{NOWHERE}.example/a.png"}],
        communication=[{"language": {"text": HIDDEN}}],
        **more,
    )


def about(**more: Json) -> Resource:
    """Elements that any resource may have, and that nobody needs."""
    return {
        "text": {"status": "generated", "div": f'<div xmlns="http://www.w3.org/1999/xhtml">{HIDDEN}</div>'},
        "extension": [{"url": f"http://{NOWHERE}.example", "valueString": HIDDEN}],
        "identifier": [{"system": f"http://{NOWHERE}.example", "value": HIDDEN}],
        "note": [{"text": HIDDEN, "authorString": HIDDEN}],
        "contained": [person() | {"id": "inside"}],
        "subject": {"reference": f"Patient/{PHI}-patient", "display": HIDDEN, "identifier": {"value": HIDDEN}},
    } | more


def written(resource: Resource) -> Resource:
    """Without the elements that a change has taken out."""
    return {name: value for name, value in resource.items() if value is not None}


def given(name: str, **more: Json) -> Resource:
    who = [{"actor": {"display": HIDDEN}}]
    return written(dose(4.25, "2024-05-20T10:07:13Z", None, **about(id=f"{PHI}-{name}", performer=who) | more))


def measured(analyte: str, value: float | None, name: str, **more: Json) -> Resource:
    who = [{"display": HIDDEN}]
    return written(lab(analyte, value, "2024-05-19T08:11:17Z", **about(id=f"{PHI}-{name}", performer=who) | more))


def valid() -> Iterator[Resource]:
    """A dose that fails a rule, with what it is judged by."""
    yield person(extension=about()["extension"], text=about()["text"])
    yield metastases() | about(id=f"{PHI}-bone")
    yield measured("creatinine", 1.37, "creatinine")
    yield measured("calcium", 6.9, "calcium")
    yield given("dose")
    yield given("text", medicationCodeableConcept={"text": f"zoledronic acid 4 mg for {PHI}"}, effectiveDateTime="2024-06-20")
    yield given("unit", effectiveDateTime="2024-07-20", dosage={"dose": {"value": 4, "unit": f"{PHI}"}})
    coded = {"coding": [{"system": RXNORM, "code": "351114", "display": HIDDEN}]}
    yield given("display", effectiveDateTime="2024-08-20", medicationCodeableConcept=coded)
    yield given("reason", effectiveDateTime="2024-09-20", reasonCode=[{"text": HIDDEN}], request={"reference": f"X/{HIDDEN}"})


def invalid() -> Iterator[Resource]:
    """Each wrong in one place, and the wrong value is a canary."""
    yield person(gender=HIDDEN) | {"id": f"{PHI}-gender"}
    yield person() | {"id": f"{PHI}-birth", "birthDate": HIDDEN}
    yield person() | {"id": f"{PHI}-type", "birthDate": {HIDDEN: HIDDEN}}
    yield person() | {"id": f"{PHI}-name", "name": HIDDEN}
    yield person() | {"id": f"{PHI}-unknown", HIDDEN: HIDDEN}
    yield person() | {"id": HIDDEN}
    yield person() | {"id": [HIDDEN]}
    yield person() | {"resourceType": HIDDEN}
    yield person() | {"resourceType": [HIDDEN]}
    yield given("status", status=HIDDEN)
    yield given("when", effectiveDateTime=HIDDEN)
    yield given("period", effectiveDateTime=None, effectivePeriod={"start": HIDDEN, "end": HIDDEN})
    yield given("value", dosage={"dose": {"value": HIDDEN, "unit": "mg", "system": UCUM, "code": "mg"}})
    yield given("dosage", dosage={"dose": {"value": 4, "unit": "mg", HIDDEN: HIDDEN}})
    yield given("medication", medicationCodeableConcept={"coding": [{"system": RXNORM, "code": "351114", HIDDEN: 1}]})
    yield given("subject", subject={"reference": f"javascript:{HIDDEN}"})
    yield given("nobody", subject={"display": HIDDEN})
    yield given("somebody", subject={"identifier": {"value": HIDDEN}})
    yield given("unresolved", medicationCodeableConcept=None, medicationReference={"reference": f"Medication/{NOWHERE}"})
    yield given("modifier", modifierExtension=[{"url": f"http://{NOWHERE}.example", "valueString": HIDDEN}])
    yield given("rules", implicitRules=f"http://{NOWHERE}.example")
    yield given("language", language=[HIDDEN])
    yield given("meta", meta={"versionId": [HIDDEN], "lastUpdated": HIDDEN, "profile": HIDDEN})
    yield given("contained", contained=[HIDDEN, {"resourceType": HIDDEN, "id": HIDDEN}])
    yield given("note", note=[{"text": [HIDDEN], HIDDEN: HIDDEN}])
    for number, wrong in enumerate(({"value": HIDDEN}, {HIDDEN: HIDDEN}, {"value": 1.1, "comparator": HIDDEN}, HIDDEN)):
        yield measured("creatinine", 1.1, f"lab{number}", valueQuantity=wrong)
    yield measured("creatinine", None, "string", valueString=HIDDEN)
    yield measured("creatinine", 1.1, "code", code={"coding": HIDDEN})
    yield {"resourceType": "Bundle", "type": HIDDEN, "entry": [{HIDDEN: HIDDEN}, HIDDEN, {"resource": HIDDEN}]}


def broken() -> Iterator[str]:
    """Lines that are no JSON, or none that may be."""
    whole = json.dumps(given("broken"))
    yield whole[:-30]
    yield whole.replace(": ", " ", 3)
    yield whole[:-1] + f', "status": "{HIDDEN}", "status": "completed"}}'
    yield whole[:-1] + f', "{HIDDEN}": 1, "{HIDDEN}": 2}}'
    yield f'"{HIDDEN}"'
    yield HIDDEN
    yield f'{{"resourceType": "Patient", "id": "x", "name": "{HIDDEN}\\ud800"}}'
    yield f'{{"resourceType": "Patient", "id": "x", "{HIDDEN}": ' + "[" * 3000 + "]" * 3000 + "}"


def bundle() -> Resource:
    """The same person again, by fullUrls that hold canaries."""
    entry = [
        {"fullUrl": f"http://{NOWHERE}.example/{HIDDEN}", "resource": person() | {"id": f"{PHI}-b"}},
        {"fullUrl": f"urn:uuid:{PHI}", "resource": {key: value for key, value in person().items() if key != "id"}},
        {"fullUrl": "urn:x", "resource": given("b", subject={"reference": f"urn:uuid:{PHI}"})},
        {"resource": given("c", subject={"reference": f"Patient/{PHI}-b"}), "request": {"url": HIDDEN}},
        {"response": {"outcome": {"resourceType": "OperationOutcome", "issue": [{"diagnostics": HIDDEN}]}}},
    ]
    return {"resourceType": "Bundle", "id": NOWHERE, "type": "collection", "link": [{"url": HIDDEN}], "entry": entry}


# ------------------------------------------------------------------------------------------------------------ the search


def found(content: bytes, *canaries: str) -> list[str]:
    """Those canaries that are somewhere in these bytes, also packed, also in base64."""
    return [canary for canary in canaries if any(canary.encode() in form for form in forms(content))]


def forms(content: bytes) -> Iterator[bytes]:
    yield content
    if content[:4] == b"PAR1":
        yield json.dumps(pq.read_table(io.BytesIO(content)).to_pydict(), default=str).encode()
    if content[:4] == b"PK\x03\x04":
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            yield from (archive.read(name) for name in archive.namelist())
    for run in re.findall(rb"[A-Za-z0-9+/]{40,}={0,2}", content):
        with suppress(ValueError):
            plain = base64.b64decode(run + b"=" * (-len(run) % 4))
            yield plain
            for how in (zlib.MAX_WBITS, -zlib.MAX_WBITS, zlib.MAX_WBITS | 16):
                with suppress(zlib.error):
                    yield zlib.decompressobj(how).decompress(plain)


def leaks(place: Path, *canaries: str) -> dict[str, list[str]]:
    """File → canaries in it or in its name; only those that have any."""
    hits = {
        path.relative_to(place).as_posix(): found(path.name.encode() + b"\0" + path.read_bytes(), *canaries)
        + found(path.read_bytes(), *canaries)
        for path in sorted(place.rglob("*"))
        if path.is_file()
    }
    return {name: sorted(set(canaries)) for name, canaries in hits.items() if canaries}
