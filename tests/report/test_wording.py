"""Every word of the closed vocabularies has its text, and the texts say nothing that a report should not."""

import math
import re
import tomllib
from importlib.resources import files
from typing import Any

import pytest

from bonefhir.report.counts import OUTCOMES
from bonefhir.report.wording import load
from bonefhir.vocabulary import ASSUMPTIONS, PRINTED_AS, REASONS, SEVERITIES

TEXTS: dict[str, Any] = tomllib.loads((files("bonefhir.report") / "wording" / "en.toml").read_text("utf-8"))


@pytest.mark.parametrize(
    ("group", "words"),
    [
        ("reasons", REASONS),
        ("needed", REASONS),
        ("assumptions", [PRINTED_AS.get(word, word) for word in ASSUMPTIONS]),
        ("severities", SEVERITIES),
        ("outcomes", OUTCOMES),
        ("outcome_meanings", OUTCOMES),
        ("outcome_marks", OUTCOMES),
    ],
)
def test_vocabularies_are_covered(group: str, words: list[str]) -> None:
    assert set(words) <= set(TEXTS[group])


def test_no_text_is_left_unused() -> None:
    """A key that neither a template nor the code names is a text that nobody sees."""
    package = files("bonefhir.report")
    listed = [*package.iterdir(), *(package / "templates").iterdir()]
    source = "\n".join(file.read_text("utf-8") for file in listed if file.name.endswith((".py", ".html")))
    for group in ("phi", "share", "notes", "footer", "labels", "headings", "columns"):
        unused = [name for name in TEXTS[group] if not re.search(rf"\b{name}\b", source)]
        assert unused == [], group


def test_no_advice_on_treatment() -> None:
    everything = str(TEXTS).lower()
    assert not re.search(r"\b(should be (stopped|reduced|given|withheld)|we recommend|must not be given)\b", everything)


def test_numbers_and_quantities() -> None:
    wording = load()
    assert wording.counted("dose", 1) == "1 dose"
    assert wording.counted("dose", 12345) == "12,345 doses"
    assert wording.number(">=490") == "≥490"
    assert wording.percent(0.0806) == "8.1\u00a0%"
    assert wording.measured(1.40239, 1.40239, "mg/dL") == "1.402 mg/dL"
    assert wording.measured(1.2, 1.4, "mg/dL") == "1.2 to 1.4 mg/dL"
    assert wording.measured(90.0, math.inf, "mL/min") == "≥ 90 mL/min"
    assert wording.measured(math.nan, math.nan, "mg/dL") == ""
    assert wording.measured(1.0, 1.0, "1") == "1"
    assert wording.word("quality", "a-kind-of-this-site") == "a-kind-of-this-site"
