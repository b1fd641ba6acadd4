"""Both reports of the sample, as people and their browsers meet them."""

import json
from pathlib import Path

import pytest
from selenium.webdriver.common.keys import Keys

from bonefhir.report import wording
from tests.browser.chromium import NARROW, WIDE, Browser

BOTH = pytest.mark.parametrize("report", ["phi", "share"])
TAB, ENTER = Keys.TAB, Keys.ENTER
WIDTHS = pytest.mark.parametrize("width", [WIDE, NARROW])

FOCUS = """
const at = document.activeElement, style = getComputedStyle(at), box = at.getBoundingClientRect();
return {tag: at.tagName, place: [...document.querySelectorAll("body *")].indexOf(at),
        outline: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0,
        inside: box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth};
"""


def page(run: Path, report: str) -> Path:
    return run / report / "report.html"


def open_first(browser: Browser) -> None:
    browser.ready()
    browser.one("#findings-body button").click()
    browser.wait_until("!document.getElementById('finding').hidden")


@BOTH
@WIDTHS
def test_nothing_is_wider_than_the_window(browser: Browser, sample_run: Path, report: str, width: int) -> None:
    browser.open(page(sample_run, report), width)
    if report == "phi":
        open_first(browser)
    assert browser.overflow == 0


@BOTH
def test_it_asks_no_network_for_anything_and_breaks_no_policy_of_its_own(browser: Browser, sample_run: Path, report: str) -> None:
    browser.open(page(sample_run, report))
    if report == "phi":
        open_first(browser)
    assert browser.requests() == [page(sample_run, report).as_uri()]
    assert browser.complaints() == []


@BOTH
def test_axe_finds_no_violation(browser: Browser, sample_run: Path, report: str) -> None:
    """Wide; the German ones are looked at narrow."""
    browser.open(page(sample_run, report))
    if report == "phi":
        open_first(browser)
        browser.run("for (const part of document.querySelectorAll('details')) part.open = true")
    assert browser.violations() == []


@BOTH
def test_printed_sheets_are_numbered_and_name_run_and_rules(browser: Browser, sample_run: Path, report: str) -> None:
    said = json.loads((sample_run / "run.json").read_text(encoding="utf-8"))
    run, rules = said["run_id"], said["rules_digest"]
    browser.open(page(sample_run, report))
    sheets = browser.printed()
    assert len(sheets) > 1
    for number, sheet in enumerate(sheets, start=1):
        assert f"{number} / {len(sheets)}" in sheet
        assert f"bonefhir run {run}, rules {rules[:16]}" in sheet
    assert rules in "".join(sheets).replace("\n", "")
    if report == "phi":
        texts = wording.load("en").group("print")
        last = " ".join(sheets[-1].split())
        assert all(texts[name] in last for name in ("prepared", "reviewed", "approved", "signature"))


def test_an_open_finding_is_printed_and_what_is_for_the_screen_is_not(browser: Browser, sample_run: Path) -> None:
    browser.open(page(sample_run, "phi"))
    open_first(browser)
    message = browser.one("#finding-content .said").text.split(" ", 2)[2]
    printed = " ".join(" ".join(browser.printed()).split())
    assert message in printed
    assert "Close this finding" not in printed


@BOTH
@WIDTHS
def test_the_essentials_need_no_script(browser: Browser, sample_run: Path, report: str, width: int) -> None:
    browser.open(page(sample_run, report), width, script=False)
    text = browser.one("main").text
    counts = json.loads((sample_run / "run.json").read_text(encoding="utf-8"))
    assert f"{counts['doses']:,}" in text
    for rule, outcomes in counts["verdicts"].items():
        if outcomes["fail"]:
            assert rule in text
    assert browser.overflow == 0
    if report == "phi":
        assert "need JavaScript, which is off" in text
        assert not browser.one("#filters").is_displayed()
        assert len(browser.all("article.finding .said")) >= sum(min(1, row["fail"]) for row in counts["verdicts"].values())


@BOTH
def test_everything_is_reached_by_the_keyboard_and_shows_it(browser: Browser, sample_run: Path, report: str) -> None:
    """Tab goes through the page in its order, the skip link first; where it is can be seen."""
    browser.open(page(sample_run, report))
    if report == "phi":
        browser.ready()
    places = []
    for _ in range(60):
        browser.press(TAB)
        focus = browser.run(FOCUS)
        if focus["tag"] == "BODY":
            break
        assert focus["outline"], focus
        assert focus["inside"], focus
        places.append(focus["place"])
    assert browser.run("return document.querySelectorAll('body *')[arguments[0]].className", places[0]) == "skip"
    assert places == sorted(set(places))
    assert len(places) > 10


def test_enter_opens_a_finding_and_closing_it_leads_back(browser: Browser, sample_run: Path) -> None:
    browser.open(page(sample_run, "phi"))
    browser.ready()
    browser.run("document.querySelector('#findings-body button').focus()")
    told = browser.focused.get_attribute("aria-label")
    browser.press(ENTER)
    browser.wait_until("document.activeElement.id === 'finding-heading'")
    rule, dose = told.removeprefix("Open: ").split(", ")
    content = browser.one("#finding-content").text
    assert rule in content
    assert dose in content
    browser.press(TAB, ENTER)
    browser.wait_until("document.getElementById('finding').hidden")
    assert browser.focused.get_attribute("aria-label") == told


def test_the_focus_is_kept_while_the_table_scrolls_under_it(browser: Browser, sample_run: Path) -> None:
    browser.open(page(sample_run, "phi"))
    browser.ready()
    browser.run("document.querySelector('#findings-body button').focus()")
    for place in range(60):
        row = browser.run("return document.activeElement.closest('tr')?.getAttribute('aria-rowindex')")
        assert row == str(place + 2)
        browser.press(TAB)
        browser.run("return new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


def test_a_link_to_a_finding_opens_it(browser: Browser, sample_run: Path) -> None:
    browser.open(page(sample_run, "phi"))
    open_first(browser)
    address, said = browser.driver.current_url, browser.one("#finding-content").text
    browser.driver.get("about:blank")
    browser.driver.get(address)
    browser.ready()
    assert browser.one("#finding-content").text == said


def test_axe_is_really_asked(browser: Browser, tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    path.write_text("<!DOCTYPE html><title>x</title><main><h1>x</h1><input></main>", encoding="utf-8")
    browser.open(path)
    assert {fault.partition(":")[0] for fault in browser.violations()} == {"html-has-lang", "label"}
