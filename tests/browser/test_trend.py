"""Control charts in a browser: the marks stand where the numbers say, and everybody can read them."""

from itertools import pairwise
from pathlib import Path

import pytest

from bonefhir.report.write import write_all
from bonefhir.vocabulary import FAIL, INDETERMINATE, PASS
from tests.browser.chromium import NARROW, WIDE, Browser
from tests.report.fixtures import make, rule, verdict
from tests.report.test_trends import day

A, RARE = rule("ZA4-A"), rule("ZA4-RARE", "info")
FAILS = (20, 18, 22, 19, 21, 20, 60, 20, 19, 21, 20, 22, 18, 20)
OPEN = (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 60, 60, 0, 0)

MARKS = """
return [...arguments[0].querySelectorAll("circle, polygon")].map(mark => {
  const box = mark.getBBox();
  return {month: mark.textContent.slice(0, 7), value: parseFloat(mark.textContent.slice(9)), special: mark.tagName === "polygon",
          x: box.x + box.width / 2, y: box.y + box.height / 2};
});
"""


@pytest.fixture(scope="module")
def charted_run(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two sites; a month that is far too high; two in which a feed was broken; a rare event."""
    rows = []
    for month, (failed, opened) in enumerate(zip(FAILS, OPEN, strict=True)):
        for word in [FAIL] * failed + [PASS] * (200 - failed) + [INDETERMINATE] * opened:
            number = len(rows)
            rows.append(verdict(A, number, word, date=day(month), source_file=f"site-{number % 2}/a.ndjson"))
    rows += [{**row, "rule_id": RARE.id, "severity": "info", "verdict": PASS, "reasons": []} for row in rows]
    for row in rows[len(rows) // 2 :: 150]:
        row["verdict"] = FAIL
    out = tmp_path_factory.mktemp("charted")
    write_all(out, make(out, [A, RARE], rows))
    return out


def test_marks_stand_where_the_numbers_say(browser: Browser, charted_run: Path) -> None:
    browser.open(charted_run / "phi" / "report.html")
    marks = browser.run(MARKS, browser.one("section[aria-labelledby=trend] svg.trend"))
    assert [mark["value"] for mark in marks] == [round(100 * failed / 200, 1) for failed in FAILS]
    assert [mark["month"] for mark in marks if mark["special"]] == ["2023-07"]
    steps = [right["x"] - left["x"] for left, right in pairwise(marks)]
    assert steps == pytest.approx([steps[0]] * len(steps), abs=0.2)
    high, low = max(marks, key=lambda mark: mark["value"]), min(marks, key=lambda mark: mark["value"])
    scale = (low["y"] - high["y"]) / (high["value"] - low["value"])
    assert scale > 0
    for mark in marks:
        assert mark["y"] == pytest.approx(high["y"] + scale * (high["value"] - mark["value"]), abs=0.3)


@pytest.mark.parametrize("report", ["phi", "share"])
@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_everybody_can_read_the_charts(browser: Browser, charted_run: Path, report: str, width: int) -> None:
    browser.open(charted_run / report / "report.html", width)
    browser.run("for (const part of document.querySelectorAll('details')) part.open = true")
    assert browser.all("svg.trend")
    assert browser.overflow == 0
    assert browser.violations() == []
    assert browser.complaints() == []


def test_a_broken_feed_stands_out_in_words_and_in_the_strip(browser: Browser, charted_run: Path) -> None:
    browser.open(charted_run / "phi" / "report.html")
    section = browser.one("section[aria-labelledby=trend]")
    assert "could be fully judged in 2023-11, 2023-12" in section.text
    heights = browser.run(
        "return [...arguments[0].querySelector('svg.trend').querySelectorAll('rect.judged')].map(bar => bar.getBBox().height)",
        section,
    )
    full = max(heights)
    assert [height / full for height in heights] == pytest.approx([200 / (200 + opened) for opened in OPEN], abs=0.01)
    assert "g-chart" in browser.run(f"return document.getElementById('rule-{RARE.id}').closest('section').textContent")
