"""As much of UCUM as doses, labs and infusions need: products, quotients, exponents, prefixes, annotations; exact factors."""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from bonefhir.knowledge.model import Unit

PREFIXES: Mapping[str, int | Fraction] = {
    "G": 10**9, "M": 10**6, "k": 10**3, "h": 10**2, "da": 10, "d": Fraction(1, 10), "c": Fraction(1, 100),
    "m": Fraction(1, 10**3), "u": Fraction(1, 10**6), "n": Fraction(1, 10**9), "p": Fraction(1, 10**12), "f": Fraction(1, 10**15),
}  # fmt: skip

Dimensions = Mapping[str, int]
"""m length, g mass, s time, mol substance, eq charge, Bq activity, IU arbitrary units, bsa body surface normalised."""

_ATOMS: Mapping[str, tuple[Fraction, Dimensions, bool]] = {
    "m": (Fraction(1), {"m": 1}, True),
    "g": (Fraction(1), {"g": 1}, True),
    "s": (Fraction(1), {"s": 1}, True),
    "min": (Fraction(60), {"s": 1}, False),
    "h": (Fraction(3600), {"s": 1}, False),
    "d": (Fraction(86400), {"s": 1}, False),
    "wk": (Fraction(604800), {"s": 1}, False),
    "mo": (Fraction(2629800), {"s": 1}, False),
    "a": (Fraction(31557600), {"s": 1}, False),
    "L": (Fraction(1, 1000), {"m": 3}, True),
    "l": (Fraction(1, 1000), {"m": 3}, True),
    "mol": (Fraction(1), {"mol": 1}, True),
    "eq": (Fraction(1), {"eq": 1}, True),
    "kat": (Fraction(1), {"mol": 1, "s": -1}, True),
    "U": (Fraction(1, 60 * 10**6), {"mol": 1, "s": -1}, True),
    "[IU]": (Fraction(1), {"IU": 1}, True),
    "[iU]": (Fraction(1), {"IU": 1}, True),
    "Bq": (Fraction(1), {"Bq": 1}, True),
    "Ci": (Fraction(37 * 10**9), {"Bq": 1}, True),
    "[lb_av]": (Fraction(45359237, 10**5), {"g": 1}, False),
    "[oz_av]": (Fraction(28349523125, 10**9), {"g": 1}, False),
    "[in_i]": (Fraction(254, 10**4), {"m": 1}, False),
    "[in_us]": (Fraction(100, 3937), {"m": 1}, False),
    "[ft_i]": (Fraction(3048, 10**4), {"m": 1}, False),
    "%": (Fraction(1, 100), {}, False),
    "10*": (Fraction(10), {}, False),
    "10^": (Fraction(10), {}, False),
}
"""UCUM atom -> (factor to the base units, dimensions, takes prefixes)."""

KINDS: Mapping[tuple[frozenset[tuple[str, int]], frozenset[tuple[str, int]]], str] = {
    (frozenset(above.items()), frozenset(below.items())): kind
    for above, below, kind in (
        ({"g": 1}, {"m": 3}, "mass_concentration"),
        ({"mol": 1}, {"m": 3}, "substance_concentration"),
        ({"eq": 1}, {"m": 3}, "equivalent_concentration"),
        ({"m": 3}, {"s": 1}, "volumetric_flow"),
        ({"m": 3}, {"s": 1, "bsa": 1}, "bsa_normalised_flow"),
        ({}, {"m": 3}, "count_concentration"),
        ({"mol": 1}, {"s": 1, "m": 3}, "catalytic_concentration"),
        ({"IU": 1}, {"m": 3}, "arbitrary_concentration"),
        ({"IU": 1}, {}, "arbitrary_amount"),
        ({"g": 1}, {}, "mass"),
        ({"g": 1}, {"g": 1}, "mass_per_mass"),
        ({"g": 1}, {"m": 2}, "mass_per_area"),
        ({"g": 1}, {"s": 1}, "rate_mass"),
        ({"Bq": 1}, {}, "radioactivity"),
        ({"Bq": 1}, {"g": 1}, "radioactivity_per_mass"),
        ({"Bq": 1}, {"m": 3}, "radioactivity_concentration"),
        ({"Bq": 1}, {"s": 1}, "rate_radioactivity"),
        ({"m": 3}, {}, "volume"),
        ({"m": 1}, {}, "length"),
        ({"m": 2}, {}, "area"),
        ({"s": 1}, {}, "time"),
        ({}, {}, "dimensionless"),
    )
}
"""(dimensions above, dimensions below the line) -> kind of quantity. They are not cancelled: mg/kg is no pure number."""

_TOKEN = re.compile(r"\{[^{}]*\}|[./()]|[^./(){}]+")
_SIMPLE = re.compile(r"(?P<unit>10[*^]|[^0-9+\-]+|\[[^\]]+\])(?P<exponent>[+-]?\d+)?")
_BSA = re.compile(r"\{1[.,]73[ _]?m[\^*]?2\}")


@dataclass(frozen=True)
class Term:
    """A factor to the base units, with the dimensions that stand above and below the line."""

    factor: Fraction
    above: Counter[str]
    below: Counter[str]

    def over(self) -> "Term":
        return Term(1 / self.factor, self.below, self.above)

    def times(self, other: "Term") -> "Term":
        return Term(self.factor * other.factor, self.above + other.above, self.below + other.below)


ONE = Term(Fraction(1), Counter(), Counter())


@lru_cache(maxsize=4096)
def parse(code: str) -> Unit | None:
    """The unit that a UCUM code means; None if it is not UCUM, or no kind of quantity that is used here."""
    tokens = _TOKEN.findall(code)
    if not code or "".join(tokens) != code:
        return None
    try:
        term, rest = _product(tokens)
    except (ValueError, ZeroDivisionError):
        return None
    kind = KINDS.get((frozenset(term.above.items()), frozenset(term.below.items())))
    return None if rest or kind is None else Unit(code, kind, float(term.factor))


def _product(tokens: list[str]) -> tuple[Term, list[str]]:
    """Left to right: a/b.c is (a/b).c, as UCUM reads it. Stops before ')'."""
    total, below = ONE, False
    if tokens and tokens[0] == "/":
        below, tokens = True, tokens[1:]
    while True:
        term, tokens = _component(tokens)
        total = total.times(term.over() if below else term)
        if not tokens or tokens[0] == ")":
            return total, tokens
        if tokens[0] not in "./":
            raise ValueError(tokens[0])
        below, tokens = tokens[0] == "/", tokens[1:]


def _component(tokens: list[str]) -> tuple[Term, list[str]]:
    if not tokens or tokens[0] in "./)":
        raise ValueError("a unit is missing")
    head, rest = tokens[0], tokens[1:]
    if head == "(":
        term, rest = _product(rest)
        if not rest:
            raise ValueError("a bracket is not closed")
        return term, rest[1:]
    if head.startswith("{"):
        return _annotation(head), rest
    term = _simple(head)
    if rest and rest[0].startswith("{"):
        return term.times(_annotation(rest[0])), rest[1:]
    return term, rest


def _annotation(text: str) -> Term:
    """UCUM gives it no dimension. This one tells an eGFR from a clearance, so it counts here."""
    return Term(Fraction(1), Counter({"bsa": 1}), Counter()) if _BSA.fullmatch(text) else ONE


def _simple(text: str) -> Term:
    if text.isascii() and text.isdigit():
        return Term(Fraction(int(text)), Counter(), Counter())
    found = _SIMPLE.fullmatch(text)
    if found is None:
        raise ValueError(text)
    factor, dimensions = _atom(found["unit"])
    exponent = int(found["exponent"] or 1)
    if abs(exponent) > 30:
        raise ValueError(text)
    signed = {name: power * exponent for name, power in dimensions.items()}
    above, below = ({n: p for n, p in signed.items() if p > 0}, {n: -p for n, p in signed.items() if p < 0})
    return Term(factor**exponent, Counter(above), Counter(below))


def _atom(text: str) -> tuple[Fraction, Dimensions]:
    if text in _ATOMS:
        return _ATOMS[text][:2]
    for prefix, power in PREFIXES.items():
        atom = _ATOMS.get(text[len(prefix) :]) if text.startswith(prefix) else None
        if atom is not None and atom[2]:
            return atom[0] * power, atom[1]
    raise ValueError(text)
