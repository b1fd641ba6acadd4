"""A patient in a few lines, run through the stages: for tests that read like the sentence they hold the program to."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bonefhir import ledger, pipeline
from bonefhir.parts import read_part
from bonefhir.run import normalised
from bonefhir.settings import Settings
from bonefhir.tables import DATA_QUALITY, DOSES, LABS, VERDICTS, Table

Resource = dict[str, Any]

RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
LOINC = "http://loinc.org"
SNOMED = "http://snomed.info/sct"
UCUM = "http://unitsofmeasure.org"
DOSE_DAY = "2024-05-20"

CODES = {
    "creatinine": ("2160-0", "mg/dL"),
    "calcium": ("17861-6", "mg/dL"),
    "corrected": ("46099-8", "mg/dL"),
    "ionised": ("1995-0", "mmol/L"),
    "albumin": ("1751-7", "g/dL"),
    "weight": ("29463-7", "kg"),
    "height": ("8302-2", "cm"),
    "vitamin_d": ("62292-8", "ng/mL"),
    "egfr": ("98979-8", "mL/min/{1.73_m2}"),
    "clearance": ("35591-7", "mL/min"),
}


def patient(**fields: Any) -> Resource:
    return {"resourceType": "Patient", "id": "p", "gender": "male", "birthDate": "1960-01-01"} | fields


def dose(value: float = 4, start: str = f"{DOSE_DAY}T10:00:00Z", minutes: int | None = 20, **fields: Any) -> Resource:
    """Zoledronic acid 4 mg in 20 minutes into a vein."""
    stop = f"{start[:14]}{minutes:02d}{start[16:]}" if minutes is not None and "T" in start else None
    when = {"effectivePeriod": {"start": start, "end": stop}} if stop else {"effectiveDateTime": start}
    return {
        "resourceType": "MedicationAdministration",
        "id": "d",
        "status": "completed",
        "medicationCodeableConcept": {"coding": [{"system": RXNORM, "code": "351114"}]},
        "subject": {"reference": "Patient/p"},
        **when,
        "dosage": {
            "route": {"coding": [{"system": SNOMED, "code": "47625008"}]},
            "dose": {"value": value, "unit": "mg", "system": UCUM, "code": "mg"},
        },
    } | fields


def lab(
    name: str, value: float | None, time: str | None = f"{DOSE_DAY}T08:00:00Z", unit: str | None = None, **fields: Any
) -> Resource:
    code, own = CODES[name]
    quantity = {"value": value, "unit": unit or own, "system": UCUM, "code": unit or own}
    found = {
        "resourceType": "Observation",
        "id": f"{name}-{value}-{time}".replace(":", "").replace("+", "").replace("T", "")[:60],
        "status": "final",
        "code": {"coding": [{"system": LOINC, "code": code}]},
        "subject": {"reference": "Patient/p"},
        "effectiveDateTime": time,
        "valueQuantity": None if value is None else quantity,
    } | fields
    return {key: content for key, content in found.items() if content is not None}


def condition(code: str, system: str = "http://hl7.org/fhir/sid/icd-10-cm", **fields: Any) -> Resource:
    return {
        "resourceType": "Condition",
        "id": f"c-{code}",
        "subject": {"reference": "Patient/p"},
        "code": {"coding": [{"system": system, "code": code}]},
        "onsetDateTime": "2023-01-01",
    } | fields


def metastases() -> Resource:
    return condition("C79.51")


@dataclass(frozen=True)
class Result:
    verdicts: list[dict[str, Any]]
    doses: list[dict[str, Any]]
    labs: list[dict[str, Any]]
    quality: list[dict[str, Any]]
    rejects: list[dict[str, Any]]
    ledger: list[dict[str, Any]]

    def verdict(self, rule: str, dose: str = "d") -> str:
        """'fail', 'indeterminate no-sex', …; 'not_applicable'."""
        found = [v for v in self.verdicts if v["rule_id"] == rule and v["dose_id"] == f"MedicationAdministration/{dose}"]
        return " ".join([found[0]["verdict"], *found[0]["reasons"]]) if found else "not_applicable"

    def assumptions(self, rule: str, dose: str = "d") -> list[str]:
        key = (rule, f"MedicationAdministration/{dose}")
        return next(v["assumptions"] for v in self.verdicts if (v["rule_id"], v["dose_id"]) == key)

    def evidence(self, rule: str, role: str, dose: str = "d") -> list[dict[str, Any]]:
        key = (rule, f"MedicationAdministration/{dose}")
        (found,) = [v["evidence"] for v in self.verdicts if (v["rule_id"], v["dose_id"]) == key]
        return [item for item in found if item["role"] == role]

    @property
    def kinds(self) -> list[str]:
        return sorted(q["kind"] for q in self.quality)

    @property
    def reasons(self) -> list[str]:
        return sorted(r["reason"] for r in self.rejects)

    @property
    def books(self) -> dict[str, int]:
        names = ("read", "used", "irrelevant", "superseded", "excluded", "rejected")
        return {name: total for name in names if (total := sum(row[name] for row in self.ledger))}


def run(folder: Path, *resources: Resource, profile: str = "us", conformance: str = "evidence", weight: str = "actual") -> Result:
    """The resources as one NDJSON file through all stages but suites and reports."""
    source = folder / "input"
    source.mkdir(exist_ok=True)
    (source / "all.ndjson").write_text("\n".join(map(json.dumps, resources)), encoding="utf-8")
    started = pipeline.open_run(Settings((str(source),), folder / "out", profile=profile, conformance=conformance, weight=weight))
    pipeline.scan(started, 0)
    for bucket in pipeline.resolve(started):
        pipeline.audit_bucket(started, bucket)

    def parts(table: Table) -> list[dict[str, Any]]:
        return [row for part in started.buckets for row in read_part(part / table.name, table).to_pylist()]

    quality = [row for part in ledger.parts_of_quality(started) for row in read_part(part, DATA_QUALITY).to_pylist()]
    result = Result(
        parts(VERDICTS),
        parts(DOSES),
        normalised(started, LABS, 0).to_pylist(),
        [*quality, *parts(DATA_QUALITY)],
        ledger.rejects(started).to_pylist(),
        ledger.ledger(started).to_pylist(),
    )
    pipeline.discard(started)
    return result
