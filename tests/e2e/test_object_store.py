"""Input in an object store that speaks S3, on loopback."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bonefhir.cli import main as command
from tests.e2e.small import files, people
from tests.object_store import BUCKET, keys, running, upload


@pytest.fixture(scope="module")
def store() -> Iterator[None]:
    with running():
        yield


def test_export_and_parts_in_an_object_store_give_the_bytes_of_a_folder(store: None, tmp_path: Path) -> None:
    folder = people(tmp_path / "input", 3)
    there = upload(folder, "night")
    assert command(["audit", str(folder), "--out", str(tmp_path / "a"), "--quiet"]) == 0
    parts = ["--parts", f"s3://{BUCKET}/work", "--jobs", "2"]
    assert command(["audit", there, "--out", str(tmp_path / "b"), "--quiet", *parts]) == 0
    assert not [key for key in keys() if key.startswith("work/")]
    here, elsewhere = files(tmp_path / "a"), files(tmp_path / "b")
    del here["run.json"], elsewhere["run.json"]
    assert here == elsewhere


def test_a_bucket_that_is_not_there_is_a_wrong_address(store: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(["audit", "s3://nobodys/night", "--out", str(tmp_path / "out"), "--quiet"]) == 3
    assert capsys.readouterr().err.startswith("bonefhir: s3://nobodys/night: ")


def test_no_bucket_is_made_of_a_mistyped_name(store: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Patient data would go there."""
    import boto3

    folder = people(tmp_path / "input", 1)
    assert command(["audit", str(folder), "--out", str(tmp_path / "out"), "--quiet", "--parts", "s3://mistyped/work"]) == 5
    assert capsys.readouterr().err.startswith("bonefhir: s3://mistyped/work: ")
    assert [each["Name"] for each in boto3.client("s3").list_buckets()["Buckets"]] == [BUCKET]
    assert {path.name for path in tmp_path.iterdir()} == {"input"}


def test_without_keys_nothing_is_listed(
    store: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import s3fs

    s3fs.S3FileSystem.clear_instance_cache()
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    assert command(["audit", f"s3://{BUCKET}/night", "--out", str(tmp_path / "out"), "--quiet"]) == 3
    assert "check the address and the access" in capsys.readouterr().err
    s3fs.S3FileSystem.clear_instance_cache()


def test_a_connection_that_breaks_ends_the_run_and_names_no_more_than_the_file(
    store: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import s3fs

    def broken(*_: object) -> bytes:
        raise RuntimeError("https://key:secret@store.example/night/2.ndjson")

    there = upload(people(tmp_path / "input", 2), "broken")
    read = s3fs.core.S3File.read
    monkeypatch.setattr(s3fs.core.S3File, "read", lambda self, *size: broken() if "2.ndjson" in self.path else read(self, *size))
    assert command(["audit", there, "--out", str(tmp_path / "out"), "--quiet"]) == 3
    said = capsys.readouterr().err
    assert said.startswith("bonefhir: 2.ndjson: cannot be read where it is stored (RuntimeError)")
    assert "secret" not in said
    assert {path.name for path in tmp_path.iterdir()} == {"input"}
