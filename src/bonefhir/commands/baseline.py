"""Accepted findings: a TOML file in which a site says which findings it knows, why, who answers for it, and until when.

    [[accepted]]
    rule = "ZA4-INF-MIN"
    dose = "MedicationAdministration/7"     # left out: every dose
    until = 2027-06-30
    owner = "pharmacy@hospital.example"
    reason = "Pump records show 16 minutes; the interface rounds down."

An entry that has ended, or that no finding matches any more, is a finding itself: a baseline must not outlive its reasons.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from bonefhir.commands.entries import Entry, entries, text_faults
from bonefhir.errors import CommandLineError
from bonefhir.report.ci import Finding, Help

EXPIRED, UNMATCHED = "BASELINE-EXPIRED", "BASELINE-UNMATCHED"
HELP = {
    EXPIRED: Help(
        "An accepted finding has ended.", "", "Mend it, or give the entry a new end with a reason that holds.", "error"
    ),
    UNMATCHED: Help("An accepted finding is no longer found.", "", "Take the entry out of the baseline.", "error"),
}


@dataclass(frozen=True)
class Accepted:
    """until: last day on which it holds. dose: None means every dose. line: of the file."""

    rule: str
    dose: str | None
    until: date
    owner: str
    reason: str
    line: int = 1

    def matches(self, finding: Finding) -> bool:
        return self.rule == finding.rule_id and self.dose in (None, finding.dose_id)


def read(path: Path) -> list[Accepted]:
    """Raises CommandLineError with every fault of the file at once."""
    found = entries(path, "accepted")
    faults = [f"{path}: accepted {n}: {fault}" for n, entry in enumerate(found, start=1) for fault in _faults(entry.values)]
    if faults:
        raise CommandLineError("\n".join(faults))
    return [_accepted(entry) for entry in found]


def _accepted(entry: Entry) -> Accepted:
    given = entry.values
    return Accepted(given["rule"], given.get("dose"), given["until"], given["owner"], given["reason"], entry.line)


def _faults(entry: dict[str, Any]) -> Iterator[str]:
    yield from text_faults(entry, ("rule", "owner", "reason"), ("dose",), ("until",))
    if type(entry.get("until")) is not date:
        yield "until must be a date, such as 2027-06-30"


def without(findings: Sequence[Finding], accepted: Sequence[Accepted], today: date) -> list[Finding]:
    """The findings that no entry accepts today."""
    valid = [entry for entry in accepted if today <= entry.until]
    return [finding for finding in findings if not any(entry.matches(finding) for entry in valid)]


def outlived(path: Path, accepted: Sequence[Accepted], findings: Sequence[Finding], today: date) -> list[Finding]:
    """A finding for each entry that has ended or matches nothing."""
    found = []
    for entry in accepted:
        dose = entry.dose or "every dose"
        if today > entry.until:
            said = f"accepted until {entry.until}: {entry.rule} for {dose}; {entry.owner} said: {entry.reason}"
            found.append(_about(path, entry, EXPIRED, said))
        elif not any(entry.matches(finding) for finding in findings):
            said = f"nothing matches {entry.rule} for {dose}, accepted by {entry.owner}; take it out"
            found.append(_about(path, entry, UNMATCHED, said))
    return found


def _about(path: Path, entry: Accepted, kind: str, message: str) -> Finding:
    return Finding(str(path), entry.line, 1, "error", kind, message, "", HELP[kind].statement)
