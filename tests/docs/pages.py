"""Blocks of the pages of docs/: files to write, commands to run, what they show."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
_BLOCK = re.compile(r'^```(\w+)(?: title="([^"]+)")?\n(.*?)^```$', re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"\s+# exit code (\d+)$")


@dataclass(frozen=True)
class Written:
    path: str
    text: str


@dataclass(frozen=True)
class Command:
    line: str
    code: int
    shown: tuple[str, ...]


def steps(page: str) -> Iterator[Written | Command]:
    """In the order of the page: blocks with a title are files, those of `console` are commands and their output."""
    for language, title, text in _BLOCK.findall(page):
        if title:
            yield Written(title, text)
        elif language == "console":
            yield from _commands(text)


def _commands(text: str) -> Iterator[Command]:
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        line, *shown = part.splitlines()
        code = _CODE.search(line)
        yield Command(_CODE.sub("", line), int(code.group(1)) if code else 0, tuple(one.strip() for one in shown if one.strip()))


def is_shown(line: str, real: list[str]) -> bool:
    """'…' stands for anything."""
    pattern = re.compile(".*".join(re.escape(part) for part in line.split("…")))
    return any(pattern.fullmatch(one) for one in real)
