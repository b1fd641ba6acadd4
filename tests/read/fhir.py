"""Small resources and files for the tests of the reader, and what a scan of them says."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from bonefhir.read.limits import DEFAULT, Limits
from bonefhir.read.scan import Counts, rejects_of_files, scan_files
from bonefhir.read.sources import SourceFile, expand

LOINC = "http://loinc.org"
UCUM = "http://unitsofmeasure.org"

Json = dict[str, Any]


@dataclass(frozen=True)
class Scan:
    """What the scan says of a single file. rejects: with that of the file as a whole."""

    tables: dict[str, pa.Table]
    rejects: pa.Table
    full_urls: pa.Table
    counts: Counts

    @property
    def warnings(self) -> list[tuple[str, int | None, str]]:
        return self.counts.warnings

    @property
    def read(self) -> int:
        return self.counts.read

    @property
    def unused(self) -> dict[str, int]:
        return self.counts.unused


def scan_file(file: SourceFile, limits: Limits = DEFAULT) -> Scan:
    scanned = scan_files([file], limits)
    (counts,) = scanned.counts
    rejects = pa.concat_tables([scanned.rejects, rejects_of_files([counts])])
    return Scan(scanned.tables, rejects, scanned.full_urls, counts)


def patient(**more: Any) -> Json:
    return {"resourceType": "Patient", "id": "p1", "gender": "female", "birthDate": "1950-03-04"} | more


def quantity(value: Any, unit: str = "mg/dL") -> Json:
    return {"value": value, "unit": unit, "system": UCUM, "code": unit}


def observation(**more: Any) -> Json:
    return {
        "resourceType": "Observation",
        "id": "o1",
        "status": "final",
        "code": {"coding": [{"system": LOINC, "code": "2160-0", "display": "Creatinine"}]},
        "subject": {"reference": "Patient/p1"},
        "effectiveDateTime": "2025-06-09T08:00:00Z",
        "valueQuantity": quantity(1.1),
    } | more


def administration(**more: Any) -> Json:
    return {
        "resourceType": "MedicationAdministration",
        "id": "m1",
        "status": "completed",
        "medicationCodeableConcept": {"text": "zoledronic acid"},
        "subject": {"reference": "Patient/p1"},
        "effectivePeriod": {"start": "2025-06-10T09:30:00Z", "end": "2025-06-10T09:45:00Z"},
        "dosage": {"route": {"text": "IV"}, "dose": quantity(4, "mg")},
    } | more


def administration_r5(**more: Any) -> Json:
    return {
        "resourceType": "MedicationAdministration",
        "id": "m1",
        "status": "completed",
        "medication": {"concept": {"text": "zoledronic acid"}},
        "subject": {"reference": "Patient/p1"},
        "occurencePeriod": {"start": "2025-06-10T09:30:00Z", "end": "2025-06-10T09:45:00Z"},
        "dosage": {"route": {"text": "IV"}, "dose": quantity(4, "mg")},
    } | more


def condition(**more: Any) -> Json:
    return {
        "resourceType": "Condition",
        "id": "c1",
        "code": {"text": "multiple myeloma"},
        "subject": {"reference": "Patient/p1"},
        "onsetDateTime": "2024-01",
    } | more


def procedure(**more: Any) -> Json:
    return {
        "resourceType": "Procedure",
        "id": "d1",
        "status": "completed",
        "code": {"text": "dental examination"},
        "subject": {"reference": "Patient/p1"},
        "performedDateTime": "2025-01-07",
    } | more


def without(resource: Json, *names: str) -> Json:
    return {name: value for name, value in resource.items() if name not in names}


def bundle(*resources: Json, kind: str = "collection") -> Json:
    return {"resourceType": "Bundle", "type": kind, "entry": [{"resource": resource} for resource in resources]}


def ndjson(*resources: Any) -> bytes:
    return b"".join(json.dumps(resource).encode() + b"\n" for resource in resources)


def scan(folder: Path, content: bytes | Json, name: str = "file.ndjson") -> Scan:
    """Writes one file, and scans it."""
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    (file,) = expand([str(path)])
    return scan_file(file)


def rows(scanned: Scan) -> list[Json]:
    """All rows of all tables, with the table's name, in reading order."""
    found = [row | {"table": name} for name, table in scanned.tables.items() for row in table.to_pylist()]
    return sorted(found, key=lambda row: row["seq"])


def read(folder: Path, resource: Json) -> Json:
    """The row that a resource becomes (an Observation's first)."""
    return rows(scan(folder, resource, "one.json"))[0]


def fault(folder: Path, resource: Json) -> tuple[str | None, str | None]:
    row = read(folder, resource)
    return row["fault"], row["fault_path"]


def balance(scanned: Scan) -> int:
    """Resources that are accounted for; equal to `read` unless something was lost."""
    counted = {row["seq"] for row in rows(scanned) if "#" not in (row["id"] or "")}
    return len(counted) + sum(scanned.unused.values()) + scanned.rejects.num_rows
