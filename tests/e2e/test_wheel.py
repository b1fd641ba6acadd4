"""What is in the wheel: the program, the knowledge base and the sample, and nothing else."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


@pytest.mark.parametrize("folder", ["checks", "sample_data", "src/bonefhir"])
def test_the_wheel_holds_every_file_of(folder: str, names: set[str]) -> None:
    place = {"checks": "bonefhir/_checks", "sample_data": "bonefhir/_sample_data", "src/bonefhir": "bonefhir"}[folder]
    files = [path for path in (ROOT / folder).rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    assert files
    assert not [path for path in files if f"{place}/{path.relative_to(ROOT / folder).as_posix()}" not in names]


def test_the_wheel_holds_nothing_else(names: set[str]) -> None:
    assert {name.split("/")[0].split("-")[0] for name in names} == {"bonefhir"}
    assert not [name for name in names if "test" in name.lower().split("/")[0:2] or name.endswith(".pyc")]
