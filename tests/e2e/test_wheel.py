"""What is in the wheel and in the sdist: the program, the knowledge base, the sample and the schemas; and one version."""

import re
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

import bonefhir

ROOT = Path(__file__).parents[2]
PLACES = {
    "checks": "bonefhir/_checks",
    "sample_data": "bonefhir/_sample_data",
    "schemas": "bonefhir/_schemas",
    "src/bonefhir": "bonefhir",
}


def build(target: str, where: Path, into: Path) -> Path:
    command = [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", str(into)]
    subprocess.run(command, cwd=where, check=True, capture_output=True)
    (built,) = into.iterdir()
    return built


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("wheel", ROOT, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Unpacked."""
    folder = tmp_path_factory.mktemp("sdist")
    with tarfile.open(build("sdist", ROOT, folder / "built")) as archive:
        safely = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}  # from Python 3.11.4 on
        archive.extractall(folder / "unpacked", **safely)
    (unpacked,) = (folder / "unpacked").iterdir()
    return unpacked


def names_of(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


@pytest.mark.parametrize("folder", PLACES)
def test_the_wheel_holds_every_file_of(folder: str, wheel: Path) -> None:
    names = names_of(wheel)
    files = [path for path in (ROOT / folder).rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    assert files
    assert not [path for path in files if f"{PLACES[folder]}/{path.relative_to(ROOT / folder).as_posix()}" not in names]


def test_the_wheel_holds_nothing_else(wheel: Path) -> None:
    names = names_of(wheel)
    assert {name.split("/")[0].split("-")[0] for name in names} == {"bonefhir"}
    assert not [name for name in names if "test" in name.lower().split("/")[0:2] or name.endswith(".pyc")]
    assert "bonefhir/py.typed" in names


def test_the_sdist_gives_the_same_wheel(sdist: Path, wheel: Path, tmp_path: Path) -> None:
    assert {"README.md", "LICENSE", "CHANGELOG.md", "requirements.lock", "PKG-INFO"} <= {path.name for path in sdist.iterdir()}
    with zipfile.ZipFile(wheel) as one, zipfile.ZipFile(build("wheel", sdist, tmp_path / "built")) as other:
        assert {name: one.read(name) for name in one.namelist()} == {name: other.read(name) for name in other.namelist()}


def test_the_version_stands_in_one_place(wheel: Path) -> None:
    assert wheel.name.split("-")[1] == bonefhir.__version__
    stated = re.compile(rf"""version\s*[:=]\s*["']?{re.escape(bonefhir.__version__)}\b""")
    elsewhere = [ROOT / name for name in ("pyproject.toml", "mkdocs.yml", "action.yml", ".pre-commit-hooks.yaml", "Makefile")]
    elsewhere += [path for path in (ROOT / "src").rglob("*.py") if path != ROOT / "src" / "bonefhir" / "__init__.py"]
    assert not [path for path in elsewhere if stated.search(path.read_text(encoding="utf-8"))]
