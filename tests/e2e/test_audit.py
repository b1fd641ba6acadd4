"""The command line on the sample, as a user would run it."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from bonefhir.cli import main
from bonefhir.tables import CONDITIONS, DATA_QUALITY, DOSES, LABS, PATIENTS, PROCEDURES, VERDICTS

SAMPLE = Path(__file__).parents[2] / "sample_data"
TABLES = (VERDICTS, DOSES, LABS, PATIENTS, CONDITIONS, PROCEDURES, DATA_QUALITY)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("e2e") / "out"
    assert main(["audit", str(SAMPLE), "--out", str(out), "--quiet"]) == 0
    return out


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    """A folder with one patient and no dose."""
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a.ndjson").write_text('{"resourceType":"Patient","id":"p1","gender":"female","birthDate":"1950-02-03"}\n')
    return folder


def files(folder: Path) -> Iterator[tuple[str, bytes]]:
    yield from ((p.relative_to(folder).as_posix(), p.read_bytes()) for p in sorted(folder.rglob("*")) if p.is_file())


def test_the_folder_holds_what_the_contract_promises(run: Path) -> None:
    names = {name for name, _ in files(run)}
    promised = {"run.json", *(f"phi/{name}" for name in ("findings.csv", "rejects.ndjson", "report.html"))}
    promised |= {"share/summary.json", "share/report.html"}
    assert promised | {f"phi/{table.name}.parquet" for table in TABLES} <= names
    assert {name.split("/")[0] for name in names} == {"run.json", "phi", "share"}


def test_all_but_the_pages_is_the_same_without_them(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["audit", str(SAMPLE), "--out", str(tmp_path / "out"), "--quiet", "--jobs", "1", "--no-html"]) == 0
    assert "report.html" not in capsys.readouterr().out
    first, second = dict(files(run)), dict(files(tmp_path / "out"))
    assert set(first) - set(second) == {"phi/report.html", "share/report.html"}
    assert all(first[name] == content for name, content in second.items() if name != "run.json")


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_tables_have_the_columns_that_tables_py_declares(run: Path, table: object) -> None:
    assert pq.read_schema(run / "phi" / f"{table.name}.parquet").remove_metadata() == table.schema  # type: ignore[attr-defined]


def test_the_same_input_gives_the_same_bytes_from_another_place(run: Path, tmp_path: Path) -> None:
    copied = tmp_path / "elsewhere" / "copy"
    shutil.copytree(SAMPLE, copied)
    assert main(["audit", str(copied), "--out", str(tmp_path / "out"), "--quiet", "--jobs", "1"]) == 0
    first, second = dict(files(run)), dict(files(tmp_path / "out"))
    contents = [json.loads(written.pop("run.json")) for written in (first, second)]
    assert first == second
    for content in contents:
        del content["run"]
    assert contents[0] == contents[1]


def test_a_run_replaces_an_earlier_one_as_a_whole_and_nothing_else(empty: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert main(["audit", str(empty), "--out", str(out), "--quiet"]) == 0
    (out / "phi" / "stray.txt").write_text("left over")
    assert main(["audit", str(empty), "--out", str(out), "--quiet"]) == 0
    assert not (out / "phi" / "stray.txt").exists()
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    (foreign / "thesis.txt").write_text("mine")
    assert main(["audit", str(empty), "--out", str(foreign), "--quiet"]) == 5
    assert (foreign / "thesis.txt").read_text() == "mine"
    assert {path.name for path in tmp_path.iterdir()} == {"in", "out", "foreign"}


def test_no_dose_at_all_is_a_run_with_empty_tables(empty: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """And is said to be no result without findings."""
    assert main(["audit", str(empty), "--out", str(tmp_path / "out"), "--quiet", "--fail-on", "info"]) == 0
    assert "no dose of a bone-modifying agent was found" in capsys.readouterr().out
    assert main(["validate", str(empty)]) == 0
    assert "no dose of a bone-modifying agent was found" in capsys.readouterr().err
    for table in TABLES:
        found = pq.read_table(tmp_path / "out" / "phi" / f"{table.name}.parquet")
        assert found.schema.remove_metadata() == table.schema
    assert pq.read_metadata(tmp_path / "out" / "phi" / "verdicts.parquet").num_rows == 0


def test_exit_codes(empty: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = str(tmp_path / "out")
    assert main(["audit", str(SAMPLE), "--out", out, "--quiet", "--fail-on", "error"]) == 1
    assert main(["audit", str(tmp_path / "nowhere"), "--out", out, "--quiet"]) == 3
    (empty / "b.ndjson").write_text("{broken\n")
    assert main(["audit", str(empty), "--out", out, "--quiet"]) == 0
    assert main(["audit", str(empty), "--out", out, "--quiet", "--strict"]) == 3
    (tmp_path / "file").write_text("")
    assert main(["audit", str(empty), "--out", str(tmp_path / "file" / "out"), "--quiet"]) == 5
    wrong = tmp_path / "rules" / "guidelines"
    wrong.mkdir(parents=True)
    (wrong / "ours.toml").write_text("[[rule]]\nid = 'OUR-1'\n")
    assert main(["audit", str(empty), "--out", out, "--quiet", "--rules", str(tmp_path / "rules")]) == 4
    (tmp_path / "bonefhir.toml").write_text("colour = 'red'\n")
    assert main(["audit", str(empty), "--out", out, "--quiet", "--config", str(tmp_path / "bonefhir.toml")]) == 2
    assert "Traceback" not in capsys.readouterr().err


def test_data_docs_only_on_request_and_without_a_value(run: Path, tmp_path: Path) -> None:
    assert not (run / "share" / "data_docs").exists()
    assert main(["audit", str(SAMPLE), "--out", str(tmp_path / "out"), "--quiet", "--data-docs"]) == 0
    pages = b"".join(content for _, content in files(tmp_path / "out" / "share" / "data_docs"))
    assert b"<html" in pages
    ids = pq.read_table(run / "phi" / "doses.parquet", columns=["dose_id", "patient_id"])
    for column in ids.columns:
        assert not [text for text in column.to_pylist() if text.split("/")[1].encode() in pages and len(text) > 20]


def test_explain_tells_a_finding_with_its_evidence(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    verdicts = pq.read_table(run / "phi" / "verdicts.parquet").to_pylist()
    failed = next(row for row in verdicts if row["verdict"] == "fail" and row["evidence"])
    for dose in (failed["dose_id"], failed["dose_id"].split("/")[1]):
        assert main(["explain", str(run), dose]) == 0
        shown = capsys.readouterr().out
        assert failed["rule_id"] in shown
        assert failed["evidence"][0]["resource"] in shown
        assert "Timeline" in shown
        assert ":  = " not in shown  # evidence that was computed has no value as reported
    assert main(["explain", str(run), "no-such-dose"]) == 2


def test_compare_tells_what_changed(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", str(run), str(run)]) == 0
    assert "0 new findings, 0 resolved, 0 changed, " in capsys.readouterr().out
    assert main(["audit", str(SAMPLE), "--out", str(tmp_path / "eu"), "--quiet", "--profile", "eu"]) == 0
    capsys.readouterr()
    assert main(["compare", str(run), str(tmp_path / "eu")]) == 0
    shown = capsys.readouterr().out
    assert "profile: us → eu" in shown
    assert "new        MedicationAdministration/" in shown
    assert "resolved   MedicationAdministration/" in shown


def test_sample_writes_what_audit_can_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sample", str(tmp_path / "sample"), "--patients", "12", "--seed", "3"]) == 0
    assert main(["audit", str(tmp_path / "sample"), "--out", str(tmp_path / "out"), "--quiet"]) == 0
    assert main(["sample", str(tmp_path / "sample")]) == 5


def test_the_readme_shows_what_the_sample_really_gives(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    readme = (SAMPLE.parent / "README.md").read_text(encoding="utf-8")
    assert main(["audit", str(SAMPLE), "--out", str(tmp_path / "out"), "--quiet"]) == 0
    counts = capsys.readouterr().out.split("For the quality team")[0]
    assert counts in readme
    command = "$ bonefhir explain out "
    shown = readme.split(command)[1].split("```")[0].splitlines()
    assert main(["explain", str(run), shown[0]]) == 0
    explained = set(capsys.readouterr().out.splitlines())
    assert not [line for line in shown[1:] if line not in explained and line.strip() != "…"]
