"""What lies between the stages."""

import sys
from pathlib import Path

import pytest

from bonefhir.dealt import load, made


@pytest.mark.skipif(sys.platform != "linux", reason="room is not reserved")
def test_a_mapped_array_has_its_room_before_it_is_written(tmp_path: Path) -> None:
    """A disk that is full while it is written would end the process without a word."""
    path = tmp_path / "array.npy"
    with made(path, (100, 1_000)) as array:
        assert path.stat().st_blocks * 512 >= array.nbytes
        array[:] = 7
    assert (load(path) == 7).all()
