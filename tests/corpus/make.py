"""Bad inputs, made of code: one small file for each way in which data goes wrong.

`python -m tests.corpus FOLDER` writes them. Every file has its own ids, and nearly every one four good resources (the
controls: a patient, a dose, a creatinine, a calcium) besides the bad one, so that a reader that gives up too much shows as
well as one that takes too much. What is expected of each file stands in manifest.csv.
"""

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.read.fhir import LOINC, Json, bundle, ndjson, quantity

RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
Case = Callable[[str], bytes]
"""Prefix of the file's ids → its content."""

CASES: dict[str, Case] = {}
"""By file name."""


def person(name: str, **more: Any) -> Json:
    return {"resourceType": "Patient", "id": f"{name}-p", "gender": "female", "birthDate": "1950-03-04"} | more


def dose(name: str, **more: Any) -> Json:
    return {
        "resourceType": "MedicationAdministration",
        "id": f"{name}-ma",
        "status": "completed",
        "medicationCodeableConcept": {"coding": [{"system": RXNORM, "code": "77655"}], "text": "zoledronic acid"},
        "subject": {"reference": f"Patient/{name}-p"},
        "effectiveDateTime": "2025-06-10T09:30:00+00:00",
        "dosage": {"route": {"text": "IV"}, "dose": quantity(4, "mg")},
    } | more


def lab(name: str, code: str = "2160-0", value: Any = 1.0, **more: Any) -> Json:
    return {
        "resourceType": "Observation",
        "id": f"{name}-{code}",
        "status": "final",
        "code": {"coding": [{"system": LOINC, "code": code}]},
        "subject": {"reference": f"Patient/{name}-p"},
        "effectiveDateTime": "2025-06-09T08:00:00+00:00",
        "valueQuantity": quantity(value),
    } | more


def controls(name: str) -> list[Json]:
    return [person(name), dose(name), lab(name), lab(name, "17861-6", 9.4)]


def with_controls(make: Callable[[str], Json]) -> Case:
    """A Bundle, printed with indents, of the controls and one resource more."""
    return lambda name: json.dumps(bundle(*controls(name), make(name)), indent=1).encode()


def line(make: Callable[[str], str | Json]) -> Case:
    """NDJSON of the controls and one line more, in the middle."""

    def content(name: str) -> bytes:
        made = make(name)
        text = made if isinstance(made, str) else json.dumps(made)
        return ndjson(*controls(name)[:2]) + text.encode("utf-8", "surrogateescape") + b"\n" + ndjson(*controls(name)[2:])

    return content


def whole(change: Callable[[bytes], bytes], as_lines: bool = False) -> Case:
    """The controls, changed as a whole."""

    def content(name: str) -> bytes:
        plain = ndjson(*controls(name)) if as_lines else json.dumps(bundle(*controls(name)), indent=1).encode()
        return change(plain)

    return content


def swapped(make: Callable[[str], Json], old: str, new: str) -> Callable[[str], str]:
    """The resource's JSON with a piece of text changed."""

    def text(name: str) -> str:
        before = json.dumps(make(name))
        assert old in before, f"{old} is not in {before}"
        return before.replace(old, new, 1)

    return text


def extra(make: Callable[..., Json], drop: tuple[str, ...] = (), **more: Any) -> Callable[[str], Json]:
    """One more resource, with `more` and without `drop`."""

    def resource(name: str) -> Json:
        found = make(name) | {"id": f"{name}-x"} | more
        return {key: value for key, value in found.items() if key not in drop}

    return resource


def write_all(folder: Path) -> list[Path]:
    """Writes every file of the corpus, and returns them."""
    folder.mkdir(parents=True, exist_ok=True)
    return [write(folder, file) for file in CASES]


def write(folder: Path, file: str) -> Path:
    path = folder / file
    path.write_bytes(CASES[file](f"k{list(CASES).index(file):03}"))
    return path


def nest(levels: int, inner: Any, wrap: Callable[[Any], Any]) -> Any:
    for _ in range(levels):
        inner = wrap(inner)
    return inner


def packed(case: Case, change: Callable[[bytes], bytes] = bytes) -> Case:
    return lambda name: change(gzip.compress(case(name), mtime=0))
