"""The texts of the reports, read from report/wording/<language>.toml. No sentence for people stands in code."""

import re
import tomllib
from collections.abc import Mapping
from functools import cache, lru_cache
from importlib.resources import files
from math import floor, inf, isfinite, isnan, log10
from typing import Any

from bonefhir.report.suppress import HIDDEN, Shown

_DECIMALS = 3
_USUAL = (0.001, 9_999)
_KEPT = 4_096
"""Quantities in words: amounts, limits and results repeat."""


class Wording:
    """`text` of a key that is not there is a defect, and raises; a `word` of a vocabulary that sites extend is its own name."""

    def __init__(self, texts: Mapping[str, Any]) -> None:
        self._texts = texts
        groups = {name: group for name, group in texts.items() if isinstance(group, Mapping)}
        self._by_key = {f"{group}.{name}": text for group, words in groups.items() for name, text in words.items()}

    @property
    def language(self) -> str:
        return str(self._texts["language"])

    def text(self, key: str, **values: object) -> str:
        """'phi.title' -> the text, its {names} filled in."""
        return str(self._by_key[key]).format(**values)

    def word(self, group: str, name: str) -> str:
        return str(self._texts[group].get(name, name))

    def group(self, group: str) -> dict[str, str]:
        """All words of a vocabulary."""
        return {name: str(text) for name, text in self._texts[group].items()}

    @property
    def thousands(self) -> str:
        return str(self._texts["thousands"])

    @property
    def decimal(self) -> str:
        return str(self._texts["decimal"])

    @property
    def to(self) -> str:
        """Between the ends of a range."""
        return str(self._texts["to"])

    def number(self, number: Shown) -> str:
        """'12,345', '<11', '≥20', 'suppressed'."""
        if isinstance(number, int):
            return f"{number:,}".replace(",", self._texts["thousands"])
        return str(self._texts["suppressed"]) if number == HIDDEN else number.replace(">=", "≥")

    def counted(self, noun: str, number: int) -> str:
        """'1 dose', '2 doses'."""
        one, many = self._texts["nouns"][noun]
        return f"{self.number(number)} {one if number == 1 else many}"

    def percent(self, share: float) -> str:
        return f"{100 * share:.1f}\u00a0%".replace(".", self._texts["decimal"])

    def significant(self, number: float) -> str:
        """Four significant digits: '44.04', or '44,04'."""
        return self.decimals(significant(number))

    def decimals(self, text: str) -> str:
        """A formula or a number with the language's decimal sign."""
        return text if self.decimal == "." else re.sub(r"(?<=\d)\.(?=\d)", self.decimal, text)

    def measured(self, low: float | None, high: float | None, unit: str | None) -> str:
        """'1.4 mg/dL', '1.2 to 1.4 mg/dL', '≥ 90 mL/min'; '' if nothing was measured."""
        return "" if low is None or high is None or isnan(low) or isnan(high) else self._span(low, high, unit)

    @lru_cache(_KEPT)  # noqa: B019 there is one of each language, and it stays
    def _span(self, low: float, high: float, unit: str | None) -> str:
        first, last = _plain(low), _plain(high)
        span = f"≥ {first}" if high == inf else first if first == last else f"{first} {self.to} {last}"
        span = self.decimals(span)
        shown = self.word("units", unit) if unit else ""
        return f"{span} {shown}" if shown else span


def significant(number: float) -> str:
    """Four significant digits, without a power of ten: '44.04', '1204', '0.0123'. For numbers put into a formula."""
    if not isfinite(number) or number == 0:
        return "0" if number == 0 else "?"
    if _USUAL[0] <= number < _USUAL[1]:
        return f"{number:.4g}"  # the same there, and quicker
    decimals = max(0, 3 - floor(log10(abs(number))))
    text = f"{number:.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def _plain(number: float) -> str:
    return f"{round(number, _DECIMALS):.{_DECIMALS}f}".rstrip("0").rstrip(".")


@cache
def load(language: str = "en") -> Wording:
    """One of settings.LANGUAGES."""
    return Wording(tomllib.loads((files("bonefhir.report") / "wording" / f"{language}.toml").read_text("utf-8")))


@cache
def all_languages() -> tuple[Wording, ...]:
    """Every language there is: what people hand back may be in any."""
    folder = files("bonefhir.report") / "wording"
    return tuple(
        load(name.removesuffix(".toml")) for name in sorted(entry.name for entry in folder.iterdir()) if name.endswith(".toml")
    )
