"""A TOML file that is a list of tables of one name, with the line on which each begins."""

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bonefhir.errors import CommandLineError


@dataclass(frozen=True)
class Entry:
    values: dict[str, Any]
    line: int


def entries(path: Path, name: str) -> list[Entry]:
    """Raises CommandLineError if the file is not such a list."""
    try:
        text = path.read_text(encoding="utf-8")
        content = tomllib.loads(text)
    except OSError as error:
        raise CommandLineError(f"{path}: cannot be read: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise CommandLineError(f"{path}: not TOML: {error}") from None
    found = content.pop(name, [])
    if content or not isinstance(found, list) or not all(isinstance(entry, dict) for entry in found):
        raise CommandLineError(f"{path}: holds tables [[{name}]] and nothing else")
    lines = [number for number, line in enumerate(text.splitlines(), start=1) if re.match(rf"\s*\[\[\s*{name}\s*\]\]", line)]
    lines += [1] * (len(found) - len(lines))  # an inline list has no such lines
    return [Entry(values, line) for values, line in zip(found, lines, strict=False)]


def text_faults(
    entry: Mapping[str, Any], required: Sequence[str], optional: Sequence[str] = (), others: Sequence[str] = ()
) -> Iterator[str]:
    """What is wrong with the texts of an entry; `others` are keys that somebody else looks at."""
    for key in required:
        if not isinstance(entry.get(key), str) or not entry[key].strip():
            yield f"{key} is missing"
    for key in optional:
        if not isinstance(entry.get(key, ""), str):
            yield f"{key} must be a text"
    for key in sorted(set(entry) - {*required, *optional, *others}):
        yield f"{key} is not known"
