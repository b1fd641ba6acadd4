"""Why a resource, or a whole file, cannot be used. A fault never holds a value of the data."""

from typing import NamedTuple


class Fault(NamedTuple):
    """reason: a word of the contract; path: element path or null; detail: in words."""

    reason: str
    path: str | None
    detail: str


class UnreadableFileError(Exception):
    """The file as a whole cannot be used. Caught by scan_file, which makes a reject of it."""

    def __init__(self, reason: str, detail: str) -> None:
        self.reason = reason
        self.detail = detail
        super().__init__(detail)


_ORDER = (
    "encoding",
    "duplicate-keys",
    "too-deep",
    "too-large",
    "stu3",
    "modifier-extension",
    "no-id",
    "no-patient",
    "no-time",
    "bad-code",
    "not-fhir",
)
RANK = {reason: rank for rank, reason in enumerate(_ORDER)}


def worst(faults: list[Fault]) -> Fault | None:
    """The fault that is reported when there are several: the one that explains the others."""
    return min(faults, key=lambda fault: RANK[fault.reason]) if faults else None
