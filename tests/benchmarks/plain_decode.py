"""(c) Decoding alone: every line or entry through msgspec into a struct of the needed fields. (d) Reading alone: the lines.

Nothing is kept of either. One process, one thread.
"""

import gzip
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec


class Coding(msgspec.Struct):
    system: str | None = None
    code: str | None = None
    display: str | None = None


class Concept(msgspec.Struct):
    coding: list[Coding] = []
    text: str | None = None


class Quantity(msgspec.Struct):
    value: float | None = None
    unit: str | None = None
    system: str | None = None
    code: str | None = None


class Reference(msgspec.Struct):
    reference: str | None = None


class Period(msgspec.Struct):
    start: str | None = None
    end: str | None = None


class Dosage(msgspec.Struct):
    dose: Quantity | None = None
    route: Concept | None = None


class Meta(msgspec.Struct, rename="camel"):
    last_updated: str | None = None
    version_id: str | None = None


class Resource(msgspec.Struct, rename="camel"):
    """What an audit needs of any type."""

    resource_type: str
    id: str | None = None
    meta: Meta | None = None
    status: str | None = None
    code: Concept | None = None
    subject: Reference | None = None
    effective_date_time: str | None = None
    effective_period: Period | None = None
    value_quantity: Quantity | None = None
    medication_codeable_concept: Concept | None = None
    dosage: Dosage | None = None
    gender: str | None = None
    birth_date: str | None = None
    performed_date_time: str | None = None
    onset_date_time: str | None = None


class Entry(msgspec.Struct, rename="camel"):
    full_url: str | None = None
    resource: Resource | None = None


class Bundle(msgspec.Struct):
    entry: list[Entry] = []


def files(folder: Path) -> Iterator[tuple[Path, Iterator[bytes]]]:
    """Each with its lines; a Bundle's file is one."""
    for path in sorted(folder.iterdir()):
        if path.suffix == ".json":
            yield path, iter((path.read_bytes(),))
            continue
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as lines:
            yield path, iter(lines)


def decode(folder: Path) -> int:
    bundle, resource = msgspec.json.Decoder(Bundle).decode, msgspec.json.Decoder(Resource).decode
    count = 0
    for path, lines in files(folder):
        if path.suffix == ".json":
            count += sum(len(bundle(text).entry) for text in lines)
        else:
            for line in lines:
                resource(line)
                count += 1
    return count


def read(folder: Path) -> int:
    return sum(1 for _, lines in files(folder) for _ in lines)


if __name__ == "__main__":
    print({"decode": decode, "read": read}[sys.argv[1]](Path(sys.argv[2])))
