"""The column `conforms`: true for clean data, never for what fhir.resources would refuse, by whichever way it was read."""

import json
import random
from pathlib import Path

import pyarrow as pa
import pytest

from bonefhir.conform import fault_by_models, gate
from bonefhir.read.scan import scan_files
from bonefhir.read.sources import expand
from tests.conform.test_gate import RICH, change, written
from tests.read.fhir import Json, administration, observation, patient


def conforming(folder: Path, content: bytes, name: str = "a.ndjson") -> list[Json]:
    """Rows of all tables: seq, offset, length, release, conforms, fault, and the resource's type."""
    (folder / name).write_bytes(content)
    scanned = scan_files(expand([str(folder / name)]), gates=gate)
    types = {
        "patients_read": "Patient",
        "medications_read": "Medication",
        "administrations_read": "MedicationAdministration",
        "observations_read": "Observation",
        "conditions_read": "Condition",
        "procedures_read": "Procedure",
    }
    columns = ["seq", "offset", "length", "release", "conforms", "fault"]
    found = [row | {"type": types[name]} for name, table in scanned.tables.items() for row in _rows(table, columns)]
    return sorted(found, key=lambda row: row["seq"])


def _rows(table: pa.Table, columns: list[str]) -> list[Json]:
    rows: list[Json] = table.select(columns).to_pylist()
    return rows


def test_clean_data_conforms(tmp_path: Path) -> None:
    rows = conforming(tmp_path, b"".join(json.dumps(resource).encode() + b"\n" for _, resource in RICH * 2))
    assert len({row["seq"] for row in rows}) == 2 * len(RICH)
    assert all(row["conforms"] for row in rows)


@pytest.mark.parametrize("indent", [None, 1])
def test_entries_of_a_bundle_conform(tmp_path: Path, indent: int | None) -> None:
    entries = [{"fullUrl": "urn:uuid:7", "resource": resource} for _, resource in RICH]
    text = json.dumps({"resourceType": "Bundle", "type": "collection", "entry": entries}, indent=indent)
    assert all(row["conforms"] for row in conforming(tmp_path, text.encode(), "a.json"))


def test_a_contained_patient_is_judged_by_itself(tmp_path: Path) -> None:
    inner = patient(id="p") | {"gender": 1}
    lines = [administration(contained=[each], subject={"reference": "#p"}) for each in (patient(id="p"), inner)]
    rows = conforming(tmp_path, b"".join(json.dumps(line).encode() + b"\n" for line in lines))
    assert [row["conforms"] for row in rows if row["type"] == "Patient"] == [True, False]
    assert not any(row["conforms"] for row in rows if row["type"] != "Patient")  # what contains others needs thought


def test_nobody_has_to_ask(tmp_path: Path) -> None:
    (tmp_path / "a.ndjson").write_bytes(json.dumps(observation()).encode())
    scanned = scan_files(expand([str(tmp_path)]))
    assert scanned.tables["observations_read"]["conforms"].to_pylist() == [False]


def agree(folder: Path, seed: int, count: int) -> tuple[int, list[str]]:
    """Of resources changed at random, read from NDJSON: how many conform, and which of them fhir.resources refuses."""
    rng = random.Random(seed)
    lines = []
    for _ in range(count):
        resource = json.loads(json.dumps(rng.choice(RICH)[1]))
        for _ in range(rng.choice((0, 1, 1, 2))):
            change(resource, rng)
        lines.append(written(resource, rng).replace(b"\n", b" "))
    content = b"\n".join(lines)
    accepted = [row for row in conforming(folder, content) if row["conforms"]]
    wrong = []
    for row in accepted:
        raw = content[row["offset"] : row["offset"] + row["length"]]
        fault = fault_by_models(raw, row["type"], row["release"])
        wrong += [] if fault is None and row["fault"] is None else [f"{fault}: {raw.decode()}"]
    return len(accepted), wrong


def test_what_conforms_is_valid(tmp_path: Path) -> None:
    accepted, wrong = agree(tmp_path, seed=1, count=4000)
    assert not wrong
    assert accepted > 1000


@pytest.mark.deep
@pytest.mark.parametrize("seed", range(2, 12))
def test_what_conforms_is_valid_for_long(tmp_path: Path, seed: int) -> None:
    assert not agree(tmp_path, seed, count=20_000)[1]
