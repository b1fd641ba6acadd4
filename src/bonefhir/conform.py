"""Stage *conform*: is a resource that is to be evidence valid FHIR? The one door to fhir.resources.

fhir.resources (R4B models for R4 and R4B, the main ones for R5) checks elements, cardinalities, choices and the form of
texts. What it lets pass is checked here: numbers, booleans and dates given as another JSON type, null, comparators that do
not exist, keys that come twice, modifier extensions, nesting and numbers beyond the limits. A fault names the element and
the kind of error; no value of the data ever enters it, nor does a key that FHIR does not have.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from functools import cache
from importlib.metadata import version
from typing import Any

import pandas as pd

from bonefhir.read import characters, depth, keys, models, modifiers, moments
from bonefhir.read.elements import COMPARATORS
from bonefhir.read.fault import Fault
from bonefhir.read.gate import Gate
from bonefhir.read.limits import DEFAULT
from bonefhir.read.models import Described
from bonefhir.read.names import RESOURCE_TYPES, USED
from bonefhir.read.positions import read_back
from bonefhir.read.sources import SourceFile

CANDIDATES = ("seq", "file", "offset", "length", "resource_type", "release")
FAULTS = ("seq", "reason", "path", "detail")

_STRINGS = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_LONG_NUMBER = re.compile(rb"[-+.0-9eE]{%d}" % (DEFAULT.number + 1))
_RELEASES = {"R4": ("R4B", ""), "R5": ("", "R4B")}
"""Sub-packages of fhir.resources in the order in which they are tried: shapes that R4 and R5 share are called R4."""

_KINDS_OF_ERROR = {
    "missing": "a required element is missing",
    "model_field_validation.missing": "a required element is missing",
    "extra_forbidden": "an element that FHIR does not have here",
    "string_pattern_mismatch": "the text has not the form of its type",
    "model_validation_format": "not the element's type",
}
Copies = Callable[[int, Sequence[int]], Mapping[int, bytes]]
"""File, and seq of resources in it → the bytes of those that have been copied."""

_UNJUDGED = (KeyError, TypeError, AttributeError, AssertionError, RecursionError, OverflowError, ArithmeticError)
"""What fhir.resources raises, besides a ValidationError, on some input."""


def check(files: Mapping[int, SourceFile], candidates: pd.DataFrame, copies: Copies = lambda *_: {}) -> pd.DataFrame:
    """The faults among the candidates (columns CANDIDATES, one row per resource): columns FAULTS, sorted by seq.

    Each resource is read again from its place in its file, unless there is a copy of it. Raises InputError if a file has
    changed since it was scanned.
    """
    found = []
    for number, group in candidates.sort_values("offset", kind="stable").groupby("file", sort=True):
        columns = [group[name].tolist() for name in ("seq", "resource_type", "release")]
        kept = copies(int(number), columns[0])
        places = zip(columns[0], group["offset"].tolist(), group["length"].tolist(), strict=True)
        positions = [(offset, length) for seq, offset, length in places if seq not in kept]
        there = read_back(files[int(number)], positions) if positions else iter(())
        for seq, name, shape in zip(*columns, strict=True):
            raw = kept[seq] if seq in kept else next(there)
            fault = fault_of(raw, name, shape)
            if fault is not None:
                found.append((int(seq), *fault))
    # Of objects: pandas would make texts and None a column of texts and NaN.
    return pd.DataFrame(sorted(found), columns=list(FAULTS), dtype=object).astype({"seq": "int64"})


def fault_of(raw: bytes, resource_type: str, release: str) -> Fault | None:
    """The first thing that makes the resource invalid; null: valid. release: 'R4' or 'R5', as its shape says."""
    if gate(resource_type, release).passes(raw):
        return None
    return fault_by_models(raw, resource_type, release)


def fault_by_models(raw: bytes, resource_type: str, release: str) -> Fault | None:
    """The same without the gate: slower, and with the reason."""
    fault = _fault_of_text(raw)
    if fault is not None:
        return fault
    text = moments.complete(raw)
    parsed = json.loads(text)
    fault = modifiers.fault(parsed, text)
    if fault is not None:
        return fault
    faults = []
    for package in _RELEASES[release]:
        fault = _fault_of_model(text, parsed, resource_type, package)
        if fault is None:
            return None
        faults.append(fault)
    if _fault_of_model(text, parsed, resource_type, "STU3") is None:
        return Fault("stu3", None, "valid for FHIR STU3 only; R4, R4B and R5 are read")
    return faults[0]


def _fault_of_text(raw: bytes) -> Fault | None:
    """What is wrong before any element is looked at."""
    if not characters.utf8(raw) or (characters.suspect(raw) and characters.mend(raw)[1]):
        return Fault("encoding", None, "not UTF-8, or NUL or half of a surrogate pair in a text")
    if depth.exceeds(raw, DEFAULT.depth):
        return Fault("too-deep", None, f"nested deeper than {DEFAULT.depth} levels, the limit")
    if _LONG_NUMBER.search(_STRINGS.sub(b"", raw)):
        return Fault("too-large", None, f"a number of more than {DEFAULT.number} characters")
    if keys.repeated(raw):
        return Fault("duplicate-keys", None, keys.TWICE)
    return None


def _fault_of_model(text: bytes, parsed: dict[str, Any], resource_type: str, package: str) -> Fault | None:
    from pydantic import ValidationError

    try:
        model = _model_class(resource_type, package).model_validate_json(text)
    except ValidationError as error:
        return _fault_of_error(error)
    except KeyError:
        rest = _without_dropped_types(parsed, package)
        if rest is None:
            return Fault("not-fhir", "contained", "a resource of a type that this release of FHIR does not have")
        return _fault_of_model(json.dumps(rest).encode(), rest, resource_type, package)
    except _UNJUDGED as error:
        return Fault("not-fhir", None, f"the check broke off ({type(error).__name__})")
    return next(_coerced(parsed, model, ""), None)


@cache
def gate(resource_type: str, release: str) -> Gate:
    """What certainly lets through only valid resources of the type. release: 'R4' or 'R5', as their shape says."""
    known = _described().get(release, {})
    return Gate(resource_type, lambda name: known[name] if name in known else _describe(name, release))


@cache
def _described() -> Mapping[str, Mapping[str, list[Described]]]:
    return models.from_file(version("fhir.resources"))


def _describe(name: str, release: str) -> list[Described]:
    return models.described(_model_class(name, _RELEASES[release][0]))


def _types_of(release: str) -> dict[str, list[Described]]:
    types: dict[str, list[Described]] = {}

    def ask(name: str) -> list[Described]:
        return types.setdefault(name, _describe(name, release))

    for name in sorted(USED):
        Gate(name, ask)
    return types


def written_models() -> bytes:
    """The file that spares loading the models: of each release, the types that the used resources are made of."""
    found = {release: _types_of(release) for release in _RELEASES}
    return models.as_file(version("fhir.resources"), found)


@cache
def _model_class(resource_type: str, package: str) -> Any:
    from importlib import import_module

    module = import_module(".".join(part for part in ("fhir.resources", package) if part))
    return module.get_fhir_model_class(resource_type)


def _fault_of_error(error: Any) -> Fault:
    """The first error, in words. pydantic's messages are not used: some repeat what stands in the data."""
    first = error.errors(include_input=False, include_url=False, include_context=False)[0]
    kind, place = first["type"], [step for step in first["loc"] if step != "root"]
    if kind == "extra_forbidden":
        place = place[:-1]  # the last step is a key from the data
    if kind == "value_error" and "list [" in first["msg"]:
        return Fault("not-fhir", _path(place), "an element with a choice of types must be there once")
    words = "not the element's type" if kind.endswith("_type") else "the value has not the form of its type"
    return Fault("not-fhir", _path(place), _KINDS_OF_ERROR.get(kind, words))


def _path(place: list[Any]) -> str | None:
    steps = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in place)
    return steps.lstrip(".") or None


def _without_dropped_types(parsed: dict[str, Any], package: str) -> dict[str, Any] | None:
    """The resource without contained ones of types that this release lacks (R4B dropped some of R4); null: there are none."""
    members = parsed.get("contained")
    if not isinstance(members, list):
        return None
    kept = [each for each in members if not (isinstance(each, dict) and _dropped(each.get("resourceType"), package))]
    return None if len(kept) == len(members) else {**parsed, "contained": kept}


def _dropped(name: Any, package: str) -> bool:
    if name not in RESOURCE_TYPES:
        return False
    try:
        _model_class(name, package)
    except ValueError:
        return True
    return False


@cache
def _names(model: Any) -> dict[str, str]:
    """JSON name of each element → name of the model's attribute."""
    return {field.alias or name: name for name, field in model.model_fields.items()}


def _coerced(value: dict[str, Any], model: Any, path: str) -> Iterator[Fault]:
    """Elements that fhir.resources read although their JSON type is another one, null among them; and unknown comparators."""
    kind: Any = type(model)
    names = _names(kind)
    for key, member in value.items():
        name = names.get(key)
        if name is not None and key != "resourceType":
            yield from _compare(member, getattr(model, name), f"{path}.{key}".lstrip("."), f"_{key}" in value or key[0] == "_")
    if "comparator" in names and value.get("comparator", "<") not in COMPARATORS:
        yield Fault("bad-code", f"{path}.comparator".lstrip("."), "not in the required value set")


def _compare(value: Any, read: Any, path: str, extended: bool) -> Iterator[Fault]:
    """extended: the element has a twin with extensions, so its list may have holes."""
    if isinstance(value, dict):
        if hasattr(type(read), "model_fields"):
            yield from _coerced(value, read, path)
    elif isinstance(value, list):
        for index, (member, each) in enumerate(zip(value, read if isinstance(read, list) else [], strict=False)):
            if member is not None or not extended:
                yield from _compare(member, each, f"{path}[{index}]", False)
    elif value is None:
        yield Fault("not-fhir", path, "null: FHIR leaves an element out instead")
    elif not _same_type(value, read):
        yield Fault("not-fhir", path, "another JSON type than the element's")


def _same_type(value: Any, read: Any) -> bool:
    if isinstance(value, bool) or isinstance(read, bool):
        return isinstance(value, bool) and isinstance(read, bool)
    if isinstance(value, str):
        return not isinstance(read, int | float | Decimal)
    return isinstance(read, Decimal | float) or (isinstance(read, int) and isinstance(value, int))


if __name__ == "__main__":
    models.FILE.write_bytes(written_models())
