"""share/summary.json and share/report.html: the same suppressed counts, for programs and, unless left out, for people."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from bonefhir.report import html
from bonefhir.report.control_chart import LEAST_POINTS
from bonefhir.report.counts import OUTCOMES, Counts
from bonefhir.report.facts import Facts
from bonefhir.report.phi_page import incomplete
from bonefhir.report.run_json import run_id, write_json
from bonefhir.report.share_counts import rule_rows, summary
from bonefhir.report.share_trend import ShareTrend, exact_totals, share_trend
from bonefhir.report.slices import Sliced
from bonefhir.report.trend_page import Shown, shown
from bonefhir.report.wording import Wording
from bonefhir.vocabulary import SEVERITIES


def write(folder: Path, facts: Facts, counts: Counts, wording: Wording, sliced: Sliced) -> None:
    printed = summary(facts, counts)
    write_json(folder / "summary.json", printed)
    if not facts.settings.html:
        return
    k = facts.settings.small_number
    rows = rule_rows(counts, k)[1]
    judged, failed, opened = (int(flag.sum()) for flag in sliced.tally.flags("error"))
    pairs = [(counts.faulty["any"], failed), (counts.unjudged, opened), (counts.doses, judged)]
    found = share_trend(sliced, exact_totals(printed, rows, pairs, k), k)
    values = {
        "summary": printed,
        "applied": [row for row in rows if row.count.applicable],
        "severities": list(reversed(SEVERITIES)),
        "outcomes": OUTCOMES,
        "warning": None if counts.doses else wording.text("share.nothing"),
        "incomplete": incomplete(counts, wording),
        "trend": _trend(found, wording),
        "withheld": found.withheld,
        "least_points": LEAST_POINTS,
        "sentences": list(_sentences(printed, counts, wording)),
    }
    html.write(folder / "report.html", "share.html", facts, wording, values, run_id(facts))


def _trend(found: ShareTrend, wording: Wording) -> Shown | None:
    """Withheld months have no row."""
    drawn = shown(found.trend, wording.text("trend.whole"), wording)
    return drawn and replace(drawn, rows=tuple(row for row in drawn.rows if row[0] not in found.withheld))


def _sentences(printed: dict[str, Any], counts: Counts, wording: Wording) -> Iterator[str]:
    if counts.doses == 0:
        return
    first, last = printed["period"]["first"], printed["period"]["last"]
    yield wording.text(
        "share.sentence",
        doses=wording.number(printed["doses"]),
        patients=wording.number(printed["patients"]),
        period=first if first == last else f"{first} – {last}",
        rules=wording.counted("rule", sum(1 for row in counts.rules if row.applicable)),
        profile=wording.word("profiles", printed["profile"]),
    )
    failing = {name: wording.number(printed["doses_with_a_fail"][name]) for name in ("error", "any")}
    yield wording.text("share.sentence_fail", **failing, unjudged=wording.number(printed["doses_not_fully_judged"]))
