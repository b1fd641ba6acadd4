"""`bonefhir validate` on the sample: places, forms, selection, expectations, baseline, settings."""

import json
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
import xmlschema

from bonefhir.cli import main

ROOT = Path(__file__).parents[2]
FHIR = ROOT / "sample_data" / "fhir"
HOSPITAL = FHIR / "harbor-road"
BUNDLE = FHIR / "st-aldhelm" / "90082000.json"
VENDOR = ROOT / "tests" / "schemas" / "vendor"
HEAVY = ("great_expectations", "prefect", "xlsxwriter", "jinja2")


def validate(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> tuple[int, str, str]:
    capsys.readouterr()
    code = main(["validate", *map(str, arguments), "--quiet"])
    shown = capsys.readouterr()
    return code, shown.out, shown.err


def found(capsys: pytest.CaptureFixture[str], *arguments: str | Path) -> list[dict[str, object]]:
    listed: list[dict[str, object]] = json.loads(validate(capsys, *arguments, "--format", "json")[1])
    return listed


@pytest.mark.parametrize("source", [HOSPITAL, BUNDLE], ids=["ndjson", "bundle"])
def test_findings_have_the_line_and_column_at_which_the_dose_begins(source: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = validate(capsys, source)[1].splitlines()
    listed = found(capsys, source)
    assert len(listed) == len(lines) > 0
    for finding, line in zip(listed, lines, strict=True):
        place = "{path}:{line}:{column}: {severity} {rule_id} ".format(**finding)
        assert line.startswith(place)
        written = Path(str(finding["path"])).read_text(encoding="utf-8").splitlines()[int(str(finding["line"])) - 1]
        dose, _ = json.JSONDecoder().raw_decode(written[int(str(finding["column"])) - 1 :])
        assert f"MedicationAdministration/{dose['id']}" == finding["dose_id"]


def test_several_reports_at_once_each_as_its_schema_wants(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sarif, junit, text = tmp_path / "new" / "out.sarif", tmp_path / "out.xml", tmp_path / "out.txt"
    reports = [f"--report={form}={path}" for form, path in (("sarif", sarif), ("junit", junit), ("text", text))]
    code, shown, _ = validate(capsys, FHIR, *reports)
    assert code == 1
    assert text.read_text() == shown
    log = json.loads(sarif.read_text())
    jsonschema.Draft202012Validator(json.loads((VENDOR / "sarif-2.1.0.json").read_text())).validate(log)
    xmlschema.validate(junit.read_text(), VENDOR / "junit-10.xsd")
    assert len(log["runs"][0]["results"]) == len(shown.splitlines())


def test_what_leaves_the_machine_holds_no_message_and_no_id(capsys: pytest.CaptureFixture[str]) -> None:
    listed = found(capsys, HOSPITAL)
    for form in ("sarif", "junit", "github"):
        written = validate(capsys, HOSPITAL, "--format", form)[1]
        assert not [finding for finding in listed if str(finding["dose_id"]).split("/")[1] in written]
        assert not [finding for finding in listed if str(finding["message"]) in written]


def test_a_selection_is_of_ids_or_their_beginnings(capsys: pytest.CaptureFixture[str]) -> None:
    rules = {str(finding["rule_id"]) for finding in found(capsys, HOSPITAL)}
    assert {str(f["rule_id"]) for f in found(capsys, HOSPITAL, "--select", "za4", "--select", "DEN60-INTERVAL")} == {
        rule for rule in rules if rule.startswith("ZA4-") or rule == "DEN60-INTERVAL"
    }
    assert not [f for f in found(capsys, HOSPITAL, "--ignore", "ZA4") if str(f["rule_id"]).startswith("ZA4")]
    assert validate(capsys, HOSPITAL, "--select", "ZA")[0] == 2


def test_a_selection_may_stand_in_the_project_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "pyproject.toml"
    config.write_text(
        '[tool.bonefhir]\nselect = ["ZA4"]\nignore = ["ZA4-ROUTE"]\nfail-on = "none"\n'
        'format = "json"\nreport = ["text=out.txt"]\n'
    )
    code, shown, _ = validate(capsys, HOSPITAL, "--config", config)
    rules = {finding["rule_id"] for finding in json.loads(shown)}
    assert code == 0
    assert rules
    assert all(rule.startswith("ZA4-") and rule != "ZA4-ROUTE" for rule in rules)
    assert len((tmp_path / "out.txt").read_text().splitlines()) == len(json.loads(shown))
    assert validate(capsys, HOSPITAL, "--config", config, "--fail-on", "error", "--format", "text")[0] == 1


def test_a_bundle_yields_exactly_what_stands_beside_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bundle = tmp_path / BUNDLE.name
    bundle.write_bytes(BUNDLE.read_bytes())
    listed = found(capsys, bundle)
    assert listed
    stated = "".join(f"[[finding]]\nrule = '{f['rule_id']}'\ndose = '{f['dose_id']}'\n" for f in listed)
    expectation = tmp_path / f"{BUNDLE.stem}.expected.toml"
    expectation.write_text(stated)
    assert validate(capsys, tmp_path, "--fail-on", "info")[:2] == (0, "")
    expectation.write_text(stated + "[[finding]]\nrule = 'ZA4-ROUTE'\ndose = 'MedicationAdministration/none'\n")
    code, shown, _ = validate(capsys, tmp_path)
    assert (code, shown.count("EXPECTED-MISSING")) == (1, 1)
    expectation.write_text("")
    code, shown, _ = validate(capsys, tmp_path)
    assert (code, shown.count("EXPECTED-OTHER")) == (1, len(listed))


def test_a_baseline_takes_findings_out_until_its_day_and_fails_when_outlived(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rules = sorted({str(finding["rule_id"]) for finding in found(capsys, HOSPITAL)})
    file = tmp_path / "accepted.toml"
    entry = "[[accepted]]\nrule = '{}'\nuntil = {}-01-01\nowner = 'us'\nreason = 'a test'\n"
    file.write_text("".join(entry.format(rule, 9999) for rule in rules))
    assert validate(capsys, HOSPITAL, "--fail-on", "info", "--baseline", file)[:2] == (0, "")
    file.write_text("".join(entry.format(rule, 2001) for rule in rules))
    code, shown, _ = validate(capsys, HOSPITAL, "--baseline", file)
    assert (code, shown.count(" BASELINE-EXPIRED ")) == (1, len(rules))
    file.write_text("".join(entry.format(rule, 9999) for rule in [*rules, "RA223-ROUTE"]))
    code, shown, _ = validate(capsys, HOSPITAL, "--baseline", file)
    assert (code, shown.count(" BASELINE-UNMATCHED ")) == (1, 1)
    assert validate(capsys, HOSPITAL, "--baseline", file, "--ignore", "RA223")[0] == 0


def test_a_folder_is_kept_only_on_request(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert validate(capsys, BUNDLE, "--out", tmp_path / "out")[0] == 1
    assert (tmp_path / "out" / "run.json").is_file()


def test_what_was_rejected_is_told_and_strict_refuses_it(capsys: pytest.CaptureFixture[str]) -> None:
    _, _, told = validate(capsys, FHIR / "st-aldhelm")
    assert "st-aldhelm/90011000.json:40: rejected not-fhir Observation.valueQuantity.value" in told
    assert validate(capsys, FHIR / "st-aldhelm" / "90011000.json", "--strict")[0] == 3


def test_what_is_odd_in_the_data_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = BUNDLE.read_text(encoding="utf-8")
    (tmp_path / "a.json").write_text(text)
    (tmp_path / "b.json").write_text(text.replace('"completed"', '"stopped"'))
    assert "version-conflict" in validate(capsys, tmp_path)[2]
    assert "version-conflict" not in validate(capsys, tmp_path / "a.json")[2]


def test_a_wrong_report_is_a_wrong_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert validate(capsys, BUNDLE, "--report", "pdf=x")[0] == 2
    assert validate(capsys, BUNDLE, "--report", "sarif")[0] == 2


def test_nothing_heavy_is_loaded(tmp_path: Path) -> None:
    """Great Expectations alone takes longer to import than a validation to run."""
    code = f"import sys; from bonefhir.cli import main; main(['validate', {str(BUNDLE)!r}]); print(*sys.modules, file=sys.stderr)"
    environment = {"PYTHONPATH": "src"}
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    assert not set(HEAVY) & set(ran.stderr.split())


def test_of_many_rejects_the_first_are_shown_and_all_are_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = ['{"resourceType":"Patient","id":"p"}', *['{"resourceType":"Observation","id":"o"'] * 50]
    (tmp_path / "a.ndjson").write_text("\n".join(lines))
    code, _, said = validate(capsys, tmp_path)
    shown = said.splitlines()
    assert code == 0
    assert sum("a.ndjson:" in line for line in shown) == 20
    assert "… and 30 more rejected" in shown
    assert "0 doses, 0 findings, 50 rejected" in shown
