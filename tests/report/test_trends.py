"""Trends by month: counted as a reader would count, drawn so that everybody can read them, and silent on too few data."""

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bonefhir.report.control_chart import GChart, PChart
from bonefhir.report.slices import Sliced
from bonefhir.report.trend_page import shown
from bonefhir.report.trends import Trends, trends
from bonefhir.report.wording import load
from bonefhir.report.write import write_all
from bonefhir.vocabulary import FAIL, INDETERMINATE, PASS
from tests.report.fixtures import make, rule, verdict

A, B, W = rule("ZA4-A"), rule("ZA4-B"), rule("ZA4-W", "warning")
FAILS = (5, 4, 6, 3, 5, 4, 30, 4, 5, 6, 3, 5, 4)


def day(month: int, number: int = 1) -> date:
    return date(2023 + month // 12, month % 12 + 1, number)


def months_of(fails: Sequence[int], doses: int = 50, opened: int = 0) -> list[dict[str, Any]]:
    """Each month has `doses` with an answer and `opened` without."""
    rows = []
    for month, failed in enumerate(fails):
        words = [FAIL] * failed + [PASS] * (doses - failed) + [INDETERMINATE] * opened
        for word in words:
            rows.append(verdict(A, len(rows), word, date=day(month), source_file=f"site-{len(rows) % 2}/a.ndjson"))
    return rows


def of(folder: Path, rows: list[dict[str, Any]]) -> Trends:
    facts = make(folder, [A, B, W], rows)
    return trends(Sliced(folder / "phi", facts.rule_counts["rule_id"].to_pylist()))


def test_a_rule_by_month(tmp_path: Path) -> None:
    found = of(tmp_path, months_of(FAILS, opened=3)).rules["ZA4-A"]
    assert found.months[0] == "2023-01"
    assert found.months[-1] == "2024-01"
    assert found.events.tolist() == list(FAILS)
    assert set(found.judged.tolist()) == {50}
    assert set(found.applicable.tolist()) == {53}
    assert isinstance(found.chart, PChart)
    assert found.chart.centre == sum(FAILS) / (50 * len(FAILS))
    assert np.flatnonzero(found.chart.signals.outside).tolist() == [6]


def test_over_all_rules_doses_are_counted_and_only_errors(tmp_path: Path) -> None:
    rows = months_of(FAILS)
    rows += [{**row, "rule_id": "ZA4-B", "verdict": INDETERMINATE, "reasons": ["no-creatinine"]} for row in rows[::2]]
    rows += [{**row, "rule_id": "ZA4-W", "severity": "warning", "verdict": FAIL} for row in rows if row["rule_id"] == "ZA4-A"]
    found = of(tmp_path, rows)
    assert found.whole.events.tolist() == list(FAILS)
    assert set(found.whole.judged.tolist()) == set(found.whole.applicable.tolist()) == {50}
    assert set(found.whole.complete.tolist()) == {25}
    assert [one.name for one in found.sites] == ["site-0", "site-1"]
    assert (found.sites[0].events + found.sites[1].events).tolist() == list(FAILS)
    assert found.products == ()


def test_a_broken_feed_is_named_beside_a_better_share(tmp_path: Path) -> None:
    rows = months_of([5] * 13)
    for row in rows:
        if (row["date"] == day(9) and row["verdict"] == FAIL) or (row["date"] == day(9) and int(row["dose_id"][-1]) < 6):
            row |= {"verdict": INDETERMINATE, "reasons": ["no-creatinine"]}
    drawn = shown(of(tmp_path, rows).whole, "all", load())
    assert drawn is not None
    assert [sentence for sentence in drawn.said if "fully judged in 2023-10: " in sentence]


@pytest.mark.parametrize(("fails", "doses"), [(FAILS[:11], 50), ([2] * 13, 10), (FAILS, 9)])
def test_too_few_data_give_no_chart(tmp_path: Path, fails: Sequence[int], doses: int) -> None:
    rows = months_of([min(failed, doses) for failed in fails], doses)
    assert of(tmp_path, rows).whole.chart is None


def test_rare_events_are_counted_dose_by_dose(tmp_path: Path) -> None:
    """15 fails in 10 months, 19 doses between each and the next."""
    words = [FAIL if number % 20 == 19 else PASS for number in range(300)]
    rows = [verdict(A, number, word, date=day(0) + timedelta(days=number)) for number, word in enumerate(words)]
    found = of(tmp_path, rows).rules["ZA4-A"]
    assert isinstance(found.chart, GChart)
    assert found.chart.values.tolist() == [19] * 14
    assert found.days[0] == str(day(0) + timedelta(days=39))
    assert found.chart.upper == pytest.approx(19 + 3 * (19 * 20) ** 0.5)


def test_doses_that_could_not_be_judged_are_not_between_rare_events(tmp_path: Path) -> None:
    """Of 20 doses one fails, and one has no answer."""
    words = {0: FAIL, 7: INDETERMINATE}
    days = [day(0) + timedelta(days=number) for number in range(300)]
    rows = [verdict(A, number, words.get(number % 20, PASS), date=when) for number, when in enumerate(days)]
    chart = of(tmp_path, rows).rules["ZA4-A"].chart
    assert isinstance(chart, GChart)
    assert set(chart.values.tolist()) == {18}


def test_doses_of_one_day_are_in_the_order_of_their_time(tmp_path: Path) -> None:
    """Each day 30 doses, of which the last to be listed is the first to be given and fails."""
    rows = []
    for number in range(30 * 30):
        first = number % 30 == 29
        hour = 0 if first else number % 30 % 23 + 1
        moment = datetime(2023, 1, number // 30 + 1, hour, tzinfo=UTC)
        rows.append(verdict(A, number, FAIL if first and number < 450 else PASS, date=moment.date(), instant=moment))
    rows += [
        verdict(A, 2000 + n, PASS, date=date(2023, month, 9))
        for month in range(2, 13)
        for n in range(12 * month, 12 * month + 12)
    ]
    found = of(tmp_path, rows).rules["ZA4-A"]
    assert isinstance(found.chart, GChart)
    assert set(found.chart.values.tolist()) == {29}
    assert found.days[0] == "2023-01-02"


def test_one_mistyped_date_does_not_stretch_the_axis(tmp_path: Path) -> None:
    rows = months_of([5] * 40)
    rows[0]["date"], rows[1]["date"], rows[2]["date"] = date(1924, 1, 1), date(2924, 1, 1), None
    found = of(tmp_path, rows)
    assert len(found.whole.months) == 36
    assert found.whole.months[-1] == "2026-04"
    assert found.beside == 3 + 4 * 50 - 3


def test_no_dose_no_chart(tmp_path: Path) -> None:
    found = of(tmp_path, [])
    assert (found.whole.chart, found.whole.months, found.rules) == (None, (), {})


def test_the_page_shows_the_chart_its_text_and_its_table(tmp_path: Path) -> None:
    write_all(tmp_path, make(tmp_path, [A], months_of(FAILS, opened=3)))
    html = (tmp_path / "phi" / "report.html").read_text("utf-8")
    labels = [unescape(text) for text in re.findall(r'<svg class="trend"[^>]*aria-label="([^"]*)"', html)]
    assert labels[0].startswith(
        "Control chart of all doses from 2023-01 to 2024-01. Special cause (large diamonds): outside the limits: 2023-07."
    )
    assert any(label.startswith("Control chart of ZA4-A") for label in labels)
    assert html.count('class="special"') == len([label for label in labels if "2023-07" in label])
    row = re.search(r"<tr><th scope=\"row\" class=\"day\">2023-07</th>(.*?)</tr>", html)
    assert row is not None
    cells = re.findall(r"<td[^>]*>(.*?)</td>", row[1])
    assert cells[:3] == ["30", "50", "60.0\u00a0%"]
    assert cells[4:] == ["50 / 53", "outside the limits"]


def test_the_page_says_what_a_chart_would_need(tmp_path: Path) -> None:
    write_all(tmp_path, make(tmp_path, [A], months_of(FAILS[:2])))
    html = (tmp_path / "phi" / "report.html").read_text("utf-8")
    assert "No chart: a p-chart needs 12 months with at least 10 doses" in html
    assert '<svg class="trend"' not in html
