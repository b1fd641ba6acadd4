"""Settings that stand in a file: `[tool.bonefhir]` of the nearest pyproject.toml, else bonefhir.toml. The command line wins."""

import tomllib
from collections.abc import Mapping
from dataclasses import Field, dataclass, fields
from pathlib import Path
from typing import Any

from bonefhir.errors import CommandLineError
from bonefhir.settings import CONFORMANCE, FAIL_ON, LANGUAGES, PROFILES, WEIGHTS, Settings, size_of

FORMATS = ("text", "json", "junit", "sarif", "github")
CHOICES = {
    "profile": PROFILES,
    "conformance": CONFORMANCE,
    "fail_on": FAIL_ON,
    "language": LANGUAGES,
    "weight": WEIGHTS,
    "format": FORMATS,
}
PATHS = ("rules", "terminology")
TEXTS = ("select", "ignore", "report")
NOT_IN_A_FILE = ("sources", "out")


@dataclass(frozen=True)
class Validation:
    """Settings of `validate` alone.

    format      of the findings on stdout
    report      'FORMAT=FILE': the same findings once more, in files
    select      ids of rules, or their beginnings; empty: every rule
    ignore      of those selected, not these
    baseline    file of accepted findings
    fail_on     severity from which on to exit 1
    """

    format: str = "text"
    report: tuple[str, ...] = ()
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    baseline: Path | None = None
    fail_on: str = "error"


def settings_from(given: Mapping[str, Any], config: Path | None, folder: Path) -> Settings:
    """given: fields of Settings as the command line has them, None where it says nothing. folder: where to look for a file."""
    return Settings(**_chosen(Settings, given, config, folder))


def validation_from(given: Mapping[str, Any], config: Path | None, folder: Path) -> Validation:
    """As settings_from."""
    return Validation(**_chosen(Validation, given, config, folder))


def _chosen(kind: type[Settings | Validation], given: Mapping[str, Any], config: Path | None, folder: Path) -> dict[str, Any]:
    path = config or nearest(folder)
    values = read(path) if path else {}
    values |= {name: value for name, value in given.items() if value is not None and value != ()}
    own = {field.name for field in fields(kind)}
    return {name: value for name, value in values.items() if name in own}


def nearest(folder: Path) -> Path | None:
    """The closest pyproject.toml if it has a table for bonefhir, else the closest bonefhir.toml."""
    above = [folder.resolve(), *folder.resolve().parents]
    project = next((f / "pyproject.toml" for f in above if (f / "pyproject.toml").is_file()), None)
    if project and "bonefhir" in _parsed(project).get("tool", {}):
        return project
    return next((f / "bonefhir.toml" for f in above if (f / "bonefhir.toml").is_file()), None)


def read(path: Path) -> dict[str, Any]:
    """Fields of Settings and Validation. Raises CommandLineError with every fault of the file at once."""
    content = _parsed(path)
    table = content.get("tool", {}).get("bonefhir", {}) if path.name == "pyproject.toml" else content
    known = {field.name: field for field in (*fields(Validation), *fields(Settings)) if field.name not in NOT_IN_A_FILE}
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
    if field.name in PATHS + TEXTS:
        what = "paths" if field.name in PATHS else "texts"
        return None if isinstance(value, list) and all(isinstance(v, str) for v in value) else f"must be a list of {what}"
    if field.name == "baseline":
        return None if isinstance(value, str) else "must be a path"
    if field.name == "memory" and isinstance(value, str):
        return None if size_of(value) else "must be a size, such as '1GiB'"
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
    if name == "baseline":
        return folder / value
    if name == "memory" and isinstance(value, str):
        return size_of(value)
    if name == "report":  # a text without '=' is refused where it is used
        parts = [text.partition("=") for text in value]
        return tuple(f"{form}={folder / file}" if sign else form for form, sign, file in parts)
    return tuple(value) if isinstance(value, list) else value
