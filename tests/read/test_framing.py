"""What a file is, is told by its content: compression, one document or NDJSON, encoding."""

import gzip
import json
import random
import tracemalloc
from pathlib import Path

import pytest
import zstandard

from bonefhir.read.limits import Limits
from bonefhir.read.sources import expand
from tests.read.fhir import bundle, ndjson, observation, patient, rows, scan, scan_file

LINES = ndjson(patient(), observation(), observation(id="o2"))
BUNDLE = bundle(patient(), observation(), observation(id="o2"))


def packed(content: bytes) -> bytes:
    """Without the time: the bytes are part of a test's name, which must be the same in every process."""
    return gzip.compress(content, mtime=0)


def pretty(value: object) -> bytes:
    return json.dumps(value, indent=2).encode()


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (LINES, "ndjson"),
        (LINES.rstrip(b"\n"), "ndjson"),
        (LINES.replace(b"\n", b"\r\n"), "ndjson"),
        (b"\n \n" + LINES.replace(b"\n", b"\n\n\t\n"), "ndjson"),
        (b"# exported by a system\n" + LINES, "ndjson"),
        (b'{"resourceType": "Patient", "id"\n' + LINES, "ndjson"),
        (json.dumps(BUNDLE).encode(), "bundle"),
        (json.dumps(BUNDLE).encode() + b"\n\n", "bundle"),
        (pretty(BUNDLE), "bundle"),
        (b"\n\n" + pretty(BUNDLE), "bundle"),
        (pretty(patient()), "resource"),
        (json.dumps(patient()).encode(), "resource"),
        (b'{"resourceType": "Bundle", "type": "batch", "entry": [{"resource":\n' + ndjson(patient()) + b"}]}", "bundle"),
    ],
)
def test_the_format_is_told_by_content(tmp_path: Path, content: bytes, kind: str) -> None:
    for name in ("a.json", "a.ndjson", "a"):
        scanned = scan(tmp_path, content, name)
        assert scanned.counts.format == kind
        assert any(row["table"] == "patients_read" for row in rows(scanned))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"<!DOCTYPE html><html><body>Sign in</body></html>", "not-json"),
        (b'<?xml version="1.0"?>\n<Patient xmlns="http://hl7.org/fhir"/>', "not-json"),
        (b"patient,creatinine\n1,1.0\n", "not-json"),
        (b"PAR1" + bytes(range(60)) + b"PAR1", "not-json"),
        (b"PK\x03\x04" + b"a" * 40, "not-json"),
        (b"# Read me\n\nSome words.\n", "not-json"),
        (b"null", "not-an-object"),
        (b"[]", "not-an-object"),
        (b"17\n", "not-an-object"),
        (json.dumps(BUNDLE).encode("utf-16"), "encoding"),
        (json.dumps(BUNDLE).encode("utf-16-le"), "encoding"),
        (pretty(BUNDLE)[:-40], "truncated"),
        (pretty(BUNDLE) + b"\n" + pretty(BUNDLE), "not-json"),
        (json.dumps(BUNDLE).encode() * 2, "not-json"),
        (LINES.replace(b"\n", b"\r"), "not-json"),
        (pretty(BUNDLE).replace(b"1.1", b"NaN", 1), "not-json"),
        (pretty(BUNDLE).replace(b"1.1", b"01.1", 1), "not-json"),
        (pretty(BUNDLE).replace(b"female", b"fe\nmale"), "not-json"),
        (pretty(BUNDLE).replace(b"female", b"f\xfcmale"), "encoding"),
        (b"[" * 100_000 + b"]" * 100_000, "not-an-object"),
        (b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "too-deep"),
        (b'{"resourceType": "Bundle", "type": "batch", "entry": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "too-deep"),
        (b'{"resourceType": "Bundle", "type": "batch", "entry": []} // end', "not-json"),
    ],
)
def test_a_broken_document_is_refused_as_a_whole(tmp_path: Path, content: bytes, reason: str) -> None:
    scanned = scan(tmp_path, content, "a.json")
    (reject,) = scanned.rejects.to_pylist()
    assert (reject["reason"], reject["line"], scanned.read, rows(scanned)) == (reason, None, 1, [])


@pytest.mark.parametrize("content", [b"", b"\n \n", packed(b""), b"\xef\xbb\xbf"])
def test_an_empty_file_is_said_to_be_empty(tmp_path: Path, content: bytes) -> None:
    scanned = scan(tmp_path, content, "a.ndjson.gz" if content[:1] == b"\x1f" else "a.ndjson")
    assert [kind for kind, _, _ in scanned.warnings] == ["empty-file"]
    assert (scanned.read, scanned.rejects.num_rows, scanned.counts.format) == (0, 0, None)


@pytest.mark.parametrize(
    ("name", "content", "warnings"),
    [
        ("a.ndjson", LINES, []),
        ("a.ndjson.gz", packed(LINES), []),
        ("a.ndjson.gz", packed(LINES) + bytes(1024), []),
        ("a.ndjson.gz", packed(LINES[:200]) + packed(LINES[200:]), []),
        ("a.ndjson.zst", zstandard.compress(LINES), []),
        ("a.ndjson.zst", zstandard.compress(LINES[:200]) + zstandard.compress(LINES[200:]), []),
        ("a.ndjson", packed(LINES), ["gzip-without-suffix"]),
        ("a.ndjson", zstandard.compress(LINES), ["zstd-without-suffix"]),
        ("a.json", LINES, ["ndjson-in-json"]),
        ("a.json.gz", packed(LINES), ["ndjson-in-json"]),
        ("a.ndjson", b"\xef\xbb\xbf" + LINES, ["utf8-bom"]),
        ("a.json", b"\xef\xbb\xbf" + pretty(BUNDLE), ["utf8-bom"]),
    ],
)
def test_compression_and_marks(tmp_path: Path, name: str, content: bytes, warnings: list[str]) -> None:
    scanned = scan(tmp_path, content, name)
    assert [kind for kind, _, _ in scanned.warnings] == warnings
    assert (scanned.read, scanned.rejects.num_rows, scanned.counts.bytes) == (3, 0, len(content))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (packed(LINES)[:-5], "truncated"),
        (packed(LINES)[:40], "truncated"),
        (packed(LINES)[:-8] + b"\0\0\0\0" + packed(LINES)[-4:], "not-json"),
        (packed(LINES) + b"garbage", "truncated"),
        (packed(packed(LINES)), "not-json"),
        (zstandard.compress(LINES)[:-5], "truncated"),
        (zstandard.compress(LINES) + b"garbage", "not-json"),
    ],
)
def test_a_damaged_stream_gives_nothing_at_all(tmp_path: Path, content: bytes, reason: str) -> None:
    scanned = scan(tmp_path, content, "a.ndjson.gz")
    assert [row["reason"] for row in scanned.rejects.to_pylist()] == [reason]
    assert (rows(scanned), scanned.read, scanned.counts.bytes) == ([], 1, len(content))


@pytest.mark.parametrize("name", ["a.ndjson.part", "a.json.crdownload", "a.tmp", "a.ndjson~"])
def test_unfinished_downloads_are_refused_by_name(tmp_path: Path, name: str) -> None:
    assert [row["reason"] for row in scan(tmp_path, LINES, name).rejects.to_pylist()] == ["truncated"]


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress])
@pytest.mark.parametrize("filling", [b" ", b"a"])
def test_a_bomb_does_not_grow_memory(tmp_path: Path, pack: object, filling: bytes) -> None:
    line = b'{"resourceType":"Patient","id":"p' + filling * (96 << 20) + b'"}'
    (tmp_path / "bomb.gz").write_bytes(pack(line))  # type: ignore[operator]
    del line
    (file,) = expand([str(tmp_path)])
    tracemalloc.start()
    scanned = scan_file(file)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 64 << 20
    assert [row["reason"] for row in scanned.rejects.to_pylist()] == ["too-large"]


def test_a_line_beyond_the_limit_is_one_reject(tmp_path: Path) -> None:
    long = ndjson(patient(id="long", name=[{"text": "x" * (9 << 20)}]))
    scanned = scan(tmp_path, LINES + long + ndjson(patient(id="p3")) + long.rstrip())
    rejects = scanned.rejects.to_pylist()
    assert [(row["reason"], row["line"], row["id"]) for row in rejects] == [("too-large", 4, "long"), ("too-large", 6, "long")]
    assert [row["line"] for row in rows(scanned)] == [1, 2, 3, 5]


@pytest.mark.parametrize("begin", [b"", ndjson(patient(id="kept")).rstrip()])
def test_what_stands_behind_too_many_blanks_is_not_lost_in_silence(tmp_path: Path, begin: bytes) -> None:
    scanned = scan(tmp_path, LINES + begin + b" " * (9 << 20) + ndjson(patient(id="behind")) + ndjson(patient(id="p3")))
    assert [(row["reason"], row["line"]) for row in scanned.rejects.to_pylist()] == [("too-large", 4)]
    assert [row["line"] for row in rows(scanned)] == [1, 2, 3, 5]


def test_nesting_that_only_just_reaches_the_recursion_limit_is_refused_as_well(tmp_path: Path) -> None:
    """At some depth the Bundle can be opened, and its entries cannot be read."""
    for depth in range(900, 1001):
        nested = b'{"a":' * depth + b"1" + b"}" * depth
        scanned = scan(tmp_path, b'{"resourceType":"Bundle","type":"batch","entry":[{"request":' + nested + b"}]}")
        assert {row["reason"] for row in scanned.rejects.to_pylist()} <= {"too-deep"}


def test_too_many_resources_refuse_the_file(tmp_path: Path) -> None:
    (tmp_path / "a.ndjson").write_bytes(LINES)
    (file,) = expand([str(tmp_path)])
    scanned = scan_file(file, Limits(resources=2))
    assert ([row["reason"] for row in scanned.rejects.to_pylist()], scanned.read) == (["too-large"], 1)


def test_blocks_do_not_matter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same rows and places whatever the size of the blocks in which a file is read."""
    rng = random.Random(5)
    content = b"".join(ndjson(observation(id=f"o{n}", note=[{"text": "é" * rng.randrange(300)}])) for n in range(60))
    whole = rows(scan(tmp_path, content))
    for size in (7, 64, 1000):
        monkeypatch.setattr("bonefhir.read.content.BLOCK", size)
        assert rows(scan(tmp_path, content)) == whole
