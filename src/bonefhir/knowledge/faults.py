"""Faults of the files under checks/: collected with their place, raised once."""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass, field

from bonefhir.errors import KnowledgeError


@dataclass(frozen=True)
class Place:
    """A line of a file, from 1, as a fault prints it."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass
class Faults:
    """What is wrong, each with its place and what to do about it."""

    found: list[tuple[Place, str]] = field(default_factory=list)

    def add(self, place: Place, message: str) -> None:
        self.found.append((place, message))

    def __bool__(self) -> bool:
        return bool(self.found)

    def lines(self) -> list[str]:
        """One 'file:line: message' each, by file and line."""
        ordered = sorted(self.found, key=lambda fault: (fault[0].file, fault[0].line, fault[1]))
        return [f"{place}: {message}" for place, message in ordered]

    def raise_if_any(self) -> None:
        """Raises KnowledgeError with every fault."""
        if self.found:
            raise KnowledgeError(self.lines())


def unknown(what: str, word: object, known: Iterable[str]) -> str:
    """'unknown kind 'dose_maxx'; did you mean 'dose_max'?', or the words that there are."""
    words = sorted(known)
    close = difflib.get_close_matches(str(word), words, n=1)
    if close:
        return f"unknown {what} '{word}'; did you mean '{close[0]}'?"
    return f"unknown {what} '{word}'; known: {', '.join(words) or 'none'}"
