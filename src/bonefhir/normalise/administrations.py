"""MedicationAdministrations of catalogue drugs → tables.ADMINISTRATIONS: what was given, how much, how fast, when, why."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from bonefhir import tables
from bonefhir.interval import Flags, Floats
from bonefhir.knowledge.model import Knowledge
from bonefhir.normalise import times
from bonefhir.normalise.amounts import Amounts, charted
from bonefhir.normalise.concepts import decode, per_distinct, plain
from bonefhir.normalise.drugs import DrugMatch, DrugMatcher, Medication, decode_medication
from bonefhir.normalise.value_sets import Membership, ValueSetMatcher
from bonefhir.vocabulary import assumption

Objects = npt.NDArray[np.object_]


@dataclass(frozen=True)
class Identified:
    """Per administration: what it names. problem: 'medication-unresolved', 'medication-in-error' or ''."""

    matches: list[DrugMatch]
    problem: Objects

    @property
    def relevant(self) -> Flags:
        """Of a catalogue drug, or of one that cannot be told."""
        known = np.array([m.drug is not None for m in self.matches], dtype=bool)
        return np.asarray(known | (self.problem != ""))


def identify(administrations: pa.Table, medications: Mapping[str, tuple[str | None, str]], knowledge: Knowledge) -> Identified:
    """medications: 'Medication/<id>' → (JSON, fate) of the newest version of each Medication read; fate '' if it may be used."""
    matcher = DrugMatcher(knowledge)
    keys = zip(
        *(
            administrations[name].to_pylist()
            for name in ("medication", "medication_ref", "contained_medication", "medication_display")
        ),
        strict=True,
    )
    cache: dict[tuple[str | None, ...], tuple[DrugMatch, str]] = {}
    found = []
    for key in keys:
        if key not in cache:
            cache[key] = _identify_one(key, medications, knowledge, matcher)
        found.append(cache[key])
    return Identified([match for match, _ in found], np.array([problem for _, problem in found], dtype=object))


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
    matches: Sequence[DrugMatch],
    conditions: Mapping[str, Membership],
    knowledge: Knowledge,
    file_names: pa.Array,
) -> pa.Table:
    """conditions: 'Condition/<id>' → value sets, of every Condition that a reason may refer to."""
    start, end = times.parse(administrations["start"]), times.parse(administrations["end"])
    drugs = np.array([m.drug for m in matches], dtype=object)
    amounts = charted(administrations, matches, knowledge)
    reasons = _reasons(administrations, conditions, knowledge)
    columns = {
        "seq": administrations["seq"],
        "id": administrations["id"],
        "patient_id": administrations["subject"],
        "status": administrations["status"],
        "drug": pa.array(drugs, pa.string()),
        "product": pa.array([m.product for m in matches], pa.string()),
        "product_basis": pa.array([m.product_basis for m in matches], pa.string()),
        "start": administrations["start"],
        "end": administrations["end"],
        "instant": _instants(start),
        "date_first": pa.array(start.first),
        "date_last": pa.array(start.last),
        "end_instant": _instants(end),
        "end_last": pa.array(end.last),
        "route": _routes(administrations["route"], knowledge),
        "reasons": pa.array([sorted(k for k, by_text in r.items() if not by_text) for r in reasons], tables.TEXTS),
        "reasons_by_text": pa.array([sorted(k for k, by_text in r.items() if by_text) for r in reasons], tables.TEXTS),
        "request": administrations["request"],
        "part_of": _part_of(administrations["part_of"]),
        "assumptions": _assumptions(administrations, matches, start, amounts),
        "source_file": file_names.take(administrations["file"].combine_chunks()),
        "source_line": administrations["line"],
    } | amounts.columns()
    return tables.build(tables.ADMINISTRATIONS, columns)


def _instants(when: times.Times) -> pa.Array:
    return pa.array(when.instant).cast(pa.timestamp("us", tz="UTC"))


def _assumptions(administrations: pa.Table, matches: Sequence[DrugMatch], start: times.Times, amounts: Amounts) -> Floats:
    status = np.asarray(administrations["status"].to_pylist(), dtype=object)
    bits = np.where(status == "unknown", assumption("status-unknown"), 0)
    bits = bits | np.where(start.no_offset, assumption("no-offset"), 0)
    bits = bits | np.where(amounts.by_alias, assumption("dose-unit-alias"), 0)
    bits = bits | np.where([m.by_text for m in matches], assumption("matched-by-text"), 0)
    return np.asarray(bits | np.where([m.product_basis == "text" for m in matches], assumption("product-by-text"), 0))


def _routes(column: pa.ChunkedArray, knowledge: Knowledge) -> pa.Array:
    def route(text: str | None) -> str | None:
        concept = decode(text, knowledge.systems)
        by_code = (knowledge.routes.get(coding) for coding in concept.codings)
        by_text = (knowledge.routes.get(("", plain(t))) for t in concept.texts)
        return next((r for r in (*by_code, *by_text) if r), None)

    values, codes = per_distinct(column, route)
    return pa.array(np.array(values, dtype=object)[codes], pa.string())


def _part_of(column: pa.ChunkedArray) -> pa.Array:
    values, codes = per_distinct(column, lambda text: [] if text is None else [r for r in msgspec.json.decode(text) if r])
    return pa.array([values[code] for code in codes], tables.TEXTS)


class _ReasonRef(msgspec.Struct):
    ref: str | None = None
    display: str | None = None


def _reasons(administrations: pa.Table, conditions: Mapping[str, Membership], knowledge: Knowledge) -> list[Membership]:
    """Indications among the reasons of each administration; a set found by code counts as by code."""
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
    both = (_union([concept_values[c], ref_values[r]]) for c, r in zip(concept_codes, ref_codes, strict=True))
    return [{name: by_text for name, by_text in found.items() if name in indications} for found in both]


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


def is_null(column: pa.ChunkedArray) -> Flags:
    return np.asarray(pc.is_null(column).to_numpy(zero_copy_only=False))
