"""Small data sets of every shape: with nothing to audit, and the same patients written down in several ways."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from bonefhir.cli import main
from bonefhir.sample.hospitals import HOSPITALS
from bonefhir.sample.write import write as write_sample
from tests.e2e import small
from tests.spec.case import Resource, dose, lab, patient

NOTHING = "Nothing was audited"
Write = Callable[[Path, list[Resource]], None]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(small.SUITES, small.no_suites)


def audit(source: Path, out: Path) -> None:
    assert main(["audit", str(source), "--out", str(out), "--quiet"]) == 0


# ---------------------------------------------------------------------------------------------------- nothing to audit


def no_dose() -> list[Resource]:
    return [patient(), lab("creatinine", 1.1)]


def other_drugs() -> list[Resource]:
    return [patient(), dose(medicationCodeableConcept={"text": "paracetamol 500 mg"})]


def not_given() -> list[Resource]:
    return [patient(), dose(status="not-done"), dose(id="e", status="entered-in-error")]


def all_rejected() -> list[Resource]:
    return [patient(), dose(status="given"), dose(id="e", subject={"display": "somebody"})]


def other_types() -> list[Resource]:
    return [{"resourceType": "Encounter", "id": "e"}, {"resourceType": "Organization", "id": "o"}]


def nothing() -> list[Resource]:
    return []


@pytest.mark.parametrize("content", [no_dose, other_drugs, not_given, all_rejected, other_types, nothing])
def test_a_run_without_a_dose_says_so_everywhere(
    content: Callable[[], list[Resource]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It ends well, as there is nothing to find fault with; but nobody may take it for a result without findings."""
    (tmp_path / "in").mkdir()
    small.write(tmp_path / "in" / "all.ndjson", *content())
    audit(tmp_path / "in", tmp_path / "out")
    assert NOTHING in capsys.readouterr().out
    for page in ("phi/report.html", "share/report.html"):
        assert NOTHING in (tmp_path / "out" / page).read_text(encoding="utf-8")
    assert json.loads((tmp_path / "out" / "run.json").read_text())["doses"] == 0
    assert pq.read_metadata(tmp_path / "out" / "phi" / "verdicts.parquet").num_rows == 0


def test_a_run_with_one_dose_does_not_say_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    audit(small.people(tmp_path / "in", 1), tmp_path / "out")
    assert NOTHING not in capsys.readouterr().out
    assert NOTHING not in (tmp_path / "out" / "phi" / "report.html").read_text(encoding="utf-8")


# ------------------------------------------------------------------------------------------------- the same, in other words


def as_lines(folder: Path, resources: list[Resource]) -> None:
    small.write(folder / "all.ndjson", *resources)


def by_type(folder: Path, resources: list[Resource]) -> None:
    for name in {resource["resourceType"] for resource in resources}:
        lines = [json.dumps(resource) for resource in resources if resource["resourceType"] == name]
        (folder / f"{name}.ndjson.gz").write_bytes(gzip.compress("\n".join(lines).encode()))


def one_by_one(folder: Path, resources: list[Resource]) -> None:
    for number, resource in enumerate(resources):
        (folder / f"{number}.json").write_text(json.dumps(resource, indent=2), encoding="utf-8")


def bundle(resources: list[Resource], kind: str = "collection") -> Resource:
    return {"resourceType": "Bundle", "type": kind, "entry": [{"resource": resource} for resource in resources]}


def one_bundle(folder: Path, resources: list[Resource]) -> None:
    (folder / "all.json").write_text(json.dumps(bundle(resources), indent=2), encoding="utf-8-sig")


def bundles_in_bundles(folder: Path, resources: list[Resource]) -> None:
    middle = len(resources) // 2
    inner = [bundle(resources[:middle], "searchset"), bundle(resources[middle:], "history")]
    (folder / "all.json").write_text(json.dumps(bundle(inner)), encoding="utf-8")


def bundles_on_lines(folder: Path, resources: list[Resource]) -> None:
    small.write(folder / "all.ndjson", *(bundle([resource]) for resource in resources))


def by_urn(folder: Path, resources: list[Resource]) -> None:
    """A transaction, as its author could not know the ids of the server."""
    urns = {f"{r['resourceType']}/{r['id']}": f"urn:uuid:00000000-0000-0000-0000-{n:012d}" for n, r in enumerate(resources)}
    entry = [{"fullUrl": urn, "resource": resource} for urn, resource in zip(urns.values(), resources, strict=True)]
    text = json.dumps({"resourceType": "Bundle", "type": "transaction", "entry": entry})
    for name, urn in urns.items():
        text = text.replace(f'"reference": "{name}"', f'"reference": "{urn}"')
    (folder / "all.json").write_text(text, encoding="utf-8")


def with_copies(folder: Path, resources: list[Resource]) -> None:
    as_lines(folder, [*resources, *resources])


@pytest.mark.parametrize(
    "shape",
    [by_type, one_by_one, one_bundle, bundles_in_bundles, bundles_on_lines, by_urn, with_copies],
    ids=lambda f: f.__name__,
)
def test_the_shape_of_the_input_changes_no_verdict(shape: Write, tmp_path: Path) -> None:
    resources = [resource for number in (1, 2, 3) for resource in small.person(number)]
    for name, write in (("lines", as_lines), ("other", shape)):
        (tmp_path / name).mkdir()
        write(tmp_path / name, resources)
        audit(tmp_path / name, tmp_path / f"{name}-out")
    for name in ("phi/verdicts.parquet", "phi/findings.csv", "phi/fhir/detected-issues.ndjson"):
        assert (tmp_path / "other-out" / name).read_bytes() == (tmp_path / "lines-out" / name).read_bytes()


def test_each_hospital_of_the_sample_alone_gives_its_part_of_the_doses(tmp_path: Path) -> None:
    write_sample(tmp_path / "in", 24, 5)
    audit(tmp_path / "in", tmp_path / "all")
    parts: list[dict[str, Any]] = []
    for hospital in HOSPITALS:
        audit(tmp_path / "in" / "fhir" / hospital, tmp_path / hospital)
        found = doses(tmp_path / hospital)
        assert found
        parts += found
    assert sorted(parts, key=lambda row: row["dose_id"]) == doses(tmp_path / "all")


def doses(out: Path) -> list[dict[str, Any]]:
    columns = ["dose_id", "patient_id", "product", "indication", "amount_low", "start", "interval_low", "clearance_low"]
    found: list[dict[str, Any]] = pq.read_table(out / "phi" / "doses.parquet", columns=columns).to_pylist()
    return [{name: None if value != value else value for name, value in row.items()} for row in found]  # noqa: PLR0124  NaN
