"""The pages about several runs, in a browser: accessible, no wider than the window, and asking nobody for anything."""

from pathlib import Path

import pytest

from bonefhir.cli import main
from bonefhir.pipeline import audit
from bonefhir.settings import Settings
from tests.browser.chromium import NARROW, WIDE, Browser
from tests.browser.conftest import SAMPLE


@pytest.fixture(scope="session")
def runs(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("runs")
    for profile in ("us", "eu"):
        audit(Settings(sources=(str(SAMPLE),), out=folder / profile, profile=profile, html=False))
    (folder / "foreign").mkdir()
    assert main(["compare", str(folder / "us"), str(folder / "eu"), f"--report=html={folder / 'compared.html'}"]) == 0
    assert main(["history", str(folder)]) == 0
    return folder


@pytest.mark.parametrize("name", ["compared.html", "bonefhir-history.html"])
@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_a_page_is_accessible_and_fits_and_loads_nothing(browser: Browser, runs: Path, name: str, width: int) -> None:
    browser.open(runs / name, width)
    browser.run("for (const part of document.querySelectorAll('details')) part.open = true")
    assert browser.violations() == []
    assert browser.overflow == 0
    assert browser.requests() == [(runs / name).as_uri()]
    assert browser.complaints() == []


def test_links_lead_to_the_reports(browser: Browser, runs: Path) -> None:
    browser.open(runs / "bonefhir-history.html")
    found = browser.run("return [...document.querySelectorAll('#runs ~ div a')].map((link) => link.href)")
    there = [runs / run / file for run in ("eu", "us") for file in ("phi/findings.xlsx", "share/summary.json")]
    assert sorted(found) == [path.as_uri() for path in there]
