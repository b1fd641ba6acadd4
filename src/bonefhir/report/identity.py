"""Names that stay the same from run to run."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any


def resource_id(prefix: str, *parts: str) -> str:
    """An id of FHIR (at most 64 of A-Z a-z 0-9 - .) for what the parts name together."""
    return f"{prefix}-{_digest(parts)[:32]}"


def fingerprint(finding: Mapping[str, Any]) -> str:
    """Of patient, dose, rule, verdict and evidence: a decision about a finding holds as long as what it rests on."""
    return _digest([finding[name] for name in ("patient_id", "dose_id", "rule_id", "rule_version", "verdict", "evidence")])[:16]


def _digest(parts: object) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
