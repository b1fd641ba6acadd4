"""What a site adds and changes."""

import datetime as dt
from pathlib import Path

import pytest

from bonefhir.errors import KnowledgeError
from bonefhir.knowledge.lint import lint
from bonefhir.knowledge.load import load
from bonefhir.knowledge.model import Code

HEADER = "concept,system,code,kind,status,display,note\n"


def override(tmp_path: Path, text: str) -> Path:
    (tmp_path / "overrides.toml").write_text(
        f'[[override]]\n{text}\nreason = "our protocol"\nreview = 2027-06-30\n', encoding="utf-8"
    )
    return tmp_path


def test_a_severity_is_changed(tmp_path: Path) -> None:
    knowledge = load([override(tmp_path, 'rule = "ZA4-ROUTE"\nseverity = "info"')])
    rule = next(rule for rule in knowledge.rules if rule.id == "ZA4-ROUTE")
    assert (rule.severity, rule.override) == ("info", "our protocol; review 2027-06-30")
    assert rule.examples
    assert knowledge.overrides == ("ZA4-ROUTE: severity error → info (our protocol; review 2027-06-30)",)


def test_a_parameter_is_changed_and_the_examples_no_longer_hold(tmp_path: Path) -> None:
    knowledge = load([override(tmp_path, 'rule = "PAM-INF-MIN"\nparameters = { min_minutes = 60 }')])
    rule = next(rule for rule in knowledge.rules if rule.id == "PAM-INF-MIN")
    assert (rule.parameters, rule.examples) == ({"min_minutes": 60}, ())
    assert knowledge.overrides == ("PAM-INF-MIN: min_minutes 120 → 60 (our protocol; review 2027-06-30)",)


def test_changed_parameters_may_bring_their_own_examples(tmp_path: Path) -> None:
    text = (
        'rule = "PAM-INF-MIN"\nparameters = { min_minutes = 60 }\nexamples = """\nduration | verdict\n60 | pass\n59 | fail\n"""'
    )
    rule = next(rule for rule in load([override(tmp_path, text)]).rules if rule.id == "PAM-INF-MIN")
    assert [(example.verdict, example.line) for example in rule.examples] == [("pass", 6), ("fail", 7)]
    assert lint([tmp_path]).warnings == ()


def test_a_rule_is_switched_off(tmp_path: Path) -> None:
    knowledge = load([override(tmp_path, 'rule = "ZA4-DENTAL"\noff = true')])
    assert "ZA4-DENTAL" not in {rule.id for rule in knowledge.rules}
    assert knowledge.overrides == ("ZA4-DENTAL: off (our protocol; review 2027-06-30)",)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('rule = "ZA4-ROUTE"', "or both, or off = true"),
        ('rule = "ZA4-ROUTE"\noff = true\nseverity = "info"', "or both, or off = true"),
        ('rule = "ZA4-ROUTE"\noff = false', "field 'off' must be true"),
        ('rule = "ZA4-ROUTE"\nparameters = { alowed = ["oral"] }', "parameter: unknown field 'alowed'; did you mean 'allowed'?"),
        ('rule = "PAM-HCM-DOSE-MIN"\nparameters = { min = 60 }', "needs exactly one of: min or bands_by_calcium"),
        ('rule = "ZA4-ROUTE"\nseverity = "info"\nuntil = 2027-01-01', "unknown field 'until'"),
    ],
)
def test_overrides_that_cannot_be_applied(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(KnowledgeError) as caught:
        load([override(tmp_path, text)])
    assert any(message in fault for fault in caught.value.faults), caught.value.faults


def test_an_override_without_reason_or_review_and_one_given_twice(tmp_path: Path) -> None:
    twice = '[[override]]\nrule = "ZA4-ROUTE"\nseverity = "info"\nreason = "a"\nreview = 2027-01-01\n'
    (tmp_path / "overrides.toml").write_text('[[override]]\nrule = "ZA5-ROUTE"\noff = true\nreview = "soon"\n' + twice * 2)
    with pytest.raises(KnowledgeError) as caught:
        load([tmp_path])
    text = str(caught.value)
    assert "field 'reason' is missing" in text
    assert "field 'review' must be a date such as 2027-01-31, without quotes" in text
    assert "rule 'ZA4-ROUTE' is overridden already" in text


def test_local_codes(tmp_path: Path) -> None:
    file = tmp_path / "local.csv"
    file.write_text(
        HEADER
        + "creatinine,https://lab.example/codes,CREA,local,verified,Creatinine,\n"
        + "zoledronic_acid_4mg,https://pharmacy.example,ZOL4,local,verified,,\n"
        + "denosumab,https://pharmacy.example,DENO,local,verified,,\n"
        + "dental,https://dental.example,CHECK,local,verified,,\n"
        + "onj,https://ehr.example,MRONJ,local,verified,,\n"
        + "creatinine_serum,https://lab.example/codes,UCREA,exclude,verified,Creatinine urine,\n",
        encoding="utf-8",
    )
    knowledge = load([file])
    lab = "https://lab.example/codes"
    assert Code(lab, "CREA", "local", "verified", "Creatinine") in knowledge.measurements["creatinine"].codes
    assert knowledge.products["zoledronic_acid_4mg"].codes[-1].code == "ZOL4"
    assert knowledge.drugs["denosumab"].codes[-1].code == "DENO"
    assert knowledge.value_sets["dental"].codes[-1].code == "CHECK"
    assert knowledge.value_sets["osteonecrosis_of_jaw"].codes[-1].code == "MRONJ"
    assert {(lab, "CREA"), (lab, "UCREA")} <= knowledge.known_lab_codes
    assert (lab, "UCREA") in knowledge.excluded_codes


def test_a_known_lab_that_is_not_measured_can_be_mapped(tmp_path: Path) -> None:
    file = tmp_path / "mimic.csv"
    file.write_text(HEADER + "creatinine,mimic-labitems,50912,local,verified,Creatinine,\npamidronate,urn:x,P,local,verified,,\n")
    knowledge = load([file])
    assert knowledge.measurements["creatinine"].codes[-1].code == "50912"
    assert knowledge.products["pamidronate"].codes[-1].code == "P"
    assert "P" not in {code.code for code in knowledge.drugs["pamidronate"].codes}


def test_local_codes_in_the_published_form(tmp_path: Path) -> None:
    file = tmp_path / "local.csv"
    file.write_text(
        "group,concept,system_uri,code,display,kind,verified_by,notes\n"
        "lab,creatinine_serum,https://lab.example/codes,CREA,Creatinine,our_lab,pharmacy 2026,\n"
        "condition,bone_metastasis,https://ehr.example,BM,,condition,verified: by hand,\n",
        encoding="utf-8",
    )
    knowledge = load([file])
    assert (
        Code("https://lab.example/codes", "CREA", "local", "unverified", "Creatinine")
        in knowledge.measurements["creatinine"].codes
    )
    assert knowledge.value_sets["bone_metastases"].codes[-1].status == "verified"


def test_a_new_product(tmp_path: Path) -> None:
    label = tmp_path / "labels" / "romosozumab.toml"
    label.parent.mkdir()
    label.write_text(
        'product = "romosozumab"\ndrug = "romosozumab"\ntitle = "Romosozumab"\nindications = ["osteoporosis"]\n'
        'creatinine_window_days = 28\ncodes = [{ system = "rxnorm", code = "1", kind = "SCD", status = "partial" }]\n'
        '[ingredient]\nnames = ["romosozumab"]\namount_unit = "mg"\n'
    )
    knowledge = load([tmp_path])
    assert knowledge.drugs["romosozumab"].products == ("romosozumab",)
    assert not knowledge.products["romosozumab"].has_rules


def test_lint_of_the_shipped_checks_names_what_is_to_be_confirmed() -> None:
    found = lint()
    assert not found.faults
    assert any("code 50419020801 of http://hl7.org/fhir/sid/ndc is unverified" in line for line in found.warnings)
    assert any("rule 'ALN-CRCL' cites a label whose section or revision is to be confirmed" in line for line in found.warnings)
    assert not any("has no example" in line for line in found.warnings)


def test_lint_of_a_site_speaks_of_the_site_only(tmp_path: Path) -> None:
    folder = override(tmp_path, 'rule = "PAM-INF-MIN"\nparameters = { min_minutes = 60 }')
    assert lint([folder]).warnings == ("PAM-INF-MIN is overridden without examples of its own",)
    due = lint([folder], today=dt.date(2027, 7, 1)).warnings
    assert "override of PAM-INF-MIN: min_minutes 120 → 60 (our protocol; review 2027-06-30): its review is due" in due
    assert lint([tmp_path / "nowhere"]).faults
