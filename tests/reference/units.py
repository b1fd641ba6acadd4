"""Units of measure: semantics.md, section 3, 'Units'."""

import re
import unicodedata
from dataclasses import dataclass

UCUM_SYSTEM = "http://unitsofmeasure.org"

PREFIXES = {
    "P": 1e15, "T": 1e12, "G": 1e9, "M": 1e6, "k": 1e3, "h": 1e2, "da": 1e1,
    "d": 1e-1, "c": 1e-2, "m": 1e-3, "u": 1e-6, "n": 1e-9, "p": 1e-12, "f": 1e-15,
}  # fmt: skip

METRIC = {
    "g": (1.0, {"mass": 1}), "m": (1.0, {"length": 1}), "s": (1.0, {"time": 1}), "mol": (1.0, {"substance": 1}),
    "eq": (1.0, {"charge": 1}), "L": (1e-3, {"length": 3}), "l": (1e-3, {"length": 3}),
    "Bq": (1.0, {"activity": 1}), "Ci": (3.7e10, {"activity": 1}),
}  # fmt: skip

PLAIN = {
    "min": (60.0, {"time": 1}), "h": (3600.0, {"time": 1}), "d": (86400.0, {"time": 1}), "wk": (604800.0, {"time": 1}),
    "mo": (2629800.0, {"time": 1}), "a": (31557600.0, {"time": 1}), "[lb_av]": (453.59237, {"mass": 1}),
    "[oz_av]": (28.349523125, {"mass": 1}), "[in_i]": (0.0254, {"length": 1}), "[ft_i]": (0.3048, {"length": 1}),
    "[in_us]": (0.0254000508001016, {"length": 1}), "%": (0.01, {}), "10*": (10.0, {}), "10^": (10.0, {}),
}  # fmt: skip

KINDS = {
    (("mass", 1),): "mass",
    (("length", 1),): "length",
    (("length", 2),): "area",
    (("length", 3),): "volume",
    (("time", 1),): "time",
    (("activity", 1),): "radioactivity",
    (("length", -3), ("mass", 1)): "mass_concentration",
    (("length", -3), ("substance", 1)): "substance_concentration",
    (("charge", 1), ("length", -3)): "equivalent_concentration",
    (("activity", 1), ("length", -3)): "radioactivity_concentration",
    (("length", -3),): "count_concentration",
    (("length", 3), ("time", -1)): "volumetric_flow",
    (("mass", 1), ("time", -1)): "rate_mass",
    (("activity", 1), ("time", -1)): "rate_radioactivity",
    (("activity", 1), ("mass", -1)): "radioactivity_per_mass",
    (("length", -2), ("mass", 1)): "mass_per_area",
    (): "dimensionless",
}

PART = re.compile(r"(?P<power>10[*^])(?P<tens>-?\d+)?|(?P<number>\d+)(?![*^])|(?P<atom>\[[^\]]+\]|[A-Za-z%]+)(?P<exponent>-?\d)?")
ANNOTATION = re.compile(r"\{[^}]*\}")


@dataclass(frozen=True)
class Unit:
    """A unit: its UCUM code, the kind of quantity, and the factor to the kind's base (g, m, s, mol, Bq and their quotients)."""

    code: str
    kind: str
    factor: float


def clean(text: object) -> str:
    """'NFKC, trim' (TERMINOLOGY.md, section 7). Empty for anything that is not a text."""
    return unicodedata.normalize("NFKC", text).strip() if isinstance(text, str) else ""


def parsed(code: str) -> Unit | None:
    """'any UCUM unit that converts within the kind of quantity': products and quotients of prefixed units."""
    bare = ANNOTATION.sub("", code)
    if bare != code and "/{" in code:
        return None
    factor, dimensions, mass_above, mass_below = 1.0, dict[str, int](), False, False
    for position, quotient in enumerate(bare.split("/")):
        sign = -1 if position else 1
        for word in quotient.strip("()").split("."):
            if word == "" and position == 0 and len(bare) > 1:
                continue
            part = _part(word)
            if part is None:
                return None
            size, of = part
            factor *= size**sign
            for name, exponent in of.items():
                dimensions[name] = dimensions.get(name, 0) + sign * exponent
            mass_above |= "mass" in of and sign == 1
            mass_below |= "mass" in of and sign == -1
    key = tuple(sorted((name, exponent) for name, exponent in dimensions.items() if exponent))
    kind = "mass_per_mass" if mass_above and mass_below and not key else KINDS.get(key)
    return Unit(code, kind, factor) if kind else None


def _part(word: str) -> tuple[float, dict[str, int]] | None:
    found = PART.fullmatch(word)
    if found is None:
        return None
    if found["number"]:
        return float(found["number"]), {}
    if found["power"]:
        return 10.0 ** int(found["tens"] or 1), {}
    atom, exponent = found["atom"], int(found["exponent"] or 1)
    known = _atom(atom)
    if known is None:
        return None
    return known[0] ** exponent, {name: count * exponent for name, count in known[1].items()}


def _atom(atom: str) -> tuple[float, dict[str, int]] | None:
    if atom in PLAIN:
        return PLAIN[atom]
    if atom in METRIC:
        return METRIC[atom]
    for prefix, size in PREFIXES.items():
        if atom.startswith(prefix) and atom[len(prefix) :] in METRIC:
            base, of = METRIC[atom[len(prefix) :]]
            return size * base, of
    return None


@dataclass(frozen=True)
class UnitTable:
    """terminology/units.csv: every alias, the UCUM codes themselves, and the texts that are never guessed."""

    aliases: dict[str, Unit]
    ucum: dict[str, Unit]
    refused: frozenset[str]

    def named(self, text: str) -> Unit | None:
        """A bare code or unit text: the exact alias table first, then as UCUM."""
        if not text or text in self.refused:
            return None
        return self.aliases.get(text) or self.ucum.get(text) or parsed(text)

    def coded(self, code: str) -> Unit | None:
        """A code of the system UCUM that is known as it stands, and not only as somebody's alias."""
        if not code or code in self.refused:
            return None
        if code in self.ucum:
            return self.ucum[code]
        read, alias = parsed(code), self.aliases.get(code)
        return read if read and (alias is None or equal(read, alias)) else None

    def lookup(self, system: object, code: object, text: object) -> tuple[Unit | None, str | None]:
        """The unit of a Quantity, or the problem.

        'UCUM system and a known code: as is; if the `unit` text is known too and means another unit, unusable,
        `unit-conflict`. Otherwise the bare `code`, then the `unit` text, through the alias table, assumption `unit-alias`.
        Nothing at all: unusable, `no-unit`. Unknown …: unusable, `unit-mismatch`.'
        """
        code, text = clean(code), clean(text)
        if not code and not text:
            return None, "no-unit"
        known = self.coded(code) if system == UCUM_SYSTEM else None
        if known:
            other = self.named(text)
            return (None, "unit-conflict") if other and not equal(known, other) else (known, None)
        unit = self.named(code) or self.named(text)
        return (unit, None) if unit else (None, "unit-mismatch")


def equal(one: Unit, other: Unit) -> bool:
    """Two names of one unit."""
    return one.kind == other.kind and abs(one.factor / other.factor - 1) < 1e-9
