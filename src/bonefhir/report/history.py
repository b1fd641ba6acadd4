"""Many runs in a row: what each has counted, read from its run.json alone. Folders that are none are told, and not in the way."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

from bonefhir.report.counts import OUTCOMES
from bonefhir.report.rates import Share, wilson
from bonefhir.report.run_json import FORMAT as RUN_FORMAT
from bonefhir.report.run_json import json_text
from bonefhir.settings import language_of
from bonefhir.vocabulary import FAIL, INDETERMINATE, PASS, SEVERITIES

FORMAT = 1
WHY = ("link", "missing", "unreadable", "foreign", "format", "broken")
"""Why a folder is not read: it is a link; its run.json missing, no JSON, of another program or format, or not whole."""

PAGE, DATA = "bonefhir-history.html", "bonefhir-history.json"
LINKED = ("phi/report.html", "phi/findings.xlsx", "share/report.html", "share/summary.json")
"""Files of a run that the page leads to, if they are there."""


@dataclass(frozen=True)
class Outcomes:
    """Doses of one rule in one run. digest: of the rule, '' if the run does not tell."""

    severity: str
    version: str
    digest: str
    doses: Mapping[str, int]

    def amended(self, before: "Outcomes") -> bool:
        """Another version than before, or other parameters, as far as both runs tell."""
        known = self.digest and before.digest
        return self.version != before.version or bool(known and self.digest != before.digest)

    @property
    def denominator(self) -> int:
        return self.doses[PASS] + self.doses[FAIL]

    @property
    def share(self) -> Share | None:
        """Of `fail` among those that could be judged."""
        return wilson(self.doses[FAIL], self.denominator)

    @property
    def judged(self) -> float | None:
        """Part of the doses of which the rule speaks that could be judged: a broken feed shows here."""
        applicable = self.denominator + self.doses[INDETERMINATE]
        return self.denominator / applicable if applicable else None


@dataclass(frozen=True)
class Run:
    """folder: its name; links: of LINKED, those that are there; language: of its reports."""

    folder: str
    started: datetime
    about: Mapping[str, Any]
    rules: Mapping[str, Outcomes]
    links: Sequence[str]
    language: str

    def doses(self, outcome: str, severity: str) -> int:
        """Verdicts of that outcome among the rules of that severity."""
        return sum(one.doses[outcome] for one in self.rules.values() if one.severity == severity)


class Other(NamedTuple):
    """A folder that is no run that can be read. why: of WHY."""

    folder: str
    why: str


@dataclass(frozen=True)
class History:
    """runs: by the time at which they started; others: by name."""

    runs: Sequence[Run]
    others: Sequence[Other]

    @property
    def rules(self) -> list[str]:
        """Those that could be judged in any run, gravest first."""
        severity: dict[str, str] = {}
        for run in self.runs:
            severity |= {rule: one.severity for rule, one in run.rules.items() if one.denominator or rule in severity}
        return sorted(severity, key=lambda rule: (-SEVERITIES.index(severity[rule]), rule))

    def changes(self, rule: str) -> list[int]:
        """Numbers of the runs that applied the rule in another form than the run before."""
        applied = enumerate(pairwise([run.rules.get(rule) for run in self.runs]), start=1)
        return [number for number, (before, after) in applied if before and after and after.amended(before)]


def read(folder: Path) -> History:
    """Of the folders directly in `folder`; hidden ones are runs on their way. Raises OSError if it cannot be listed."""
    found = [_read(path) for path in sorted(folder.iterdir()) if path.is_dir() and not path.name.startswith(".")]
    runs = [one for one in found if isinstance(one, Run)]
    return History(sorted(runs, key=lambda run: (run.started, run.folder)), [one for one in found if isinstance(one, Other)])


def _read(path: Path) -> Run | Other:
    if path.is_symlink():
        return Other(path.name, "link")
    try:
        content = json.loads((path / "run.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Other(path.name, "missing")
    except (OSError, ValueError, RecursionError):
        return Other(path.name, "unreadable")
    if not isinstance(content, dict) or content.get("program") != "bonefhir":
        return Other(path.name, "foreign")
    if content.get("format") != RUN_FORMAT:
        return Other(path.name, "format")
    try:
        return _run(path, content)
    except (KeyError, TypeError, ValueError, AttributeError):
        return Other(path.name, "broken")


def _run(path: Path, content: Mapping[str, Any]) -> Run:
    started = datetime.fromisoformat(content["run"]["started"])
    about: dict[str, Any] = {name: str(content[name]) for name in ("run_id", "version", "rules_digest", "profile")}
    about |= {name: _count(content[name]) for name in ("doses", "patients")}
    about |= {name: _count(content["ledger"]["total"][name]) for name in ("read", "rejected")}
    days = content["period"]
    about["period"] = {name: None if days[name] is None else str(days[name]) for name in ("first", "last")}
    about["incomplete"] = [str(name) for name in content["incomplete"]]
    rules = {str(rule): _outcomes(one) for rule, one in content["verdicts"].items()}
    links = [name for name in LINKED if (path / name).is_file()]
    started = started if started.tzinfo else started.replace(tzinfo=UTC)
    return Run(path.name, started, about, rules, links, language_of(content["run"]))


def _outcomes(one: Mapping[str, Any]) -> Outcomes:
    if one["severity"] not in SEVERITIES:
        raise ValueError("severity")
    doses = {outcome: _count(one[outcome]) for outcome in OUTCOMES}
    return Outcomes(one["severity"], str(one["version"]), str(one.get("digest", "")), doses)


def _count(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise TypeError("count")
    return int(value)


# ------------------------------------------------------------------------------------------------------------------ JSON


def as_json(history: History) -> str:
    runs = [
        {
            "folder": run.folder,
            "started": run.started.isoformat(),
            **run.about,
            "rules": {rule: _as_json(one) for rule, one in sorted(run.rules.items())},
        }
        for run in history.runs
    ]
    others = [other._asdict() for other in history.others]
    return json_text({"format": FORMAT, "program": "bonefhir", "runs": runs, "others": others})


def _as_json(one: Outcomes) -> dict[str, Any]:
    share = one.share._asdict() if one.share else None
    return {"severity": one.severity, "version": one.version, "digest": one.digest, **one.doses, "share": share}


def judged_runs(history: History, rule: str) -> Iterator[tuple[int, Run, Outcomes]]:
    """The runs that applied a rule, with their number in the row."""
    for number, run in enumerate(history.runs):
        if rule in run.rules:
            yield number, run, run.rules[rule]
