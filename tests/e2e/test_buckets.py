"""How many patients are worked on together changes no byte: also where ids, references and urns lead from one to another."""

import json
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from bonefhir import pipeline, shards, whole
from bonefhir.settings import Settings
from tests.e2e.small import SUITES, files, no_suites
from tests.spec.case import Resource, condition, dose, lab, metastases, patient

PEOPLE = 30


class Tangle:
    """Resources of few ids and many patients: versions, reasons and Medications of one are another's."""

    def __init__(self, seed: int) -> None:
        self.chance = Random(seed)

    def subject(self) -> dict[str, Any]:
        number = self.chance.randrange(PEOPLE)
        known = {"reference": f"Patient/p{number}"}
        by_urn = {"reference": f"urn:uuid:{self.urn(number)}"}
        return self.chance.choices([known, by_urn, {"reference": "urn:uuid:nobody"}, {"display": "?"}], [12, 3, 1, 1])[0]

    @staticmethod
    def urn(number: int) -> str:
        return f"00000000-0000-0000-0000-{number:012d}"

    def about(self, name: str, number: int) -> dict[str, Any]:
        """Of few ids, in some version."""
        updated = {"lastUpdated": f"2024-06-{self.chance.randrange(1, 29):02d}T08:00:00Z"}
        meta = self.chance.choice([{}, {"meta": updated}, {"meta": updated | {"versionId": str(self.chance.randrange(3))}}])
        return {"id": f"{name}{self.chance.randrange(number)}", "subject": self.subject(), **meta}

    def reason(self) -> dict[str, Any]:
        number = self.chance.randrange(25)
        return {"reference": self.chance.choice([f"Condition/c{number}", f"urn:uuid:c{self.urn(number)[1:]}"]), "display": "bone"}

    def dose(self) -> Resource:
        given = dose(self.chance.choice([4, 3.5]), f"2024-05-{self.chance.randrange(1, 29):02d}T10:00:00Z") | self.about("d", 60)
        if self.chance.random() < 0.7:
            given["reasonReference"] = [self.reason() for _ in range(self.chance.randrange(1, 3))]
        if self.chance.random() < 0.4:
            del given["medicationCodeableConcept"]
            number = self.chance.randrange(8)
            by_id, by_urn = f"Medication/m{number}", f"urn:uuid:a{self.urn(number)[1:]}"
            given["medicationReference"] = {"reference": self.chance.choice([by_id, by_urn])}
        return given

    def lab(self) -> Resource:
        name = self.chance.choice(["creatinine", "calcium", "weight"])
        value = {"creatinine": 1.2, "calcium": 9.0, "weight": 70.0}[name] * self.chance.uniform(0.8, 1.3)
        found = lab(name, round(value, 2), f"2024-05-{self.chance.randrange(1, 29):02d}T08:00:00Z") | self.about("o", 150)
        if self.chance.random() < 0.1:
            found["component"] = [{"code": found["code"], "valueQuantity": found["valueQuantity"]}]
        return found

    def condition(self) -> Resource:
        found = self.chance.choice([metastases(), condition("C90.00"), condition("I10")]) | self.about("c", 25)
        status = {"coding": [{"code": "refuted"}]}
        odd = self.chance.choices([{}, {"verificationStatus": status}, {"stage": "III"}, {"subject": {}}], [10, 1, 2, 1])[0]
        return found | odd

    def medication(self) -> Resource:
        code = dose()["medicationCodeableConcept"]
        given = {"resourceType": "Medication", "id": f"m{self.chance.randrange(8)}", "code": code}
        return given | self.chance.choices([{}, {"status": "entered-in-error"}, {"code": {"text": "saline"}}], [4, 1, 1])[0]

    def entry(self, prefix: str, resource: Resource) -> dict[str, Any]:
        digits = "".join(c for c in resource["id"] if c.isdigit())
        return {"fullUrl": f"urn:uuid:{prefix}{self.urn(int(digits))[1:]}", "resource": resource}

    def write(self, folder: Path) -> None:
        """Three files of lines, of which a fifth is doubled; and a Bundle that knows some of the urns."""
        folder.mkdir(parents=True)
        made = [self.dose() for _ in range(70)] + [self.lab() for _ in range(250)] + [self.condition() for _ in range(40)]
        made += [self.medication() for _ in range(10)] + [patient(id=f"p{number}") for number in range(PEOPLE)]
        for number in range(3):
            lines = self.chance.sample(made, len(made) * 2 // 5)
            (folder / f"{number}.ndjson").write_text("".join(json.dumps(each) + "\n" for each in lines), encoding="utf-8")
        entries = [self.entry("0", patient(id=f"p{number}")) for number in range(0, PEOPLE, 2)]
        entries += [self.entry("c", self.condition()) for _ in range(8)] + [self.entry("a", self.medication()) for _ in range(4)]
        (folder / "3.json").write_text(json.dumps({"resourceType": "Bundle", "type": "collection", "entry": entries}))


@pytest.fixture(autouse=True)
def quick() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(SUITES, no_suites)
        yield


def sized(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    """About so many resources in a bucket."""
    monkeypatch.setattr(shards, "LEAST", size)
    monkeypatch.setattr(shards, "MOST", size)


@pytest.mark.parametrize(("seed", "parts"), [(0, ""), (1, ""), (2, "memory://tangle")])
def test_the_number_of_buckets_changes_nothing(seed: int, parts: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Tangle(seed).write(tmp_path / "in")
    pipeline.audit(Settings((str(tmp_path / "in"),), tmp_path / "one"))
    sized(monkeypatch, 40)
    monkeypatch.setattr(whole, "IDS_AT_A_TIME", 100)
    run = pipeline.open_run(Settings((str(tmp_path / "in"),), tmp_path / "many", parts=parts))
    for portion in range(len(run.portions)):
        pipeline.scan(run, portion)
    buckets = pipeline.resolve(run)
    assert len(buckets) > 5
    for bucket in buckets:
        pipeline.audit_bucket(run, bucket)
    pipeline.finish(run)
    assert files(tmp_path / "many") == files(tmp_path / "one")
