"""Accepted findings: a TOML file in which a site says which findings it knows, why, and until when.

    [[accepted]]
    rule = "ZA4-INF-MIN"
    dose = "MedicationAdministration/7"     # left out: every dose
    until = 2027-06-30
    reason = "Pump records show 16 minutes; the interface rounds down."
"""

import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from bonefhir.errors import CommandLineError
from bonefhir.report.ci import Finding


@dataclass(frozen=True)
class Accepted:
    """until: last day on which it holds. dose: None means every dose."""

    rule: str
    dose: str | None
    until: date
    reason: str

    def covers(self, finding: Finding, today: date) -> bool:
        return self.rule == finding.rule_id and self.dose in (None, finding.dose_id) and today <= self.until


def read(path: Path) -> list[Accepted]:
    """Raises CommandLineError with every fault of the file at once."""
    try:
        entries = tomllib.loads(path.read_text(encoding="utf-8")).get("accepted", [])
    except OSError as error:
        raise CommandLineError(f"{path}: cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise CommandLineError(f"{path}: not TOML: {error}") from None
    faults = [f"{path}: accepted {n}: {fault}" for n, entry in enumerate(entries, start=1) for fault in _faults(entry)]
    if faults:
        raise CommandLineError("\n".join(faults))
    return [Accepted(entry["rule"], entry.get("dose"), entry["until"], entry["reason"]) for entry in entries]


def _faults(entry: dict[str, Any]) -> Iterator[str]:
    for key in ("rule", "reason"):
        if not isinstance(entry.get(key), str) or not entry[key].strip():
            yield f"{key} is missing"
    if type(entry.get("until")) is not date:
        yield "until must be a date, such as 2027-06-30"
    if not isinstance(entry.get("dose", ""), str):
        yield "dose must be a text"
    for key in sorted(set(entry) - {"rule", "dose", "until", "reason"}):
        yield f"{key} is not known"


def without(findings: Sequence[Finding], accepted: Sequence[Accepted], today: date) -> list[Finding]:
    return [finding for finding in findings if not any(entry.covers(finding, today) for entry in accepted)]
