"""Everything the reports count, counted once, column by column, from the tables in phi/."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from bonefhir.errors import AccountingError
from bonefhir.knowledge.model import Rule
from bonefhir.report.facts import Facts
from bonefhir.report.rates import Share, wilson
from bonefhir.vocabulary import FAIL, INDETERMINATE, NOT_APPLICABLE, PASS, REASONS, SEVERITIES

INCOMPLETE = ("more-pages", "outcome-entry", "empty-file")
"""Kinds of data-quality findings after which the input cannot be taken for whole."""

_DATA = r"\.(json|ndjson|jsonl|gz|zst)$"
"""A README in the folder is rejected too, and nothing is missing without it."""

JUDGED = (PASS, FAIL, INDETERMINATE)
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


def count(phi: Path, facts: Facts) -> Counts:
    """Raises AccountingError if the table of verdicts and `facts.rule_counts` disagree."""
    quality = _quality(phi)
    doses = pq.read_table(phi / "doses.parquet", columns=["patient_id", "date_first", "date_last"])
    verdicts = _verdicts(phi)
    return Counts(
        files=facts.files.num_rows,
        doses=doses.num_rows,
        patients=pc.count_distinct(doses["patient_id"]).as_py(),
        first=pc.min(doses["date_first"]).as_py(),
        last=pc.max(doses["date_last"]).as_py(),
        rules=tuple(sorted(_rules(facts, verdicts), key=_gravest_first)),
        faulty=_faulty(verdicts),
        unjudged=pc.count_distinct(verdicts.filter(pc.field("verdict") == INDETERMINATE)["dose_id"]).as_py(),
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


def _verdicts(phi: Path) -> pa.Table:
    """Ids as codes of a dictionary: a tenth of the memory of the texts."""
    names = ["rule_id", "verdict", "severity", "dose_id", "patient_id"]
    table = pq.read_table(phi / "verdicts.parquet", columns=[*names, "reasons"], read_dictionary=names).unify_dictionaries()
    for name in names:
        column = table[name].combine_chunks()
        codes = column.indices if name in ("dose_id", "patient_id") else column.cast(pa.string())
        table = table.set_column(table.column_names.index(name), name, codes)
    return table


def _rules(facts: Facts, verdicts: pa.Table) -> Iterator[RuleCount]:
    rules = {rule.id: rule for rule in facts.knowledge.rules}
    doses = _by_rule(verdicts, "verdict", ("dose_id", "count"))
    patients = _by_rule(verdicts, "verdict", ("patient_id", "count_distinct"))
    reasons = _by_rule(_exploded(verdicts), "reason", ("dose_id", "count"))
    for counted in facts.rule_counts.to_pylist():
        rule = rules[counted["rule_id"]]
        found = doses.pop(rule.id, {})
        if any(counted[verdict] != found.get(verdict, 0) for verdict in JUDGED):
            raise AccountingError(f"rule {rule.id}: its counts differ from the table of verdicts")
        yield RuleCount(
            rule,
            doses={outcome: counted[outcome] for outcome in OUTCOMES},
            patients={verdict: patients.get(rule.id, {}).get(verdict, 0) for verdict in JUDGED},
            reasons=dict(sorted(reasons.get(rule.id, {}).items(), key=lambda pair: (-pair[1], REASONS.index(pair[0])))),
        )
    if doses:
        raise AccountingError("verdicts of rules that were not counted: " + ", ".join(sorted(doses)))


def _by_rule(table: pa.Table, column: str, measure: tuple[str, str]) -> dict[str, dict[str, int]]:
    """Rule -> value of the column -> count."""
    counts: dict[str, dict[str, int]] = {}
    for row in table.group_by(["rule_id", column], use_threads=False).aggregate([measure]).to_pylist():
        counts.setdefault(row["rule_id"], {})[row[column]] = row["_".join(measure)]
    return counts


def _gravest_first(row: RuleCount) -> tuple[int, float, str]:
    share = row.share
    return severity_order(row.rule.severity), -(share.value if share else -1.0), row.rule.id


def _faulty(verdicts: pa.Table) -> dict[str, int]:
    failed = verdicts.filter(pc.field("verdict") == FAIL)
    each = {severity: failed.filter(pc.field("severity") == severity) for severity in reversed(SEVERITIES)}
    return {severity: pc.count_distinct(rows["dose_id"]).as_py() for severity, rows in {**each, "any": failed}.items()}


def _exploded(verdicts: pa.Table) -> pa.Table:
    """One row per indeterminate verdict and reason."""
    rows = verdicts.filter(pc.field("verdict") == INDETERMINATE).select(["rule_id", "dose_id", "reasons"])
    reasons = rows["reasons"].combine_chunks()
    again = rows.select(["rule_id", "dose_id"]).take(pc.list_parent_indices(reasons))
    return again.append_column("reason", pc.list_flatten(reasons))


def _reasons(verdicts: pa.Table) -> Iterator[ReasonCount]:
    measures = [("dose_id", "count"), ("dose_id", "count_distinct")]
    for row in _exploded(verdicts).group_by("reason", use_threads=False).aggregate(measures).to_pylist():
        yield ReasonCount(row["reason"], row["dose_id_count"], row["dose_id_count_distinct"])


def _quality(phi: Path) -> tuple[KindCount, ...]:
    table = pq.read_table(phi / "data_quality.parquet", columns=["kind", "severity", "line"])
    grouped = table.group_by(["kind", "severity"], use_threads=False).aggregate([("line", "count", pc.CountOptions(mode="all"))])
    rows = [KindCount(row["kind"], row["severity"], row["line_count"]) for row in grouped.to_pylist()]
    return tuple(sorted(rows, key=lambda row: (severity_order(row.severity), row.kind)))
