"""MedicationAdministrations of catalogue drugs → tables.ADMINISTRATIONS: what was given, how much, how fast, when, why."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from bonefhir import tables
from bonefhir.interval import Flags, Integers
from bonefhir.knowledge.model import Knowledge
from bonefhir.normalise import times
from bonefhir.normalise.amounts import Amounts, charted
from bonefhir.normalise.concepts import codes_of, decode, files_of, per_distinct, plain, taken
from bonefhir.normalise.drugs import DrugMatch, DrugMatcher, Medication, decode_medication
from bonefhir.normalise.value_sets import Membership, ValueSetMatcher
from bonefhir.sorting import distinct_of
from bonefhir.vocabulary import assumption

Objects = npt.NDArray[np.object_]
Codes = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Identified:
    """What administrations name: few different things, and for each administration the number of the one that it names.

    problems: of each thing, 'medication-unresolved', 'medication-in-error' or ''
    """

    matches: Sequence[DrugMatch]
    problems: Sequence[str]
    codes: Codes

    @property
    def relevant(self) -> Flags:
        """Of a catalogue drug, or of one that cannot be told."""
        return np.asarray(self.have(lambda match: match.drug is not None) | (self.problem != ""))

    @property
    def problem(self) -> Objects:
        return np.asarray(np.array(self.problems, dtype=object)[self.codes])

    def have(self, quality: Callable[[DrugMatch], bool]) -> Flags:
        return np.asarray(np.array([quality(match) for match in self.matches], dtype=bool)[self.codes])

    def texts(self, part: Callable[[DrugMatch], str | None]) -> pa.Array:
        return taken(map(part, self.matches), self.codes, pa.string())

    def of_rows(self, rows: Codes) -> "Identified":
        return replace(self, codes=self.codes[rows])


def identify(administrations: pa.Table, medications: Mapping[str, tuple[str | None, str]], knowledge: Knowledge) -> Identified:
    """medications: 'Medication/<id>' → (JSON, fate) of the newest version of each Medication read; fate '' if it may be used."""
    matcher = DrugMatcher(knowledge)
    columns = administrations.select(["medication", "medication_ref", "contained_medication", "medication_display"])
    first, codes = distinct_of(map(codes_of, columns.columns))
    keys = zip(*(column.to_pylist() for column in columns.take(pa.array(first)).columns), strict=True)
    found = [_identify_one(key, medications, knowledge, matcher) for key in keys]
    return Identified([match for match, _ in found], [problem for _, problem in found], codes)


def _identify_one(
    key: tuple[str | None, ...],
    medications: Mapping[str, tuple[str | None, str]],
    knowledge: Knowledge,
    matcher: DrugMatcher,
) -> tuple[DrugMatch, str]:
    concept, reference, contained, display = key
    if concept is not None:
        return matcher.match(Medication(decode(concept, knowledge.systems)), display), ""
    if contained is not None:
        medication = decode_medication(contained, knowledge.systems)
        found = matcher.match(medication, display)
        in_error = found.drug is not None and medication.status == "entered-in-error"
        return found, "medication-in-error" if in_error else ""
    text, fate = medications.get(reference or "", (None, "medication-unresolved"))
    if fate:
        return DrugMatch(), fate
    return matcher.match(decode_medication(text, knowledge.systems), display), ""


def normalise(
    administrations: pa.Table,
    start: times.Times,
    identified: Identified,
    conditions: Mapping[str, Membership],
    knowledge: Knowledge,
    file_names: pa.Array,
) -> pa.Table:
    """conditions: 'Condition/<id>' → value sets, of every Condition that a reason may refer to."""
    end = times.parse(administrations["end"])
    amounts = charted(administrations, identified.matches, identified.codes, knowledge)
    reasons, reason_codes = _reasons(administrations, conditions, knowledge)
    by_code = ([name for name in sorted(found) if not found[name]] for found in reasons)
    by_text = ([name for name in sorted(found) if found[name]] for found in reasons)
    columns = {
        "seq": administrations["seq"],
        "id": administrations["id"],
        "patient_id": administrations["subject"],
        "status": administrations["status"],
        "drug": identified.texts(lambda match: match.drug),
        "product": identified.texts(lambda match: match.product),
        "product_basis": identified.texts(lambda match: match.product_basis),
        "start": administrations["start"],
        "end": administrations["end"],
        "instant": _instants(start),
        "date_first": pa.array(start.first),
        "date_last": pa.array(start.last),
        "end_instant": _instants(end),
        "end_last": pa.array(end.last),
        "route": _routes(administrations["route"], knowledge),
        "reasons": taken(by_code, reason_codes, tables.TEXTS),
        "reasons_by_text": taken(by_text, reason_codes, tables.TEXTS),
        "request": administrations["request"],
        "part_of": _part_of(administrations["part_of"]),
        "assumptions": _assumptions(administrations, identified, start, amounts),
        "source_file": files_of(administrations, file_names),
        "source_line": administrations["line"],
    } | amounts.columns()
    return tables.build(tables.ADMINISTRATIONS, columns)


def _instants(when: times.Times) -> pa.Array:
    return pa.array(when.instant).cast(pa.timestamp("us", tz="UTC"))


def _assumptions(administrations: pa.Table, identified: Identified, start: times.Times, amounts: Amounts) -> Integers:
    values, codes = per_distinct(administrations["status"], lambda text: text == "unknown")
    bits = np.where(np.array(values, dtype=bool)[codes], assumption("status-unknown"), 0)
    bits = bits | np.where(start.no_offset, assumption("no-offset"), 0)
    bits = bits | np.where(amounts.by_alias, assumption("dose-unit-alias"), 0)
    bits = bits | np.where(identified.have(lambda match: match.by_text), assumption("matched-by-text"), 0)
    product_by_text = identified.have(lambda match: match.product_basis == "text")
    return np.asarray(bits | np.where(product_by_text, assumption("product-by-text"), 0))


def _routes(column: pa.ChunkedArray, knowledge: Knowledge) -> pa.Array:
    def route(text: str | None) -> str | None:
        concept = decode(text, knowledge.systems)
        by_code = (knowledge.routes.get(coding) for coding in concept.codings)
        by_text = (knowledge.routes.get(("", plain(t))) for t in concept.texts)
        return next((r for r in (*by_code, *by_text) if r), None)

    values, codes = per_distinct(column, route)
    return taken(values, codes, pa.string())


def _part_of(column: pa.ChunkedArray) -> pa.Array:
    values, codes = per_distinct(column, lambda text: [] if text is None else [r for r in msgspec.json.decode(text) if r])
    return taken(values, codes, tables.TEXTS)


class _ReasonRef(msgspec.Struct):
    ref: str | None = None
    display: str | None = None


def _reasons(
    administrations: pa.Table, conditions: Mapping[str, Membership], knowledge: Knowledge
) -> tuple[list[Membership], Codes]:
    """Indications among the reasons, and which of them each administration has; a set found by code counts as by code."""
    matcher = ValueSetMatcher(knowledge, "Condition")
    indications = {i for p in knowledge.products.values() for i in p.indications}

    def by_concept(text: str | None) -> Membership:
        concepts = [] if text is None else msgspec.json.decode(text, type=list[msgspec.Raw])
        return _union([matcher.match(decode(bytes(c).decode(), knowledge.systems)) for c in concepts])

    def by_reference(text: str | None) -> Membership:
        refs = [] if text is None else msgspec.json.decode(text, type=list[_ReasonRef])
        return _union([_of_reference(r, conditions, matcher) for r in refs])

    concept_values, concept_codes = per_distinct(administrations["reasons"], by_concept)
    ref_values, ref_codes = per_distinct(administrations["reason_refs"], by_reference)
    first, codes = distinct_of((concept_codes, ref_codes))
    both = (_union([concept_values[concept_codes[row]], ref_values[ref_codes[row]]]) for row in first.tolist())
    return [{name: by_text for name, by_text in found.items() if name in indications} for found in both], codes


def _of_reference(reason: _ReasonRef, conditions: Mapping[str, Membership], matcher: ValueSetMatcher) -> Membership:
    if reason.ref is not None and reason.ref in conditions:
        return conditions[reason.ref]
    return dict.fromkeys(matcher.match_texts((reason.display,)), True) if reason.display else {}


def _union(found: Sequence[Membership]) -> Membership:
    union: Membership = {}
    for membership in found:
        for name, by_text in membership.items():
            union[name] = union.get(name, True) and by_text
    return union
