"""README shows what the program really says and draws."""

from pathlib import Path

import pytest

from bonefhir.cli import main
from tests.docs.pages import DOCS, ROOT
from tests.docs.test_docs import hook

HOSPITAL = "sample_data/fhir/harbor-road"


def test_the_findings_of_validate_are_real(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(ROOT)
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    command, *shown = text.split("$ bonefhir validate ")[1].split("```")[0].splitlines()
    main(["validate", "--quiet", *command.replace("=out", f"={tmp_path}/out").split()])
    printed = capsys.readouterr()
    assert (printed.out + printed.err).splitlines() == shown
    assert {path.name for path in tmp_path.iterdir()} == {"out.sarif", "out.xml"}


def test_the_picture_is_that_of_an_audit(tmp_path: Path) -> None:
    """If this fails: `python docs/hooks/picture.py out` after `make audit`."""
    assert main(["audit", str(ROOT / HOSPITAL), "--out", str(tmp_path / "out"), "--quiet"]) == 0
    assert hook("picture").picture(tmp_path / "out") == (DOCS / "picture.svg").read_text(encoding="utf-8")
