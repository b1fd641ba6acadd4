"""A strict gate before fhir.resources: what it lets through, fhir.resources would too; everything else goes the slow way.

It is made from the models of fhir.resources themselves: each becomes a msgspec struct with the same elements, unknown ones
forbidden, every text bound to a pattern that is narrower than its type's. Left out on purpose, so that they go the slow
way: contained resources, modifierExtension, implicitRules, deep nesting, rare types, incomplete times.
Each element of a resource is judged by itself, and remembered by its bytes: most of them (a code, a category, a performer, a
reference range) stand in thousands of resources alike. A test compares it with fhir.resources on mutated resources.
"""

import typing
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from bonefhir.read import characters, keys
from bonefhir.read.memo import Memo
from bonefhir.read.models import Described
from bonefhir.read.resource import FIELDS

Models = Callable[[str], Sequence[Described]]
"""Name of a FHIR type → the elements that fhir.resources' model of it has."""

Gates = Callable[[str, str], "Gate"]
"""Resource type, 'R4' or 'R5' → its gate. Made where one is needed."""

_LEVELS = 5
_LEFT_OUT = frozenset({"fhir_comments", "contained", "modifierExtension", "implicitRules"})
_EXTENSION_VALUES = frozenset(
    f"value{name}"
    for name in (
        *("String", "Code", "Boolean", "Integer", "Decimal", "Coding", "CodeableConcept", "DateTime", "Date"),
        *("Uri", "Quantity", "Reference", "Identifier", "Period"),
    )
)

_COMMON_DAY = r"(?:0[1-9]|1[0-2])-(?:0[1-9]|1[0-9]|2[0-8])|(?:0[13-9]|1[0-2])-(?:29|30)|(?:0[13578]|1[02])-31"
_LEAP_DAY = r"(?:[12][0-9](?:0[48]|[2468][048]|[13579][26])|(?:1[26]|2[048])00)-02-29"
_DAY = rf"(?:[12][0-9]{{3}}-(?:{_COMMON_DAY})|{_LEAP_DAY})"
_MONTH = r"[12][0-9]{3}(?:-(?:0[1-9]|1[0-2]))?"
_CLOCK = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,6})?"
_OFFSET = r"(?:Z|[+-](?:0[0-9]|1[0-3]):[0-5][0-9])"
DATE_TIME = rf"{_DAY}(?:T{_CLOCK}{_OFFSET})?|{_MONTH}"
INSTANT = rf"{_DAY}T{_CLOCK}{_OFFSET}"
DATE = rf"{_DAY}|{_MONTH}"
_PATTERNS = {
    "String": r"[\s\S]*[!-~][\s\S]*",
    "Markdown": r"[\s\S]*[!-~][\s\S]*",
    "Id": r"[A-Za-z0-9\-.]{1,64}",
    "Code": r"[!-~]+(?: [!-~]+)*",
    "Uri": r"[!-~]+",
    "Canonical": r"[!-~]+",
    "DateTime": DATE_TIME,
    "Instant": INSTANT,
    "Date": DATE,
    "Xhtml": r"<div[\s\S]*</div>",
}
_TWIN = "FHIRPrimitiveExtension"
"""The `_element` beside an element: fhir.resources refuses an empty one."""
_INTEGERS = frozenset({"Integer", "PositiveInt", "UnsignedInt"})
_COMPARATOR = r"<=?|>=?|ad"
_DIGITS = bytes.maketrans(b"123456789.eE+-", b"0" * 14)
_TOO_MANY = 65
_LONG_NUMBER = b"0" * _TOO_MANY
_NEVER = Annotated[str, Meta(max_length=0, min_length=1)]
_SHAPES = 1000
"""Sets of elements that are remembered."""

_ENCODE = msgspec.json.Encoder().encode
_COMPACT = msgspec.json.format


@dataclass(frozen=True)
class _Elements:
    """Of one FHIR type, as JSON names them. kinds: narrow types; groups: choice elements, and whether one must be there."""

    kinds: dict[str, Any] = field(default_factory=dict)
    attributes: dict[str, str] = field(default_factory=dict)
    required: set[str] = field(default_factory=set)
    groups: dict[str, list[str]] = field(default_factory=dict)
    needed: set[str] = field(default_factory=set)

    @property
    def choices(self) -> list[tuple[frozenset[str], bool]]:
        return [(frozenset(members), group in self.needed) for group, members in self.groups.items()]


class Gate:
    """For one resource type of one release. What was judged is kept, in bounds: values of each element, and sets of elements."""

    def __init__(self, resource_type: str, models: Models) -> None:
        elements = _Structs(models).elements(resource_type, _LEVELS)
        kinds = self._kinds = elements.kinds | {"resourceType": typing.Literal[resource_type]}
        self._decode_all: dict[str, Callable[[bytes], Any]] = {}
        self._decode = {name: msgspec.json.Decoder(kind).decode for name, kind in kinds.items()}
        self._admitted = {name: Memo(partial(self.admits, name), count=1 << 12, size=1 << 20) for name in kinds}
        self._complete: dict[tuple[str, ...], bool] = {}
        self._required = elements.required | {"resourceType"}
        self._choices = elements.choices

    def passes(self, raw: bytes) -> bool:
        """raw is certainly valid. False: not known."""
        try:
            fields = FIELDS(raw)
            if not keys.same_length(fields, raw):
                raw = _COMPACT(raw, indent=-1)
                fields = FIELDS(raw)
                if not keys.same_length(fields, raw):  # a key twice, or written with escapes
                    return False
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return False
        return self.completes(tuple(fields)) and all(self._admitted[name][bytes(value)] for name, value in fields.items())

    def completes(self, names: tuple[str, ...]) -> bool:
        """These are elements of the type, whatever must be there is, and of a choice no more than one."""
        found = self._complete.get(names)
        if found is None:
            given = set(names)
            counts = ((len(members & given), needed) for members, needed in self._choices)
            found = self._required <= given <= self._decode.keys() and all(
                count == 1 or (count == 0 and not needed) for count, needed in counts
            )
            if len(self._complete) >= _SHAPES:
                self._complete.clear()
            self._complete[names] = found
        return found

    def admits(self, name: str, raw: bytes) -> bool:
        """raw is certainly a valid value of the element."""
        decode = self._decode.get(name)
        if decode is None or (b"\\u" in raw and characters.suspect(raw)) or _number_too_long(raw):
            return False
        try:
            value = decode(raw)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return False
        return raw[:1] not in b"[{" or not keys.repeated(raw, value)

    def admits_all(self, name: str, raws: Sequence[bytes]) -> bool:
        """All of these JSON values are certainly valid: as the members of a list, which is judged at once."""
        if name not in self._decode_all:
            self._decode_all[name] = msgspec.json.Decoder(list[self._kinds.get(name, _NEVER)]).decode  # type: ignore[misc]
        text = b"[" + b",".join(raws) + b"]"
        if b"\\" in text or _number_too_long(text):
            return False
        try:
            value = self._decode_all[name](text)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return False
        return not keys.repeated(text, value)


def _number_too_long(raw: bytes) -> bool:
    return len(raw) > len(_LONG_NUMBER) and _LONG_NUMBER in raw.translate(_DIGITS)


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
        elements = self.elements(name, levels)
        attributes, choices = elements.attributes, elements.choices
        return msgspec.defstruct(
            f"{name}{levels}",
            [
                (attributes[each], kind) if each in elements.required else (attributes[each], kind | UnsetType, UNSET)
                for each, kind in elements.kinds.items()
            ],
            namespace={"__post_init__": _one_of_each(choices, attributes)} if choices else None,
            rename={attribute: each for each, attribute in attributes.items()},
            forbid_unknown_fields=True,
            kw_only=True,
            gc=False,
        )

    def elements(self, name: str, levels: int) -> _Elements:
        found = _Elements()
        for each in self._models(name):
            kind = self._type(each, name, levels)
            if kind is None:
                continue
            twin = name == _TWIN and each.attribute == "extension"
            found.kinds[each.name] = Annotated[kind, Meta(min_length=1)] if twin else kind
            found.attributes[each.name] = each.attribute
            if twin or each.required:
                found.required.add(each.name)
            if each.choice:
                found.groups.setdefault(each.choice, []).append(each.name)
                found.needed.update({each.choice} if each.needed else ())
        return found

    def _type(self, each: Described, owner: str, levels: int) -> Any:
        """The narrow type of an element; null: the element is left out."""
        stem = each.attribute.removesuffix("__ext")
        rare = owner == "Extension" and stem.startswith("value") and stem not in _EXTENSION_VALUES
        if each.attribute in _LEFT_OUT or rare:
            return None
        if each.attribute == "comparator":
            return _text(_COMPARATOR)
        kind = _primitive(each.kind[1:]) if each.kind[0] == "=" else self._complex(each.kind, levels)
        return list[kind] if each.many and kind is not None else kind  # type: ignore[valid-type]

    def _complex(self, name: str, levels: int) -> Any:
        return None if levels == 0 or name == "Resource" else self.struct(name, levels - 1)


def _primitive(name: str) -> Any:
    if name in ("bool", "Decimal"):
        return {"bool": bool, "Decimal": float}[name]
    if name in _INTEGERS:
        return Annotated[int, Meta(ge={"PositiveInt": 1, "UnsignedInt": 0}.get(name, -(1 << 31)), lt=1 << 31)]
    return _text(_PATTERNS[name]) if name in _PATTERNS else None


def _text(pattern: str) -> Any:
    return Annotated[str, Meta(pattern=rf"\A(?:{pattern})\Z")]


def _one_of_each(choices: list[tuple[frozenset[str], bool]], attributes: dict[str, str]) -> Callable[[Any], None]:
    """At most one of each [x], and one where it is required."""
    names = [(tuple(attributes[member] for member in members), needed) for members, needed in choices]

    def check(self: Any) -> None:
        for members, needed in names:
            given = sum(getattr(self, name) is not UNSET for name in members)
            if given > 1 or (needed and given == 0):
                raise ValueError("a choice element must be there exactly once")

    return check
