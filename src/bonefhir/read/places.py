"""Where in its line a resource begins: what an editor and a page of CI want to know of a finding."""

from bisect import bisect_left
from collections.abc import Sequence

from bonefhir.read.content import Content
from bonefhir.read.fault import UnreadableFileError
from bonefhir.read.limits import DEFAULT
from bonefhir.read.sources import SourceFile


def columns_of(file: SourceFile, offsets: Sequence[int]) -> list[int]:
    """Column of each byte of the decompressed file, in characters, from 1; 1 where the file cannot be read any more."""
    wanted = sorted(set(offsets))
    try:
        content = Content(file.open(), DEFAULT)
    except UnreadableFileError:
        return [1] * len(offsets)
    try:
        found = _columns(content, wanted)
    except (UnreadableFileError, OSError):
        found = {}
    finally:
        content.close()
    return [found.get(offset, 1) for offset in offsets]


def _columns(content: Content, wanted: Sequence[int]) -> dict[int, int]:
    """wanted: ascending. Keeps no more of the file than the line that the block before broke off."""
    found: dict[int, int] = {}
    begun, start = b"", 0
    for block in content.blocks():
        text, end = begun + block, start + len(begun) + len(block)
        for offset in wanted[len(found) : bisect_left(wanted, end)]:
            line = text.rfind(b"\n", 0, offset - start) + 1
            found[offset] = len(text[line : offset - start].decode("utf-8", "replace")) + 1
        if len(found) == len(wanted):
            break
        kept = text.rfind(b"\n") + 1
        begun, start = text[kept:], start + kept
    return found
