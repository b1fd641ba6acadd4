"""Many runs on one page; what is no run is told and not in the way."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bonefhir.cli import main
from bonefhir.errors import InputError
from bonefhir.report.history import read
from bonefhir.report.history_page import chart
from bonefhir.report.rates import wilson
from bonefhir.report.wording import load
from bonefhir.report.write import write_all
from tests.report.fixtures import make, outcomes, rule

A, W = rule("ZA4-A"), rule("ZA4-W", "warning")


def run(folder: Path, started: str, failed: int, version: str = "1", **settings: Any) -> None:
    one = rule("ZA4-A", version=version)
    rows = outcomes(one, 20 - failed, failed, 5) + outcomes(W, 3)
    write_all(folder, replace(make(folder, [one, W], rows, **settings), started=started))


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """Their names are not in the order of their starts."""
    run(tmp_path / "b", "2026-01-01T00:30:00+02:00", 2)
    run(tmp_path / "a", "2025-12-31T23:00:00+00:00", 4, html=False)
    run(tmp_path / "ä <c>", "2026-03-01T00:00:00+00:00", 1, version="2")
    return tmp_path


def test_runs_stand_in_the_order_of_their_starts(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["history", str(runs)]) == 0
    assert capsys.readouterr().out == f"3 runs: {runs / 'bonefhir-history.html'} (counts, not suppressed)\n"
    content = json.loads((runs / "bonefhir-history.json").read_text())
    assert [one["folder"] for one in content["runs"]] == ["b", "a", "ä <c>"]
    assert [one["rules"]["ZA4-A"]["fail"] for one in content["runs"]] == [2, 4, 1]
    share = wilson(4, 20)
    assert share is not None
    assert content["runs"][1]["rules"]["ZA4-A"]["share"] == share._asdict()


def test_links_lead_to_what_is_there_and_nowhere_else(runs: Path) -> None:
    assert main(["history", str(runs)]) == 0
    page = (runs / "bonefhir-history.html").read_text()
    links = [link for link in re.findall(r'href="([^"]*)"', page) if not link.startswith("#")]
    assert "a/phi/report.html" not in links
    assert "a/phi/findings.xlsx" in links
    assert "%C3%A4%20%3Cc%3E/share/report.html" in links
    assert len(links) == 4 + 4 + 2
    assert "ä <c>" not in page
    assert "<script" not in page
    assert "http" not in page.replace('http-equiv="Content-Security-Policy"', "")


def test_the_page_is_in_the_language_of_the_latest_run(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(runs / "de", "2026-04-01T00:00:00+00:00", 1, language="de")
    assert main(["history", str(runs)]) == 0
    assert "Verlauf der Prüfungen" in (runs / "bonefhir-history.html").read_text()
    assert "4 runs" in capsys.readouterr().out


def no_run(folder: Path) -> str:
    (folder / "x").mkdir()
    return "missing"


def of_another_program(folder: Path) -> str:
    (folder / "x").mkdir()
    (folder / "x" / "run.json").write_text('{"program": "other"}')
    return "foreign"


def cut_off(folder: Path) -> str:
    (folder / "x").mkdir()
    (folder / "x" / "run.json").write_text((folder / "a" / "run.json").read_text()[:200])
    return "unreadable"


def of_the_future(folder: Path) -> str:
    changed(folder, lambda content: content | {"format": 99})
    return "format"


def without_a_start(folder: Path) -> str:
    changed(folder, lambda content: content | {"run": {}})
    return "broken"


def with_wrong_counts(folder: Path) -> str:
    changed(folder, lambda content: content | {"doses": "many"})
    return "broken"


def with_a_wrong_rule(folder: Path) -> str:
    changed(folder, lambda content: content | {"verdicts": {"R": {"severity": "<b>"}}})
    return "broken"


def a_link(folder: Path) -> str:
    (folder / "x").symlink_to(folder / "a")
    return "link"


def changed(folder: Path, change: Callable[[dict[str, object]], dict[str, object]]) -> None:
    (folder / "x").mkdir()
    content = json.loads((folder / "a" / "run.json").read_text())
    (folder / "x" / "run.json").write_text(json.dumps(change(content)))


@pytest.mark.parametrize(
    "make_other",
    [no_run, of_another_program, cut_off, of_the_future, without_a_start, with_wrong_counts, with_a_wrong_rule, a_link],
)
def test_what_is_no_run_is_told(make_other: Callable[[Path], str], runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    why = make_other(runs)
    said = load().word("others", why)
    (runs / ".out.abcdefgh.work").mkdir()
    (runs / "notes.txt").write_text("mine")
    assert main(["history", str(runs)]) == 0
    assert capsys.readouterr().out.splitlines()[1:] == [f"x: {said}"]
    assert json.loads((runs / "bonefhir-history.json").read_text())["others"] == [{"folder": "x", "why": why}]
    assert f"x: {said}" in (runs / "bonefhir-history.html").read_text()


def test_no_run_at_all(tmp_path: Path) -> None:
    no_run(tmp_path)
    assert main(["history", str(tmp_path)]) == InputError.exit_code
    assert main(["history", str(tmp_path / "nowhere")]) == InputError.exit_code
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


def test_the_same_runs_give_the_same_bytes_and_the_page_is_no_input(runs: Path) -> None:
    pages = []
    for _ in range(2):
        assert main(["history", str(runs)]) == 0
        pages.append([(runs / f"bonefhir-history.{end}").read_bytes() for end in ("html", "json")])
    assert pages[0] == pages[1]
    assert len(read(runs).runs) == 3


def test_a_chart_shows_shares_what_was_judged_and_where_the_rule_has_changed(runs: Path) -> None:
    history = read(runs)
    assert history.rules == ["ZA4-A", "ZA4-W"]
    drawn = chart(history, "ZA4-A")
    heights = [round((104 - point.y) / 96, 3) for point in drawn.points]
    assert heights == [0.1, 0.2, 0.05]
    assert [height for _, height in drawn.strips] == [round(14 * 20 / 25, 2)] * 3
    assert drawn.changes == [pytest.approx((drawn.points[1].x + drawn.points[2].x) / 2, abs=0.02)]
    assert chart(history, "ZA4-W").changes == []
