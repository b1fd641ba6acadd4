"""Documents as files: NDJSON or Bundles, and back in the order in which a reader of the folder meets them."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

Document = dict[str, Any]


def write_ndjson(some: Iterable[Document], folder: Path, by_type: bool = False) -> None:
    """Resources as lines: all in one file, or one file a type. Bundles, which are no lines, as files of their own."""
    folder.mkdir(parents=True, exist_ok=True)
    lines: dict[str, list[str]] = {}
    for number, document in enumerate(some):
        if document["resourceType"] == "Bundle":
            (folder / f"bundle-{number:06d}.json").write_text(json.dumps(document), encoding="utf-8")
        else:
            lines.setdefault(document["resourceType"] if by_type else "all", []).append(json.dumps(document))
    for name, some_lines in lines.items():
        (folder / f"{name}.ndjson").write_text("\n".join(some_lines) + "\n", encoding="utf-8")


def write_bundles(some: Iterable[Document], folder: Path) -> None:
    """Every run of loose resources as one Bundle, and every Bundle, as a file."""
    folder.mkdir(parents=True, exist_ok=True)
    loose: list[Document] = []
    written_so_far = 0
    for document in [*some, {"resourceType": "Bundle", "type": "collection", "entry": []}]:
        if document["resourceType"] != "Bundle":
            loose.append(document)
            continue
        for bundle in (
            [{"resourceType": "Bundle", "type": "collection", "entry": [{"resource": r} for r in loose]}] if loose else []
        ) + [document]:
            (folder / f"{written_so_far:06d}.json").write_text(json.dumps(bundle), encoding="utf-8")
            written_so_far += 1
        loose = []


def read_folder(folder: Path) -> list[Document]:
    """The documents of a folder 'in the order of relative paths compared as text'."""
    found: list[Document] = []
    for path in sorted(folder.rglob("*"), key=lambda path: path.relative_to(folder).as_posix()):
        if path.suffix == ".ndjson":
            found += [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
        elif path.suffix == ".json":
            found.append(json.loads(path.read_text(encoding="utf-8")))
    return found
