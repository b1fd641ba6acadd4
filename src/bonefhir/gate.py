"""A strict gate before fhir.resources: what it lets through, fhir.resources would too; everything else goes the slow way.

It is made from the models of fhir.resources themselves: each becomes a msgspec struct with the same elements, unknown ones
forbidden, every text bound to a pattern that is narrower than its type's. Left out on purpose, so that they go the slow
way: contained resources, modifierExtension, implicitRules, deep nesting, rare types, 29 February, incomplete times.
It costs about a twentieth of fhir.resources. A test compares the two on mutated resources.
"""

import re
import typing
from collections.abc import Callable
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from bonefhir.read import characters, keys

Models = Callable[[str], Any]
"""Name of a FHIR type → fhir.resources' model."""

_LEVELS = 5
_LEFT_OUT = frozenset({"fhir_comments", "contained", "modifierExtension", "implicitRules"})
_EXTENSION_VALUES = frozenset(
    f"value{name}"
    for name in (
        *("String", "Code", "Boolean", "Integer", "Decimal", "Coding", "CodeableConcept", "DateTime", "Date"),
        *("Uri", "Quantity", "Reference", "Identifier", "Period"),
    )
)

_DAY = r"[12][0-9]{3}-(?:(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])|(?:0[13-9]|1[0-2])-(?:29|30)|(?:0[13578]|1[02])-31)"
_MONTH = r"[12][0-9]{3}(?:-(?:0[1-9]|1[0-2]))?"
_CLOCK = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,6})?"
_OFFSET = r"(?:Z|[+-](?:0[0-9]|1[0-3]):[0-5][0-9])"
_PATTERNS = {
    "String": r"[\s\S]*[!-~][\s\S]*",
    "Markdown": r"[\s\S]*[!-~][\s\S]*",
    "Id": r"[A-Za-z0-9\-.]{1,64}",
    "Code": r"[!-~]+(?: [!-~]+)*",
    "Uri": r"[!-~]+",
    "Canonical": r"[!-~]+",
    "DateTime": rf"{_DAY}(?:T{_CLOCK}{_OFFSET})?|{_MONTH}",
    "Instant": rf"{_DAY}T{_CLOCK}{_OFFSET}",
    "Date": rf"{_DAY}|{_MONTH}",
    "Xhtml": r"<div[\s\S]*</div>",
}
_TWIN = "FHIRPrimitiveExtension"
"""The `_element` beside an element: fhir.resources refuses an empty one."""
_INTEGERS = frozenset({"Integer", "PositiveInt", "UnsignedInt"})
_COMPARATOR = r"<=?|>=?|ad"
_COMPLEX = re.compile(r"abc\.(\w+)Type")
_DIGITS = bytes.maketrans(b"123456789.eE+-", b"0" * 14)
_LONG_NUMBER = b"0" * 65


class Gate:
    """For one resource type of one release."""

    def __init__(self, resource_type: str, models: Models) -> None:
        self._decode = msgspec.json.Decoder(_Structs(models).struct(resource_type, _LEVELS)).decode

    def passes(self, raw: bytes) -> bool:
        """raw is certainly valid. False: not known."""
        if (b"\\u" in raw and characters.suspect(raw)) or _LONG_NUMBER in raw.translate(_DIGITS):
            return False
        try:
            self._decode(raw)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return False
        return not keys.repeated(raw)


class _Structs:
    """Structs made of models, one for each type and number of levels that may still follow."""

    def __init__(self, models: Models) -> None:
        self._models = models
        self._made: dict[tuple[str, int], Any] = {}

    def struct(self, name: str, levels: int) -> Any:
        if (name, levels) not in self._made:
            self._made[name, levels] = self._make(name, levels)
        return self._made[name, levels]

    def _make(self, name: str, levels: int) -> Any:
        model = self._models(name)
        fields: list[Any] = [("resourceType", typing.Literal[name])] if levels == _LEVELS else []
        groups: dict[str, list[str]] = {}
        needed: set[str] = set()
        for attribute, field in model.model_fields.items():
            kind = self._type(attribute, field, name, levels)
            if kind is None:
                continue
            extra = field.json_schema_extra or {}
            twin = name == _TWIN and attribute == "extension"
            kind = Annotated[kind, Meta(min_length=1)] if twin else kind
            required = twin or field.is_required() or extra.get("element_required")
            fields.append((attribute, kind) if required else (attribute, kind | UnsetType, UNSET))
            if "one_of_many" in extra:
                groups.setdefault(extra["one_of_many"], []).append(attribute)
                needed |= {extra["one_of_many"]} if extra["one_of_many_required"] else set()
        aliases = {attribute: field.alias for attribute, field in model.model_fields.items() if field.alias}
        return msgspec.defstruct(
            f"{name}{levels}",
            fields,
            namespace={"__post_init__": _one_of_each(groups, needed)} if groups else None,
            rename=aliases,
            forbid_unknown_fields=True,
            kw_only=True,
        )

    def _type(self, attribute: str, field: Any, owner: str, levels: int) -> Any:
        """The narrow type of an element; null: the element is left out."""
        rare = owner == "Extension" and attribute.startswith("value") and attribute.removesuffix("__ext") not in _EXTENSION_VALUES
        if attribute in _LEFT_OUT or rare:
            return None
        if attribute == "comparator":
            return _text(_COMPARATOR)
        annotation = repr(field.annotation)
        many = "List[" in annotation
        found = _COMPLEX.search(annotation)
        kind = self._complex(found[1], levels) if found else _primitive(annotation)
        return list[kind] if many and kind is not None else kind  # type: ignore[valid-type]

    def _complex(self, name: str, levels: int) -> Any:
        return None if levels == 0 or name == "Resource" else self.struct(name, levels - 1)


def _primitive(annotation: str) -> Any:
    if annotation == "bool | None":
        return bool
    name = re.search(r"(\w+)(?:\([^()]*\)|\sobject at \w+>)\]", annotation)
    if name is None:
        return None
    if name[1] == "Decimal":
        return float
    if name[1] in _INTEGERS:
        return Annotated[int, Meta(ge={"PositiveInt": 1, "UnsignedInt": 0}.get(name[1], -(1 << 31)), lt=1 << 31)]
    return _text(_PATTERNS[name[1]]) if name[1] in _PATTERNS else None


def _text(pattern: str) -> Any:
    return Annotated[str, Meta(pattern=rf"\A(?:{pattern})\Z")]


def _one_of_each(groups: dict[str, list[str]], needed: set[str]) -> Callable[[Any], None]:
    """Choice elements: at most one of each [x], and one where it is required."""
    names = [(tuple(members), group in needed) for group, members in groups.items()]

    def check(self: Any) -> None:
        for members, required in names:
            given = sum(getattr(self, name) is not UNSET for name in members)
            if given > 1 or (required and given == 0):
                raise ValueError("a choice element must be there exactly once")

    return check
