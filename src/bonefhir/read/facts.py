"""What the raw bytes of one element say: the columns of the read table that come of them, and whether the gate admits them.

Asked once for each distinct text; where texts differ in one slot only (a time, a number, an id), once for all of those.
"""

from collections.abc import Callable, Iterable, Sequence
from itertools import repeat
from typing import NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from msgspec import Raw

from bonefhir.read import characters, modifiers, texts
from bonefhir.read.columns import Row
from bonefhir.read.gate import Gate
from bonefhir.read.memo import Memo
from bonefhir.read.part import Part
from bonefhir.read.references import Scope
from bonefhir.read.resource import Resource
from bonefhir.read.texts import Cut, Numbers, Slot

Flags = npt.NDArray[np.bool_]
Scopes = Callable[[Numbers], list[Scope | None]]
"""Places among the resources → the Bundles around them."""
FEW = 8
"""Fewer texts of an element than this are not worth the arrays."""


SOME = 32
"""Fewer distinct texts than this are not worth being cut."""

MANY = 1000
"""Texts that tell whether an element is hardly ever the same."""


class Fact(NamedTuple):
    """plain: it can be told from the element alone. conforms: the gate admits it. scoped: it depends on the Bundle around."""

    plain: bool
    conforms: bool
    scoped: bool
    values: Row


_ADMITTED, _NOT_ADMITTED = Fact(True, True, False, ()), Fact(True, False, False, ())


class _Asked(Scope):
    """A scope that knows nothing, but remembers that it was asked."""

    asked = False

    def find(self, url: str) -> str | None:  # noqa: ARG002  the interface of Scope
        self.asked = True
        return None


class Found(NamedTuple):
    """Of many texts: `entry` of each, and for each entry what is known of it. columns: one array for each of the part's."""

    entry: Numbers
    plain: Flags
    conforms: Flags
    columns: list[pa.Array]


class Element:
    """One element of one resource type. part: null: nothing of it comes into the table. gate: null: nobody asks."""

    def __init__(
        self, resource_type: str, name: str, part: Part | None, slots: Sequence[Slot], gate: Gate | None, depth: int
    ) -> None:
        self._type = resource_type
        self._name = name
        self._part = part
        self._gate = gate
        self._depth = depth
        self._odd = Fact(False, False, False, (None,) * len(part.columns if part else ()))
        self._facts: Memo[Fact] = Memo(lambda raw: self._facts_of([raw])[0], count=1 << 13, size=1 << 20)
        self._unlike = False
        self._scope = _Asked()
        places = [self._place(slot) for slot in slots]
        self._slots = slots if part is None or None not in places else ()
        self._places = [] if part is None else [place for place in places if place is not None]
        self._around: Memo[Fact] = Memo(self._fact_around, count=1 << 12, size=1 << 20)

    def _place(self, slot: Slot) -> int | None:
        """Which of the part's columns holds what is in the slot."""
        columns = self._part.columns if self._part else ()
        return next((index for index, name in enumerate(columns) if name in slot.columns), None)

    def read(self, raws: pa.BinaryArray, scopes: Scopes | None, types: Sequence[pa.DataType]) -> Found:
        """types: of the part's columns."""
        entry, distinct = self._distinct(raws)
        facts, fact_of, values = self._known(distinct)
        if scopes is not None and any(fact.scoped for fact in facts):
            entry, fact_of = self._scoped(facts, entry, fact_of, raws, scopes)
        columns = [
            pa.array([fact.values[index] for fact in facts], kind).take(pa.array(fact_of)) for index, kind in enumerate(types)
        ]
        for place, given in zip(self._places, values, strict=False):
            more = len(fact_of) - len(given)
            padded = pa.concat_arrays([given, pa.nulls(more, given.type)]) if more else given
            columns[place] = pc.coalesce(padded, columns[place]) if padded.null_count else padded
        plain = np.array([fact.plain for fact in facts])[fact_of]
        return Found(entry, plain, np.array([fact.conforms for fact in facts])[fact_of], columns)

    def _distinct(self, raws: pa.BinaryArray) -> tuple[Numbers, pa.BinaryArray]:
        """Of each text the number of its like, and those; each is its own where hardly any came twice before."""
        if self._unlike:
            return np.arange(len(raws)), raws
        encoded = raws.dictionary_encode()
        self._unlike = len(raws) >= MANY and len(encoded.dictionary) > 0.9 * len(raws)
        return encoded.indices.to_numpy().astype(np.int64), encoded.dictionary

    def _known(self, distinct: pa.BinaryArray) -> tuple[list[Fact], Numbers, list[pa.StringArray]]:
        """Facts; which of them each text has; and what is in its slots, null where it has none."""
        if not self._slots or len(distinct) < SOME:
            return self._remembered(distinct.to_pylist()), np.arange(len(distinct)), []
        facts, found = self._in_slots(distinct)
        number = found.around.indices.to_numpy()
        fits = np.array([fact.plain for fact in facts], np.bool_)[number]
        if len(fits) == len(distinct) and fits.all():
            return facts, number.astype(np.int64), [inside.view(pa.string()) for inside in found.values if self._places]
        rows = found.rows[fits]
        fact_of, places = np.full((2, len(distinct)), -1, np.int64)
        fact_of[rows], places[rows] = number[fits], np.flatnonzero(fits)
        chosen = pa.array(places, mask=places < 0)
        values = [inside.take(chosen).view(pa.string()) for inside in found.values] if self._places else []
        rest = np.flatnonzero(fact_of < 0)
        fact_of[rest] = np.arange(len(facts), len(facts) + len(rest))
        return facts + self._remembered(distinct.take(pa.array(rest)).to_pylist()), fact_of, values

    def _in_slots(self, distinct: pa.BinaryArray) -> tuple[list[Fact], Cut]:
        """What is known of the texts around the slots."""
        found = texts.cut(distinct, self._slots)
        around = found.around.dictionary
        if 2 * len(around) <= len(found.rows):
            return [self._around[text] for text in around.to_pylist()], found
        return [self._odd] * len(around), found  # something else differs, too

    def _remembered(self, raws: list[bytes]) -> list[Fact]:
        known = list(map(self._facts.get, raws))
        new = [raw for raw, fact in zip(raws, known, strict=True) if fact is None]
        found = self._facts_of(new)
        for raw, fact in zip(new, found, strict=True):
            self._facts.keep(raw, fact)
        rest = iter(found)
        return [next(rest) if fact is None else fact for fact in known]

    def _facts_of(self, raws: list[bytes], scope: Scope | None = None) -> list[Fact]:
        if not raws:
            return []
        sound: Iterable[bool] = repeat(True)
        conform: Iterable[bool] = repeat(True)
        if not _all_sound(raws, self._depth):
            sound = (_sound(raw, self._depth) for raw in raws)
        if self._gate is None:
            conform = repeat(False)
        elif not self._gate.admits_all(self._name, raws):
            conform = map(self._gate.admits, repeat(self._name), raws)
        return [
            self._fact(raw, admitted, scope) if plain else self._odd
            for raw, plain, admitted in zip(raws, sound, conform, strict=False)
        ]

    def _scoped(
        self, facts: list[Fact], entry: Numbers, fact_of: Numbers, raws: pa.BinaryArray, scopes: Scopes
    ) -> tuple[Numbers, Numbers]:
        """Entries of their own for what depends on the Bundle around: one for each text and Bundle."""
        depends = np.array([fact.scoped for fact in facts])[fact_of][entry]
        rows = np.flatnonzero(depends)
        around = scopes(rows)
        some = np.array([scope is not None for scope in around], np.bool_)
        bundle = np.fromiter(map(id, around), np.int64, len(rows))
        _, bundle = np.unique(bundle, return_inverse=True)
        pairs, first, pair = np.unique(bundle[some] * len(fact_of) + entry[rows[some]], return_index=True, return_inverse=True)
        own = np.flatnonzero(some)[first].tolist()
        added = np.arange(len(facts), len(facts) + len(pairs))
        for row, place in zip(rows[own].tolist(), own, strict=True):
            facts += self._facts_of([raws[row].as_py()], around[place])
        entry[rows[some]] = len(fact_of) + pair
        return entry, np.concatenate([fact_of, added])

    def absent(self) -> Fact:
        """Of a resource that has not the element. plain: it may be without."""
        return self._read({}, False, None)

    def _fact(self, raw: bytes, conforms: bool, scope: Scope | None) -> Fact:
        if self._part is None:
            return _ADMITTED if conforms else _NOT_ADMITTED
        return self._read({self._name: Raw(raw)}, conforms, scope)

    def _read(self, fields: dict[str, Raw], conforms: bool, scope: Scope | None) -> Fact:
        self._scope.asked = False
        resource = Resource(fields, self._type, scope or self._scope, [])
        try:
            values = self._part.read(resource) if self._part else ()
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return self._odd
        if resource.faults or resource.warnings:
            return self._odd
        return Fact(True, conforms, self._scope.asked, values)

    def _fact_around(self, around: bytes) -> Fact:
        """Not plain: a slot is not where its column's value comes from."""
        raw = around
        for slot in self._slots:
            raw = slot.filled(raw)
        (fact,) = self._facts_of([raw])
        for place, slot in zip(self._places, self._slots, strict=False):
            once = raw.count(slot.before) == (2 if slot.whole else 1)
            if not once or fact.values[place] != slot.sample.decode():
                return self._odd
        return fact


def _all_sound(raws: Sequence[bytes], depth: int) -> bool:
    text = b",".join(raws)
    if b"\\" in text or b"[]" in text or modifiers.NAME in text or not text.isascii():
        return False
    return max(raw.count(b"{") + raw.count(b"[") for raw in raws) < depth


def _sound(raw: bytes, depth: int) -> bool:
    """Nothing in it that has to be looked at, or to be told of, beyond what its element says. depth: levels it may have."""
    if not raw.isascii() and (not characters.utf8(raw) or characters.bidi(raw)):
        return False
    if b"\\u" in raw and (characters.suspect(raw) or characters.bidi(raw)):
        return False
    return b"[]" not in raw and modifiers.NAME not in raw and raw.count(b"{") + raw.count(b"[") < depth
