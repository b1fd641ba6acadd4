"""Everything the reports count, from the tables in phi/ and the tally of the verdicts."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from bonefhir.errors import AccountingError
from bonefhir.knowledge.model import Rule
from bonefhir.report.facts import Facts
from bonefhir.report.rates import Share, wilson
from bonefhir.report.slices import Sliced
from bonefhir.report.tally import JUDGED, Tally
from bonefhir.vocabulary import FAIL, INDETERMINATE, NOT_APPLICABLE, PASS, REASONS, SEVERITIES

INCOMPLETE = ("more-pages", "outcome-entry", "empty-file")
"""Kinds of data-quality findings after which the input cannot be taken for whole."""

_DATA = r"\.(json|ndjson|jsonl|gz|zst)$"
"""A README in the folder is rejected too, and nothing is missing without it."""

OUTCOMES = (*JUDGED, NOT_APPLICABLE)
LEDGER = ("read", "used", "irrelevant", "superseded", "excluded", "rejected")


@dataclass(frozen=True)
class RuleCount:
    """Doses by outcome of one rule.

    patients    verdict -> patients with at least one such dose
    reasons     reason -> doses that were indeterminate for it (among others), most frequent first
    """

    rule: Rule
    doses: Mapping[str, int]
    patients: Mapping[str, int]
    reasons: Mapping[str, int]

    @property
    def denominator(self) -> int:
        """Doses for which there was an answer."""
        return self.doses[PASS] + self.doses[FAIL]

    @property
    def applicable(self) -> int:
        return self.denominator + self.doses[INDETERMINATE]

    @property
    def share(self) -> Share | None:
        """Share of `fail`; None without a denominator."""
        return wilson(self.doses[FAIL], self.denominator)


@dataclass(frozen=True)
class ReasonCount:
    """How many verdicts, of how many doses, were indeterminate for this reason (among others)."""

    reason: str
    verdicts: int
    doses: int


@dataclass(frozen=True)
class KindCount:
    """Rows of data_quality of one kind and severity."""

    kind: str
    severity: str
    rows: int


@dataclass(frozen=True)
class Counts:
    """
    files         input files
    first, last   dates of the doses; None without any
    rules         by severity, then share of `fail`, both falling, then id
    faulty        severity -> doses with at least one `fail` of it; 'any': of any
    unjudged      doses with at least one indeterminate verdict
    reasons       by doses, falling
    quality       by severity, falling, then kind
    rejects       reason -> rejected resources, falling
    ledger        sums over the files
    incomplete    why the input may not be whole: kinds, 'truncated', 'whole-file'; empty: nothing says so
    """

    files: int
    doses: int
    patients: int
    first: date | None
    last: date | None
    rules: tuple[RuleCount, ...]
    faulty: Mapping[str, int]
    unjudged: int
    reasons: tuple[ReasonCount, ...]
    quality: tuple[KindCount, ...]
    rejects: Mapping[str, int]
    ledger: Mapping[str, int]
    incomplete: tuple[str, ...]


def count(phi: Path, facts: Facts, sliced: Sliced) -> Counts:
    """Raises AccountingError if the table of verdicts and `facts.rule_counts` disagree."""
    quality = _quality(phi)
    doses, verdicts = sliced.doses, sliced.tally
    return Counts(
        files=facts.files.num_rows,
        doses=doses.num_rows,
        patients=len(pc.unique(doses["patient_id"])),
        first=pc.min(doses["date_first"]).as_py(),
        last=pc.max(doses["date_last"]).as_py(),
        rules=tuple(sorted(_rules(facts, verdicts), key=_gravest_first)),
        faulty=_faulty(verdicts),
        unjudged=verdicts.doses(INDETERMINATE),
        reasons=tuple(sorted(_reasons(verdicts), key=lambda r: (-r.doses, REASONS.index(r.reason)))),
        quality=quality,
        rejects=tallied(facts.rejects, "reason"),
        ledger={name: pc.sum(facts.files[name]).as_py() or 0 for name in (*LEDGER, "empty_entries")},
        incomplete=tuple(_incomplete(facts, quality)),
    )


def _incomplete(facts: Facts, quality: tuple[KindCount, ...]) -> Iterator[str]:
    yield from sorted({row.kind for row in quality} & set(INCOMPLETE))
    if pc.any(pc.equal(facts.rejects["reason"], "truncated")).as_py():
        yield "truncated"
    lost = facts.rejects.filter(pc.and_(pc.is_null(facts.rejects["line"]), pc.is_null(facts.rejects["entry"])))["file"]
    if pc.any(pc.match_substring_regex(facts.files["file"].take(lost), _DATA, ignore_case=True)).as_py():
        yield "whole-file"


def severity_order(severity: str) -> int:
    """Gravest first."""
    return -SEVERITIES.index(severity)


def by_kind(counts: Counts) -> dict[str, int]:
    """Kind -> rows of data_quality, gravest first."""
    kinds: dict[str, int] = {}
    for row in counts.quality:
        kinds[row.kind] = kinds.get(row.kind, 0) + row.rows
    return kinds


def tallied(table: pa.Table, column: str) -> dict[str, int]:
    """Value of a column -> rows, most frequent first, ties by value."""
    pairs = [(str(c["values"].as_py()), c["counts"].as_py()) for c in pc.value_counts(table[column].combine_chunks())]
    return dict(sorted(pairs, key=lambda pair: (-pair[1], pair[0])))


def _rules(facts: Facts, verdicts: Tally) -> Iterator[RuleCount]:
    rules = {rule.id: rule for rule in facts.knowledge.rules}
    for place, counted in enumerate(facts.rule_counts.to_pylist()):
        rule = rules[counted["rule_id"]]
        if [counted[verdict] for verdict in JUDGED] != verdicts.outcomes[place].tolist():
            raise AccountingError(f"rule {rule.id}: its counts differ from the table of verdicts")
        reasons = {name: number for name, number in zip(REASONS, verdicts.reasons[place].tolist(), strict=True) if number}
        yield RuleCount(
            rule,
            doses={outcome: counted[outcome] for outcome in OUTCOMES},
            patients=dict(zip(JUDGED, verdicts.patients[place].tolist(), strict=True)),
            reasons=dict(sorted(reasons.items(), key=lambda pair: (-pair[1], REASONS.index(pair[0])))),
        )


def _gravest_first(row: RuleCount) -> tuple[int, float, str]:
    share = row.share
    return severity_order(row.rule.severity), -(share.value if share else -1.0), row.rule.id


def _faulty(verdicts: Tally) -> dict[str, int]:
    each = {severity: verdicts.doses(FAIL, [severity]) for severity in reversed(SEVERITIES)}
    return each | {"any": verdicts.doses(FAIL)}


def _reasons(verdicts: Tally) -> Iterator[ReasonCount]:
    for bit, (reason, number) in enumerate(zip(REASONS, verdicts.reasons.sum(0).tolist(), strict=True)):
        if number:
            yield ReasonCount(reason, number, int(np.count_nonzero(verdicts.why >> bit & 1)))


def _quality(phi: Path) -> tuple[KindCount, ...]:
    found: Counter[tuple[str, str]] = Counter()
    with pq.ParquetFile(phi / "data_quality.parquet") as file:
        for number in range(file.num_row_groups):
            rows = file.read_row_group(number, columns=["kind", "severity"])
            for row in rows.group_by(["kind", "severity"]).aggregate([([], "count_all")]).to_pylist():
                found[row["kind"], row["severity"]] += row["count_all"]
    counted = (KindCount(kind, severity, rows) for (kind, severity), rows in found.items())
    return tuple(sorted(counted, key=lambda row: (severity_order(row.severity), row.kind)))
