"""A comparison of two runs as text, JSON and HTML. Each names doses and patients, like phi/."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from bonefhir.report import html
from bonefhir.report.causes import Cause
from bonefhir.report.comparison import KINDS, NOT_APPLICABLE, PERSISTING, Change, Comparison
from bonefhir.report.run_json import json_text
from bonefhir.report.visible import visible
from bonefhir.report.wording import Wording

FORMAT = 1
MOST_SHOWN = 2_000
"""Findings of one kind on the page; the JSON holds all."""

_OF_A_RUN = ("run_id", "version", "rules_digest", "profile", "doses", "patients", "period")


def text(found: Comparison, wording: Wording) -> str:
    """Persisting findings are counted only: they stand in the reports of the later run."""
    lines = [*differences(found, wording), "", *counted(found, wording)]
    for change in found.changes:
        if change.kind != PERSISTING:
            lines += ["", *map(visible, _lines(change, wording))]
    return "\n".join(lines) + "\n"


def _lines(change: Change, wording: Wording) -> Iterator[str]:
    kind, severity = wording.word("change_kinds", change.kind), wording.word("severities", change.severity)
    yield f"{kind:10} {change.dose_id}  {change.rule_id}  {outcomes(change, wording)}  {severity}"
    yield f"           {change.message}"
    yield from (f"           {said}" for said in notes(change, wording))


def outcomes(change: Change, wording: Wording) -> str:
    """'pass → fail'; what only one run has stands alone."""
    words = [wording.word("outcomes", verdict) for verdict in (change.before, change.after) if verdict]
    return " → ".join(dict.fromkeys(words))


def notes(change: Change, wording: Wording) -> Iterator[str]:
    """Why, in sentences; then what that means for the finding and for what was decided about it."""
    yield from (cause_in_words(cause, wording) for cause in change.causes)
    if change.by_result:
        yield wording.text(f"compare.{change.by_result}")
    if change.decision and change.decision != change.decided:
        key = "compare.decision_gone" if not change.decided else "compare.decision_other"
        words = {name: wording.word("decisions", getattr(change, name)) for name in ("decision", "decided")}
        yield wording.text(key, **words)
    elif change.decided:
        yield wording.text("compare.decision", decided=wording.word("decisions", change.decided))


def cause_in_words(cause: Cause, wording: Wording) -> str:
    values = {name: getattr(cause, name) or "–" for name in ("before", "after", "resource")}
    return wording.text(f"causes.{cause.what}", role=cause.role, **values)


def differences(found: Comparison, wording: Wording) -> list[str]:
    """What was run on what, where it differs."""
    listed = found.differences
    lines = [f"{name}: {before} → {after}" for name, before, after in listed.listed]
    if listed.input:
        lines.append(wording.text("compare.inputs", new=listed.new_inputs, gone=listed.gone_inputs))
    return [visible(line) for line in lines] or [wording.text("compare.same")]


def counted(found: Comparison, wording: Wording) -> list[str]:
    counts = {kind.replace("-", "_"): wording.number(number) for kind, number in found.counts.items()}
    doses = {"new_doses": wording.counted("dose", found.new_doses), "gone_doses": wording.counted("dose", found.gone_doses)}
    return [wording.text("compare.counts", **counts), wording.text("compare.doses", **counts, **doses)]


def as_json(found: Comparison, _: Wording) -> str:
    runs = {name: {key: run.get(key) for key in _OF_A_RUN} for name, run in (("before", found.before), ("after", found.after))}
    started = {name: run.get("run", {}).get("started") for name, run in (("before", found.before), ("after", found.after))}
    return json_text(
        {
            "format": FORMAT,
            "program": "bonefhir",
            **{name: {**run, "started": started[name]} for name, run in runs.items()},
            "differences": [{"what": name, "before": old, "after": new} for name, old, new in found.differences.listed],
            "inputs": {"new_or_changed": found.differences.new_inputs, "gone_or_changed": found.differences.gone_inputs},
            "doses": {"new": found.new_doses, "gone": found.gone_doses},
            "counts": found.counts,
            "findings": [_finding(change) for change in found.changes],
        }
    )


def _finding(change: Change) -> dict[str, Any]:
    """A verdict is null where the run has no such dose."""
    verdicts = {"before": change.before or None, "after": change.after or None}
    return {**change._asdict(), **verdicts, "causes": [cause._asdict() for cause in change.causes]}


def as_html(found: Comparison, wording: Wording) -> str:
    by_kind = {kind: [change for change in found.changes if change.kind == kind] for kind in KINDS}
    values = {
        "found": found,
        "runs": (found.before, found.after),
        "differences": differences(found, wording),
        "counted": counted(found, wording),
        "by_kind": by_kind,
        "most": MOST_SHOWN,
        "outcomes": lambda change: outcomes(change, wording),
        "notes": lambda change: list(notes(change, wording)),
        "not_applicable": NOT_APPLICABLE,
    }
    return html.rendered("compare.html", wording, str(found.after.get("rules_digest", "")), values)


FORMS: Mapping[str, Callable[[Comparison, Wording], str]] = {"text": text, "json": as_json, "html": as_html}
