"""The generator by itself: the same bytes, FHIR that validates, a key that can be read, every scenario."""

import csv
import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bonefhir.errors import OutputError
from bonefhir.sample import write
from bonefhir.sample.scenarios import LOCAL, WHOLE

SAMPLE = Path(__file__).parents[2] / "sample_data"
NAMES = {scenario.name for scenario in (*WHOLE, *LOCAL)}


def contents(folder: Path) -> dict[str, bytes]:
    """Files of a sample, decompressed: gzip's bytes depend on the version of zlib."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): plain(path) for path in files}


def plain(path: Path) -> bytes:
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def resources(folder: Path) -> Iterator[tuple[str, dict[str, Any] | None]]:
    """Every resource with its place; None for a line that is not JSON. The id of an entry without one is that of its fullUrl."""
    for name, data in contents(folder / "fhir").items():
        if ".ndjson" in name:
            for number, line in enumerate(data.decode().splitlines(), start=1):
                yield f"fhir/{name}:{number}", parsed(line)
        else:
            for number, entry in enumerate(json.loads(data)["entry"]):
                resource = {"id": entry["fullUrl"].rpartition(":")[2], **entry["resource"]}
                yield f"fhir/{name}#{number}", resource


def parsed(line: str) -> dict[str, Any] | None:
    try:
        return json.loads(line)
    except json.JSONDecodeError:
        return None


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sample") / "of-seed-7"
    write(folder, patients=104, seed=7)
    return folder


def test_same_seed_same_files(sample: Path, tmp_path: Path) -> None:
    write(tmp_path / "again", patients=104, seed=7)
    write(tmp_path / "other", patients=104, seed=8)
    assert contents(sample) == contents(tmp_path / "again")
    assert contents(sample) != contents(tmp_path / "other")


def test_committed_sample_is_what_the_generator_writes(tmp_path: Path) -> None:
    write(tmp_path / "again", patients=104, seed=20)
    assert contents(SAMPLE) == contents(tmp_path / "again")


def test_committed_sample_is_small_and_mostly_clean() -> None:
    assert sum(path.stat().st_size for path in SAMPLE.rglob("*") if path.is_file()) < 2_000_000
    patients = {resource["id"] for _, resource in resources(SAMPLE) if resource and resource["resourceType"] == "Patient"}
    carrying = {row["patient_id"] for row in rows(SAMPLE / "scenarios.csv")}
    assert len(patients) > 2 * len(carrying)


def test_every_scenario_occurs(sample: Path) -> None:
    for folder in (SAMPLE, sample):
        assert {row["scenario"] for row in rows(folder / "scenarios.csv")} == NAMES


def test_every_scenario_has_a_name_and_title_of_its_own() -> None:
    assert len(NAMES) == len(WHOLE) + len(LOCAL) == len({scenario.title for scenario in (*WHOLE, *LOCAL)})


def test_every_resource_validates_but_the_planted_ones(sample: Path) -> None:
    from fhir.resources.R4B import get_fhir_model_class

    refused = set()
    for place, resource in resources(sample):
        if resource is None:
            refused.add(place)
            continue
        try:
            get_fhir_model_class(resource["resourceType"]).model_validate(resource)
        except ValueError:
            refused.add(place)
    key = rows(sample / "answer_key.csv")
    assert refused == {row["id"] for row in key if row["rule_id"] in ("not-fhir", "not-json")}


def test_references_resolve_but_the_planted_one(sample: Path) -> None:
    found = [resource for _, resource in resources(sample) if resource]
    ids = {resource["id"] for resource in found}
    lost = {reference for resource in found for reference in references(resource) if last_part(reference) not in ids}
    assert all(reference.endswith(("not-exported", "#med")) for reference in lost)


def last_part(reference: str) -> str:
    return reference.rpartition("/")[2].rpartition(":")[2]


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("reference"), str):
            yield value["reference"]
        for inner in value.values():
            yield from references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from references(inner)


def test_ids_are_unique_but_for_versions_and_the_formulary(sample: Path) -> None:
    seen: dict[str, dict[str, Any]] = {}
    for _, resource in resources(sample):
        if resource is None:
            continue
        name = f"{resource['resourceType']}/{resource['id']}"
        assert name not in seen or seen[name] == resource or seen[name]["meta"] != resource["meta"]
        seen[name] = resource


def test_key_names_what_is_there(sample: Path) -> None:
    key = rows(sample / "answer_key.csv")
    places = dict(resources(sample))
    names = {f"{r['resourceType']}/{r['id']}" for r in places.values() if r}
    assert {row["kind"] for row in key} == {"verdict", "reject", "data-quality"}
    assert all(row["id"] in (places if row["kind"] == "reject" else names) for row in key)
    assert all(bool(row["reasons"]) == (row["outcome"] == "indeterminate") for row in key)
    assert len({(row["id"], row["rule_id"]) for row in key}) == len(key)
    planted = {row["planted"]: int(row["findings"]) for row in rows(sample / "scenarios.csv")}
    assert {row["planted"] for row in key} == {title for title, findings in planted.items() if findings}


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(OutputError, match="empty"):
        write(tmp_path, patients=2, seed=1)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_few_patients(tmp_path: Path) -> None:
    for patients in (0, 1, 2, 3):
        write(tmp_path / str(patients), patients=patients, seed=3)
        assert sum(1 for _, r in resources(tmp_path / str(patients)) if r and r["resourceType"] == "Patient") == patients
