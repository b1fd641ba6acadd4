"""What is decided of a bucket of patients: relevance, status, conformance, references; then the normalised tables.

The order of decisions is that of semantics.md, section 1, and `fates.Fates` keeps it: older version → superseded; no code
that anybody asks for → irrelevant; status → excluded; no id, no patient, no time, invalid → rejected; else used.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bonefhir import tables
from bonefhir.interval import Flags
from bonefhir.knowledge.model import Knowledge
from bonefhir.normalise import administrations, conditions, labs, patients, quality, references, times, versions
from bonefhir.normalise.books import Books, books
from bonefhir.normalise.concepts import per_distinct
from bonefhir.normalise.everywhere import Others, decide_conditions, reasons
from bonefhir.normalise.fates import IRRELEVANT, REJECTED
from bonefhir.normalise.inputs import Check, Input, equals, null, within
from bonefhir.normalise.value_sets import Membership


@dataclass(frozen=True)
class Facts:
    """What a rule may need to know of the input as a whole.

    last_date       last date of any used dose or lab; NaT: none
    lab_records     analytes of which the input has any readable Observation or component, whatever became of it
    dental_records  the input has a used Procedure of the dental value set
    """

    last_date: np.datetime64
    lab_records: frozenset[str]
    dental_records: bool


@dataclass(frozen=True)
class Resolved:
    """The normalised tables of a bucket."""

    administrations: pa.Table
    labs: pa.Table
    conditions: pa.Table
    procedures: pa.Table
    patients: pa.Table
    books: Books
    facts: Facts


def resolve(
    read: Mapping[str, pa.Table], others: Others, knowledge: Knowledge, full: bool, file_names: pa.Array, check: Check | None
) -> Resolved:
    """read: the read tables of a bucket, by name, with their references resolved; without Medications.

    check: of what is to be evidence, and if `full`, of all that is used; null: nothing is checked
    """
    run = _Resolution(read, others, knowledge)
    if check is not None:
        run.conform(check, full)
    return run.result(file_names)


class _Resolution:
    def __init__(self, read: Mapping[str, pa.Table], others: Others, knowledge: Knowledge) -> None:
        self.others, self.knowledge = others, knowledge
        self.invalid_reasons: list[int] = []

        def given(name: str, table: tables.Table) -> Input:
            return Input(name, read[table.name], others.versions)

        self.patients = given("Patient", tables.PATIENTS_READ)
        self.doses = given("MedicationAdministration", tables.ADMINISTRATIONS_READ)
        self.labs = given("Observation", tables.OBSERVATIONS_READ)
        self.conditions = given("Condition", tables.CONDITIONS_READ)
        self.procedures = given("Procedure", tables.PROCEDURES_READ)
        self.inputs = (self.patients, self.doses, self.labs, self.conditions, self.procedures)
        self._doses()
        self._labs()
        self.condition_sets = decide_conditions(self.conditions, self.knowledge)
        self._procedures()
        self.patients.rejected_by_reader(needs_patient=False)

    def _doses(self) -> None:
        self.identified = administrations.identify(self.doses.resources, self.others.medications, self.knowledge)
        unreadable = ~null(self.doses.resources["fault"])
        for name in ("medication", "medication_ref", "contained_medication"):
            unreadable &= null(self.doses.resources[name])
        self.doses.fates.decide(~(self.identified.relevant | unreadable), IRRELEVANT)
        self.doses.status_excluded()
        self.doses.rejected_by_reader()
        for problem in ("medication-in-error", "medication-unresolved"):
            self.doses.fates.reject(
                self.identified.problem == problem, "resolve", problem, "medicationReference", "the Medication cannot be used"
            )
        self.dose_starts = times.parse(self.doses.resources["start"])
        self.doses.fates.reject(~self.dose_starts.known, "resolve", "no-time", "effective[x]", "no start that can be read")

    def _labs(self) -> None:
        self.named = labs.identify(self.labs.rows, self.knowledge)
        self.asked_for = self.named.asked_for
        self.labs.fates.decide(~self.labs.of_any_row(self.asked_for), IRRELEVANT)
        self.labs.status_excluded()
        self.labs.rejected_by_reader()
        self.lab_times = times.parse(self.labs.rows["effective"])
        self.labs.fates.reject(
            self.labs.of_any_row(~self.lab_times.known),
            "resolve",
            "no-time",
            "effective[x]",
            "neither effective nor issued can be read",
        )

    def _procedures(self) -> None:
        self.procedure_sets = conditions.identify(self.procedures.resources, "Procedure", self.knowledge)
        unreadable = null(self.procedures.resources["code"]) & ~null(self.procedures.resources["fault"])
        asked_for = np.array([bool(found) for found in self.procedure_sets], dtype=bool)
        self.procedures.fates.decide(~(asked_for | unreadable), IRRELEVANT)
        self.procedures.status_excluded()
        self.procedures.rejected_by_reader()

    def _treated(self) -> set[str]:
        """Patients with a dose of the catalogue: only theirs becomes evidence."""
        return set(self.doses.resources["subject"].filter(pa.array(self.doses.fates.used)).unique().to_pylist())

    def conform(self, check: Check, full: bool) -> None:
        """What is to be evidence: doses, and what is known of those who got them."""
        self.doses.conform(check, self.doses.fates.used)
        treated = self._treated()
        for each in (self.patients, self.labs, self.conditions, self.procedures):
            candidates = each.fates.used if full else each.of_patients(treated)
            each.conform(check, candidates)
        invalid, _ = self.conditions.invalid(check, self._named() & ~self.conditions.of_patients(treated))
        self.invalid_reasons = invalid.tolist()

    def _named(self) -> Flags:
        """Conditions that doses name as their reason: evidence, whoever's they are."""
        refs = self.doses.resources["reason_refs"].filter(pa.array(self.doses.fates.used)).drop_null()
        ids, _ = references.conditions(refs, np.zeros(len(refs), dtype=np.int64))
        return np.asarray(pc.is_in(self.conditions.resources["id"], ids).to_numpy())

    def result(self, file_names: pa.Array) -> Resolved:
        dose_table = self._administrations(file_names)
        lab_table, suspect = self._lab_table(file_names)
        procedure_table = self._used(self.procedures, self.procedure_sets, conditions.normalise_procedures, file_names)
        return Resolved(
            administrations=dose_table,
            labs=lab_table,
            conditions=self._used(self.conditions, self.condition_sets, conditions.normalise_conditions, file_names),
            procedures=procedure_table,
            patients=patients.normalise(self.patients.resources.filter(pa.array(self.patients.fates.used)), file_names),
            books=books(self.inputs, file_names, list(self._quality(lab_table, suspect, file_names))),
            facts=self._facts(dose_table, lab_table, procedure_table),
        )

    def _quality(self, lab_table: pa.Table, suspect: Flags, file_names: pa.Array) -> Iterator[pa.Table]:
        """Beside what is said of every type."""
        mismatch, unlisted = (self.identified.have(attrgetter(name)) for name in ("mismatch", "unlisted"))
        yield quality.of_collisions(self.patients.resources, versions.collisions(self.patients.resources), file_names)
        yield quality.of_labs(lab_table, suspect)
        for each, prefix in ((self.doses, "dose"), (self.labs, "quantity")):
            yield quality.of_units(each.name, each.rows, each.used_rows, prefix, self.knowledge, file_names)
        yield quality.of_medications(self.doses.resources, self.doses.fates.fate, mismatch, unlisted, file_names)

    def _administrations(self, file_names: pa.Array) -> pa.Table:
        rows = np.flatnonzero(self.doses.fates.used)
        known = {**self.others.conditions, **reasons(self.conditions, self.condition_sets, self.invalid_reasons)}
        return administrations.normalise(
            self.doses.resources.take(pa.array(rows)),
            self.dose_starts.of(rows),
            self.identified.of_rows(rows),
            known,
            self.knowledge,
            file_names,
        )

    def _lab_table(self, file_names: pa.Array) -> tuple[pa.Table, Flags]:
        """Used and rejected measurements. One without a value is none, unless it may stand in a component that cannot be read."""
        fate = self.labs.fates.fate[self.labs.resource_of]
        rejected = (fate == REJECTED) & ~null(self.labs.rows["subject"])
        absent = equals(self.labs.rows["value_kind"], "none")
        starts, codes = per_distinct(self.labs.rows["fault_path"], lambda path: path is not None and path.startswith("component"))
        unreadable = np.array(starts, dtype=bool)[codes]
        wanted = self.asked_for & ((self.labs.used_rows & ~absent) | (rejected & (~absent | unreadable)))
        rows = np.flatnonzero(wanted)
        source = self.labs.rows.select(labs.NEEDED)
        return labs.normalise(
            source if wanted.all() else source.take(pa.array(rows)),
            self.lab_times.of(rows),
            self.named.of_rows(rows),
            rejected[rows],
            self.knowledge,
            file_names,
        )

    @staticmethod
    def _used(each: Input, sets: Sequence[Membership], function: Callable[..., pa.Table], file_names: pa.Array) -> pa.Table:
        rows = np.flatnonzero(each.fates.used).tolist()
        return function(each.resources.take(pa.array(rows, pa.int64())), [sets[row] for row in rows], file_names)

    def _facts(self, dose_table: pa.Table, lab_table: pa.Table, procedure_table: pa.Table) -> Facts:
        used_labs = lab_table["date_first"].filter(pa.array(~within(lab_table["unusable_reason"], ("rejected",))))
        dates = pa.chunked_array([*dose_table["date_first"].chunks, *used_labs.chunks], pa.date32())
        last = pc.max(dates).as_py()
        return Facts(
            last_date=np.datetime64("NaT", "D") if last is None else np.datetime64(last, "D"),
            lab_records=self.named.readable,
            dental_records=bool(pc.any(pc.equal(procedure_table["value_set"].cast(pa.string()), "dental")).as_py()),
        )
