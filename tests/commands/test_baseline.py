"""Accepted findings: each with a reason and an end."""

from datetime import date
from pathlib import Path

import pytest

from bonefhir.commands.baseline import read, without
from bonefhir.errors import CommandLineError
from bonefhir.report.ci import Finding

ONE = Finding("a", 1, "error", "R1", "m", "MedicationAdministration/1", "s")
TWO = Finding("a", 2, "error", "R1", "m", "MedicationAdministration/2", "s")
OTHER = Finding("a", 2, "error", "R2", "m", "MedicationAdministration/2", "s")


def test_a_finding_is_accepted_for_a_dose_or_for_all_until_its_day(tmp_path: Path) -> None:
    file = tmp_path / "baseline.toml"
    file.write_text(
        "[[accepted]]\nrule = 'R1'\ndose = 'MedicationAdministration/1'\nuntil = 2027-06-30\nreason = 'pump record'\n"
        "[[accepted]]\nrule = 'R2'\nuntil = 2027-01-01\nreason = 'known'\n"
    )
    accepted = read(file)
    assert without([ONE, TWO, OTHER], accepted, date(2027, 1, 1)) == [TWO]
    assert without([ONE, TWO, OTHER], accepted, date(2027, 1, 2)) == [TWO, OTHER]
    assert without([ONE, TWO, OTHER], accepted, date(2027, 7, 1)) == [ONE, TWO, OTHER]


def test_every_fault_is_told_at_once(tmp_path: Path) -> None:
    file = tmp_path / "baseline.toml"
    file.write_text(
        "[[accepted]]\nrule = 'R1'\nuntil = '2027'\nowner = 'me'\n[[accepted]]\ndose = 1\nuntil = 2027-01-01T00:00:00\n"
    )
    with pytest.raises(CommandLineError) as caught:
        read(file)
    assert [line.split("accepted ")[1] for line in str(caught.value).splitlines()] == [
        "1: reason is missing",
        "1: until must be a date, such as 2027-06-30",
        "1: owner is not known",
        "2: rule is missing",
        "2: reason is missing",
        "2: until must be a date, such as 2027-06-30",
        "2: dose must be a text",
    ]
