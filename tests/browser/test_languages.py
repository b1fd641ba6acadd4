"""The reports in German: the same page with other words, and everything else as it was."""

from pathlib import Path

import pytest

from bonefhir.report.wording import load
from tests.browser.chromium import NARROW, PAPER, Browser

BOTH = pytest.mark.parametrize("report", ["phi", "share"])


@BOTH
def test_it_is_german_and_says_so(browser: Browser, german_run: Path, report: str) -> None:
    wording = load("de")
    browser.open(german_run / report / "report.html")
    assert browser.one("html").get_attribute("lang") == "de"
    assert browser.one("h1").text == wording.text(f"{report}.title")
    assert [head.text for head in browser.all("main > section > h2")][:2] == [
        wording.word("headings", n) for n in ("audited", "outcomes")
    ]
    assert wording.word("profiles", "us") in browser.one(".lead").text


@BOTH
def test_axe_finds_no_violation_and_nothing_is_too_wide(browser: Browser, german_run: Path, report: str) -> None:
    browser.open(german_run / report / "report.html", NARROW)
    if report == "phi":
        browser.ready()
        browser.one("#findings-body button").click()
        browser.wait_until("!document.getElementById('finding').hidden")
        assert browser.one("#finding-heading").text == load("de").text("sheet.heading")
    assert browser.overflow == 0
    assert browser.violations() == []


@BOTH
def test_it_fits_on_paper(browser: Browser, sample_run: Path, german_run: Path, report: str) -> None:
    """Else a browser prints everything smaller, or cuts it off."""
    for run in (sample_run, german_run):
        browser.open(run / report / "report.html", PAPER, media="print")
        if report == "phi":
            browser.ready()
            browser.run("document.querySelector('#findings-body button').click()")
            browser.wait_until("!document.getElementById('finding').hidden")
        assert browser.overflow == 0


def test_filters_and_their_count_are_german(browser: Browser, german_run: Path) -> None:
    browser.open(german_run / "phi" / "report.html")
    browser.ready()
    wording = load("de")
    shown = [option.text for option in browser.all("#filters [name=verdict] option")]
    assert shown == ["alle", wording.word("outcomes", "fail"), wording.word("outcomes", "indeterminate")]
    assert browser.one("#findings-count").text.endswith(" Befunden")
    spoken = browser.one("#findings-body .c-message")
    assert spoken.get_attribute("lang") == "en"


def test_only_what_people_read_has_another_language(sample_run: Path, german_run: Path) -> None:
    """Tables, CSV, JSON and FHIR are the same bytes, and the run has the same id."""
    names = [path.relative_to(sample_run) for path in sample_run.rglob("*") if path.is_file()]
    differing = {name.as_posix() for name in names if (sample_run / name).read_bytes() != (german_run / name).read_bytes()}
    assert differing == {"run.json", "phi/report.html", "share/report.html", "phi/findings.xlsx"}
