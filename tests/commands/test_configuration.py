"""Settings from files: which file counts, what it may say, who wins."""

from pathlib import Path

import pytest

from bonefhir.configuration import nearest, read, settings_from
from bonefhir.errors import CommandLineError

GIVEN = {"sources": ("in",), "out": Path("out")}


def test_without_a_file_the_defaults_hold(tmp_path: Path) -> None:
    settings = settings_from({**GIVEN, "profile": None, "rules": ()}, None, tmp_path)
    assert (settings.profile, settings.fail_on, settings.rules) == ("us", "none", ())


def test_the_nearest_project_file_counts_if_it_speaks_of_bonefhir(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.bonefhir]\nprofile = 'eu'\n")
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    assert nearest(inner) == tmp_path / "pyproject.toml"
    (tmp_path / "a" / "pyproject.toml").write_text("[project]\nname = 'x'\n")
    assert nearest(inner) is None
    (tmp_path / "bonefhir.toml").write_text("profile = 'eu'\n")
    assert nearest(inner) == tmp_path / "bonefhir.toml"


def test_the_command_line_wins_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "bonefhir.toml"
    file.write_text("profile = 'eu'\nfail-on = 'warning'\nweight-window-days = 30\nunknown-albumin = [2, 4.5]\nstrict = true\n")
    settings = settings_from({**GIVEN, "profile": "us"}, file, tmp_path)
    assert (settings.profile, settings.fail_on, settings.weight_window_days) == ("us", "warning", 30)
    assert settings.unknown_albumin == (2, 4.5)
    assert settings.strict


def test_paths_of_a_file_are_relative_to_it(tmp_path: Path) -> None:
    file = tmp_path / "bonefhir.toml"
    file.write_text("rules = ['site/rules']\nterminology = ['site/codes.csv']\n")
    values = read(file)
    assert values == {"rules": (tmp_path / "site/rules",), "terminology": (tmp_path / "site/codes.csv",)}


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("colour = 'red'", "colour: there is no such setting"),
        ("out = 'x'", "out: there is no such setting"),
        ("profile = 'uk'", "profile: must be one of us, eu"),
        ("strict = 1", "strict: must be true or false"),
        ("jobs = true", "jobs: must be a whole number"),
        ("jobs = -1", "jobs: must be a whole number"),
        ("calcium_limit_mg_dl = 'low'", "calcium_limit_mg_dl: must be a number above 0"),
        ("unknown_albumin = [2]", "unknown_albumin: must be a list of 2 numbers"),
        ("rules = 'site'", "rules: must be a list of paths"),
    ],
)
def test_a_wrong_setting_is_told_with_its_place(tmp_path: Path, line: str, fault: str) -> None:
    file = tmp_path / "bonefhir.toml"
    file.write_text(f"{line}\nweight = 'heavy'\n")
    with pytest.raises(CommandLineError) as caught:
        read(file)
    assert [words.split("bonefhir.toml: ")[1].startswith(fault) for words in str(caught.value).splitlines()] == [True, False]


def test_a_file_that_is_missing_or_no_toml_is_told(tmp_path: Path) -> None:
    with pytest.raises(CommandLineError, match="cannot be read"):
        read(tmp_path / "none.toml")
    (tmp_path / "bonefhir.toml").write_text("= 1")
    with pytest.raises(CommandLineError, match="not TOML"):
        read(tmp_path / "bonefhir.toml")
