"""The pages of docs/ are true: commands run as they stand, generated pages are those of the code, the site builds."""

import os
import re
import shlex
import subprocess
import sys
from html.parser import HTMLParser
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from urllib.parse import unquote, urlsplit

import pytest

from bonefhir.configuration import Validation
from bonefhir.knowledge.load import load
from bonefhir.settings import Settings
from tests.docs.pages import DOCS, ROOT, Command, Written, is_shown, steps

PAGES = [path for path in sorted(DOCS.rglob("*.md")) if any(isinstance(step, Command) for step in steps(path.read_text("utf-8")))]


def hook(name: str) -> ModuleType:
    spec = spec_from_file_location(name, DOCS / "hooks" / f"{name}.py")
    assert spec
    assert spec.loader
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """`bonefhir` and `python` as a reader has them after installing."""
    bin_folder = tmp_path_factory.mktemp("bin")
    for name, arguments in (("bonefhir", "-m bonefhir.cli"), ("python", "")):
        script = bin_folder / name
        script.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} {arguments} "$@"\n')
        script.chmod(0o755)
    path = f"{bin_folder}{os.pathsep}{os.environ['PATH']}"
    # Where bytecode may not be written, each of the many starts would compile everything anew.
    return {**os.environ, "PYTHONDONTWRITEBYTECODE": "", "PATH": path, "PYTHONPATH": str(ROOT / "src")}


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.stem)
def test_a_page_runs_as_it_stands(page: Path, tmp_path: Path, environment: dict[str, str]) -> None:
    folder = tmp_path / "work"
    folder.mkdir()
    for step in steps(page.read_text(encoding="utf-8")):
        if isinstance(step, Written):
            target = folder / step.path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(step.text, encoding="utf-8")
            continue
        ran = subprocess.run(["sh", "-c", step.line], cwd=folder, env=environment, capture_output=True, text=True, check=False)
        real = [line.strip() for line in (ran.stdout + ran.stderr).splitlines()]
        assert ran.returncode == step.code, (step.line, real)
        assert not [line for line in step.shown if not is_shown(line, real)], (step.line, real)


def test_pages_made_of_the_code_are_up_to_date() -> None:
    """If this fails: `python docs/hooks/reference.py`."""
    for name, text in hook("reference").pages().items():
        assert (DOCS / "reference" / f"{name}.md").read_text(encoding="utf-8") == text


def test_every_setting_has_its_meaning() -> None:
    known = {*Settings.__dataclass_fields__, *Validation.__dataclass_fields__} - {"sources", "out"}
    assert set(hook("reference").MEANINGS) == known


class Links(HTMLParser):
    """Targets and anchors of one page."""

    def __init__(self) -> None:
        super().__init__()
        self.targets: list[str] = []
        self.anchors: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.targets += [value for key in ("href", "src") if (value := given.get(key))]
        self.anchors |= {value for key in ("id", "name") if (value := given.get(key))}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """--strict: a warning of the generator is an error."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "NO_MKDOCS_2_WARNING": "1"}
    ran = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return folder


def test_every_link_of_the_site_leads_somewhere(site: Path) -> None:
    pages = {}
    for path in site.rglob("*.html"):
        pages[path] = Links()
        pages[path].feed(path.read_text(encoding="utf-8"))
    broken = []
    for path, page in pages.items():
        for target in page.targets:
            parts = urlsplit(target)
            if parts.scheme or parts.netloc or path.name == "404.html":
                continue
            to = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            to = to / "index.html" if to.is_dir() else to
            if not to.is_file() or (parts.fragment and to in pages and parts.fragment not in pages[to].anchors):
                broken.append(f"{path.relative_to(site)}: {target}")
    assert not broken


def test_the_site_has_a_page_per_rule_and_loads_nothing_from_elsewhere(site: Path) -> None:
    for rule in load().rules:
        text = (site / "rules" / f"{rule.id}.html").read_text(encoding="utf-8")
        for heading in ("What it means", "Source", "Evidence needed", "Examples", "How it may be wrong", "How to mend the data"):
            assert heading in text
    for path in site.rglob("*.html"):
        assert not re.search(r'<(script|link|img)[^>]+(src|href)="?https?://', path.read_text(encoding="utf-8")), path
