"""What a comparison says of two runs, and of what has happened to the data between them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook

from bonefhir.cli import main
from bonefhir.report import run_json
from tests.e2e.small import SUITES, no_suites, write
from tests.report.decided import get, put
from tests.spec.case import DOSE_DAY, UCUM, Resource, dose, lab, metastases, patient

CRCL = "ZA4-MMBM-CRCL-DOSE"
"""4 mg at a clearance of 50 to 60 mL/min is above the label's dose."""

BEFORE = "2024-05-01T08:00:00Z"
Change = dict[str, Any]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SUITES, no_suites)


def base(creatinine: float = 1.0, **of_the_dose: Any) -> list[Resource]:
    """A man of 64 years and 80 kg: 84 mL/min at 1.0 mg/dL, 42 mL/min at 2.0."""
    found = lab("creatinine", creatinine, BEFORE, id="scr", meta={"versionId": "1"})
    return [patient(), metastases(), lab("weight", 80, BEFORE, id="w"), found, dose(**of_the_dose)]


def without(resources: list[Resource], *ids: str) -> list[Resource]:
    return [one for one in resources if one["id"] not in ids]


def audit(folder: Path, resources: list[Resource], *more: str) -> Path:
    source = folder.with_name(f"{folder.name}-in")
    source.mkdir(parents=True)
    write(source / "a.ndjson", *resources)
    assert main(["audit", str(source), "--out", str(folder), "--quiet", "--no-html", *more]) == 0
    return folder


@pytest.fixture
def told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., dict[str, Any]]:
    """The comparison as JSON."""

    def compare(old: list[Resource] | Path, new: list[Resource] | Path, *more: str) -> dict[str, Any]:
        runs = [found if isinstance(found, Path) else None for found in (old, new)]
        before = runs[0] or audit(tmp_path / "before", old)  # type: ignore[arg-type]
        after = runs[1] or audit(tmp_path / "after", new, *more)  # type: ignore[arg-type]
        capsys.readouterr()
        assert main(["compare", str(before), str(after), "--format", "json"]) == 0
        content: dict[str, Any] = json.loads(capsys.readouterr().out)
        return content

    return compare


def of(content: dict[str, Any], rule: str = CRCL) -> Change:
    """What is said of the rule at the dose d."""
    (found,) = [c for c in content["findings"] if (c["rule_id"], c["dose_id"]) == (rule, "MedicationAdministration/d")]
    return dict(found)


def course(change: Change) -> tuple[str, str, str, str]:
    return change["kind"], change["before"], change["after"], change["by_result"]


def causes(change: Change) -> list[tuple[str, str, str, str]]:
    return [(c["what"], c["resource"], c["before"], c["after"]) for c in change["causes"]]


def test_nothing_has_happened(told: Callable[..., Any]) -> None:
    content = told(base(2.0), list(reversed(base(2.0))))
    assert content["counts"]["persisting"] == len(content["findings"]) > 0
    assert of(content)["kind"] == "persisting"
    assert content["differences"] == []


def test_a_corrected_result_opens_a_finding_about_a_past_dose(told: Callable[..., Any]) -> None:
    change = of(told(base(1.0), base(2.0)))
    assert course(change) == ("new", "pass", "fail", "opened")
    assert causes(change) == [("corrected", "Observation/scr", f"1.0 mg/dL ({BEFORE})", f"2.0 mg/dL ({BEFORE})")]


def test_a_corrected_result_closes_it(told: Callable[..., Any]) -> None:
    change = of(told(base(2.0), base(1.0)))
    assert course(change) == ("resolved", "fail", "pass", "closed")


def test_a_result_that_came_later_settles_what_could_not_be_judged(told: Callable[..., Any]) -> None:
    change = of(told(without(base(), "scr"), base()))
    assert course(change) == ("resolved", "indeterminate", "pass", "closed")
    assert causes(change) == [("added", "Observation/scr", "", f"1.0 mg/dL ({BEFORE})")]


def test_a_weight_that_came_later_turns_a_finding_into_another(told: Callable[..., Any]) -> None:
    change = of(told(without(base(2.0), "w"), base(2.0)))
    assert course(change) == ("changed", "indeterminate", "fail", "")
    assert causes(change) == [("added", "Observation/w", "", f"80 kg ({BEFORE})")]


def test_a_result_that_was_taken_back(told: Callable[..., Any]) -> None:
    change = of(told(base(), without(base(), "scr")))
    assert (change["kind"], change["by_result"]) == ("new", "opened")
    assert causes(change) == [("removed", "Observation/scr", f"1.0 mg/dL ({BEFORE})", "")]


def test_an_amended_dose_is_no_corrected_result(told: Callable[..., Any]) -> None:
    change = of(told(base(2.0), base(2.0, value=3.3)))
    assert (change["kind"], change["by_result"]) == ("resolved", "")
    assert causes(change) == [("amended", "MedicationAdministration/d", "4 mg", "3.3 mg")]


def rated(ml_per_hour: float) -> list[Resource]:
    """The dose in 100 mL, at a rate and without an end."""
    resources = base()
    resources[-1] = given = dose(minutes=None)
    given["dosage"]["dose"] = {"value": 100, "unit": "mL", "system": UCUM, "code": "mL"}
    given["dosage"]["rateQuantity"] = {"value": ml_per_hour, "unit": "mL/h", "system": UCUM, "code": "mL/h"}
    return resources


def test_an_amended_rate_is_told(told: Callable[..., Any]) -> None:
    faster = of(told(rated(300), rated(600)), "ZA4-INF-MIN")
    assert (faster["before"], faster["after"]) == ("pass", "fail")
    assert causes(faster) == [("amended", "MedicationAdministration/d", "300 mL/h", "600 mL/h")]


def test_before_what_is_charted_now_there_was_nothing(told: Callable[..., Any]) -> None:
    timed = of(told(base(minutes=None), base(minutes=5)), "ZA4-INF-MIN")
    assert ("amended", "MedicationAdministration/d", "", f"{DOSE_DAY}T10:05:00Z") in causes(timed)


def test_doses_that_came_or_went_are_told_apart(told: Callable[..., Any]) -> None:
    later = dose(start="2024-07-20T10:00:00Z", id="e")
    content = told([*base(2.0), dose(start="2024-08-20T10:00:00Z", id="c")], [*base(2.0), later])
    assert (content["doses"], content["counts"]["new"], content["counts"]["resolved"]) == ({"new": 1, "gone": 1}, 0, 0)
    assert {c["kind"] for c in content["findings"] if c["dose_id"].endswith("/e")} == {"new-dose"}
    assert {c["kind"] for c in content["findings"] if c["dose_id"].endswith("/c")} == {"gone-dose"}
    assert all(c["before"] is None and not c["causes"] for c in content["findings"] if c["kind"] == "new-dose")


def test_data_that_reach_further_are_told_where_no_evidence_differs(told: Callable[..., Any], tmp_path: Path) -> None:
    """Whether a calcium is missing after a dose, only data can tell that reach beyond the days in which it was due."""
    denosumab = base(value=120, medicationCodeableConcept={"text": "Xgeva 120 mg"})
    denosumab.append(lab("calcium", 9.5, BEFORE, id="ca"))
    before = audit(tmp_path / "before", denosumab, "--profile", "eu")
    content = told(before, [*denosumab, lab("creatinine", 1.0, "2024-09-01T08:00:00Z", id="later")], "--profile", "eu")
    change = of(content, "DEN120-CA-AFTER-FIRST")
    assert change["after"] == "fail"
    assert (causes(change), change["by_result"]) == ([("input", "", "", "")], "")


def test_another_profile(told: Callable[..., Any]) -> None:
    denosumab = base(value=120, medicationCodeableConcept={"text": "Xgeva 120 mg"})
    content = told(denosumab, denosumab, "--profile", "eu")
    assert {"what": "profile", "before": "us", "after": "eu"} in content["differences"]
    changed = [c for c in content["findings"] if c["kind"] in ("new", "resolved", "changed")]
    assert changed
    assert {cause["what"] for c in changed for cause in c["causes"]} <= {"rule-added", "rule-gone"}


def test_a_rule_that_a_site_has_changed(told: Callable[..., Any], tmp_path: Path) -> None:
    site = tmp_path / "site"
    site.mkdir()
    lines = ("[[override]]", f'rule = "{CRCL}"', 'severity = "info"', 'reason = "ours"', "review = 2099-06-30")
    (site / "overrides.toml").write_text("\n".join(lines))
    change = of(told(base(2.0), base(2.0), "--rules", str(site)))
    assert (change["kind"], causes(change)) == ("changed", [("parameters", "", "", "")])


def test_another_setting(told: Callable[..., Any], tmp_path: Path) -> None:
    config = tmp_path / "c.toml"
    config.write_text("weight-window-days = 5\n")
    change = of(told(base(1.4), base(1.4), "--config", str(config)))
    assert causes(change)[0][:2] == ("unused", "Observation/w")
    assert [c["role"] for c in change["causes"] if c["what"] == "setting"] == ["weight_window_days"]


def test_other_terminology_is_not_other_rules(told: Callable[..., Any], tmp_path: Path) -> None:
    codes = tmp_path / "codes.csv"
    codes.write_text("concept,system,code,kind,status,display,note\ncreatinine,urn:oid:1.2.3,KREA,local,verified,Kreatinin,\n")
    code = {"coding": [{"system": "urn:oid:1.2.3", "code": "KREA"}]}
    local = [*without(base(), "scr"), lab("creatinine", 1.0, BEFORE, id="scr", code=code)]
    content = told(local, local, "--terminology", str(codes))
    change = of(content)
    assert "terminology" in [one["what"] for one in content["differences"]]
    assert course(change) == ("resolved", "indeterminate", "pass", "")
    assert causes(change)[0][:2] == ("added", "Observation/scr")
    assert "terminology" in [cause["what"] for cause in change["causes"]]


def test_another_version_of_the_program(told: Callable[..., Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = audit(tmp_path / "before", base(2.0))
    monkeypatch.setattr(run_json, "__version__", "9.9.9")
    content = told(before, base(2.0))
    assert [one["what"] for one in content["differences"]] == ["version"]
    assert content["counts"]["persisting"] == len(content["findings"])


def test_a_decision_falls_away_and_that_is_said(
    told: Callable[..., Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = audit(tmp_path / "before", base(2.0))
    book = load_workbook(before / "phi" / "findings.xlsx")
    sheet = book["error"]
    for number in range(2, sheet.max_row + 1):
        for heading, value in {"Decision": "accepted", "Reason": "seen", "Who": "A"}.items():
            put(sheet, number, heading, value)
    assert CRCL in [get(sheet, number, "rule_id") for number in range(2, sheet.max_row + 1)]
    book.save(tmp_path / "filled.xlsx")
    assert main(["adjudicate", str(before), str(tmp_path / "filled.xlsx")]) == 0
    change = of(told(before, base(2.1)))
    assert (change["kind"], change["decision"], change["decided"]) == ("changed", "accepted", "")
    assert main(["compare", str(before), str(tmp_path / "after")]) == 0
    assert "Its decision (accepted) holds no more" in capsys.readouterr().out
    again = audit(tmp_path / "again", list(reversed(base(2.0))))
    sheet = load_workbook(again / "phi" / "findings.xlsx")["error"]
    assert {get(sheet, number, "Decision") for number in range(2, sheet.max_row + 1)} == {"accepted"}
    same = of(told(before, again))
    assert (same["decision"], same["decided"]) == ("accepted", "accepted")


def test_text_json_and_page_say_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before, after = audit(tmp_path / "before", base(1.0)), audit(tmp_path / "after", base(2.0))
    capsys.readouterr()
    reports = [f"--report=html={tmp_path}/x/c.html", f"--report=json={tmp_path}/c.json"]
    assert main(["compare", str(before), str(after), *reports]) == 0
    shown = capsys.readouterr().out
    page = (tmp_path / "x" / "c.html").read_text()
    content = json.loads((tmp_path / "c.json").read_text())
    said = f"creatinine corrected: 1.0 mg/dL ({BEFORE}) → 2.0 mg/dL ({BEFORE}), Observation/scr"
    assert said in shown.replace("baseline ", "")
    assert said in page.replace("baseline ", "")
    assert "A result or record of the patient that has been corrected" in shown
    assert "A result or record of the patient that has been corrected" in page
    assert f"{content['counts']['new']} new findings" in shown
    assert '<p lang="en">4 mg given at' in page
    assert "http:" not in page.replace("http://www.w3.org", "")
    assert main(["compare", str(before), str(after), "--format", "html"]) == 0
    assert capsys.readouterr().out == page


@pytest.mark.parametrize("given", ["pdf=x", "json", "html="])
def test_a_wrong_report_is_refused_before_any_work(given: str, tmp_path: Path) -> None:
    assert main(["compare", str(tmp_path), str(tmp_path), "--report", given]) == 2
