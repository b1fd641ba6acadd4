"""A resource can be read again from where it stands, to the byte."""

import gzip
import json
import random
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from bonefhir.errors import InputError
from bonefhir.read.positions import read_back
from bonefhir.read.sources import expand
from tests.read.fhir import bundle, ndjson, observation, patient, rows, scan_file

PACKERS = {"": bytes, ".gz": gzip.compress, ".zst": zstandard.compress}


def contents() -> dict[str, bytes]:
    many = [observation(id=f"o{n}", note=[{"text": "é\\" * n}]) for n in range(30)]
    return {
        "lines.ndjson": b"\xef\xbb\xbf" + ndjson(*many).replace(b"\n", b" \r\n\n  "),
        "mixed.ndjson": ndjson(patient(), bundle(*many[:3], bundle(*many[3:6])), *many),
        "pretty.json": b"\n\n" + json.dumps(bundle(*many, bundle(patient())), indent=3).encode(),
        "broken.json": json.dumps(bundle(*many)).replace("\\u00e9", "\\ud800").encode(),
        "one.json": b"  " + json.dumps(patient(), indent=1).encode() + b"\n",
    }


@pytest.mark.parametrize("suffix", PACKERS)
@pytest.mark.parametrize("name", contents())
def test_what_is_read_back_is_the_resource(tmp_path: Path, name: str, suffix: str) -> None:
    plain = contents()[name]
    (tmp_path / f"{name}{suffix}").write_bytes(PACKERS[suffix](plain))
    (file,) = expand([str(tmp_path)])
    found = rows(scan_file(file))
    random.Random(1).shuffle(found)
    for order in (found, sorted(found, key=lambda row: row["offset"])):
        raws = list(read_back(file, [(row["offset"], row["length"]) for row in order]))
        assert [plain[row["offset"] : row["offset"] + row["length"]] for row in order] == raws
        assert [json.loads(raw)["id"] for raw in raws] == [row["id"] for row in order]


@given(st.lists(st.tuples(st.integers(0, 3000), st.integers(0, 200)), max_size=12), st.sampled_from(list(PACKERS)))
def test_any_positions_in_any_order(positions: list[tuple[int, int]], suffix: str) -> None:
    data = random.Random(3).randbytes(3200)
    with TemporaryDirectory() as folder:
        (Path(folder) / f"a{suffix}").write_bytes(PACKERS[suffix](data))
        (file,) = expand([folder])
        assert list(read_back(file, positions)) == [data[offset : offset + length] for offset, length in positions]


@pytest.mark.parametrize("suffix", PACKERS)
def test_a_file_that_changed_is_the_users_error(tmp_path: Path, suffix: str) -> None:
    (tmp_path / f"a{suffix}").write_bytes(PACKERS[suffix](b"x" * 10))
    (file,) = expand([str(tmp_path)])
    with pytest.raises(InputError, match="changed"):
        list(read_back(file, [(5, 10)]))
    file.path.unlink()
    with pytest.raises(InputError, match="changed"):
        list(read_back(file, [(0, 1)]))
