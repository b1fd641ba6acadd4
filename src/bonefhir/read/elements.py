"""FHIR's datatypes: JSON text → what the tables hold. Strict: nothing is coerced, a wrong type is a fault with its path.

Texts repeat (a code, a unit, a patient), so each conversion is kept by its raw bytes and done once per distinct text.
A converter returns the value, or a `Read` that also holds a fault or kinds of warnings: in clean data, which is nearly all,
nothing has to be unpacked.
"""

import math
import re
import unicodedata
from collections.abc import Callable
from typing import Any, Generic, NamedTuple, TypeVar

import msgspec
from msgspec import UNSET, Raw, UnsetType

from bonefhir.read import keys, moments
from bonefhir.read.fault import Fault
from bonefhir.read.limits import DEFAULT
from bonefhir.read.memo import Memo

_ENCODE = msgspec.json.Encoder().encode
_PLACE = re.compile(r" - at `(?:key in )?\$(.*)`$")
_CODE = re.compile(r"\S+( \S+)*")
_PLAIN_NUMBER = re.compile(rb'"value":(-?(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,15})?)(?=[,}])')
_NUMBER = frozenset("-0123456789")


class Read(NamedTuple):
    """A value with something to say about it. null: unreadable; the path of the fault is relative to the element."""

    value: Any
    fault: Fault | None = None
    warnings: tuple[str, ...] = ()


def remembered(convert: Callable[[bytes], Read]) -> Memo[Any]:
    """The value; with something to say about it, the Read."""

    def find(raw: bytes) -> Any:
        read = convert(raw)
        return read if read.fault is not None or read.warnings else read.value

    return Memo(find)


class Coding(msgspec.Struct, omit_defaults=True):
    system: str | UnsetType = UNSET
    code: str | UnsetType = UNSET
    display: str | UnsetType = UNSET


class Concept(msgspec.Struct, omit_defaults=True):
    coding: list[Coding] | UnsetType = UNSET
    text: str | UnsetType = UNSET


class _Quantity(msgspec.Struct):
    value: Raw | UnsetType = UNSET
    comparator: str | UnsetType = UNSET
    unit: str | UnsetType = UNSET
    system: str | UnsetType = UNSET
    code: str | UnsetType = UNSET


class _Period(msgspec.Struct):
    start: Raw | UnsetType = UNSET
    end: Raw | UnsetType = UNSET


class Ratio(msgspec.Struct):
    numerator: Raw | UnsetType = UNSET
    denominator: Raw | UnsetType = UNSET


class Quantity(NamedTuple):
    """As written; value: the digits."""

    value: str | None = None
    comparator: str | None = None
    unit: str | None = None
    system: str | None = None
    code: str | None = None


class Period(NamedTuple):
    start: str | None = None
    end: str | None = None


NO_QUANTITY, NO_PERIOD = Quantity(), Period()
COMPARATORS = frozenset({"<", "<=", ">=", ">", "ad"})


def mistyped(error: Exception) -> Fault:
    """msgspec's error as a fault: where, and which type stands there. Never the value: msgspec names types only."""
    text = str(error)
    place = _PLACE.search(text)
    path = place[1].replace("[...]", "").strip(".") if place else ""
    return Fault("not-fhir", path or None, _PLACE.sub("", text).replace("`", "").lower())


T = TypeVar("T")


class Typed(Generic[T]):
    """Decodes one struct. Duplicate keys inside are a fault too, with the value null: neither is known to be meant."""

    def __init__(self, kind: type[T]) -> None:
        self._decode = msgspec.json.Decoder(kind).decode

    def __call__(self, raw: bytes | Raw) -> tuple[T | None, Fault | None]:
        text = bytes(raw)
        try:
            value = self._decode(text)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            return None, mistyped(error)
        if keys.repeated(text):
            return None, Fault("duplicate-keys", None, keys.TWICE)
        return value, None


_concept = Typed(Concept)
_quantity = Typed(_Quantity)
_period = Typed(_Period)
_text = msgspec.json.Decoder(str).decode


def _string(raw: bytes) -> Read:
    try:
        return Read(_text(raw))
    except msgspec.DecodeError as error:
        return Read(None, mistyped(error))


def _as_concept(raw: bytes) -> Read:
    """The CodeableConcept as compact JSON of its codings (system, code, display) and text."""
    concept, fault = _concept(raw)
    if concept is None:
        return Read(None, fault)
    fault, warnings = tidy(concept)
    return Read(_ENCODE(concept).decode(), fault, warnings)


def tidy(concept: Concept) -> tuple[Fault | None, tuple[str, ...]]:
    """Checks the codings, and limits their number: repeated ones are dropped, of more than the limit the first are kept.

    A code with blanks around it is no FHIR code: a fault; the blanks are cut so that one can see what it would have been.
    """
    fault, warnings = None, []
    codings = [] if concept.coding is UNSET else concept.coding
    for coding in codings:
        code = coding.code
        if isinstance(code, str) and not _CODE.fullmatch(code):
            fault = Fault("not-fhir", "coding.code", "not a code: empty, or with blanks before, after or doubled in it")
            coding.code = " ".join(code.split())
        elif isinstance(code, str) and not code.isascii() and unicodedata.normalize("NFKC", code).isascii():
            warnings.append("code-fullwidth")
    if len(codings) > DEFAULT.codings:
        concept.coding = list({(c.system, c.code, c.display): c for c in codings}.values())[: DEFAULT.codings]
        warnings.append("many-codings")
    return fault, tuple(dict.fromkeys(warnings))


def _as_quantity(raw: bytes) -> Read:
    """A Quantity as written. Values rarely repeat, but units do: what stands around a plain number is looked at once."""
    number = _PLAIN_NUMBER.search(raw)
    if number is not None and raw.count(b'"value"') == 1:
        around = _AROUND[raw[: number.start(1)] + b"0" + raw[number.end(1) :]]
        if type(around) is Quantity and around.value == "0":
            return Read(around._replace(value=number[1].decode("ascii")))
    return _whole_quantity(raw)


def _whole_quantity(raw: bytes) -> Read:
    found, fault = _quantity(raw)
    if found is None:
        return Read(NO_QUANTITY, fault)
    comparator = _or_null(found.comparator)
    if comparator is not None and comparator not in COMPARATORS:
        fault, comparator = Fault("bad-code", "comparator", "not in the required value set"), None
    value, wrong = _digits(found.value)
    return Read(Quantity(value, comparator, _or_null(found.unit), _or_null(found.system), _or_null(found.code)), wrong or fault)


def _digits(value: Raw | UnsetType) -> tuple[str | None, Fault | None]:
    """The digits of a JSON number as written; a string that looks like one is a fault, and so is what no float can hold."""
    if value is UNSET:
        return None, None
    text = bytes(value).decode("utf-8", "replace")
    if text[:1] not in _NUMBER:
        return None, Fault("not-fhir", "value", "not a number")
    if len(text) > DEFAULT.number:
        return None, Fault("too-large", "value", f"a number of more than {DEFAULT.number} characters")
    number = float(text)
    if math.isinf(number) or (number == 0 and any(digit in "123456789" for digit in text.lower().partition("e")[0])):
        return None, Fault("not-fhir", "value", "a number beyond the range of floating point")
    return text, None


def _as_period(raw: bytes) -> Read:
    found, fault = _period(raw)
    if found is None:
        return Read(NO_PERIOD, fault)
    start, end = (None if bound is UNSET else moments.date_time(bytes(bound)) for bound in (found.start, found.end))
    for name, bound, moment in (("start", found.start, start), ("end", found.end, end)):
        if bound is not UNSET and moment is None:
            fault = Fault("not-fhir", name, "not a date or time of FHIR")
    short = any(moment is not None and moments.without_seconds(moment) for moment in (start, end))
    return Read(Period(start, end), fault, ("no-seconds",) if short else ())


def _as_lows(raw: bytes) -> Read:
    """referenceRange: the `low` of each, as a JSON list of Quantities."""
    ranges, fault = _ranges(raw)
    if ranges is None:
        return Read(None, fault)
    lows = []
    for each in ranges:
        if each.low is not UNSET:
            low = as_read(QUANTITY[bytes(each.low)])
            fault = fault or within(low.fault, "low")
            if low.value.value is not None:
                lows.append(as_fields(low.value))
    return Read(_ENCODE(lows).decode() if lows else None, fault)


class _Range(msgspec.Struct):
    low: Raw | UnsetType = UNSET


_ranges = Typed(list[_Range])


def as_fields(quantity: Quantity) -> dict[str, Any]:
    """As a Quantity of FHIR, the value's digits as written."""
    found: dict[str, Any] = {name: text for name, text in quantity._asdict().items() if text is not None}
    if quantity.value is not None:
        found["value"] = Raw(quantity.value.encode())
    return found


def as_read(found: Any) -> Read:
    """What a Memo holds, always as a Read."""
    return found if type(found) is Read else Read(found)


def within(fault: Fault | None, path: str) -> Fault | None:
    """The fault with its path seen from the element's parent."""
    return fault and Fault(fault.reason, f"{path}.{fault.path}" if fault.path else path, fault.detail)


def _or_null(text: str | UnsetType) -> str | None:
    return None if isinstance(text, UnsetType) else text


STRING = remembered(_string)
CONCEPT = remembered(_as_concept)
_AROUND = remembered(_whole_quantity)
QUANTITY = remembered(_as_quantity)
PERIOD = remembered(_as_period)
LOWS = remembered(_as_lows)
