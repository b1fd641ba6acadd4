"""Types of the fields of a TOML table, and the check of a table against them. Nothing is coerced."""

import datetime as dt
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from bonefhir.knowledge.faults import Faults, Place, unknown
from bonefhir.settings import PROFILES
from bonefhir.vocabulary import SEVERITIES


@dataclass(frozen=True)
class Names:
    """What a rule may refer to."""

    products: frozenset[str] = field(default_factory=frozenset)
    indications: frozenset[str] = field(default_factory=frozenset)
    value_sets: frozenset[str] = field(default_factory=frozenset)
    measurements: frozenset[str] = field(default_factory=frozenset)
    routes: frozenset[str] = field(default_factory=frozenset)


Check = Callable[[Any, Names], str | None]
"""What is wrong with a value, and what to write instead; None if nothing is."""

Report = Callable[[str | None, str], None]
"""Takes a fault: the key that it is about (None: the table as a whole) and the message."""


def check_table(
    table: Mapping[str, Any], required: Mapping[str, str], optional: Mapping[str, str], names: Names, report: Report
) -> None:
    """Unknown fields (with a suggestion), missing ones, and values of a wrong type."""
    for key in table:
        if key not in required and key not in optional:
            report(key, unknown("field", key, [*required, *optional]))
    for key in required:
        if key not in table:
            report(None, f"field '{key}' is missing")
    for key, value in table.items():
        type_name = required.get(key) or optional.get(key)
        wrong = CHECKS[type_name](value, names) if type_name else None
        if wrong:
            report(key, f"field '{key}' {wrong}")


def at(place: Place, faults: Faults, before: str = "") -> Report:
    """Reports everything at one place."""
    return lambda _, message: faults.add(place, before + message)


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and not math.isnan(value)


def _simple(test: Callable[[Any], bool], wanted: str) -> Check:
    return lambda value, _: None if test(value) else f"must be {wanted}"


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _word(what: str, known: Callable[[Names], Sequence[str] | frozenset[str]]) -> Check:
    def check(value: Any, names: Names) -> str | None:
        if not _is_text(value):
            return "must be a text"
        return None if value in known(names) else f"names an {unknown(what, value, known(names))}"

    return check


def _words(check_one: Check) -> Check:
    def check(value: Any, names: Names) -> str | None:
        if not isinstance(value, list) or not value:
            return "must be a list with at least one text"
        wrong = next((w for one in value if (w := check_one(one, names))), None)
        if wrong is None and len({str(one) for one in value}) < len(value):
            return "repeats a value"
        return wrong

    return check


def _texts(value: Any, _: Names) -> str | None:
    if isinstance(value, list) and all(_is_text(one) for one in value):
        return None if len(set(value)) == len(value) else "repeats a value"
    return "must be a list of texts"


def _lower_texts(value: Any, names: Names) -> str | None:
    wrong = _texts(value, names)
    if wrong is None and any(one != " ".join(one.lower().split()) for one in value):
        return "must be in lower case, with single blanks: texts are compared that way"
    return wrong


def _numbers(value: Any, _: Names) -> str | None:
    good = isinstance(value, list) and all(is_number(one) and one > 0 for one in value)
    return None if good else "must be a list of numbers above 0"


def _range(value: Any, _: Names) -> str | None:
    good = isinstance(value, list) and len(value) == 2 and all(is_number(v) for v in value) and 0 <= value[0] < value[1]
    return None if good else "must be [lowest, highest], lowest first"


def _tables(value: Any, _: Names) -> str | None:
    good = isinstance(value, list) and all(isinstance(one, dict) for one in value)
    return None if good else "must be a list of tables"


def _bands(value: Any, names: Names) -> str | None:
    """Bands of clearance, highest first; see kinds.md."""
    if _tables(value, names) or not value:
        return "must be a list of bands such as { from = 50, max = 3.5 }, highest first"
    starts = []
    for band in value:
        start = [band[key] for key in ("over", "from") if key in band]
        if len(start) != 1 or set(band) - {"over", "from", "printed_to", "max"} or not all(is_number(v) for v in band.values()):
            return "has a band that is not { over or from, max, and perhaps printed_to }, all numbers"
        if "max" not in band:
            return "has a band without 'max'"
        starts.append(start[0])
    return _bands_order(value, starts)


def _bands_order(bands: Sequence[Mapping[str, float]], starts: Sequence[float]) -> str | None:
    if any(low >= high for high, low in pairwise(starts)):
        return "must list the bands from the highest to the lowest"
    if any(lower["max"] > upper["max"] for upper, lower in pairwise(bands)):
        return "must not allow more at a lower clearance"
    ends = [math.inf, *starts]
    for band, start, end in zip(bands, starts, ends, strict=False):
        if not start <= band.get("printed_to", start) <= end:
            return "has a 'printed_to' outside its band"
    return None


def _calcium_bands(value: Any, names: Names) -> str | None:
    good = (
        not _tables(value, names)
        and value
        and all(set(band) == {"over_mg_dl", "min"} and all(is_number(v) for v in band.values()) for band in value)
    )
    if not good:
        return "must be a list of bands such as { over_mg_dl = 13.5, min = 90 }, highest first"
    starts = [band["over_mg_dl"] for band in value]
    return None if starts == sorted(set(starts), reverse=True) else "must list the bands from the highest to the lowest"


def _counts(value: Any, names: Names) -> str | None:
    if not isinstance(value, dict) or not value or not all(is_number(v) and v > 0 for v in value.values()):
        return "must be a table of measurements with their minimum, such as { platelets = 100 }"
    strange = next((key for key in value if key not in names.measurements), None)
    return None if strange is None else f"names an {unknown('measurement', strange, names.measurements)}"


ANY_CALCIUM = "any_calcium"
"""In lab_before and lab_after: total, corrected or ionised calcium."""

CHECKS: Mapping[str, Check] = {
    "text": _simple(_is_text, "a text that is not empty"),
    "texts": _texts,
    "lower_texts": _lower_texts,
    "number": _simple(lambda v: is_number(v) and math.isfinite(v) and v >= 0, "a number, 0 or more"),
    "positive": _simple(lambda v: is_number(v) and math.isfinite(v) and v > 0, "a number above 0"),
    "numbers": _numbers,
    "range": _range,
    "whole": _simple(_is_whole, "a whole number, 0 or more"),
    "count": _simple(lambda v: _is_whole(v) and v > 0, "a whole number above 0"),
    "yes": _simple(lambda v: v is True, "true"),
    "date": _simple(lambda v: type(v) is dt.date, "a date such as 2027-01-31, without quotes"),
    "table": _simple(lambda v: isinstance(v, dict), "a table"),
    "tables": _tables,
    "bands": _bands,
    "calcium_bands": _calcium_bands,
    "counts": _counts,
    "basis": _word("basis", lambda _: ("baseline", "current")),
    "per_kg_unit": _word("unit", lambda _: ("kBq/kg", "mg/kg")),
    "doses": _word("choice of doses", lambda _: ("all", "first", "later")),
    "severity": _word("severity", lambda _: SEVERITIES),
    "profiles": _words(_word("profile", lambda _: PROFILES)),
    "products": _words(_word("product", lambda n: n.products)),
    "indications": _words(_word("indication", lambda n: n.indications)),
    "routes": _words(_word("route", lambda n: n.routes)),
    "labs": _words(_word("measurement", lambda n: n.measurements | {ANY_CALCIUM})),
    "value_set": _word("value set", lambda n: n.value_sets),
}
"""Every type a field may have, by name."""
