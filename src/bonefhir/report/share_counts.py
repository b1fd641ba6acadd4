"""The numbers of share/: counts only, small groups suppressed (`suppress`), no id, no name of a file, dates by month."""

from dataclasses import dataclass
from typing import Any

from bonefhir import __version__
from bonefhir.report.counts import LEDGER, OUTCOMES, Counts, RuleCount, by_kind, severity_order
from bonefhir.report.facts import Facts
from bonefhir.report.rates import Share
from bonefhir.report.run_json import FORMAT
from bonefhir.report.suppress import HIDDEN, Shown, alone, at_least, below, lowest, protected, separate, small, total, union
from bonefhir.report.tally import JUDGED
from bonefhir.vocabulary import FAIL, INDETERMINATE, NOT_APPLICABLE, PASS, SEVERITIES


@dataclass(frozen=True)
class ShareRow:
    """A rule's outcomes as they may be printed. `share` only where numerator and denominator are; `exact`: their sum is known."""

    count: RuleCount
    outcomes: dict[str, Shown]
    denominator: Shown
    share: Share | None
    exact: bool


def summary(facts: Facts, counts: Counts) -> dict[str, Any]:
    """share/summary.json."""
    k = facts.settings.small_number
    exact, rows = rule_rows(counts, k)
    return {
        "format": FORMAT,
        "program": "bonefhir",
        "version": __version__,
        "rules_digest": facts.knowledge.digest,
        "profile": facts.settings.profile,
        "small_number": k,
        "overrides": len(facts.knowledge.overrides),
        "period": {"first": month(counts.first), "last": month(counts.last)},
        "incomplete": list(counts.incomplete),
        "doses": counts.doses if exact else _doses_of_products(rows),
        "patients": alone(counts.patients, k),
        "doses_with_a_fail": {name: union(number, _cells(rows, FAIL, name), k) for name, number in counts.faulty.items()},
        "doses_not_fully_judged": union(counts.unjudged, _cells(rows, INDETERMINATE), k),
        "outcomes": {severity: {o: total(_cells(rows, o, severity)) for o in OUTCOMES} for severity in reversed(SEVERITIES)},
        "rules": {row.count.rule.id: _rule(row) for row in sorted(rows, key=lambda row: row.count.rule.id)},
        "reasons": _reasons(rows, k),
        **_input(facts, counts, k),
        "suites": suites(facts, k),
    }


def rule_rows(counts: Counts, k: int) -> tuple[bool, list[ShareRow]]:
    """(whether the number of all doses may be printed exactly, the rules' rows by severity, printed share, id).

    It may if every rule's may: the doses of a product are all doses less those of the others.
    """
    if counts.patients >= k or counts.doses == 0:
        known = separate([counts.doses, *(row.applicable for row in counts.rules)], k)
        rows = [_row(row, row.applicable in known, True, k) for row in counts.rules]
        if all(row is not None for row in rows):
            return True, sorted((row for row in rows if row is not None), key=_gravest_first)
    known = separate([row.applicable for row in counts.rules], k)
    rounded = [_row(row, row.applicable in known, False, k) or _rounded(row, k) for row in counts.rules]
    return False, sorted(rounded, key=_gravest_first)


def _gravest_first(row: ShareRow) -> tuple[int, float, str]:
    """Only by what is printed: the order of suppressed shares would tell of them."""
    rule = row.count.rule
    return severity_order(rule.severity), -(row.share.value if row.share else -1.0), rule.id


def _row(row: RuleCount, known: bool, all_known: bool, k: int) -> ShareRow | None:
    """None if the row's sum, or what stands in it, would give a small group away."""
    few = {verdict: small(row.doses[verdict], k) or small(row.patients[verdict], k) for verdict in JUDGED}
    # Hidden first: the count that says least.
    numbers = {verdict: row.doses[verdict] for verdict in (PASS, INDETERMINATE, FAIL)}
    shown = protected(numbers, few, k) if known else None
    if shown is None:
        return None
    outcomes = {verdict: shown[verdict] for verdict in JUDGED}
    outcomes[NOT_APPLICABLE] = row.doses[NOT_APPLICABLE] if all_known else HIDDEN
    both = isinstance(shown[PASS], int) and isinstance(shown[FAIL], int)
    one = isinstance(shown[INDETERMINATE], int)
    return ShareRow(row, outcomes, row.denominator if both or one else HIDDEN, row.share if both else None, exact=True)


def _rounded(row: RuleCount, k: int) -> ShareRow:
    """A row whose sum stays unknown. Of a small group nothing is said, not even which of its outcomes are 0."""
    if small(row.applicable, k) or small(max(row.patients.values()), k):
        return ShareRow(row, {**dict.fromkeys(JUDGED, below(k)), NOT_APPLICABLE: HIDDEN}, below(k), None, exact=False)
    few = {verdict: small(row.patients[verdict], k) for verdict in JUDGED}
    outcomes = {verdict: below(k) if few[verdict] else at_least(row.doses[verdict], k) for verdict in JUDGED}
    return ShareRow(row, {**outcomes, NOT_APPLICABLE: HIDDEN}, total([outcomes[PASS], outcomes[FAIL]]), None, exact=False)


def _cells(rows: list[ShareRow], outcome: str, severity: str = "any") -> list[Shown]:
    return [row.outcomes[outcome] for row in rows if severity in ("any", row.count.rule.severity)]


def _doses_of_products(rows: list[ShareRow]) -> Shown:
    """At least this many doses: for each product the most that a rule of its own is printed to speak of."""
    most: dict[tuple[str, ...], int] = {}
    for row in rows:
        products = row.count.rule.products
        if len(products) == 1:
            printed = row.count.applicable if row.exact else sum(lowest(row.outcomes[verdict]) for verdict in JUDGED)
            most[products] = max(most.get(products, 0), printed)
    return f">={sum(most.values())}" if sum(most.values()) else HIDDEN


def _reasons(rows: list[ShareRow], k: int) -> dict[str, Shown]:
    """Indeterminate verdicts by reason, of those rules whose indeterminate doses are printed.

    Most verdicts have one reason, so the sum of the reasons is as good as known.
    """
    sums: dict[str, int] = {}
    for row in rows:
        if isinstance(row.outcomes[INDETERMINATE], int):
            for reason, number in row.count.reasons.items():
                sums[reason] = sums.get(reason, 0) + number
    listed = dict(sorted(sums.items(), key=lambda pair: (-pair[1], pair[0])))
    few = {reason: small(number, k) for reason, number in listed.items()}
    return _ordered(protected(listed, few, k) or dict.fromkeys(listed, HIDDEN))


def _ordered(printed: dict[str, Shown]) -> dict[str, Shown]:
    """By what is printed, then by name: the order of suppressed numbers would tell of them."""
    return dict(sorted(printed.items(), key=lambda pair: (-lowest(pair[1]), pair[0])))


def suites(facts: Facts, k: int) -> list[dict[str, Any]]:
    """What Great Expectations found. Of the rules only whether they held: their counts stand in `rules`."""
    return [
        {
            "suite": suite["suite"],
            "title": suite["title"],
            "success": suite["success"],
            "expectations": [_expectation(e, suite["suite"] != "rules", k) for e in suite["expectations"]],
        }
        for suite in facts.suites
    ]


def _expectation(expectation: dict[str, Any], counted: bool, k: int) -> dict[str, Any]:
    kept = {name: expectation[name] for name in ("id", "statement", "severity", "success")}
    return {**kept, "unexpected": at_least(expectation["unexpected"], k)} if counted else kept


def _rule(row: ShareRow) -> dict[str, Any]:
    rule, share = row.count.rule, row.share
    ends = {} if share is None else {"share": share.value, "share_low": share.low, "share_high": share.high}
    rates = {name: round(end, 6) for name, end in ends.items()}
    about = {"version": rule.version, "severity": rule.severity, "statement": rule.statement, "source": rule.citation}
    return {**about, **row.outcomes, "denominator": row.denominator, **rates}


def _input(facts: Facts, counts: Counts, k: int) -> dict[str, Any]:
    numbers = {name: counts.ledger[name] for name in ("irrelevant", "used", "superseded", "excluded", "rejected")}
    ledger = protected(numbers, {name: small(number, k) for name, number in numbers.items()}, k)
    read: Shown = at_least(counts.ledger["read"], k) if ledger is None else counts.ledger["read"]
    shown = ledger or dict.fromkeys(numbers, HIDDEN)
    whole = shown["rejected"]
    few = {name: small(number, k) for name, number in counts.rejects.items()}
    reasons = protected(counts.rejects, few, k) if isinstance(whole, int) else None
    if reasons is None:
        # What the sum may not say its parts may not say either.
        reasons = dict.fromkeys(counts.rejects, HIDDEN if isinstance(whole, int) else whole)
    return {
        "files": facts.files.num_rows if counts.patients >= k else alone(facts.files.num_rows, k),
        "ledger": {"read": read, **{name: shown[name] for name in LEDGER[1:]}},
        "rejects": _ordered(reasons),
        "unused": {kind: alone(number, k) for kind, number in sorted(facts.unused.items())},
        "data_quality": _ordered({kind: alone(number, k) for kind, number in by_kind(counts).items()}),
    }


def month(day: Any) -> str | None:
    """'2024-03': no day leaves phi/."""
    return None if day is None else day.strftime("%Y-%m")
