"""What the models of fhir.resources say of the elements of a type, and the same as a file: loading the models takes longer
than reading a file of FHIR. A test compares the file with the models; `python -m bonefhir.conform` writes it.
"""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

FILE = Path(__file__).with_suffix(".json")
_COMPLEX = re.compile(r"abc\.(\w+)Type")
_PRIMITIVE = re.compile(r"(\w+)(?:\([^()]*\)|\sobject at \w+>)\]")


class Described(msgspec.Struct, frozen=True, array_like=True, omit_defaults=True):
    """One element. name: in JSON; attribute: of the model; kind: a FHIR type, a primitive one with a '=' before it.

    choice      the [x] that it is one of; '': none
    needed      one of them must be there
    """

    name: str
    attribute: str
    kind: str
    many: bool = False
    required: bool = False
    choice: str = ""
    needed: bool = False


class _File(msgspec.Struct):
    version: str
    types: dict[str, dict[str, list[Described]]]


def described(model: Any) -> list[Described]:
    """The elements of a model, but for those of a kind that is not known."""
    found = []
    for attribute, about in model.model_fields.items():
        annotation, extra = repr(about.annotation), about.json_schema_extra or {}
        kind = _kind(annotation)
        if kind is not None:
            required = bool(about.is_required() or extra.get("element_required"))
            choice, needed = extra.get("one_of_many", ""), bool(extra.get("one_of_many_required"))
            found.append(Described(about.alias or attribute, attribute, kind, "List[" in annotation, required, choice, needed))
    return found


def _kind(annotation: str) -> str | None:
    if annotation == "bool | None":
        return "=bool"
    if found := _COMPLEX.search(annotation):
        return found[1]
    primitive = _PRIMITIVE.search(annotation)
    return f"={primitive[1]}" if primitive else None


def as_file(version: str, types: Mapping[str, Mapping[str, Iterable[Described]]]) -> bytes:
    """version: of fhir.resources; types: by release and name."""
    whole = msgspec.json.encode({"version": version, "types": {r: {n: list(e) for n, e in t.items()} for r, t in types.items()}})
    return whole.replace(b"]],", b"]],\n") + b"\n"


def from_file(version: str) -> Mapping[str, Mapping[str, list[Described]]]:
    """By release and type; nothing if the file is of another version of fhir.resources."""
    found = msgspec.json.decode(FILE.read_bytes(), type=_File)
    return found.types if found.version == version else {}
