"""The settings of a run, once: where they come from and what they may be. Every stage takes them from here."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

PROFILES = ("us", "eu")
CONFORMANCE = ("evidence", "full", "none")
WEIGHTS = ("actual", "ideal", "adjusted")
LANGUAGES = ("en", "de")
FAIL_ON = ("none", "info", "warning", "error")


@dataclass(frozen=True)
class Settings:
    """sources and out as given by the user; numbers marked policy in semantics.md are fields here with its default.

    jobs            processes; 0: one per core, as far as there is room for them in `memory`
    memory          bytes that all processes together may take, about: so many patients are worked on at a time
    html            write the two report.html, too
    language        of the two report.html and of findings.xlsx; all else is in English
    parts           where the stages leave tables for each other, an fsspec URL; '': in the work folder beside `out`
    small_number    groups smaller than this are suppressed in share/
    """

    sources: tuple[str, ...]
    out: Path
    profile: str = "us"
    conformance: str = "evidence"
    jobs: int = 0
    memory: int = 1 << 30
    parts: str = ""
    rules: tuple[Path, ...] = ()
    terminology: tuple[Path, ...] = ()
    fail_on: str = "none"
    strict: bool = False
    data_docs: bool = False
    html: bool = True
    language: str = "en"
    weight: str = "actual"
    weight_window_days: int = 90
    baseline_window_days: int = 90
    vitamin_d_window_days: int = 365
    albumin_window_days: int = 7
    unknown_albumin: tuple[float, float] = (2.0, 5.0)
    calcium_limit_mg_dl: float = 8.5
    calcium_limit_ionised_mmol_l: float = 1.12
    small_number: int = 11

    def as_json(self) -> dict[str, Any]:
        """For run.json: plain types only."""
        return {key: _plain(value) for key, value in asdict(self).items()}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any], **others: Any) -> "Settings":
        """From what as_json gave; others: fields that are not in it, or are others now."""
        return cls(**{name: _read(name, value) for name, value in stored.items()} | others)


_SIZE = re.compile(r"(\d+) ?(?:([kMGT])(i?)B?|B)?")


def size_of(text: str) -> int | None:
    """Bytes of '1GiB', '512 MiB', '2G' or a plain number; null: it is none."""
    found = _SIZE.fullmatch(text.strip())
    if found is None:
        return None
    number, letter, binary = found.groups()
    base: int = 1024 if binary else 1000
    return int(number) * int(base ** " kMGT".index(letter or " "))


def language_of(run: Mapping[str, Any]) -> str:
    """Of the reports of a finished run; run: `run` in its run.json."""
    found = run.get("language")
    return found if found in LANGUAGES else LANGUAGES[0]


def _read(name: str, value: Any) -> Any:
    if name == "out":
        return Path(value)
    if name in ("rules", "terminology"):
        return tuple(Path(folder) for folder in value)
    return tuple(value) if isinstance(value, list) else value


def _plain(value: Any) -> Any:
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, tuple | list):
        return [_plain(v) for v in value]
    return value
