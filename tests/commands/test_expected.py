"""Expected findings of a sample: exactly these."""

from pathlib import Path

import pytest

from bonefhir.commands.expected import beside, compared, read
from bonefhir.errors import CommandLineError
from bonefhir.report.ci import Finding

RULES = {"R1", "R2"}


def finding(path: Path, rule: str, dose: str) -> Finding:
    return Finding(str(path), 4, 2, "info", rule, "m", dose, "s")


@pytest.mark.parametrize("name", ["a.json", "a.ndjson", "a.ndjson.gz", "a.JSON", "a.json.zst", "a"])
def test_an_expectation_stands_beside_its_file(name: str) -> None:
    assert beside(Path("in") / name) == Path("in/a.expected.toml")


def test_exactly_the_expected_findings_are_silent(tmp_path: Path) -> None:
    file, other = tmp_path / "a.json", tmp_path / "b.json"
    (tmp_path / "a.expected.toml").write_text("[[finding]]\nrule = 'R1'\ndose = 'D1'\n\n[[finding]]\nrule = 'R2'\ndose = 'D2'\n")
    expectations = read([str(file), str(other)])
    both = [finding(file, "R1", "D1"), finding(file, "R2", "D2")]
    assert compared(both, expectations, RULES) == []
    elsewhere = finding(other, "R1", "D1")
    assert compared([*both, elsewhere], expectations, RULES) == [elsewhere]
    (missing,) = compared(both[:1], expectations, RULES)
    assert (missing.rule_id, missing.severity, missing.line) == ("EXPECTED-MISSING", "error", 5)
    assert missing.path.endswith("a.expected.toml")
    assert compared(both[:1], expectations, {"R1"}) == []  # R2 did not run
    (more,) = compared([*both, finding(file, "R1", "D9")], expectations, RULES)
    assert (more.rule_id, more.severity, more.line, more.dose_id) == ("EXPECTED-OTHER", "error", 4, "D9")
    assert "R1" in more.statement


def test_an_empty_expectation_allows_no_finding(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    (tmp_path / "a.expected.toml").write_text("# nothing\n")
    expectations = read([str(file)])
    assert compared([], expectations, RULES) == []
    assert [f.rule_id for f in compared([finding(file, "R1", "D1")], expectations, RULES)] == ["EXPECTED-OTHER"]


def test_a_wrong_expectation_is_told_with_all_its_faults(tmp_path: Path) -> None:
    (tmp_path / "a.expected.toml").write_text("[[finding]]\nrule = 'R1'\n[[finding]]\ndose = 'D'\nwhy = 'x'\n")
    with pytest.raises(CommandLineError) as caught:
        read([str(tmp_path / "a.json")])
    assert [line.split("finding ")[1] for line in str(caught.value).splitlines()] == [
        "1: dose is missing",
        "2: rule is missing",
        "2: why is not known",
    ]
