"""What no file of the project may say: paths and hosts of a machine, unfinished work."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

# Put together here, so that this file does not find itself.
PLACES = ("/wo" + r"rk/", r"\.\./sha" + r"red\b", "/ro" + r"ot/", "/ho" + r"me/\w", r"py" + r"pi\.org", r"python" + "hosted")
MARKS = (r"\bTO" + r"DO\b", r"\bFIX" + r"ME\b", r"\bXX" + r"X\b", "NotImplemented" + "Error")
MACHINE = re.compile("|".join(PLACES))
UNFINISHED = re.compile("|".join(MARKS))
HOOK_OF_CI = {".ci/run"}
TEXT = {".py", ".md", ".toml", ".csv", ".json", ".lock", ".yaml", ".html", ".css", ".txt", ".ndjson", ""}


def tracked() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False)
    if listed.returncode:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in listed.stdout.decode().split("\0") if name]


def test_no_file_names_a_machine() -> None:
    found = [f"{path.relative_to(ROOT)}:{n}" for path, n, line in lines() if MACHINE.search(line)]
    assert not [place for place in found if place.split(":")[0] not in HOOK_OF_CI]


def test_nothing_is_left_unfinished() -> None:
    assert not [f"{path.relative_to(ROOT)}:{n}" for path, n, line in lines() if path.suffix == ".py" and UNFINISHED.search(line)]


def lines() -> Iterator[tuple[Path, int, str]]:
    """Every line of every tracked text file, with its number."""
    for path in tracked():
        if path.suffix in TEXT and path.is_file():
            text = path.read_text(encoding="utf-8", errors="replace")
            yield from ((path, number, line) for number, line in enumerate(text.splitlines(), start=1))


def test_the_lock_pins_with_hashes_and_names_no_host() -> None:
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    pins = re.findall(r"^[a-z0-9][\w.\-\[\]]*==", text, flags=re.MULTILINE)
    assert len(pins) > 50
    assert text.count("--hash=sha256:") >= len(pins)
    assert not re.search(r"https?:|file:|--index-url|--find-links| @ ", text)
