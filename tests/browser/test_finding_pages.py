"""The page of a finding that the script makes: that of the report itself, the words of `explain`, and nothing but texts."""

import re
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bonefhir.cli import main
from bonefhir.report import page_data
from bonefhir.report.wording import load
from bonefhir.report.write import write_all
from tests.browser.chromium import Browser
from tests.browser.test_findings import SHOWN, choose
from tests.report.fixtures import HOSTILE, MARKS, evidence, make, rule, verdict

PLAIN = """
// Elements, attributes and texts, whatever stands between them as white space and however a number is written.
const number = (text) => ({nan: "NaN", inf: "Infinity"})[text] ||
  text.replace(/-?\\d+(\\.\\d+)?(e[-+]?\\d+)?/g, (digits) => String(Number(digits)));
const plain = (node, label) => {
  const attributes = [...node.attributes].map((one) => [one.name, number(one.value.replace(label, ""))]);
  const children = [...node.childNodes].map((child) =>
    child.nodeType === Node.TEXT_NODE ? child.data.replace(/\\s+/g, " ").trim() : plain(child, label));
  return [node.tagName, Object.fromEntries(attributes.sort()), children.filter((child) => child !== "")];
};
"""
OPEN = """
const wait = () => new Promise((done) => setTimeout(done));
const field = (name) => document.getElementById("filters").elements[name];
const open = async (rule, dose) => {
  [field("rule").value, field("words").value] = [rule, dose];
  field("words").dispatchEvent(new Event("input", {bubbles: true}));
  const row = [...document.querySelectorAll("#findings-body tr")].find((one) => one.querySelector(".c-dose")?.title === dose);
  const content = document.getElementById("finding-content"), before = content.firstElementChild;
  row.querySelector("button").click();
  while (content.firstElementChild === before) await wait();
  return content.firstElementChild;
};
"""
COMPARE = (
    PLAIN
    + OPEN
    + """
const done = arguments[0];
(async () => {
  const different = [], articles = [...document.querySelectorAll("article.finding[id]")];
  for (const article of articles) {
    const rule = article.closest("section").querySelector("h3").textContent;
    const dose = article.querySelectorAll("p.small .mono")[1].textContent;
    const made = await open(rule, dose);
    const label = new RegExp(` ${article.id.match(/\\d+$/)[0]}$`);
    const sheet = article.querySelector("details.sheet");
    const stands = [...article.children].filter((one) => one !== sheet).concat([...sheet.children].slice(1));
    const expected = JSON.stringify(stands.map((one) => plain(one, label)));
    const found = JSON.stringify([...made.children].map((one) => plain(one, "")));
    if (expected !== found || article.className !== made.className) {
      const at = [...expected].findIndex((letter, place) => letter !== found[place]);
      different.push([rule, dose, ...[expected, found].map((one) => one.slice(Math.max(0, at - 80), at + 80))]);
    }
  }
  done([articles.length, different]);
})().catch((fault) => done([0, [String(fault)]]));
"""
)


@pytest.mark.parametrize("run", ["sample_run", "german_run"])
def test_it_is_the_page_that_the_report_holds_for_the_first_findings(
    browser: Browser, request: pytest.FixtureRequest, run: str
) -> None:
    """Of each rule: element by element, with every number, mark and label."""
    browser.open(request.getfixturevalue(run) / "phi" / "report.html")
    browser.ready()
    browser.driver.set_script_timeout(120)
    compared, different = browser.driver.execute_async_script(COMPARE)
    assert compared > 50
    assert different == []


SAID = """
const page = document.querySelector("#finding-content article");
const parts = (one) => [...one.childNodes].map((part) => part.textContent);
const texts = (selector) => [...page.querySelectorAll(selector)].flatMap(parts);
return [...texts(".said > [lang]"), ...texts(":scope > p:not([class])"), ...texts("dl.facts dd"), ...texts("dl.facts dd .mono"),
        ...texts(":scope > .scroll td, :scope > .scroll th[lang]")];
"""


def test_it_says_what_explain_says(browser: Browser, sample_run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Of a finding of each rule: every sentence and number but those of the timeline, which is drawn."""
    browser.open(sample_run / "phi" / "report.html")
    browser.ready()
    choose(browser, verdict="fail")
    first = {row["rule"]: row["dose"] for row in reversed(browser.run(SHOWN))}
    assert len(first) > 5
    for name, dose in first.items():
        choose(browser, rule=name, words=dose)
        opened(browser, f"{name}:")
        capsys.readouterr()
        assert main(["explain", str(sample_run), dose]) == 0
        told = next(part for part in capsys.readouterr().out.split("\n\n") if part.startswith(f"{name} "))
        told = " ".join(told.split())
        said = [" ".join(text.split()) for text in browser.run(SAID)]
        assert len(said) > 10
        assert [text for text in said if bare(text) not in told] == []


def bare(text: str) -> str:
    """Without what the page puts round the same words, and nothing for what only the page says."""
    only = {load("en").text("labels.none")}
    return "" if text in only else re.sub(r"^\((.*)\)$", r"\1", text).removesuffix(":")


def opened(browser: Browser, text: str) -> None:
    """The first of the table, which says this."""
    browser.run("document.getElementById('finding-content').replaceChildren()")
    browser.run("document.querySelector('#findings-body button').click()")
    browser.wait_until(f"document.getElementById('finding-content').textContent.includes({text!r})")


A = rule("ZA4-A")
DAY = date(2024, 3, 1)
NUMBERS = """
const [words, packs, row] = arguments, page = findingPages(words)(row, packs, 0);
return [[...page.querySelectorAll(".mark title")].map((one) => one.textContent),
        [...page.querySelectorAll("details td:nth-child(3)")].map((one) => one.textContent)];
"""
bounds = st.one_of(
    st.floats(1e-9, 1e6),
    st.just(0.0),
    st.integers(0, 10**6).map(lambda number: number / 16),
    st.floats(1e-9, 1e25),
    st.integers(-9, 9).map(lambda power: 10.0**power),
)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.lists(st.tuples(bounds, bounds).map(sorted), min_size=1, max_size=150), st.sampled_from(["en", "de"]))
def test_numbers_are_written_as_everywhere_else(
    browser: Browser, sample_run: Path, ranges: list[list[float]], language: str
) -> None:
    """Also those that lie exactly between two: 0.0625 is 0.062."""
    if browser.driver.current_url != (sample_run / "phi" / "report.html").as_uri():
        browser.open(sample_run / "phi" / "report.html")
        browser.ready()
    wording = load(language)
    titles, cells = browser.run(NUMBERS, page_data.words({A.id: A}, wording), pack_of(ranges), dict.fromkeys(ROW, "") | FIXED)
    ends = [dict.fromkeys(wording.significant(end) for end in one) for one in ranges]
    assert titles == [f"{DAY}: {'–'.join(one)} mg/dL" for one in ends]
    assert cells == [wording.measured(*one, "mg/dL") for one in ranges]


ROW = ("message", "start", "product", "indication", "patient", "dose")
FIXED = {"rule": A.id, "verdict": "fail"}


def pack_of(ranges: list[list[float]]) -> dict[str, Any]:
    """A finding with a creatinine of each of these."""
    count, values = len(ranges), sorted({end for one in ranges for end in one})
    day = (DAY - date(1970, 1, 1)).days
    windows = [None] * 6
    view = {"start": 0, "stop": count, "outside": 0, "day": day, "dose": 0, "unit": 0, "windows": windows, "limits": windows}
    lists = {name: [] for name in ("reasons", "assumptions", "flips", "formulae", "inputs")}
    page = {"dose": 0, "judged": 0, "limit": None, "decision": None, "margin": 0, **lists, "view": view}
    same = {"day": day, "lane": 1, "corrected": 0, "said": 0, "resource": 0, "unit": 1}
    low, high = ([values.index(one[end]) for one in ranges] for end in (0, 1))
    marks = {name: [value] * count for name, value in same.items()} | {"values": values, "low": low, "high": high}
    return {"texts": ["", "mg/dL"], "findings": [page], "marks": marks}


FOREIGN = """
const inside = [...document.querySelectorAll("#finding-content *, #findings-body *")];
return [inside.filter((one) => ["SCRIPT", "IMG", "IFRAME", "OBJECT", "A", "STYLE"].includes(one.tagName)).length,
        inside.flatMap((one) => one.getAttributeNames()).filter((name) => /^(on.*|src|href)$/.test(name)),
        document.getElementById("finding-content").textContent];
"""


def test_hostile_texts_are_texts(browser: Browser, tmp_path: Path) -> None:
    """Every text of the data, in every place of the page."""
    rows = []
    for n, text in enumerate(HOSTILE):
        hostile = dict.fromkeys(("message", "dose_start", "patient_id", "dose_id", "product", "indication", "unit"), text)
        item = evidence("amount", A, n) | dict.fromkeys(("role", "resource", "time", "reported", "unit"), text)
        rows.append(verdict(A, 0, "fail", **hostile, reasons=["bounds"], assumptions=[text], evidence=[item]))
    labs = [lab(text) for text in HOSTILE]
    write_all(tmp_path, make(tmp_path, [A], rows, labs=labs))
    browser.open(tmp_path / "phi" / "report.html")
    browser.ready()
    assert len(browser.all("#findings-body button")) == len(HOSTILE)
    for number in range(len(HOSTILE)):
        browser.run("document.getElementById('finding-content').replaceChildren()")
        browser.run("document.querySelectorAll('#findings-body button')[arguments[0]].click()", number)
        browser.wait_until("document.querySelector('#finding-content article')")
        elements, attributes, text = browser.run(FOREIGN)
        assert (elements, attributes) == (0, [])
        assert not [mark for mark in MARKS if mark in text]
        shown = browser.run("return document.querySelector('#finding-content .mono').textContent")
        assert text.count(shown) > 10
        assert len(browser.all("#finding-content svg .mark")) == 2
    assert browser.complaints() == []


def lab(text: str) -> dict[str, Any]:
    names = dict.fromkeys(("resource", "patient_id", "unit", "reported", "time", "source_file"), text)
    dated = {"date_first": DAY, "date_last": DAY}
    return names | dated | {"analyte": "creatinine", "value_low": 1.0, "value_high": 1.0, "usable": True}
