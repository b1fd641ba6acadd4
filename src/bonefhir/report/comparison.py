"""Two runs side by side: which findings are new, resolved, changed or the same, and which input made the difference.

A finding is a verdict that is not `pass`; it is known by its dose and its rule. What is found at doses that only one of the runs
has is told apart: there, the data have come or gone, and nothing was put right or made worse.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from bonefhir.report.adjudication import Decision
from bonefhir.report.causes import Cause, Differences, Pair, Side, by_a_result, causes
from bonefhir.report.identity import fingerprint
from bonefhir.report.visible import visible
from bonefhir.vocabulary import PASS, SEVERITIES

NEW, RESOLVED, CHANGED, PERSISTING = "new", "resolved", "changed", "persisting"
NEW_DOSE, GONE_DOSE = "new-dose", "gone-dose"
KINDS = (NEW, RESOLVED, CHANGED, NEW_DOSE, GONE_DOSE, PERSISTING)
"""In the order in which they are told. new-dose, gone-dose: findings of doses that only the later or the earlier run has."""

OPENED, CLOSED = "opened", "closed"
NOT_APPLICABLE = "not_applicable"

Row = Mapping[str, Any]
Key = tuple[str, str]


@dataclass(frozen=True)
class Run:
    """What of a finished run is compared. facts: run.json; verdicts, doses: of phi/; resources: columns of ids of its tables."""

    facts: Mapping[str, Any]
    verdicts: pa.Table
    doses: pa.Table
    resources: Sequence[pa.ChunkedArray]


class Change(NamedTuple):
    """A finding of one of the runs, or of both.

    before, after   verdicts; 'not_applicable': the rule does not speak of the dose, or is not applied; '': there is no such dose
    by_result       'opened' or 'closed': a result that was corrected, added or taken back since makes or ends the finding
    decision        the word of the last decision about the finding as it was before, '' if there was none
    decided         the same of the finding as it is now
    """

    kind: str
    rule_id: str
    severity: str
    dose_id: str
    patient_id: str
    before: str
    after: str
    message: str
    causes: tuple[Cause, ...]
    by_result: str
    decision: str
    decided: str


@dataclass(frozen=True)
class Comparison:
    """changes: by kind, severity, dose and rule; doses: how many of them only one of the runs has."""

    before: Mapping[str, Any]
    after: Mapping[str, Any]
    differences: Differences
    changes: Sequence[Change]
    new_doses: int
    gone_doses: int

    @property
    def counts(self) -> dict[str, int]:
        found = Counter(change.kind for change in self.changes)
        return {kind: found[kind] for kind in KINDS}


def compared(before: Run, after: Run, decisions: Mapping[str, Decision]) -> Comparison:
    """decisions: fingerprint → the decision that stands on the day of the later run."""
    keyed = [_keyed(run.verdicts) for run in (before, after)]
    found = sorted({key for rows in keyed for key in _findings(rows)})
    old, new = (_side(run, rows, found) for run, rows in zip((before, after), keyed, strict=True))
    differences = Differences.of(before.facts, after.facts)
    pair = Pair(old, new, _standing(before, new), _standing(after, old), differences)
    changes = [_change(key, pair, decisions) for key in found]
    doses = [set(run.doses["dose_id"].to_pylist()) for run in (before, after)]
    ordered = sorted(changes, key=lambda c: (KINDS.index(c.kind), -SEVERITIES.index(c.severity), c.dose_id, c.rule_id))
    return Comparison(before.facts, after.facts, differences, ordered, len(doses[1] - doses[0]), len(doses[0] - doses[1]))


# ---------------------------------------------------------------------------------------------------------------- rows


def _keyed(verdicts: pa.Table) -> pa.Table:
    return verdicts.append_column("key", pc.binary_join_element_wise(verdicts["dose_id"], verdicts["rule_id"], "\n"))


def _findings(keyed: pa.Table) -> list[str]:
    found: list[str] = keyed.filter(pc.not_equal(keyed["verdict"], PASS))["key"].to_pylist()
    return found


def _side(run: Run, keyed: pa.Table, keys: Sequence[str]) -> Side:
    """Only the rows of these keys become objects of Python."""
    rows = keyed.filter(pc.is_in(keyed["key"], pa.array(keys, pa.string()))).to_pylist()
    dose_ids = pa.array(sorted({key.partition("\n")[0] for key in keys}), pa.string())
    doses = run.doses.filter(pc.is_in(run.doses["dose_id"], dose_ids)).to_pylist()
    return Side({row["key"]: row for row in rows}, {row["dose_id"]: row for row in doses}, set(run.facts.get("verdicts", ())))


def _standing(run: Run, other: Side) -> set[str]:
    """Of the resources that the other side's verdicts rest on, those that the tables of this run hold, used or not."""
    named = {item["resource"] for row in other.verdicts.values() for item in row["evidence"] or () if item["resource"]}
    wanted = pa.array(sorted(named), pa.string())
    return {name for ids in run.resources for name in ids.filter(pc.is_in(ids, wanted)).to_pylist()}


# ------------------------------------------------------------------------------------------------------------- a finding


def _change(key: str, pair: Pair, decisions: Mapping[str, Decision]) -> Change:
    old, new = pair.before.verdicts.get(key), pair.after.verdicts.get(key)
    kind = _kind(key, old, new, pair)
    row = new if old is None or (new is not None and new["verdict"] != PASS) else old
    assert row is not None  # noqa: S101 the keys are those of either run
    found = tuple(causes(key, pair)) if kind in (NEW, RESOLVED, CHANGED) else ()
    return Change(
        kind=kind,
        **{name: row[name] for name in ("rule_id", "severity", "dose_id", "patient_id")},
        before=_verdict(key, old, pair.before),
        after=_verdict(key, new, pair.after),
        message=visible(row["message"] or ""),
        causes=found,
        by_result={NEW: OPENED, RESOLVED: CLOSED}.get(kind, "") if by_a_result(found, pair.differences) else "",
        decision=_decision(old, decisions),
        decided=_decision(new, decisions),
    )


def _kind(key: str, old: Row | None, new: Row | None, pair: Pair) -> str:
    dose = key.partition("\n")[0]
    if dose not in pair.before.doses:
        return NEW_DOSE
    if dose not in pair.after.doses:
        return GONE_DOSE
    was, is_ = (row is not None and row["verdict"] != PASS for row in (old, new))
    if was and is_ and old is not None and new is not None:
        same = fingerprint(old) == fingerprint(new) and all(old[name] == new[name] for name in ("severity", "limit", "reasons"))
        return PERSISTING if same else CHANGED
    return NEW if is_ else RESOLVED


def _verdict(key: str, row: Row | None, side: Side) -> str:
    if row is not None:
        return str(row["verdict"])
    return NOT_APPLICABLE if key.partition("\n")[0] in side.doses else ""


def _decision(row: Row | None, decisions: Mapping[str, Decision]) -> str:
    if row is None or row["verdict"] == PASS or not decisions:
        return ""
    one = decisions.get(fingerprint(row))
    return one.state if one else ""
