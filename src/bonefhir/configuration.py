"""Settings that stand in a file: `[tool.bonefhir]` of the nearest pyproject.toml, else bonefhir.toml. The command line wins."""

import tomllib
from collections.abc import Mapping
from dataclasses import Field, fields
from pathlib import Path
from typing import Any

from bonefhir.errors import CommandLineError
from bonefhir.settings import CONFORMANCE, FAIL_ON, PROFILES, WEIGHTS, Settings

CHOICES = {"profile": PROFILES, "conformance": CONFORMANCE, "fail_on": FAIL_ON, "weight": WEIGHTS}
PATHS = ("rules", "terminology")
NOT_IN_A_FILE = ("sources", "out")


def settings_from(given: Mapping[str, Any], config: Path | None, folder: Path) -> Settings:
    """given: fields of Settings as the command line has them, None where it says nothing. folder: where to look for a file."""
    path = config or nearest(folder)
    values = read(path) if path else {}
    values |= {name: value for name, value in given.items() if value is not None and value != ()}
    return Settings(**values)


def nearest(folder: Path) -> Path | None:
    """The closest pyproject.toml if it has a table for bonefhir, else the closest bonefhir.toml."""
    above = [folder.resolve(), *folder.resolve().parents]
    project = next((f / "pyproject.toml" for f in above if (f / "pyproject.toml").is_file()), None)
    if project and "bonefhir" in _parsed(project).get("tool", {}):
        return project
    return next((f / "bonefhir.toml" for f in above if (f / "bonefhir.toml").is_file()), None)


def read(path: Path) -> dict[str, Any]:
    """Fields of Settings. Raises CommandLineError with every fault of the file at once."""
    content = _parsed(path)
    table = content.get("tool", {}).get("bonefhir", {}) if path.name == "pyproject.toml" else content
    known = {field.name: field for field in fields(Settings) if field.name not in NOT_IN_A_FILE}
    values: dict[str, Any] = {}
    faults = []
    for key, value in table.items():
        name = key.replace("-", "_")
        fault = _fault(known.get(name), value)
        if fault:
            faults.append(f"{path}: {key}: {fault}")
        else:
            values[name] = _typed(name, value, path.parent)
    if faults:
        raise CommandLineError("\n".join(faults))
    return values


def _parsed(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise CommandLineError(f"{path}: cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise CommandLineError(f"{path}: not TOML: {error}") from None


def _fault(field: "Field[Any] | None", value: Any) -> str | None:
    """What is wrong with the value of a setting, judged by the type of its default; None: nothing."""
    if field is None:
        return "there is no such setting"
    default = field.default
    if field.name in CHOICES:
        return None if value in CHOICES[field.name] else f"must be one of {', '.join(CHOICES[field.name])}"
    if field.name in PATHS:
        return None if isinstance(value, list) and all(isinstance(v, str) for v in value) else "must be a list of paths"
    if isinstance(default, bool):
        return None if isinstance(value, bool) else "must be true or false"
    if isinstance(default, tuple):
        right = isinstance(value, list) and len(value) == len(default) and all(_is_number(v) for v in value)
        return None if right else f"must be a list of {len(default)} numbers"
    return _number_fault(default, value)


def _number_fault(default: Any, value: Any) -> str | None:
    if isinstance(default, int):
        return None if _is_number(value) and isinstance(value, int) and value >= 0 else "must be a whole number of at least 0"
    return None if _is_number(value) and value > 0 else "must be a number above 0"


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _typed(name: str, value: Any, folder: Path) -> Any:
    """Paths of a file are relative to that file."""
    if name in PATHS:
        return tuple(folder / path for path in value)
    return tuple(value) if isinstance(value, list) else value
