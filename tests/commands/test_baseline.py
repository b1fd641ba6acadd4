"""Accepted findings: each with a reason, an owner and an end."""

from datetime import date
from pathlib import Path

import pytest

from bonefhir.commands.baseline import outlived, read, without
from bonefhir.errors import CommandLineError
from bonefhir.report.ci import Finding

ONE = Finding("a", 1, 1, "error", "R1", "m", "MedicationAdministration/1", "s")
TWO = Finding("a", 2, 1, "error", "R1", "m", "MedicationAdministration/2", "s")
OTHER = Finding("a", 2, 1, "error", "R2", "m", "MedicationAdministration/2", "s")

TEXT = """
[[accepted]]
rule = 'R1'
dose = 'MedicationAdministration/1'
until = 2027-06-30
owner = 'pharmacy'
reason = 'pump record'

[[accepted]]
rule = 'R2'
until = 2027-01-01
owner = 'pharmacy'
reason = 'known'
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "baseline.toml"
    path.write_text(TEXT)
    return path


def test_a_finding_is_accepted_for_a_dose_or_for_all_until_its_day(file: Path) -> None:
    accepted = read(file)
    assert without([ONE, TWO, OTHER], accepted, date(2027, 1, 1)) == [TWO]
    assert without([ONE, TWO, OTHER], accepted, date(2027, 1, 2)) == [TWO, OTHER]
    assert without([ONE, TWO, OTHER], accepted, date(2027, 7, 1)) == [ONE, TWO, OTHER]


def test_an_entry_that_has_ended_or_matches_nothing_is_a_finding_at_its_line(file: Path) -> None:
    accepted = read(file)
    assert outlived(file, accepted, [ONE, OTHER], date(2027, 1, 1)) == []
    (ended,) = outlived(file, accepted, [ONE, OTHER], date(2027, 1, 2))
    assert (ended.rule_id, ended.path, ended.line, ended.severity) == ("BASELINE-EXPIRED", str(file), 9, "error")
    assert "pharmacy said: known" in ended.message
    (unmatched,) = outlived(file, accepted, [TWO, OTHER], date(2027, 1, 1))
    assert (unmatched.rule_id, unmatched.line) == ("BASELINE-UNMATCHED", 2)


def test_every_fault_is_told_at_once(tmp_path: Path) -> None:
    file = tmp_path / "baseline.toml"
    file.write_text(
        "[[accepted]]\nrule = 'R1'\nuntil = '2027'\nowner = 'me'\nby = 'me'\n"
        "[[accepted]]\ndose = 1\nuntil = 2027-01-01T00:00:00\n"
    )
    with pytest.raises(CommandLineError) as caught:
        read(file)
    assert [line.split("accepted ")[1] for line in str(caught.value).splitlines()] == [
        "1: reason is missing",
        "1: by is not known",
        "1: until must be a date, such as 2027-06-30",
        "2: rule is missing",
        "2: owner is missing",
        "2: reason is missing",
        "2: dose must be a text",
        "2: until must be a date, such as 2027-06-30",
    ]


@pytest.mark.parametrize("text", ["accepted = 1", "[[acepted]]\nrule = 'R1'", "= 1"])
def test_a_file_of_something_else_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "baseline.toml").write_text(text)
    with pytest.raises(CommandLineError, match=r"baseline\.toml"):
        read(tmp_path / "baseline.toml")
