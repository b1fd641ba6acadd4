"""The layers of the program: imports point one way, libraries with a price have one door, modules and functions stay small."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "bonefhir"
MODULES = sorted(SOURCE.rglob("*.py"))
CODE = [*MODULES, *sorted((ROOT / "flows").glob("*.py"))]

CONFORMANCE = ("conform",)
STAGES = ("read", "normalise", "derive", "judge", "report", "sample")
GROUND = (
    *("interval", "vocabulary", "tables", "settings", "errors", "log", "defects", "constants", "work_folder", "parts", "shards"),
    *("blocks", "coded", "dealt", "records", "memory", "pieces", "sorting", "starting", "words"),
)
DOORWAYS = ("cli", "commands", "configuration", "contract", "flows")
RUNS = (("pipeline",), ("workers", "whole", "reports"), ("ledger",), ("copies",), ("scanned",), ("run",))
LAYERS = [DOORWAYS, *RUNS, CONFORMANCE, STAGES, ("knowledge",), GROUND]
"""From the top; a module may import what lies below its own layer, and what lies in its own part.

Conformance reads evidence again from its place, so it stands above `read`, the only stage it may import.
"""

TOGETHER = (DOORWAYS, CONFORMANCE, GROUND)
"""Layers whose parts may import each other. Stages never do: they speak through tables.py."""

DOORS = {
    "fhir": {"conform.py", "conform"},
    "great_expectations": {"judge/suites.py"},
    "prefect": set(),
}

LINES_OF_MODULE = 400
LINES_OF_FUNCTION = 40


def part_of(path: Path) -> str:
    relative = path.relative_to(SOURCE)
    return relative.parts[0].removesuffix(".py")


def imported(path: Path) -> Iterator[tuple[str, int]]:
    """Every module that is imported anywhere in the file, also inside functions."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: relative import"
            yield from ((f"{node.module}.{alias.name}", node.lineno) for alias in node.names)


def height(part: str) -> int:
    for number, layer in enumerate(reversed(LAYERS)):
        if part in layer:
            return number
    raise AssertionError(f"{part} has no layer: give it one in {Path(__file__).name}")


def inside(path: Path) -> Iterator[tuple[str, int]]:
    """Parts of bonefhir that a module imports."""
    for name, line in imported(path):
        words = name.split(".")
        if words[0] == "bonefhir" and len(words) > 1 and words[1] != "__version__":
            yield words[1], line


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_imports_point_downwards(path: Path) -> None:
    mine = part_of(path)
    if mine == "__init__":
        return
    wrong = [
        f"line {line}: {mine} imports {other}"
        for other, line in inside(path)
        if other != mine and height(other) >= height(mine) and not any({mine, other} <= set(layer) for layer in TOGETHER)
    ]
    if mine in CONFORMANCE:
        wrong += [f"line {line}: {mine} imports {other}" for other, line in inside(path) if other in STAGES and other != "read"]
    assert not wrong


@pytest.mark.parametrize("library", DOORS)
def test_a_library_has_one_door(library: str) -> None:
    users = {
        str(path.relative_to(SOURCE))
        for path in MODULES
        for name, _ in imported(path)
        if name.split(".")[0] == library or name.startswith(f"{library}_core")
    }
    allowed = {user for user in users if user in DOORS[library] or Path(user).parts[0] in DOORS[library]}
    assert users == allowed


@pytest.mark.parametrize("path", CODE, ids=lambda path: str(path.relative_to(ROOT)))
def test_modules_and_functions_are_small(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= LINES_OF_MODULE
    functions = [n for n in ast.walk(ast.parse(text)) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
    long = [f"{f.name} has {lines}" for f in functions if (lines := body_lines(f)) > LINES_OF_FUNCTION]
    assert not long


def body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of the body without its docstring."""
    body = function.body[1:] if ast.get_docstring(function) is not None and len(function.body) > 1 else function.body
    return (body[-1].end_lineno or body[-1].lineno) - body[0].lineno + 1


def test_the_tree_names_no_drawer() -> None:
    """A module is named after what it does."""
    drawers = {"utils", "helpers", "common", "misc", "util"}
    assert not [path for path in CODE if path.stem in drawers or set(path.parts) & drawers]
