"""Resources put by until there are many: then those that are plain are read column by column, and the others one by one.

Most resources are plain, and most of what stands in them stands in thousands of others alike. Whatever is odd about one of
them (escapes, a fault, a Bundle, what it contains) goes the long way, which is the truth; a test compares the two.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from bonefhir.read import characters, components, references
from bonefhir.read.chunks import SIZE, Chunk, Items
from bonefhir.read.columns import Encoded, Rows
from bonefhir.read.gate import Gates
from bonefhir.read.kinds import KINDS
from bonefhir.read.layout import Layout
from bonefhir.read.limits import Limits
from bonefhir.read.names import USED
from bonefhir.read.plans import Group, Plan, Reading, Shape
from bonefhir.read.release import OLDER, release
from bonefhir.read.texts import Numbers

Flags = npt.NDArray[np.bool_]

ENOUGH = 24
"""Resources of one type that are worth the arrays."""
KINDS_AT_ONCE = 500
"""Sets of elements, of one type in one order, that are read together."""
MANY = 100
"""Elements at the top level: no resource of FHIR has as many."""

_SHAPES = 4096


class Batch:
    """rows: of each read table. What was given to `add` is read when there is enough of it, or by `flush`."""

    def __init__(self, rows: Mapping[str, Rows], limits: Limits, gates: Gates | None) -> None:
        self._rows = rows
        self._limits = limits
        self._gates = gates
        self._shapes: dict[tuple[str, tuple[str, ...]], Shape | None] = {}
        self._chunks: list[Chunk] = []
        self._bytes = 0

    def add(self, chunk: Chunk) -> None:
        self._chunks.append(chunk)
        self._bytes += int(chunk.sizes.sum()) if chunk.apart else len(chunk.text)  # lines are kept with the blanks around them
        self._bytes += len(chunk.compact[0]) if chunk.compact else 0
        if self._bytes >= SIZE:
            self.flush()

    def flush(self) -> None:
        """Reads all that was put by, in the order in which it came but for the plain ones."""
        chunks, self._chunks, self._bytes = self._chunks, [], 0
        if not chunks:
            return
        items = Items(chunks)
        del chunks  # their texts
        left = np.ones(len(items.starts), np.bool_)
        if len(left) >= ENOUGH:
            self._plain(items, left)
        for index in np.flatnonzero(left).tolist():
            items.slowly(index)

    def _plain(self, items: Items, left: Flags) -> None:
        """Reads the plain ones, and takes them from those that are left."""
        layout = Layout(items.text, items.starts, items.sizes)
        usable = layout.compact & (items.lengths <= self._limits.line)
        plans: dict[Plan, list[Shape | None]] = {}
        for kind in _most_frequent(layout.kind[usable], len(layout.names)):
            name, elements = layout.types[kind], layout.names[kind]
            shape = self._shape(name, elements)
            if shape is not None:
                plans.setdefault(shape.plan, [None] * len(layout.names))[kind] = shape
            elif name and name not in USED and name != "Bundle":
                self._unused(items, name, np.flatnonzero((layout.kind == kind) & usable), left)
        for plan, shapes in plans.items():
            member = np.array([shape is not None for shape in shapes])
            rows = np.flatnonzero(member[layout.kind] & usable)
            if len(rows) >= ENOUGH:
                self._add(items, plan, plan.read(Group(layout, rows, shapes, items.scopes)), rows, left)

    def _add(self, items: Items, plan: Plan, reading: Reading, rows: Numbers, left: Flags) -> None:
        plain = reading.plain
        if items.urls is not None:
            plain &= ~_contradicted(_some(items.urls, rows), plan.type, reading.columns["id"])
        kept = np.flatnonzero(plain)
        if not len(kept):
            return
        none = np.zeros(len(kept), np.int64)
        columns: dict[str, Encoded | pa.Array] = dict.fromkeys(plan.table.names, Encoded(pa.nulls(1, pa.string()), none))
        columns |= items.source(rows[kept])
        columns |= {name: Encoded(values, entry[kept]) for name, (values, entry) in reading.columns.items()}
        columns["release"] = Encoded(pa.array([plan.release]), none)
        columns["conforms"] = pa.array(reading.conforms[kept])
        inner = columns.pop(components.COLUMN, None)
        self._rows[plan.table.name].extend(columns if inner is None else components.with_rows(columns, inner))
        left[rows[kept]] = False
        items.count(rows[kept])

    def _unused(self, items: Items, name: str, rows: Numbers, left: Flags) -> None:
        """They are counted, if they are UTF-8."""
        counted = rows[[characters.utf8(bytes(text)) for text in items.texts(rows)]]
        left[counted] = False
        items.count(counted, name)

    def _shape(self, name: str, elements: tuple[str, ...]) -> Shape | None:
        if name not in USED or not KINDS[name].parts or len(elements) > MANY:
            return None
        key = name, elements
        if key not in self._shapes:
            if len(self._shapes) >= _SHAPES:
                self._shapes.clear()
            shape = release(name, dict.fromkeys(elements, msgspec.Raw(b"{")))
            plan = None if shape == OLDER else _plan(name, shape, self._gates, self._limits.depth)
            self._shapes[key] = None if plan is None else plan.shape(elements)
        return self._shapes[key]


@lru_cache(maxsize=32)
def _plan(name: str, shape: str, gates: Gates | None, depth: int) -> Plan:
    """Kept by the process: what was learnt in one portion holds in the next."""
    return Plan(name, shape, gates, depth)


def forget() -> None:
    """What was learnt, when there is no next portion."""
    _plan.cache_clear()


def _most_frequent(kinds: Numbers, count: int) -> list[int]:
    """In a hostile input every resource is of a kind of its own: those go one by one."""
    found: list[int] = np.argsort(-np.bincount(kinds, minlength=count), kind="stable")[:KINDS_AT_ONCE].tolist()
    return found


def _some(values: Sequence[Any], rows: Numbers) -> Sequence[Any]:
    return values if len(rows) == len(values) else [values[row] for row in rows.tolist()]


def _contradicted(urls: Sequence[str | None], resource_type: str, identity: Encoded) -> Flags:
    """The fullUrl is the address of another resource."""
    identities = identity.values.take(pa.array(identity.entry)).to_pylist()
    return np.array(
        [
            url is not None and url[:4] != "urn:" and references.contradicts(url, resource_type, own)
            for url, own in zip(urls, identities, strict=True)
        ]
    )
