"""A headless Chromium, through Selenium, and what the tests ask of a page that it shows."""

import base64
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import pypdf
from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

AXE = (Path(__file__).parent / "axe" / "axe.min.js").read_text(encoding="utf-8")
JUDGE = "const done = arguments[0]; axe.run(document, {resultTypes: ['violations']}).then((found) => done(found.violations))"
WIDE, NARROW = 1280, 390
PAPER = 688
"""Pixels between the margins of a sheet of A4."""
HEIGHT = 900

# The browser has no sandbox of its own in a container; --disable-dev-shm-usage: /dev/shm is small there.
_ARGUMENTS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--lang=en")


def programs() -> tuple[str, str] | None:
    """Paths of a Chromium and of its driver; None if one of them is missing."""
    browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    driver = shutil.which("chromedriver")
    return (browser, driver) if browser and driver else None


@contextmanager
def started(browser: str, driver: str) -> Iterator["Browser"]:
    options = webdriver.ChromeOptions()
    options.binary_location = browser
    options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
    for argument in _ARGUMENTS:
        options.add_argument(argument)
    chrome = webdriver.Chrome(options=options, service=Service(driver, log_output=os.devnull))
    try:
        yield Browser(chrome)
    finally:
        chrome.quit()


class Browser:
    """One tab. Every `open` starts from scratch; `requests` and `complaints` are those since then."""

    def __init__(self, driver: webdriver.Chrome) -> None:
        self.driver = driver

    def open(self, path: Path, width: int = WIDE, script: bool = True, media: str = "screen") -> None:
        self.driver.get("about:blank")
        for kind in ("performance", "browser"):
            self.driver.get_log(kind)
        self._command("Emulation.setScriptExecutionDisabled", value=not script)
        self._command("Emulation.setDeviceMetricsOverride", width=width, height=HEIGHT, deviceScaleFactor=1, mobile=width < 600)
        self._command("Emulation.setEmulatedMedia", media=media)
        self.driver.get(path.as_uri())

    def wait_until(self, condition: str, seconds: float = 10) -> None:
        """condition: an expression of JavaScript."""
        waiting = WebDriverWait(self.driver, seconds, poll_frequency=0.02)
        waiting.until(lambda _: self.run(f"return Boolean({condition})"), condition)

    def ready(self) -> None:
        """The page's own script has done its work."""
        self.wait_until("document.documentElement.dataset.ready")

    def run(self, script: str, *arguments: object) -> Any:
        return self.driver.execute_script(script, *arguments)

    def one(self, selector: str) -> WebElement:
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def all(self, selector: str) -> list[WebElement]:
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def press(self, *keys: str) -> None:
        for key in keys:
            self.driver.switch_to.active_element.send_keys(key)

    @property
    def focused(self) -> WebElement:
        return self.driver.switch_to.active_element

    @property
    def overflow(self) -> int:
        """Pixels that the page is wider than the window."""
        return int(self.run("return document.documentElement.scrollWidth - document.documentElement.clientWidth"))

    def requests(self) -> list[str]:
        """Addresses that the page asked for."""
        messages = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        return [m["params"]["request"]["url"] for m in messages if m["method"] == "Network.requestWillBeSent"]

    def complaints(self) -> list[str]:
        """What the console says: faults of the script, things that the page's policy forbade."""
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def violations(self) -> Sequence[str]:
        """What axe-core holds against the page as it stands: rule, what is wrong, where first."""
        self.driver.set_script_timeout(120)
        self.run(AXE)
        found = self.driver.execute_async_script(JUDGE)
        return [f"{rule['id']}: {rule['help']}: {rule['nodes'][0]['html'][:200]} ({len(rule['nodes'])})" for rule in found]

    def printed(self) -> list[str]:
        """Text of each sheet of paper, A4."""
        self._command("Emulation.setEmulatedMedia", media="")
        printed = self._command("Page.printToPDF", preferCSSPageSize=True, paperWidth=8.27, paperHeight=11.69)
        return [page.extract_text() for page in pypdf.PdfReader(BytesIO(base64.b64decode(printed["data"]))).pages]

    def _command(self, name: str, **parameters: object) -> Any:
        return self.driver.execute_cdp_cmd(name, parameters)
