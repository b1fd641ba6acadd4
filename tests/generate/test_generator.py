"""What is generated is the same for a seed, valid FHIR R4 but for what is spoilt on purpose, and reads back in its order."""

import copy
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.generate.choice import Choice
from tests.generate.folders import read_folder, write_bundles, write_ndjson
from tests.generate.patients import composed, documents, patient

USED = ("Patient", "MedicationAdministration", "Medication", "Observation", "Condition", "Procedure")


def resources(document: dict[str, Any]) -> list[dict[str, Any]]:
    if document["resourceType"] != "Bundle":
        return [document]
    return [one for entry in document["entry"] if "resource" in entry for one in resources(entry["resource"])]


def spoilt(resource: dict[str, Any]) -> bool:
    """Rejected on purpose for what fhir.resources sees too."""
    no_time = resource["resourceType"] == "MedicationAdministration" and not any(
        name.startswith(("effective", "occur")) for name in resource
    )
    return no_time or (resource["resourceType"] == "Observation" and "code" not in resource)


def is_r5(resource: dict[str, Any]) -> bool:
    ingredients = resource.get("ingredient", [])
    return any(name.startswith("occur") or name in ("medication", "reason") for name in resource) or any(
        "item" in one for one in ingredients
    )


def completed(value: Any) -> Any:
    """'a dateTime with a time but without an offset or seconds is completed': so does the engine before it checks."""
    if isinstance(value, dict):
        return {name: completed(item) for name, item in value.items()}
    if isinstance(value, list):
        return [completed(item) for item in value]
    if isinstance(value, str) and len(value) > 15 and value[10] == "T" and value[13] == ":":
        value = value[:16] + (":00" if value[16:17] != ":" else "") + value[16:]
        return value if value.endswith("Z") or value[-6] in "+-" else value + "Z"
    return value


def test_the_same_seed_gives_the_same_documents() -> None:
    assert documents(3, 5) == documents(3, 5)
    assert documents(3, 5) != documents(4, 5)
    rng = random.Random(3)
    assert [document for number in range(5) for document in patient(rng, number)] == documents(3, 5)


def test_a_sample_is_valid_for_fhir_resources() -> None:
    from fhir.resources import get_fhir_model_class as of_r5
    from fhir.resources.R4B import get_fhir_model_class as of_r4

    for document in documents(5, 60):
        for resource in resources(document):
            if resource["resourceType"] in USED and not spoilt(resource):
                model = (of_r5 if is_r5(resource) else of_r4)(resource["resourceType"])
                model.model_validate(completed(copy.deepcopy(resource)))


@pytest.mark.parametrize("by_type", [False, True])
def test_folders_hold_every_resource(by_type: bool, tmp_path: Path) -> None:
    some = documents(6, 10)
    write_ndjson(some, tmp_path / "lines", by_type)
    write_bundles(some, tmp_path / "bundles")

    def sorted_resources(found: list[dict[str, Any]]) -> list[str]:
        return sorted(str(one) for document in found for one in resources(document))

    assert sorted_resources(read_folder(tmp_path / "lines")) == sorted_resources(some)
    assert sorted_resources(read_folder(tmp_path / "bundles")) == sorted_resources(some)


@given(st.data())
@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
def test_hypothesis_drives_the_same_choices(data: st.DataObject) -> None:
    found = composed(Choice(lambda n: data.draw(st.integers(0, n - 1))), 0)
    assert all(document["resourceType"] in (*USED, "Bundle", "Encounter") for document in found)
