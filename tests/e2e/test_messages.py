"""Exit codes, and what is said with them: where, what, what to do, and no traceback. Code 5 is in test_output_folder."""

from collections.abc import Callable
from pathlib import Path

import pytest

from bonefhir import pipeline
from bonefhir.cli import main
from tests.e2e import small


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with one patient, one with nothing, files that are no rules and no settings. And no work is done in it."""
    small.people(tmp_path / "in", 1)
    (tmp_path / "empty").mkdir()
    (tmp_path / "rules" / "guidelines").mkdir(parents=True)
    (tmp_path / "rules" / "guidelines" / "ours.toml").write_text("[[rule]]\nid = 'OUR-1'\n\n[[rule]]\nid = 'OUR-2'\n")
    (tmp_path / "broken" / "labels").mkdir(parents=True)
    (tmp_path / "broken" / "labels" / "ours.toml").write_text("product = \n")
    (tmp_path / "settings.toml").write_text("colour = 'red'\nprofile = 'fr'\n")
    (tmp_path / "broken.toml").write_text("colour = \n")
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs" / "bonefhir-decisions.json").write_text("{")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(pipeline, "scan_portion", small.die)
    return tmp_path


AUDIT = "audit in --out out --quiet"


@pytest.mark.usefixtures("place")
@pytest.mark.parametrize(
    ("line", "code", "said"),
    [
        (
            f"{AUDIT} --config settings.toml",
            2,
            ["settings.toml: colour: there is no such", "settings.toml: profile: must be one"],
        ),
        (f"{AUDIT} --config broken.toml", 2, ["broken.toml: not TOML"]),
        (f"{AUDIT} --config nowhere.toml", 2, ["nowhere.toml: cannot be read"]),
        ("validate in --baseline nowhere.toml", 2, ["nowhere.toml: cannot be read"]),
        ("rules show NO-SUCH-RULE", 2, ["NO-SUCH-RULE", "rules list"]),
        ("audit nowhere --out out", 3, ["nowhere: no such file or folder; check the path"]),
        ("audit in nowhere --out out", 3, ["nowhere: no such file or folder; check the path"]),
        ("audit no*.json --out out", 3, ["no*.json: no such file or folder; check the path"]),
        ("audit empty --out out", 3, ["empty: no file in it to read; name a folder with FHIR files, or a file"]),
        ("audit what://it --out out", 3, ["what://: this kind of address cannot be read here"]),
        ("explain empty 1", 3, ["empty is no folder of a run"]),
        ("compare empty empty", 3, ["empty is no folder of a run"]),
        ("compare empty empty --report pdf=x", 2, ["--report pdf=x: must be FORMAT=FILE; formats are text, json, html"]),
        ("adjudicate empty nowhere.xlsx", 3, ["empty is no folder of a run"]),
        ("history empty", 3, ["empty: none of its folders is a run that can be read; name the folder that holds the runs"]),
        ("history nowhere", 3, ["nowhere: cannot be listed: No such file or directory; name the folder"]),
        ("audit in --out runs/out --quiet", 3, ["runs/bonefhir-decisions.json: is not the JSON of decisions; restore it"]),
        (f"{AUDIT} --rules nowhere", 4, ["nowhere", "is no folder; give the one that holds"]),
        (f"{AUDIT} --rules broken", 4, ["broken/labels/ours.toml:1: is not TOML"]),
        (f"{AUDIT} --rules rules", 4, ["rules/guidelines/ours.toml:2: ", "rules/guidelines/ours.toml:5: "]),
        (f"{AUDIT} --terminology nowhere.csv", 4, ["nowhere.csv", "cannot be read"]),
        ("rules check broken", 4, ["broken/labels/ours.toml:1: is not TOML"]),
        ("sample in", 5, ["in exists and is not an empty folder: name a new one"]),
    ],
)
def test_a_mistake_has_its_code_and_says_what_to_do(
    line: str, code: int, said: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = small.tree(tmp_path)
    assert main(line.split()) == code
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.startswith("bonefhir: ")
    assert "Traceback" not in shown.err
    assert "defect" not in shown.err
    for words in said:
        assert words in shown.err
    assert code in (2, 4) or shown.err.count("\n") == 1
    assert small.tree(tmp_path) == before


@pytest.mark.parametrize(
    "line", ["audit in", "audit in --out", "audit --out o", "audit in --out o --profile fr", "audit in --ou o", ""]
)
def test_a_wrong_option_is_named(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(line.split())
    assert ended.value.code == 2
    said = capsys.readouterr().err
    assert said.startswith("usage: bonefhir")
    assert ": error: " in said.splitlines()[-1]


def test_the_severity_of_findings_decides(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second dose of this patient is too early and too fast: an error."""
    monkeypatch.setattr(small.SUITES, small.no_suites)
    source, out = small.people(tmp_path / "in", 1), tmp_path / "out"
    run: Callable[..., int] = lambda *more: main(["audit", str(source), "--out", str(out), "--quiet", *more])  # noqa: E731
    assert [run(), run("--fail-on", "none"), run("--fail-on", "error"), run("--fail-on", "info")] == [0, 0, 1, 1]
    assert (out / "run.json").is_file()
