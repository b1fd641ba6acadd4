"""Names that stay the same from run to run."""

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

from bonefhir.knowledge.model import Rule

FINGERPRINT = re.compile("f[0-9a-f]{16}")
"""It begins with a letter: of digits alone, or of digits around an 'e', spreadsheets would make a number and round it."""


def resource_id(prefix: str, *parts: str) -> str:
    """An id of FHIR (at most 64 of A-Z a-z 0-9 - .) for what the parts name together."""
    return f"{prefix}-{_digest(parts)[:32]}"


def short_id(prefix: str, *parts: str) -> str:
    """For people to carry along in a table: a letter and eight digits."""
    return f"{prefix}{_digest(parts)[:8]}"


def fingerprint(finding: Mapping[str, Any]) -> str:
    """Of patient, dose, rule, verdict and evidence: a decision about a finding holds as long as what it rests on."""
    parts = [finding[name] for name in ("patient_id", "dose_id", "rule_id", "rule_version", "verdict", "evidence")]
    return f"f{_digest(parts)[:16]}"


def rule_digest(rule: Rule) -> str:
    """Of all that decides about verdicts: another one also where a site has changed a parameter and no version."""
    parts = (rule.version, rule.severity, rule.products, rule.indications, rule.profiles, rule.doses, rule.evidence_key)
    return _digest([str(part) for part in parts])[:12]


def _digest(parts: object) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
