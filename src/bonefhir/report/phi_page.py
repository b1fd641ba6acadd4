"""phi/report.html: the report for quality teams. What it shows is prepared here, how it looks is in templates/phi.html."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from bonefhir import memory
from bonefhir.report import finding_pages, html, packed
from bonefhir.report.adjudication import DECISIONS, Decisions, of_rules
from bonefhir.report.counts import OUTCOMES, Counts
from bonefhir.report.facts import Facts
from bonefhir.report.run_json import WHERE, run_id
from bonefhir.report.slices import Sliced
from bonefhir.report.trend_page import Shown, no_chart, shown
from bonefhir.report.trends import Trends, trends
from bonefhir.report.unjudged import AtSite, most_at
from bonefhir.report.wording import Wording
from bonefhir.vocabulary import FAIL, INDETERMINATE, PASS, SEVERITIES

QUALITY_SHOWN = 100
FILES_SHOWN = 500
NAMES_SHOWN = 5
REASONS_SAID = 5
"""At the top of the page; the table has all."""


def write(
    path: Path,
    phi: Path,
    facts: Facts,
    counts: Counts,
    wording: Wording,
    decisions: Decisions,
    sliced: Sliced,
) -> None:
    sites = most_at(sliced)
    memory.release()  # here and in what follows, of all doses columns come and go
    values = {
        **_page(facts, counts, wording),
        **_rows(phi, facts),
        **_unjudged(sites, counts, wording),
        "trends": _trends(trends(sliced), counts, wording),
        "no_chart": no_chart(wording),
        **_findings(facts, decisions, sliced, counts, wording),
        **_decisions(counts, decisions),
    }
    html.write(path, "phi.html", facts, wording, values, run_id(facts), ("finding.js", "script.js"))


def _unjudged(sites: dict[str, AtSite], counts: Counts, wording: Wording) -> dict[str, Any]:
    said = []
    for row in counts.reasons[:REASONS_SAID]:
        texts = {"reason": wording.word("reasons", row.reason), "needed": wording.word("needed", row.reason)}
        texts["doses"] = wording.counted("dose", row.doses)
        at = sites.get(row.reason)
        where = {} if at is None else {"number": wording.number(at.doses), "site": at.site}
        said.append(wording.text("phi.open_at" if where else "phi.open", **texts, **where))
    return {"open_reasons": said, "most_at": sites}


def _trends(found: Trends, counts: Counts, wording: Wording) -> dict[str, Any]:
    """Rules in the order of the page, and only those with a chart."""
    charted = {row.rule.id: found.rules.get(row.rule.id) for row in counts.rules}
    drawn = {rule: shown(one, rule, wording) for rule, one in charted.items() if one is not None}
    groups = {"products": found.products, "sites": found.sites}
    listed = {name: [(one.name, shown(one, one.name, wording)) for one in group] for name, group in groups.items()}
    rules: dict[str, Shown] = {rule: one for rule, one in drawn.items() if one is not None}
    whole = shown(found.whole, wording.text("trend.whole"), wording)
    return {"whole": whole, "beside": found.beside, "rules": rules, **listed}


def _findings(facts: Facts, decisions: Decisions, sliced: Sliced, counts: Counts, wording: Wording) -> dict[str, Any]:
    """From what finding_pages has written."""
    pages = finding_pages.read(facts.findings)
    found = finding_pages.first(facts.findings)
    return {
        "findings": pages.articles,
        "most": finding_pages.most_shown(facts.rule_counts),
        "listed": packed.LISTED,
        "packed_rows": len(found),
        "all_findings": sum(row.doses[verdict] for row in counts.rules for verdict in (FAIL, INDETERMINATE)),
        "packed_data": packed.text(found, pages, decisions, sliced, counts, wording),
        "packed_pages": finding_pages.packs(facts.findings),
    }


def _decisions(counts: Counts, decisions: Decisions) -> dict[str, Any]:
    """decided: rule → counts, of the rules of the run in their version, in the order of the page."""
    return {"decided": of_rules(decisions.history, (row.rule for row in counts.rules)), "decision_words": DECISIONS}


def _page(facts: Facts, counts: Counts, wording: Wording) -> dict[str, Any]:
    applied = [row for row in counts.rules if row.applicable]
    settings = facts.settings.as_json()
    return {
        "counts": counts,
        "settings": facts.settings,
        "settings_listed": [(name, value) for name, value in settings.items() if name not in WHERE],
        "severities": list(reversed(SEVERITIES)),
        "outcomes": OUTCOMES,
        "totals": {outcome: _by_severity(counts, outcome) for outcome in OUTCOMES},
        "applied": applied,
        "silent": sorted((row for row in counts.rules if not row.applicable), key=lambda row: row.rule.id),
        "period": _period(counts, wording),
        "warning": _warning(counts, wording),
        "incomplete": incomplete(counts, wording),
        "sentences": list(_sentences(facts, counts, len(applied), wording)),
        "notes": list(_notes(counts, wording)),
        "suites": facts.suites,
        "unused": sorted(facts.unused.items(), key=lambda pair: (-pair[1], pair[0])),
    }


def _rows(phi: Path, facts: Facts) -> dict[str, Any]:
    return {
        "quality": _quality(phi / "data_quality.parquet"),
        "unusable": _unusable(phi / "labs.parquet"),
        "files": facts.files.to_pylist(),
        "files_shown": FILES_SHOWN,
        "names_shown": NAMES_SHOWN,
        "rejects_by_file": _rejects_by_file(facts),
    }


def _by_severity(counts: Counts, outcome: str) -> dict[str, int]:
    sums = dict.fromkeys((*SEVERITIES, "any"), 0)
    for row in counts.rules:
        sums[row.rule.severity] += row.doses[outcome]
        sums["any"] += row.doses[outcome]
    return sums


def _period(counts: Counts, wording: Wording) -> str:
    if counts.first is None or counts.last is None:
        return wording.text("phi.undated")
    key = "phi.on" if counts.first == counts.last else "phi.between"
    return wording.text(key, first=counts.first.isoformat(), last=counts.last.isoformat())


def _warning(counts: Counts, wording: Wording) -> str | None:
    """Said where the absence of findings would read as a good result, and is none."""
    if counts.doses == 0:
        resources, files = wording.counted("resource", counts.ledger["read"]), wording.counted("file", counts.files)
        return wording.text("phi.nothing", resources=resources, files=files)
    return None if any(row.denominator for row in counts.rules) else wording.text("phi.nothing_judged")


def incomplete(counts: Counts, wording: Wording) -> str | None:
    """Why the input may not be whole."""
    why = "; ".join(wording.word("incomplete", name) for name in counts.incomplete)
    return wording.text("phi.incomplete", why=why) if why else None


def _sentences(facts: Facts, counts: Counts, rules: int, wording: Wording) -> Iterator[str]:
    if counts.doses == 0:
        return
    yield wording.text(
        "phi.sentence",
        doses=wording.counted("dose", counts.doses),
        patients=wording.counted("patient", counts.patients),
        period=_period(counts, wording),
        rules=wording.counted("rule", rules),
        profile=wording.word("profiles", facts.settings.profile),
    )
    if counts.faulty["any"]:
        number, any_ = wording.number(counts.faulty["error"]), wording.number(counts.faulty["any"])
        yield wording.text("phi.sentence_fail", number=number, any=any_)
    elif any(row.doses[PASS] for row in counts.rules):
        yield wording.text("phi.sentence_no_fail")
    if counts.unjudged:
        yield wording.text("phi.sentence_unjudged", doses=wording.counted("dose", counts.unjudged))


def _notes(counts: Counts, wording: Wording) -> Iterator[str]:
    if counts.ledger["rejected"]:
        rejected = wording.number(counts.ledger["rejected"])
        yield wording.text("phi.rejected_note", rejected=rejected, read=wording.counted("resource", counts.ledger["read"]))
    yield wording.text("phi.not_care")


def _quality(path: Path) -> dict[tuple[str, str], list[dict[str, Any]]]:
    """(kind, severity) -> its first rows, by place."""
    order: list[tuple[str, str]] = [(name, "ascending") for name in ("file", "line", "resource", "detail")]
    first: dict[tuple[str, str], pa.Table] = {}
    for table in _row_groups(path, None):
        for key in table.group_by(["kind", "severity"], use_threads=False).aggregate([]).to_pylist():
            of = key["kind"], key["severity"]
            mask = pc.and_(*(pc.equal(table[name], word) for name, word in key.items()))
            mine = pa.concat_tables([*filter(None, [first.get(of)]), table.filter(mask)])
            first[of] = mine.sort_by(order).slice(0, QUALITY_SHOWN)
    return {key: rows.to_pylist() for key, rows in first.items()}


def _unusable(path: Path) -> list[tuple[str, str, int, int]]:
    """(measurement, why its values cannot be used, how many, of how many of it), by measurement, most frequent first."""
    found: Counter[tuple[str, str | None]] = Counter()
    for table in _row_groups(path, ["analyte", "unusable_reason"]):
        texts = pa.table({name: table[name].cast(pa.string()) for name in table.column_names})
        for row in texts.group_by(texts.column_names, use_threads=False).aggregate([([], "count_all")]).to_pylist():
            found[row["analyte"], row["unusable_reason"]] += row["count_all"]
    all_: Counter[str] = Counter()
    for (analyte, _), number in found.items():
        all_[analyte] += number
    rows = [(analyte, reason, number, all_[analyte]) for (analyte, reason), number in found.items() if reason]
    return sorted(rows, key=lambda row: (row[0], -row[2], row[1]))


def _row_groups(path: Path, columns: list[str] | None) -> Iterator[pa.Table]:
    """A table may hold millions of rows; one group of them is in memory at a time."""
    with pq.ParquetFile(path) as file:
        yield from (file.read_row_group(number, columns=columns) for number in range(file.num_row_groups))


def _rejects_by_file(facts: Facts) -> list[tuple[str, str, int]]:
    """(file, reason, rejected resources) in reading order."""
    names = facts.files["file"].to_pylist()
    grouped = facts.rejects.group_by(["file", "reason"], use_threads=False).aggregate([([], "count_all")]).to_pylist()
    rows = sorted(grouped, key=lambda row: (row["file"], -row["count_all"], row["reason"]))
    return [(names[row["file"]], row["reason"], row["count_all"]) for row in rows]
