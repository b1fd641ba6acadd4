"""Where a file is cut changes nothing; small files are read together; a file that is refused leaves nothing behind."""

import gzip
import json
from functools import partial
from pathlib import Path
from random import Random

import fsspec
import pytest

from bonefhir import pipeline, tables
from bonefhir.errors import InputError
from bonefhir.read import portions as cutting
from bonefhir.read.limits import DEFAULT, Limits
from bonefhir.read.portions import Portion, together
from bonefhir.read.scan import Counts, scan_files, scan_range
from bonefhir.read.sources import SourceFile, expand
from bonefhir.scanned import Scanned
from bonefhir.settings import Settings
from tests.read.fhir import Json, administration, bundle, ndjson, observation, patient

ODD: list[bytes] = [
    b"\xef\xbb\xbf" + json.dumps(patient(id="first")).encode(),
    b"",
    b"   ",
    json.dumps(observation(note=[{"text": "é" * 40}]), ensure_ascii=False).encode() + b"\r",
    b'{"resourceType": "Observation", "id": "cut',
    b'{"resourceType":"Encounter","id":"e"}',
    b'{"resourceType":"Encounter","id":"f"}',
    json.dumps(bundle(patient(id="p8"), observation(id="o8"))).encode(),
    json.dumps(bundle(patient(id="p9"))).encode(),
    b"[]",
    json.dumps(administration(contained=[patient(id="in")], subject={"reference": "#in"})).encode(),
    json.dumps(patient(id="last")).encode(),
]


@pytest.fixture
def small_portions(monkeypatch: pytest.MonkeyPatch) -> None:
    sized(monkeypatch, 100)


def sized(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.setattr("bonefhir.run.portions", partial(cutting.portions, size=size))


def everything(folder: Path, out: Path) -> tuple[int, dict[str, list[Json]], list[Counts]]:
    """Number of portions, all rows of all tables, counts per file."""
    run = pipeline.open_run(Settings((str(folder),), out))
    for number in range(len(run.portions)):
        pipeline.scan(run, number)
    scanned = Scanned(run)
    found = {table.name: scanned.table(table).to_pylist() for table in (*tables.READ_TABLES, tables.FULL_URLS)}
    rejects = sorted(scanned.rejects.to_pylist(), key=lambda row: (row["file"], row["line"] or 0))
    pipeline.discard(run)
    return len(run.portions), found | {"rejects": rejects}, scanned.counts


@pytest.mark.parametrize("block", [5, 1 << 20])
@pytest.mark.parametrize("size", [40, 150, 333, 1000])
def test_where_a_file_is_cut_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int, block: int) -> None:
    rng = Random(size)
    lines = ODD[:1] + rng.choices(ODD[1:], k=60)
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.ndjson").write_bytes(b"\n".join(lines) + b"\n" * (size % 2))
    whole = everything(tmp_path / "in", tmp_path / "out")
    monkeypatch.setattr("bonefhir.read.content.BLOCK", block)
    sized(monkeypatch, size)
    cut = everything(tmp_path / "in", tmp_path / "out")
    assert (whole[0], whole[1:]) == (1, cut[1:])
    assert cut[0] > 5


def test_every_place_of_a_cut(tmp_path: Path) -> None:
    """Each line is read once, whichever byte the cut falls on."""
    content = ndjson(patient(), patient(id="p2")) + b"\n\n" + ndjson(patient(id="p3")).rstrip()
    (tmp_path / "a.ndjson").write_bytes(content)
    (file,) = expand([str(tmp_path)])
    for place in range(1, len(content)):
        parts = [scan_range(file, 0, place), scan_range(file, place, None)]
        assert [i for part in parts for i in part.tables["patients_read"]["id"].to_pylist()] == ["p1", "p2", "p3"]
        assert sum(part.counts[0].lines for part in parts) == content.count(b"\n")


def test_files_are_read_together_and_large_ones_cut(tmp_path: Path) -> None:
    contents = {
        "a.json": json.dumps(patient()).encode(),
        "b.json": json.dumps(patient(id="p2")).encode(),
        "c.ndjson": ndjson(*(patient(id=f"c{n}") for n in range(8))),
        "d.ndjson.gz": gzip.compress(ndjson(*(patient(id=f"d{n}") for n in range(300)))),
        "e.json": json.dumps(bundle(*(patient(id=f"e{n}") for n in range(8)))).encode(),
        "f.ndjson.part": ndjson(*(patient(id=f"f{n}") for n in range(8))),
        "g.json": json.dumps(patient(id="p3")).encode(),
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    size = len(contents["c.ndjson"])
    ranges = [Portion((2,), start, end) for start, end in zip((0, *cuts(size)), (*cuts(size), None), strict=True)]
    memory = fsspec.filesystem("memory")
    memory.pipe({f"/cut/{name}": content for name, content in contents.items()})
    for source in (str(tmp_path), "memory://cut"):
        found = list(cutting.portions(expand([source]), 200))
        assert found == [Portion((0, 1)), *ranges, Portion((3,)), Portion((4,)), Portion((5,)), Portion((6,))]
    memory.rm("/cut", recursive=True)


def test_packed_files_are_read_together_by_what_is_in_them(tmp_path: Path) -> None:
    for number in range(4):
        (tmp_path / f"{number}.json.gz").write_bytes(gzip.compress(json.dumps(patient()).encode()))
    size = max(path.stat().st_size for path in tmp_path.iterdir())
    found = list(cutting.portions(expand([str(tmp_path)]), 2 * size * cutting.PACKED))
    assert [portion.files for portion in found] == [(0, 1), (2, 3)]


def test_more_text_than_a_column_can_hold_is_said_before_it_fails(tmp_path: Path) -> None:
    """It says what to do, as no other run would do better."""
    for name in ("a", "b"):
        (tmp_path / f"{name}.ndjson").write_bytes(ndjson(*(patient(id=f"{name}{n}") for n in range(100))))
    files = expand([str(tmp_path)])
    most = Limits(texts=1000)
    assert scan_files(files, Limits(texts=1 << 20)).counts[1].read == 100
    with pytest.raises(InputError, match=r"^a\.ndjson \(and 1 that are read with it\): more than 1000 bytes .* split it"):
        scan_files(files, most)
    with pytest.raises(InputError, match=r"^b\.ndjson: more than 1000 bytes"):
        scan_range(files[1], 0, None, most)
    assert scan_range(files[1], 0, 100, most).counts[0].read > 0


def test_files_behind_urls_are_read_together_as_far_as_their_sizes_are_known() -> None:
    sizes = [90, 90, 90, None, 10, 10]
    files = [SourceFile(n, Path(f"{n}.json"), f"{n}.json", f"memory://{n}.json", size) for n, size in enumerate(sizes)]
    assert [portion.files for portion in cutting.portions(files, 200)] == [(0, 1), (2,), (3,), (4, 5)]
    assert cutting.unpacked(files) == 290 + cutting.ELSEWHERE


def cuts(size: int) -> list[int]:
    """Of a file into parts of 200 bytes at most."""
    parts = -(-size // 200)
    return [size * part // parts for part in range(1, parts)]


def test_a_refused_file_leaves_nothing_of_itself_and_all_of_the_others(tmp_path: Path) -> None:
    cut = gzip.compress(ndjson(*(observation(id=f"x{n}", note=[{"text": str(n)}]) for n in range(40_000))))[:-100]
    (tmp_path / "a.ndjson").write_bytes(ndjson(patient()) + b"{\n")
    (tmp_path / "b.ndjson.gz").write_bytes(cut)
    (tmp_path / "c.ndjson").write_bytes(ndjson(patient(id="p3"), observation()))
    scanned = scan_files(expand([str(tmp_path)]))
    assert [each.refused and each.refused.reason for each in scanned.counts] == [None, "truncated", None]
    assert [each.read for each in scanned.counts] == [2, 1, 2]
    assert scanned.tables["patients_read"]["id"].to_pylist() == ["p1", "p3"]
    assert scanned.tables["observations_read"]["file"].to_pylist() == [2]
    assert scanned.rejects["file"].to_pylist() == [0]


def test_a_range_that_cannot_be_read_refuses_its_file(tmp_path: Path, small_portions: None) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.ndjson").write_bytes(ndjson(*(patient(id=f"p{n}") for n in range(9)), {}))
    run = pipeline.open_run(Settings((str(tmp_path / "in"),), tmp_path / "out"))
    last = len(run.portions) - 1
    for number in range(last):
        pipeline.scan(run, number)
    run.files[0].path.unlink()
    pipeline.scan(run, last)
    scanned = Scanned(run)
    assert len(scanned.table(tables.PATIENTS_READ)) == 0
    assert [(row["line"], row["reason"]) for row in scanned.rejects.to_pylist()] == [(None, "not-json")]
    assert [(each.read, each.bytes > 0) for each in scanned.counts] == [(1, True)]
    pipeline.discard(run)


def test_the_limit_for_a_file_holds_for_its_ranges_together() -> None:
    limits = Limits(resources=5)
    (one,) = together([Counts(0, read=3), Counts(0, read=2)], limits)
    assert (one.read, one.refused) == (5, None)
    (one,) = together([Counts(0, read=3), Counts(0, read=3), Counts(0, read=3)], limits)
    assert (one.read, one.refused and one.refused.reason) == (1, "too-large")


def test_a_line_beyond_the_limit_may_span_ranges(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "in").mkdir()
    long = ndjson(patient(id="long", name=[{"text": "x" * DEFAULT.line}]))
    (tmp_path / "in" / "a.ndjson").write_bytes(ndjson(patient()) + long + ndjson(patient(id="p2")))
    whole = everything(tmp_path / "in", tmp_path / "out")
    sized(monkeypatch, DEFAULT.line // 4)
    cut = everything(tmp_path / "in", tmp_path / "out")
    assert (whole[0], cut[0], whole[1:]) == (1, 5, cut[1:])
    assert [row["line"] for row in whole[1]["rejects"]] == [2]
