"""What people have decided about findings, by fingerprint, in one small file beside the runs.

A fingerprint is that of patient, dose, rule, verdict and evidence: the decision holds for a re-run on the same records in any
order, and falls away when what it rests on changes. The file holds names of deciders and reasons: it lies where runs with
patient data lie, readable by its owner only.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from bonefhir.errors import InputError

STORE = "bonefhir-decisions.json"
DECISIONS = ("accepted", "disputed", "justified")
"""accepted: the finding is right; disputed: it is wrong; justified: right, and the care had a reason."""


@dataclass(frozen=True)
class Decision:
    """when, until: 'YYYY-MM-DD' or ''. rule_id: of the finding, so that precision can be counted when it is gone."""

    decision: str
    reason: str
    who: str
    when: str
    until: str
    rule_id: str

    def holds_on(self, day: date) -> bool:
        """Through the last day of `until`."""
        return not self.until or day <= date.fromisoformat(self.until)


def store_of(run: Path) -> Path:
    """The file beside a run's folder."""
    return Path(os.path.abspath(run)).parent / STORE  # noqa: PTH100 resolve() would follow a link to another folder


def load(path: Path) -> dict[str, Decision]:
    """Fingerprint → decision; empty where nobody has decided anything yet."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        return {mark: Decision(**fields) for mark, fields in content["decisions"].items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        raise InputError(f"{path} cannot be read as decisions; move it away, or restore it from a copy") from None


def current(decisions: Mapping[str, Decision], day: date) -> dict[str, Decision]:
    """Those that have not expired."""
    return {mark: one for mark, one in decisions.items() if one.holds_on(day)}
