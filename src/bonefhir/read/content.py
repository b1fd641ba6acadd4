"""The bytes of a file, decompressed block by block under limits, with the size and SHA-256 of what is stored.

Compression is told by its magic number, never by the name. A damaged or cut stream raises UnreadableFileError: what had been
unpacked until then must not be used, because nobody knows what is missing.
"""

import hashlib
import io
from collections.abc import Iterator
from gzip import BadGzipFile
from typing import Any, BinaryIO, Protocol

import pyarrow as pa
from isal import igzip
from isal.igzip_lib import IsalError

from bonefhir.read.fault import UnreadableFileError
from bonefhir.read.limits import Limits

BLOCK = 1 << 20
GZIP, ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
_ZSTD_SKIPPABLE = (b"\x2a\x4d\x18", slice(1, 4))
_OTHER_FORMATS = {
    b"PK\x03\x04": "a zip archive",
    b"PAR1": "a Parquet file",
    b"BZh": "a bzip2 file",
    b"\xfd7zXZ": "an xz file",
    b"%PDF": "a PDF",
    b"SQLite format 3": "an SQLite database",
    b"Obj\x01": "an Avro file",
}


class _Reader(Protocol):
    def read(self, size: int, /) -> bytes: ...


class _Counted(io.RawIOBase):
    """A file that counts and hashes what is read from it. Sequential; the decompressors read through it."""

    def __init__(self, stored: BinaryIO | io.RawIOBase) -> None:
        self._stored = stored
        self._hash = hashlib.sha256()
        self.bytes = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        view = memoryview(buffer).cast("B")
        count: int = self._stored.readinto(view) or 0  # type: ignore[union-attr]  # every binary file has it
        self._hash.update(view[:count])
        self.bytes += count
        return count

    def sha256(self) -> str:
        return self._hash.hexdigest()

    def close(self) -> None:
        self._stored.close()
        super().close()


def plain_blocks(stored: BinaryIO | io.RawIOBase, start: int) -> Iterator[bytes]:
    """The bytes of a file that is not compressed, from `start` on. Raises UnreadableFileError."""
    stored.seek(start)
    while block := _read(stored, None):
        yield block


class Content:
    """One file opened for reading from its beginning to its end.

    compression     'gzip', 'zstd' or null
    size, sha256    of the stored file; complete after `drain`
    """

    def __init__(self, stored: BinaryIO | io.RawIOBase, limits: Limits) -> None:
        self._counted = _Counted(stored)
        self._buffered = io.BufferedReader(self._counted, 1 << 18)
        self._limits = limits
        self.compression = self._sniff()

    def _sniff(self) -> str | None:
        try:
            magic = self._buffered.peek(4)[:4]
        except OSError:
            return None
        if magic[:2] == GZIP:
            return "gzip"
        return "zstd" if magic == ZSTD or magic[_ZSTD_SKIPPABLE[1]] == _ZSTD_SKIPPABLE[0] else None

    @property
    def size(self) -> int:
        return self._counted.bytes

    @property
    def sha256(self) -> str:
        return self._counted.sha256()

    def blocks(self) -> Iterator[bytes]:
        """The unpacked bytes. Raises UnreadableFileError: damaged, cut, larger than the limits allow, or unreadable on disk."""
        reader = _unpacker(self._buffered, self.compression)
        unpacked = 0
        while block := _read(reader, self.compression):
            unpacked += len(block)
            if self.compression:
                self._check(unpacked)
            yield block

    def _check(self, unpacked: int) -> None:
        if unpacked > self._limits.unpacked:
            raise UnreadableFileError("too-large", f"unpacked it has more than {self._limits.unpacked} bytes, the limit")
        if unpacked > self._limits.ratio_from and unpacked > self._limits.ratio * self.size:
            raise UnreadableFileError("too-large", f"it unpacks to more than {self._limits.ratio} times its size, the limit")

    def drain(self) -> None:
        """Reads what is left, so that size and SHA-256 are those of the whole file, unless the disk fails."""
        try:
            rest = bytearray(1 << 18 if self._buffered.peek(1) else 0)  # as much as stays in the processor's cache
            while self._buffered.readinto(rest):
                pass
        except (OSError, ValueError):
            return

    def close(self) -> None:
        self._buffered.close()


def _unpacker(packed: _Reader, compression: str | None) -> _Reader:
    if compression == "gzip":
        gzip: _Reader = igzip.IGzipFile(fileobj=packed, mode="rb")
        return gzip  # 3 times as fast as zlib, and it checks the trailer
    if compression == "zstd":
        # python-zstandard ends a cut stream without an error; Arrow's reader raises
        stream: _Reader = pa.CompressedInputStream(pa.PythonFile(packed, mode="r"), "zstd")
        return stream
    return packed


def _read(reader: _Reader, compression: str | None) -> bytes:
    try:
        return reader.read(BLOCK)
    except EOFError:
        raise UnreadableFileError("truncated", "the gzip stream ends before its trailer, or bytes follow it") from None
    except (BadGzipFile, IsalError):  # type: ignore[misc]
        raise UnreadableFileError("not-json", "the gzip stream is damaged (checksum, length or coding)") from None
    except OSError as error:
        if compression == "zstd":
            cut = "truncated" in str(error).lower()
            reason, words = ("truncated", "cut") if cut else ("not-json", "damaged")
            raise UnreadableFileError(reason, f"the zstd stream is {words}") from None
        words = (error.strerror or type(error).__name__).lower()
        raise UnreadableFileError("not-json", f"the file cannot be read: {words}") from None


def foreign_format(head: bytes) -> str | None:
    """What the file is instead of JSON, as far as its first bytes tell; null: they do not tell."""
    for magic, name in _OTHER_FORMATS.items():
        if head.startswith(magic):
            return name
    start = head[:256].lstrip().lower()
    if start.startswith((b"<!doctype html", b"<html")):
        return "an HTML page (a login page?)"
    return "XML" if start.startswith(b"<") else None
