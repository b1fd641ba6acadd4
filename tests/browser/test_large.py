"""A report with more than 10,000 findings opens quickly and stays so."""

import json
from pathlib import Path

import pytest

from tests.browser.chromium import Browser

SECONDS = 2.0

pytestmark = pytest.mark.deep


def test_it_opens_within_two_seconds_and_filters_at_once(browser: Browser, large_run: Path) -> None:
    counts = json.loads((large_run / "run.json").read_text(encoding="utf-8"))["verdicts"]
    findings = sum(row["fail"] + row["indeterminate"] for row in counts.values())
    assert findings > 10_000
    # The best of three: machines are shared.
    took = min(opening(browser, large_run / "phi" / "report.html") for _ in range(3))
    assert took < SECONDS
    took = browser.run(
        "const field = document.querySelector('#filters [name=words]'); field.value = 'patient'; const start = performance.now();"
        "field.dispatchEvent(new Event('input', {bubbles: true})); return performance.now() - start"
    )
    assert took < 1000 * SECONDS / 4
    assert browser.one("#findings-count").text.endswith(" of 10,000 findings")
    browser.one("#findings-body button").click()
    browser.wait_until("!document.getElementById('finding').hidden")
    assert browser.overflow == 0
    assert browser.requests() == [(large_run / "phi" / "report.html").as_uri()]
    assert browser.complaints() == []


def opening(browser: Browser, report: Path) -> float:
    """Seconds from the start of the navigation until the page's script has drawn the table."""
    browser.open(report)
    browser.wait_until("document.documentElement.dataset.ready", 30)
    return int(browser.run("return document.documentElement.dataset.ready")) / 1000


def test_the_share_report_of_many_is_as_quick(browser: Browser, large_run: Path) -> None:
    browser.open(large_run / "share" / "report.html")
    timing = browser.run("return performance.getEntriesByType('navigation')[0].loadEventEnd")
    assert 0 < timing < 1000 * SECONDS
    assert browser.overflow == 0
    assert browser.requests() == [(large_run / "share" / "report.html").as_uri()]
