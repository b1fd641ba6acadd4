"""JSON Schemas of what a run and `validate` write."""

from dataclasses import fields as fields_of

from bonefhir.contract.words import (
    ANY_TEXT,
    BOOLEAN,
    COUNT,
    NUMBER,
    TEXT,
    Schema,
    document,
    each,
    fields,
    listed,
    one_of,
    or_null,
)
from bonefhir.report.adjudication import DECISIONS, EXPIRED, WORDS
from bonefhir.report.causes import CAUSES
from bonefhir.report.comparison import CLOSED, KINDS, OPENED
from bonefhir.report.comparison_forms import FORMAT as COMPARISON_FORMAT
from bonefhir.report.counts import LEDGER, OUTCOMES
from bonefhir.report.decision_store import FORMAT as DECISIONS_FORMAT
from bonefhir.report.decision_store import NAMES
from bonefhir.report.facts import WORK
from bonefhir.report.history import FORMAT as HISTORY_FORMAT
from bonefhir.report.history import WHY
from bonefhir.report.identity import FINGERPRINT
from bonefhir.report.run_json import FORMAT, WHERE
from bonefhir.settings import PROFILES, Settings
from bonefhir.vocabulary import FAIL, INDETERMINATE, REASONS, SEVERITIES

REJECT_REASONS = (
    "not-json",
    "truncated",
    "not-an-object",
    "no-resource-type",
    "stu3",
    "not-fhir",
    "bad-code",
    "no-patient",
    "no-time",
    "no-id",
    "medication-unresolved",
    "medication-in-error",
    "too-large",
    "too-deep",
    "encoding",
    "duplicate-keys",
    "modifier-extension",
)

DIGEST: Schema = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
DAY: Schema = {"type": "string", "format": "date"}
MONTH: Schema = {"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}$"}
SHOWN: Schema = {
    "description": "a count as it may be shared: exact, '<11', '>=20' or 'suppressed'",
    "anyOf": [COUNT, {"type": "string", "pattern": "^((<|>=)[0-9]+|suppressed)$"}],
}
SEVERITY = one_of(SEVERITIES)
PROGRAM: dict[str, Schema] = {
    "format": {"const": FORMAT},
    "program": {"const": "bonefhir"},
    "version": TEXT,
    "rules_digest": DIGEST,
    "profile": one_of(PROFILES),
    "incomplete": listed(TEXT),
}


def run() -> Schema:
    inputs = {"file": TEXT, "format": or_null(one_of(["ndjson", "bundle", "resource"])), "compression": or_null(TEXT)}
    ledger = dict.fromkeys([*LEDGER], COUNT)
    verdicts = fields({"version": TEXT, "digest": TEXT, "severity": SEVERITY, **dict.fromkeys(OUTCOMES, COUNT)})
    here = {"started": {"type": "string", "format": "date-time"}, "seconds": each(NUMBER), "peak_memory_bytes": COUNT}
    here["work"] = fields(dict.fromkeys(WORK, COUNT))
    where: dict[str, Schema] = {"sources": listed(TEXT), "out": TEXT, "jobs": COUNT, "memory": COUNT}
    body = {
        **PROGRAM,
        "settings": fields({field.name: {} for field in fields_of(Settings) if field.name not in WHERE}),
        "overrides": listed(TEXT),
        "inputs": listed(fields({**inputs, "bytes": or_null(COUNT), "sha256": or_null(DIGEST)})),
        "ignored": listed(TEXT),
        "ledger": fields({"total": fields(ledger), "files": listed(fields({"file": TEXT, **ledger, "empty_entries": COUNT}))}),
        "unused": each(COUNT),
        "doses": COUNT,
        "patients": COUNT,
        "period": fields({"first": or_null(DAY), "last": or_null(DAY)}),
        "verdicts": each(verdicts),
        "reasons": {"type": "object", "propertyNames": one_of(REASONS), "additionalProperties": COUNT},
        "rejects": {"type": "object", "propertyNames": one_of(REJECT_REASONS), "additionalProperties": COUNT},
        "data_quality": each(COUNT),
        "decisions": fields({"recorded": COUNT, "rules": each(fields(dict.fromkeys(DECISIONS, COUNT)))}),
        "suites": listed(_suite({"type": TEXT, "elements": COUNT, "missing": COUNT, "unexpected": COUNT})),
        "run": fields({**here, **where}),
    }
    about = "What was run on what, and how it went. Only `run` differs between two runs on the same input, rules and settings."
    return document("run.json of bonefhir", about, fields(body))


def _suite(more: dict[str, Schema]) -> Schema:
    expectation = fields({"id": TEXT, "statement": TEXT, "severity": TEXT, "success": BOOLEAN, **more})
    return fields({"suite": TEXT, "title": TEXT, "success": BOOLEAN, "expectations": listed(expectation)})


def summary() -> Schema:
    rule = fields(
        {"version": TEXT, "severity": SEVERITY, "statement": TEXT, "source": TEXT, **dict.fromkeys(OUTCOMES, SHOWN)},
        {"denominator": SHOWN, "share": NUMBER, "share_low": NUMBER, "share_high": NUMBER},
    )
    body = {
        **PROGRAM,
        "small_number": COUNT,
        "overrides": COUNT,
        "period": fields({"first": or_null(MONTH), "last": or_null(MONTH)}),
        "doses": SHOWN,
        "patients": SHOWN,
        "doses_with_a_fail": each(SHOWN),
        "doses_not_fully_judged": SHOWN,
        "outcomes": fields({severity: fields(dict.fromkeys(OUTCOMES, SHOWN)) for severity in SEVERITIES}),
        "rules": each(rule),
        "reasons": each(SHOWN),
        "files": SHOWN,
        "ledger": fields(dict.fromkeys(LEDGER, SHOWN)),
        "rejects": each(SHOWN),
        "unused": each(SHOWN),
        "data_quality": each(SHOWN),
        "suites": listed(_suite({})),
    }
    return document("share/summary.json of bonefhir", "Counts only; small groups are suppressed.", fields(body))


def reject() -> Schema:
    """One line of phi/rejects.ndjson."""
    required = {"file": TEXT, "stage": TEXT, "reason": one_of(REJECT_REASONS)}
    entry: Schema = {"anyOf": [COUNT, {"type": "string", "pattern": "^[0-9]+(/[0-9]+)+$"}]}
    line: Schema = {"type": "integer", "minimum": 1}
    optional = {"line": line, "entry": entry, "resourceType": ANY_TEXT, "id": ANY_TEXT}
    body = fields(required, optional | {"path": ANY_TEXT, "detail": ANY_TEXT}, closed=True)
    about = "What could not be used, where and why; never its content. A key without a value is left out."
    return document("A line of phi/rejects.ndjson of bonefhir", about, body)


def findings() -> Schema:
    """What `validate --format json` prints."""
    place = {"path": TEXT, "line": {"type": "integer", "minimum": 1}, "column": {"type": "integer", "minimum": 1}}
    rest = {"severity": SEVERITY, "rule_id": TEXT, "message": TEXT, "dose_id": ANY_TEXT, "statement": TEXT}
    return document(
        "Findings of `bonefhir validate --format json`", "Holds values of patients.", listed(fields({**place, **rest}))
    )


def decisions() -> Schema:
    """bonefhir-decisions.json."""
    words: dict[str, Schema] = {
        "finding": {"type": "string", "pattern": f"^{FINGERPRINT.pattern}$"},
        "verdict": one_of([FAIL, INDETERMINATE]),
        "decision": one_of(WORDS),
        "when": DAY,
        "until": {"description": "the last day on which it holds; '' if it has no end", "anyOf": [DAY, {"const": ""}]},
        "recorded": {"type": "string", "format": "date-time"},
    }
    one = fields({name: words.get(name, TEXT) for name in NAMES}, closed=True)
    body: dict[str, Schema] = {"format": {"const": DECISIONS_FORMAT}, "program": {"const": "bonefhir"}, "decisions": listed(one)}
    return document("bonefhir-decisions.json", "Every decision about a finding, in the order of their recording.", fields(body))


def comparison() -> Schema:
    """`compare --format json`."""
    count_of: dict[str, Schema] = dict.fromkeys(KINDS, COUNT)
    about = {**{name: PROGRAM[name] for name in ("version", "rules_digest", "profile")}, "run_id": TEXT, "doses": COUNT}
    about |= {"patients": COUNT}
    one_run = fields({**about, "started": {"type": "string", "format": "date-time"}})
    cause = fields({"what": one_of(CAUSES), **dict.fromkeys(("role", "resource", "before", "after"), ANY_TEXT)})
    decided = one_of(["", *DECISIONS, EXPIRED])
    finding: dict[str, Schema] = {
        "kind": one_of(KINDS),
        **dict.fromkeys(("rule_id", "dose_id", "patient_id", "message"), TEXT),
        "severity": SEVERITY,
        "before": or_null(one_of(OUTCOMES)),
        "after": or_null(one_of(OUTCOMES)),
        "causes": listed(cause),
        "by_result": one_of(["", OPENED, CLOSED]),
        "decision": decided,
        "decided": decided,
    }
    body: dict[str, Schema] = {
        "format": {"const": COMPARISON_FORMAT},
        "program": {"const": "bonefhir"},
        "before": one_run,
        "after": one_run,
        "differences": listed(fields(dict.fromkeys(("what", "before", "after"), TEXT))),
        "inputs": fields({"new_or_changed": COUNT, "gone_or_changed": COUNT}),
        "doses": fields({"new": COUNT, "gone": COUNT}),
        "counts": fields(count_of),
        "findings": listed(fields(finding)),
    }
    return document("Two runs compared", "`bonefhir compare --format json`.", fields(body))


def history() -> Schema:
    """bonefhir-history.json."""
    part: Schema = {"type": "number", "minimum": 0, "maximum": 1}
    share = fields({"value": part, "low": part, "high": part})
    rule = {"severity": SEVERITY, "version": TEXT, "digest": ANY_TEXT, **dict.fromkeys(OUTCOMES, COUNT), "share": or_null(share)}
    one: dict[str, Schema] = {
        "folder": TEXT,
        "started": {"type": "string", "format": "date-time"},
        **dict.fromkeys(("run_id", "version", "rules_digest", "profile"), TEXT),
        **dict.fromkeys(("doses", "patients", "read", "rejected"), COUNT),
        "period": fields({"first": or_null(DAY), "last": or_null(DAY)}),
        "incomplete": listed(TEXT),
        "rules": each(fields(rule)),
    }
    body: dict[str, Schema] = {
        "format": {"const": HISTORY_FORMAT},
        "program": {"const": "bonefhir"},
        "runs": listed(fields(one)),
        "others": listed(fields({"folder": TEXT, "why": one_of(WHY)})),
    }
    return document("bonefhir-history.json", "Runs beside each other, by the time at which they started.", fields(body))
