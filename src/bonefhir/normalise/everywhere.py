"""What concerns patients of every bucket: Medications, and Conditions that doses of other patients name as their reason."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from bonefhir.knowledge.model import Knowledge
from bonefhir.normalise import conditions
from bonefhir.normalise.books import Books, books
from bonefhir.normalise.drugs import DrugMatcher, decode_medication
from bonefhir.normalise.fates import EXCLUDED, IRRELEVANT, REJECTED, SUPERSEDED
from bonefhir.normalise.inputs import Check, Input, equals, null, within
from bonefhir.normalise.value_sets import Membership
from bonefhir.normalise.versions import Elsewhere

_REFUTED = ("refuted", "entered-in-error")


@dataclass(frozen=True)
class Others:
    """What a bucket of patients must know of the whole input.

    medications  'Medication/<id>' → JSON, and '' or why a dose of it must be rejected
    versions     of ids under which resources of several buckets stand
    conditions   'Condition/<id>' → what it says as a reason, of those that a dose of another bucket names
    """

    medications: Mapping[str, tuple[str | None, str]]
    versions: Elsewhere
    conditions: Mapping[str, Membership]


@dataclass(frozen=True)
class Medications:
    """by_reference: as in Others."""

    by_reference: dict[str, tuple[str | None, str]]
    books: Books


def resolve_medications(read: pa.Table, knowledge: Knowledge, check: Check | None, file_names: pa.Array) -> Medications:
    """Only those that are, or may be, of a drug of the catalogue matter. check: null, if nothing is to be checked."""
    given = Input("Medication", read)
    matcher = DrugMatcher(knowledge)
    texts = given.resources["medication"].to_pylist()
    relevant = [matcher.match(decode_medication(text, knowledge.systems)).drug is not None for text in texts]
    given.fates.decide(~(np.array(relevant, dtype=bool) | ~null(given.resources["fault"])), IRRELEVANT)
    given.status_excluded()
    given.rejected_by_reader(needs_patient=False)
    if check is not None:
        given.conform(check, given.fates.used)
    return Medications(_by_reference(given), books([given], file_names))


def _by_reference(medications: Input) -> dict[str, tuple[str | None, str]]:
    """Newest version of each."""
    problem = {EXCLUDED: "medication-in-error", REJECTED: "medication-unresolved"}
    columns = (medications.resources[name].to_pylist() for name in ("id", "medication"))
    rows = zip(*columns, medications.fates.fate.tolist(), strict=True)
    return {f"Medication/{i}": (text, problem.get(fate, "")) for i, text, fate in rows if fate != SUPERSEDED}


def reasons_elsewhere(read: pa.Table, elsewhere: Elsewhere, knowledge: Knowledge, check: Check | None) -> dict[str, Membership]:
    """What Conditions of other buckets say as reasons; read: every version of them."""
    given = Input("Condition", read, elsewhere)
    sets = decide_conditions(given, knowledge)
    if check is not None:
        given.conform(check, given.fates.used)
    return reasons(given, sets)


def decide_conditions(given: Input, knowledge: Knowledge) -> list[Membership]:
    """The value sets of each."""
    sets = conditions.identify(given.resources, "Condition", knowledge)
    unreadable = null(given.resources["code"]) & ~null(given.resources["fault"])
    given.fates.decide(~(np.array([bool(found) for found in sets], dtype=bool) | unreadable), IRRELEVANT)
    given.fates.decide(within(given.resources["verification_status"], _REFUTED), EXCLUDED)
    given.rejected_by_reader()
    return sets


def reasons(given: Input, sets: list[Membership], invalid: Sequence[int] = ()) -> dict[str, Membership]:
    """'Condition/<id>' → what it says as a reason; a refuted or erroneous one says nothing.

    One that lacks nothing but its own patient says what it says: the dose tells whose it is. Any other that was rejected is
    not here, so that the display of the reference speaks in its place.

    invalid: rows that were not rejected, as their own patient has no dose
    """
    read, fate = given.resources, given.fates.fate
    readable = null(read["fault"]) | equals(read["fault"], "no-patient")
    unread = (fate == REJECTED) & ~(readable & null(read["subject"]))
    unread[list(invalid)] = True
    known = np.flatnonzero((fate != SUPERSEDED) & ~unread)
    ids = read["id"].take(pa.array(known)).to_pylist()
    refuted = fate == EXCLUDED
    return {f"Condition/{i}": {} if refuted[row] else sets[row] for i, row in zip(ids, known, strict=True)}
