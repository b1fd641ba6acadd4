"""What filters, sorting and the timeline of phi/report.html show, against the tables of the run."""

from collections import Counter
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from selenium.webdriver.common.by import By

from bonefhir.report.wording import load
from tests.browser.chromium import Browser

BEFORE, AFTER = timedelta(days=365), timedelta(days=90)
LANE_OF = {
    "creatinine": "creatinine",
    "calcium_total": "calcium",
    "calcium_corrected": "calcium",
    "calcium_ionised": "calcium_ionised",
    "weight": "weight",
}

MARKS = """
const svg = document.querySelector("#finding-content svg.timeline");
return {first: svg.dataset.first, last: svg.dataset.last, marks: [...svg.querySelectorAll(".mark")].map((mark) => {
  const box = mark.getBoundingClientRect();
  return {...mark.dataset, kind: mark.classList[1] || "", middle: (box.left + box.right) / 2};
})};
"""
RULES = """
return [...document.querySelectorAll("#rules-table tbody tr[data-rule]")].map((row) =>
  [row.dataset.rule, ...[...row.querySelectorAll("td")].map((cell) => cell.textContent)]);
"""
SHOWN = """
return [...document.querySelectorAll("#findings-body tr:not(.spacer)")].map((row) =>
  Object.fromEntries([...row.querySelectorAll("td[class]")].map((cell) => [cell.className.slice(2), cell.title])));
"""


@pytest.fixture
def opened(browser: Browser, sample_run: Path) -> Browser:
    browser.open(sample_run / "phi" / "report.html")
    browser.ready()
    return browser


def choose(browser: Browser, **chosen: str) -> None:
    for name, value in chosen.items():
        browser.run(
            "const field = document.getElementById('filters').elements[arguments[0]]; field.value = arguments[1];"
            "field.dispatchEvent(new Event('input', {bubbles: true}))",
            name,
            value,
        )


def verdicts(run: Path) -> list[dict[str, Any]]:
    table = pq.read_table(run / "phi" / "verdicts.parquet")
    return table.filter(pc.not_equal(table["verdict"], "pass")).to_pylist()


def counted(browser: Browser) -> int:
    return int(browser.one("#findings-count").text.split(" ")[0].replace(",", ""))


@pytest.mark.parametrize("name", ["severity", "verdict", "rule", "product", "indication"])
def test_each_filter_leaves_the_findings_that_the_table_has(opened: Browser, sample_run: Path, name: str) -> None:
    column = {"rule": "rule_id"}.get(name, name)
    found = [row[column] or "" for row in verdicts(sample_run)]
    offered = [option.get_attribute("value") for option in opened.all(f"#filters [name={name}] option")]
    assert set(offered) - {""} >= set(found) - {""}
    for value in sorted(set(found) - {""})[:6]:
        choose(opened, **{name: value})
        assert counted(opened) == found.count(value)


def test_filters_count_the_rules_anew(opened: Browser, sample_run: Path) -> None:
    product = Counter(row["product"] for row in verdicts(sample_run)).most_common(1)[0][0]
    choose(opened, product=product)
    table = pq.read_table(sample_run / "phi" / "verdicts.parquet", columns=["rule_id", "verdict", "product"])
    found = Counter((row["rule_id"], row["verdict"]) for row in table.to_pylist() if row["product"] == product)
    for rule, *cells in opened.run(RULES):
        fail, passed, open_ = (found[rule, verdict] for verdict in ("fail", "pass", "indeterminate"))
        assert cells[1:3] == [str(fail), str(fail + passed)]
        assert cells[5] == str(open_)


def test_a_head_of_a_column_sorts_up_and_then_down(opened: Browser) -> None:
    for name in ("start", "message"):
        head = opened.one(f"#findings-table button[data-name={name}]")
        for sign in ("ascending", "descending"):
            head.click()
            assert head.find_element(By.XPATH, "..").get_attribute("aria-sort") == sign
            shown = [row[name] for row in opened.run(SHOWN)]
            assert shown == sorted(shown, reverse=sign == "descending")


def test_words_are_looked_for_in_all_columns(opened: Browser, sample_run: Path) -> None:
    dose = verdicts(sample_run)[0]["dose_id"]
    choose(opened, words=dose.upper())
    assert {row["dose"] for row in opened.run(SHOWN)} == {dose}


def test_the_marks_of_a_timeline_are_the_data(opened: Browser, sample_run: Path) -> None:
    """Number, order, values and places, for the first finding of each rule that fails."""
    doses = {row["dose_id"]: row for row in pq.read_table(sample_run / "phi" / "doses.parquet").to_pylist()}
    labs = pq.read_table(sample_run / "phi" / "labs.parquet").to_pylist()
    choose(opened, verdict="fail")
    rules = sorted({row["rule"] for row in opened.run(SHOWN)})
    assert len(rules) > 5
    for rule in rules:
        choose(opened, rule=rule)
        dose = doses[opened.run(SHOWN)[0]["dose"]]
        opened.run("document.querySelector('#findings-body button').click()")
        opened.wait_until(f"document.getElementById('finding-content').textContent.includes('{rule}')")
        drawn = opened.run(MARKS)
        marks = drawn["marks"]
        assert sorted((m["lane"], m["day"], m["resource"]) for m in marks) == sorted(expected(dose, doses, labs))
        assert [m["resource"] for m in marks if m["kind"] == "this"] == [dose["dose_id"]]
        for lane in {m["lane"] for m in marks}:
            days = [m["day"] for m in marks if m["lane"] == lane]
            assert days == sorted(days)
        placed_by_day(marks, drawn["first"], drawn["last"])
        assert all(close(m, doses, labs) for m in marks)


def expected(dose: dict[str, Any], doses: dict[str, Any], labs: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    def near(row: dict[str, Any]) -> bool:
        day = row["date_first"]
        return row["patient_id"] == dose["patient_id"] and day is not None and -BEFORE <= day - dose["date_first"] <= AFTER

    given = [row for row in doses.values() if near(row)]
    marks = [("doses", str(row["date_first"]), row["dose_id"]) for row in given]
    marks += [("clearance", str(row["date_first"]), row["dose_id"]) for row in given if finite(row, "clearance")]
    measured = [row for row in labs if near(row) and row["usable"] and row["analyte"] in LANE_OF and finite(row, "value")]
    return marks + [(LANE_OF[row["analyte"]], str(row["date_first"]), row["resource"]) for row in measured]


def finite(row: dict[str, Any], name: str) -> bool:
    bounds = (row[f"{name}_low"], row[f"{name}_high"])
    return all(bound is not None and abs(bound) < float("inf") for bound in bounds)


def placed_by_day(marks: list[dict[str, Any]], first: str, last: str) -> None:
    """On one scale: as far apart on the screen as in time, to half a pixel."""
    span = (date.fromisoformat(last) - date.fromisoformat(first)).days
    assert all(0 <= (date.fromisoformat(m["day"]) - date.fromisoformat(first)).days <= span for m in marks)
    early, late = (pick(marks, key=lambda m: m["day"]) for pick in (min, max))
    days = (date.fromisoformat(late["day"]) - date.fromisoformat(early["day"])).days
    for mark in marks:
        part = (date.fromisoformat(mark["day"]) - date.fromisoformat(early["day"])).days / max(1, days)
        assert mark["middle"] == pytest.approx(early["middle"] + part * (late["middle"] - early["middle"]), abs=0.5)


def close(mark: dict[str, Any], doses: dict[str, Any], labs: list[dict[str, Any]]) -> bool:
    """The mark stands for the value of its resource."""
    names = {"doses": "amount", "clearance": "clearance"}
    if mark["lane"] in names:
        row, name = doses[mark["resource"]], names[mark["lane"]]
        if not finite(row, name):
            return mark["low"] == "nan" or mark["high"] in ("nan", "inf")
        found = [row]
    else:
        name = "value"
        found = [row for row in labs if row["resource"] == mark["resource"] and LANE_OF.get(row["analyte"]) == mark["lane"]]
    return (float(mark["low"]), float(mark["high"])) in {(row[f"{name}_low"], row[f"{name}_high"]) for row in found}


def test_a_finding_shows_its_rule_and_what_it_rests_on(opened: Browser, sample_run: Path) -> None:
    """In words of the report's wording, with every piece of evidence that the verdict has."""
    choose(opened, verdict="fail")
    finding = opened.run(SHOWN)[0]
    opened.one("#findings-body button").click()
    opened.wait_until("!document.getElementById('finding').hidden")
    row = next(v for v in verdicts(sample_run) if v["dose_id"] == finding["dose"] and v["rule_id"] == finding["rule"])
    said = opened.one("#finding-content").text
    assert row["message"] in said
    assert load("en").text("sheet.margin") in said or row["limit"] is None
    assert all(item["resource"] in said for item in row["evidence"] if item["resource"])
