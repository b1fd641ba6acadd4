"""What the user names, in reading order; whatever lies in a folder is either read or refused with a reason."""

import gzip
import io
import os
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from bonefhir.errors import InputError, PartsError, UnreachableError
from bonefhir.read import remote
from bonefhir.read.sources import SourceFile, expand
from tests.read.fhir import ndjson, patient, scan_file


def names(*sources: object) -> list[str]:
    return [file.name for file in expand([str(source) for source in sources])]


def fill(folder: Path, *paths: str) -> Path:
    for path in paths:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(ndjson(patient()))
    return folder


def test_a_folder_is_walked_by_relative_path_as_text(tmp_path: Path) -> None:
    fill(tmp_path, "b.json", "a/z.json", "a.b/c.json", "a/b/c.json", "A.json", "ä.json")
    assert names(tmp_path) == ["A.json", "a.b/c.json", "a/b/c.json", "a/z.json", "b.json", "ä.json"]
    assert [file.number for file in expand([str(tmp_path)])] == [0, 1, 2, 3, 4, 5]


def test_hidden_files_are_skipped(tmp_path: Path) -> None:
    assert names(fill(tmp_path, ".hidden.json", ".git/x.json", "a/.b/x.json", "a/x.json")) == ["a/x.json"]


def test_names_are_never_options_or_patterns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(fill(tmp_path, "-rf.ndjson", "[ab].json", "=1+1.json", "a b.json"))
    assert names("-rf.ndjson", "[ab].json", "=1+1.json", "a b.json") == ["-rf.ndjson", "[ab].json", "=1+1.json", "a b.json"]


def test_globs(tmp_path: Path) -> None:
    fill(tmp_path, "a/1.json", "a/2.json", "b/3.ndjson")
    assert names(f"{tmp_path}/a/*.json") == ["1.json", "2.json"]
    assert names(f"{tmp_path}/**/*.json") == ["1.json", "2.json"]
    assert names(f"{tmp_path}/?") == ["1.json", "2.json", "3.ndjson"]


def test_a_file_named_twice_is_read_once(tmp_path: Path) -> None:
    fill(tmp_path, "a.json", "b.json")
    assert names(tmp_path / "b.json", tmp_path, f"{tmp_path}/*.json") == ["b.json", "a.json"]


def test_equal_names_of_two_folders_are_told_apart(tmp_path: Path) -> None:
    fill(tmp_path, "x/a.json", "y/a.json", "z/x/a.json")
    assert names(tmp_path / "x", tmp_path / "y", tmp_path / "z" / "x") == ["a.json", "y/a.json", "x/a.json"]


@pytest.mark.parametrize("source", ["nothing", "nothing/*.json", "a\0b"])
def test_what_is_not_there_is_the_users_error(tmp_path: Path, source: str) -> None:
    with pytest.raises(InputError, match="no such file or folder"):
        expand([f"{tmp_path}/{source}"])


def test_an_empty_folder_is_the_users_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no file in it"):
        expand([str(tmp_path)])


def test_special_files_and_linked_folders_are_refused_without_being_opened(tmp_path: Path) -> None:
    fill(tmp_path, "a.json")
    os.mkfifo(tmp_path / "b.json")
    (tmp_path / "c.json").symlink_to(tmp_path / "b.json")
    (tmp_path / "d").symlink_to(tmp_path)
    (tmp_path / "e.json").symlink_to("nowhere")
    reasons = {file.name: scan_file(file).rejects.to_pylist() for file in expand([str(tmp_path)])}
    assert {name: [row["reason"] for row in rejects] for name, rejects in reasons.items()} == {
        "a.json": [],
        "b.json": ["not-json"],
        "c.json": ["not-json"],
        "d": ["not-json"],
        "e.json": ["not-json"],
    }


def test_a_name_that_is_not_utf8_can_be_reported(tmp_path: Path) -> None:
    (Path(os.fsdecode(os.fsencode(tmp_path) + b"/f\xff.json"))).write_bytes(ndjson(patient()))
    (file,) = expand([str(tmp_path)])
    assert file.name.encode() == b"f\\xff.json"
    assert scan_file(file).read == 1


def test_remote_files(tmp_path: Path) -> None:
    fsspec = pytest.importorskip("fsspec")
    memory = fsspec.filesystem("memory")
    memory.pipe({"/in/b.ndjson": ndjson(patient()), "/in/a/c.ndjson": ndjson(patient(), patient(id="p2")), "/in/.x": b""})
    try:
        files = expand(["memory://in"])
        assert [(file.name, scan_file(file).read) for file in files] == [("a/c.ndjson", 2), ("b.ndjson", 1)]
        assert [file.size for file in files] == [2 * len(ndjson(patient())), len(ndjson(patient()))]
        for source in ("memory://in/*", "memory://in/b.ndjson"):
            assert [(file.name, file.size) for file in expand([source])] == [("b.ndjson", len(ndjson(patient())))]
        with pytest.raises(InputError, match="no such file"):
            expand(["memory://out"])
    finally:
        memory.rm("/in", recursive=True)
    with pytest.raises(InputError, match="cannot be read here"):
        expand(["nonsense://bucket"])


@pytest.mark.parametrize("packed", [bytes, gzip.compress, zstandard.compress], ids=["plain", "gzip", "zstd"])
def test_a_remote_file_that_breaks_off_is_no_reject(packed: Callable[[bytes], bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    """What a file holds of which the connection broke nobody knows; a damaged one is damaged however often it is read."""
    stored = packed(ndjson(*(patient(id=f"p{number}") for number in range(20_000))))

    class Breaking(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            if self.tell() + (size or 0) > len(stored) // 2:
                raise TimeoutError("https://host/?key=secret")
            return super().read(size)

    class System:
        def open(self, path: str, mode: str, block_size: int) -> Breaking:
            return Breaking(stored)

    monkeypatch.setattr(remote, "_system", lambda url: (System(), url))
    with pytest.raises(UnreachableError, match=r"^a\.ndjson: cannot be read where it is stored \(TimeoutError\)") as caught:
        scan_file(SourceFile(0, Path("a.ndjson"), "a.ndjson", "memory://a.ndjson"))
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("told", [{}, {"size": None}, {"size": 7, "partial": False}])
def test_a_size_that_is_not_told_or_not_to_be_relied_on_is_not_known(
    told: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such as that of a web server which sends a file from its beginning only."""

    class System:
        isfile = staticmethod(lambda path: True)
        info = staticmethod(lambda path: {"type": "file", **told})
        unstrip_protocol = staticmethod(lambda path: path)

    monkeypatch.setattr(remote, "_system", lambda url: (System(), url))
    (file,) = expand(["https://host/a.ndjson"])
    assert file.size is None


OPENED = [(FileNotFoundError(), True), (PermissionError(), True), (ConnectionError(), False)]


@pytest.mark.parametrize(("error", "reject"), OPENED)
def test_a_remote_file_that_cannot_be_opened(error: Exception, reject: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    class System:
        def open(self, path: str, mode: str, block_size: int) -> None:
            raise error

    monkeypatch.setattr(remote, "_system", lambda url: (System(), url))
    file = SourceFile(0, Path("a.ndjson"), "a.ndjson", "memory://a.ndjson")
    if reject:
        assert scan_file(file).rejects.num_rows == 1
    else:
        with pytest.raises(UnreachableError):
            scan_file(file)


FULL, GONE = OSError(28, "full"), OSError(2, "gone", "/out")


@pytest.mark.parametrize(
    ("error", "of_the_parts"),
    [(OSError(5, "x"), True), (ConnectionError(), True), (ValueError(), False), (FULL, False), (GONE, False)],
)
def test_parts_that_cannot_be_reached_are_not_a_fault_of_the_output(error: Exception, of_the_parts: bool) -> None:
    with pytest.raises(PartsError if of_the_parts else type(error)) as caught, remote.parts("s3://bucket/work"):
        raise error
    assert str(caught.value).startswith("s3://bucket/work: parts") == of_the_parts
