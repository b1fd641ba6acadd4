"""The page of decisions, collected when the site is built from where each is kept: README, checks/, the reference."""

from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[2]
PARTS = (
    ("Of the program", "README.md", "## Decisions"),
    ("Of codes", "checks/introduction.md", "## Decisions on codes"),
    ("Of meaning", "tests/reference/README.md", "## Readings"),
)
READINGS = """
The specification is implemented twice: in `src/bonefhir`, on columns, and in `tests/reference`, slowly, a row at a time, from
the text alone. Where a sentence can be read in two ways, this is the reading that was chosen, and what else it may mean.
"""


def on_files(files: Files, config: Any) -> Files:
    files.append(File.generated(config, "decisions.md", content=page()))
    return files


def page() -> str:
    lines = ["# Decisions"]
    for title, path, heading in PARTS:
        text = (ROOT / path).read_text(encoding="utf-8")
        lines += ["", f"## {title}", READINGS if title == "Of meaning" else "", _section(text, heading)]
    return "\n".join(lines) + "\n"


def _section(text: str, heading: str) -> str:
    """What stands below a heading, up to the next of its level."""
    body = text.split(f"\n{heading}\n", 1)[1]
    return body.split("\n## ", 1)[0].strip()
