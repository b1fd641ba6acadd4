"""checks/README.md is what the rules say."""

from bonefhir.knowledge.catalogue import shipped_text
from bonefhir.knowledge.kind_words import in_words, plain
from bonefhir.knowledge.load import load, shipped


def test_the_catalogue_is_up_to_date() -> None:
    written = (shipped() / "README.md").read_text(encoding="utf-8")
    assert written == shipped_text(), "write it anew: python -m bonefhir.knowledge.catalogue"


def test_every_rule_is_in_it_with_source_and_guidance() -> None:
    text = shipped_text()
    for rule in load().rules:
        assert f"### {rule.id}\n" in text
        for said in (rule.statement, rule.citation, rule.guidance, in_words(rule)):
            assert said in text


def test_bands_in_words() -> None:
    rule = next(rule for rule in load().rules if rule.id == "ZA4-MMBM-CRCL-DOSE")
    assert in_words(rule) == (
        "Creatinine clearance at baseline, in mL/min, and the dose: above 60: 4 mg; 50 to 60: 3.5 mg; "
        "40 to 49 (nothing is printed up to 50): 3.3 mg; 30 to 39 (nothing is printed up to 40): 3 mg. "
        "Fails above it (tolerance 0.06 mg). Below 30 mL/min another rule speaks."
    )


def test_plain() -> None:
    assert [plain(v) for v in (4.0, 2590000, ("a_b", "c"), ("a",))] == ["4", "2590000", "a b or c", "a"]
