"""Every word of the closed vocabularies has its text, and the texts say nothing that a report should not."""

import math
import re
import tomllib
from importlib.resources import files
from typing import Any

import pytest

from bonefhir.report.counts import OUTCOMES
from bonefhir.report.wording import load
from bonefhir.settings import LANGUAGES
from bonefhir.vocabulary import ASSUMPTIONS, PRINTED_AS, REASONS, SEVERITIES

FOLDER = files("bonefhir.report") / "wording"
TEXTS: dict[str, Any] = tomllib.loads((FOLDER / "en.toml").read_text("utf-8"))
OTHERS = {name: tomllib.loads((FOLDER / f"{name}.toml").read_text("utf-8")) for name in LANGUAGES if name != "en"}


def flat(texts: dict[str, Any], above: str = "") -> dict[str, Any]:
    """'group.name' → text, or the texts of a noun."""
    found = {}
    for name, value in texts.items():
        found |= flat(value, f"{above}{name}.") if isinstance(value, dict) else {f"{above}{name}": value}
    return found


def test_the_languages_of_the_setting_are_those_that_there_are() -> None:
    assert {file.name for file in FOLDER.iterdir()} == {f"{name}.toml" for name in LANGUAGES}
    assert all(load(name).language == name for name in LANGUAGES)


@pytest.mark.parametrize("language", OTHERS)
def test_every_language_has_the_same_texts_with_the_same_gaps(language: str) -> None:
    ours, theirs = flat(TEXTS), flat(OTHERS[language])
    assert theirs.keys() == ours.keys()
    for key, text in theirs.items():
        assert type(text) is type(ours[key]), key
        if isinstance(text, str):
            assert sorted(re.findall(r"\{\w*\}", text)) == sorted(re.findall(r"\{\w*\}", ours[key])), key
            assert bool(text) == bool(ours[key]), key
        else:
            assert len(text) == len(ours[key]), key


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_two_words_of_a_vocabulary_are_one(language: str) -> None:
    """What people choose, filter by or hand back would mean two things."""
    wording = load(language)
    for group in ("outcomes", "outcome_marks", "severities", "decisions", "filters", "lanes", "routes"):
        words = [word for name, word in wording.group(group).items() if name not in ("from", "to")]
        assert len({word.casefold() for word in words}) == len(words), group


def test_german_numbers_have_a_comma_and_no_point() -> None:
    """A point is the decimal sign of the messages and of what was reported: between thousands it would be misread."""
    wording = load("de")
    assert wording.counted("dose", 12345) == "12\u202f345 Dosen"
    assert wording.percent(0.0806) == "8,1\u00a0%"
    assert wording.measured(1.2, 1.4, "mg/dL") == "1,2 bis 1,4 mg/dL"
    assert wording.significant(44.04) == "44,04"
    assert wording.decimals("0.8 × (4.0 − 3.1) = 2. Text") == "0,8 × (4,0 − 3,1) = 2. Text"
    assert wording.number(">=490") == "≥490"
    assert wording.number("suppressed") == "verdeckt"


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
    everything = str([TEXTS, OTHERS]).lower()
    assert not re.search(r"\b(should be (stopped|reduced|given|withheld)|we recommend|must not be given)\b", everything)
    assert not re.search(r"\b(sollte\w* .{0,40}(werden|sein)|empfohlen|empfehlen|darf nicht|absetzen|reduzieren)\b", everything)


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
