"""Words and phrases in texts: semantics.md, section 3."""

import re
import unicodedata
from collections.abc import Iterable

ANYWHERE = ("no", "not", "without", "rule out", "suspected", "family history", "history of")
"""'anywhere before the phrase in its clause'"""

CLOSE_BEFORE = ("screening", "risk", "at-risk", "prevention", "prophylaxis")
"""'at most three words before it'; a word with a hyphen is one word: a high-risk myeloma is a myeloma"""

AFTER = ("screening", "ruled out", "excluded", "unlikely")
"""'right after it'"""

URINE_AND_SO_ON = (
    "urine", "urinary", "ratio", "clearance", "dialysate", "dialysis", "fluid", "stone", "crystals", "oxalate", "score",
    "product", "filtration", "gfr", "formula", "kinase", "antibody",
)  # fmt: skip

CLAUSE_END = re.compile(r"[,.;]")
SENTENCE_END = re.compile(r"[.;]")
WORD = re.compile(r"\w+(?:['-]\w+)*")


def plain(text: str) -> str:
    """One spelling of letters, apostrophes and blanks, lower case."""
    return re.sub(r"\s+", " ", unicodedata.normalize("NFKC", text).replace("’", "'")).strip().casefold()


def occurrences(text: str, phrase: str) -> list[tuple[int, int]]:
    """Where a whole word or phrase stands in a plain text."""
    found = re.finditer(rf"(?<!\w){re.escape(plain(phrase))}(?!\w)", text)
    return [match.span() for match in found]


def holds(text: str, phrases: Iterable[str]) -> bool:
    return any(occurrences(plain(text), phrase) for phrase in phrases)


def first_named(texts: Iterable[str], names: Iterable[tuple[str, str]]) -> str | None:
    """Of (name, meaning): the meaning of the name that stands first in the first text that has one; the longer of two."""
    names = list(names)
    for text in texts:
        spots = [(start, -(end - start), meaning) for name, meaning in names for start, end in occurrences(plain(text), name)]
        if spots:
            return min(spots)[2]
    return None


def says(text: str, phrases: Iterable[str]) -> bool:
    """'by text: a whole phrase listed for the value set …, not where it is denied'."""
    flat = plain(text)
    return any(not denied(flat, start, end) for phrase in phrases for start, end in occurrences(flat, phrase))


def denied(text: str, start: int, end: int) -> bool:
    """'no, not, without, rule out, suspected, family history, history of anywhere before the phrase in its clause (no comma,
    full stop or semicolon between); screening, risk, prevention, prophylaxis at most three words before it; screening, ruled
    out, excluded, unlikely right after it.'"""
    before = WORD.findall(CLAUSE_END.split(text[:start])[-1])
    after = WORD.findall(SENTENCE_END.split(text[end:])[0])
    return (
        any(occurrences(" ".join(before), word) for word in ANYWHERE)
        or any(word in CLOSE_BEFORE for word in before[-3:])
        or any(" ".join(after[: len(word.split())]) == word for word in AFTER)
    )


STRENGTH = re.compile(
    r"(?<![\w.,])(\d+(?:\.\d+)?)\s*(mg|g|mcg|ug|μg)(?![a-z])(?:\s*/\s*(\d+(?:\.\d+)?)?\s*ml(?![a-z]))?",
)


def strengths(text: str) -> list[tuple[float, float | None]]:
    """Amounts in mg that a text prints, each with the mL it is printed for ('0.8 mg/mL': (0.8, 1.0), '4 mg': (4.0, None))."""
    to_mg = {"mg": 1.0, "g": 1000.0}
    found = []
    for match in STRENGTH.finditer(plain(text)):
        amount = float(match[1]) * to_mg.get(match[2], 0.001)
        per_volume = "/" in match[0]
        found.append((amount, (float(match[3]) if match[3] else 1.0) if per_volume else None))
    return found
