"""What only the whole input can decide: versions, references, relevance, status, conformance; then the normalised tables.

The order of decisions is that of semantics.md, section 1, and `fates.Fates` keeps it: older version → superseded; no code
that anybody asks for → irrelevant; status → excluded; no id, no patient, no time, invalid → rejected; else used.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from bonefhir.interval import Flags
from bonefhir.knowledge.model import Knowledge
from bonefhir.normalise import administrations, conditions, labs, patients, quality, references, times, versions
from bonefhir.normalise.concepts import per_distinct
from bonefhir.normalise.drugs import DrugMatcher, decode_medication
from bonefhir.normalise.fates import EXCLUDED, IRRELEVANT, REJECTED, SUPERSEDED, Fates, contained
from bonefhir.normalise.value_sets import Membership
from bonefhir.vocabulary import UNREADABLE

_EXCLUDED_STATUS = {
    "MedicationAdministration": ("not-done", "entered-in-error", "on-hold"),
    "Observation": ("registered", "preliminary", "cancelled", "entered-in-error", "unknown"),
    "Procedure": ("preparation", "not-done", "on-hold", "stopped", "entered-in-error", "unknown"),
    "Medication": ("entered-in-error",),
}
_REFUTED = ("refuted", "entered-in-error")

Check = Callable[[pd.DataFrame], pd.DataFrame]
"""Candidates (seq, file, offset, length, resource_type, release) → those that do not conform (seq, reason, path, detail)."""


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
    administrations: pa.Table
    labs: pa.Table
    conditions: pa.Table
    procedures: pa.Table
    patients: pa.Table
    per_file: npt.NDArray[np.int64]
    rejects: pa.Table
    quality: pa.Table
    facts: Facts


@dataclass
class _Input:
    """One resource type on its way: the rows read (observations: one per value), one row per resource, and its fate."""

    name: str
    rows: pa.Table
    resources: pa.Table = field(init=False)
    resource_of: npt.NDArray[np.int64] = field(init=False)
    fates: Fates = field(init=False)
    quality: list[tuple[int, str]] = field(init=False)

    def __post_init__(self) -> None:
        seq = self.rows["seq"].to_numpy()
        if (seq[1:] > seq[:-1]).all():  # each row a resource of its own, as nearly always: not a second copy of all of them
            self.resources, self.resource_of = self.rows, np.arange(len(seq))
        else:
            _, first, inverse = np.unique(seq, return_index=True, return_inverse=True)
            self.resources, self.resource_of = self.rows.take(first), inverse.reshape(-1)
        self.fates = Fates(self.name, self.resources)
        found = versions.decide(self.resources)
        self.quality = found.quality
        self.fates.decide(found.superseded, SUPERSEDED)

    def of_any_row(self, flags: Flags) -> Flags:
        """Per resource: the flag holds for at least one of its rows."""
        return np.bincount(self.resource_of, weights=flags, minlength=len(self.resources)) > 0

    def status_excluded(self) -> None:
        self.fates.decide(_in(self.resources["status"], _EXCLUDED_STATUS[self.name]), EXCLUDED)

    def rejected_by_reader(self, needs_patient: bool = True) -> None:
        self.fates.reject_faults()
        self.fates.reject(_null(self.resources["id"]), "resolve", "no-id", None, "neither an id nor a fullUrl that tells one")
        if needs_patient:
            self.fates.reject(
                _null(self.resources["subject"]),
                "resolve",
                "no-patient",
                "subject",
                "no reference to a Patient that can be resolved",
            )

    @property
    def used_rows(self) -> Flags:
        return np.asarray(self.fates.used[self.resource_of])


def resolve(
    read: Mapping[str, pa.Table], full_urls: pa.Table, knowledge: Knowledge, conformance: str, file_names: pa.Array, check: Check
) -> Resolved:
    """read: the read tables of all files, by name."""
    run = _Resolution(read, references.urn_targets(full_urls), knowledge, conformance, check)
    run.decide()
    return run.result(file_names)


class _Resolution:
    def __init__(
        self, read: Mapping[str, pa.Table], targets: Mapping[str, str], knowledge: Knowledge, conformance: str, check: Check
    ) -> None:
        self.knowledge, self.conformance, self.check = knowledge, conformance, check
        table = {name: references.resolve(rows.unify_dictionaries(), targets) for name, rows in read.items()}
        self.patients = _Input("Patient", table["patients_read"])
        self.medications = _Input("Medication", table["medications_read"])
        self.doses = _Input("MedicationAdministration", table["administrations_read"])
        self.labs = _Input("Observation", table["observations_read"])
        self.conditions = _Input("Condition", table["conditions_read"])
        self.procedures = _Input("Procedure", table["procedures_read"])
        self.inputs = (self.patients, self.medications, self.doses, self.labs, self.conditions, self.procedures)

    def decide(self) -> None:
        self._medications()
        self._doses()
        self._labs()
        self._conditions()
        self._procedures()
        self.patients.rejected_by_reader(needs_patient=False)
        treated = self._treated()
        for each in (self.doses, self.patients, self.labs, self.conditions, self.procedures):
            self._conform(each, None if each is self.doses or self.conformance == "full" else treated)

    def _medications(self) -> None:
        """Only those that are, or may be, of a drug of the catalogue matter."""
        matcher = DrugMatcher(self.knowledge)
        texts = self.medications.resources["medication"].to_pylist()
        relevant = [matcher.match(decode_medication(text, self.knowledge.systems)).drug is not None for text in texts]
        unreadable = ~_null(self.medications.resources["fault"])
        self.medications.fates.decide(~(np.array(relevant, dtype=bool) | unreadable), IRRELEVANT)
        self.medications.status_excluded()
        self.medications.rejected_by_reader(needs_patient=False)
        self._conform(self.medications, None)

    def _doses(self) -> None:
        self.identified = administrations.identify(self.doses.resources, self._medications_by_reference(), self.knowledge)
        unreadable = ~_null(self.doses.resources["fault"])
        for name in ("medication", "medication_ref", "contained_medication"):
            unreadable &= _null(self.doses.resources[name])
        self.doses.fates.decide(~(self.identified.relevant | unreadable), IRRELEVANT)
        self.doses.status_excluded()
        self.doses.rejected_by_reader()
        for problem in ("medication-in-error", "medication-unresolved"):
            self.doses.fates.reject(
                self.identified.problem == problem, "resolve", problem, "medicationReference", "the Medication cannot be used"
            )
        self.doses.fates.reject(
            _undated(self.doses.resources["start"]), "resolve", "no-time", "effective[x]", "no start that can be read"
        )

    def _medications_by_reference(self) -> dict[str, tuple[str | None, str]]:
        """Newest version of each: its JSON, and '' or why a dose of it must be rejected."""
        problem = {EXCLUDED: "medication-in-error", REJECTED: "medication-unresolved"}
        rows = zip(
            self.medications.resources["id"].to_pylist(),
            self.medications.resources["medication"].to_pylist(),
            self.medications.fates.fate,
            strict=True,
        )
        return {f"Medication/{i}": (text, problem.get(int(fate), "")) for i, text, fate in rows if fate != SUPERSEDED}

    def _labs(self) -> None:
        self.analytes, self.unmapped = labs.identify(self.labs.rows, self.knowledge)
        self.asked_for = np.array([analyte is not None for analyte in self.analytes], dtype=bool)
        self.labs.fates.decide(~self.labs.of_any_row(self.asked_for), IRRELEVANT)
        self.labs.status_excluded()
        self.labs.rejected_by_reader()
        self.labs.fates.reject(
            _undated(self.labs.resources["effective"]),
            "resolve",
            "no-time",
            "effective[x]",
            "neither effective nor issued can be read",
        )

    def _conditions(self) -> None:
        self.condition_sets = conditions.identify(self.conditions.resources, "Condition", self.knowledge)
        unreadable = _null(self.conditions.resources["code"]) & ~_null(self.conditions.resources["fault"])
        self.conditions.fates.decide(~(_any(self.condition_sets) | unreadable), IRRELEVANT)
        self.conditions.fates.decide(_in(self.conditions.resources["verification_status"], _REFUTED), EXCLUDED)
        self.conditions.rejected_by_reader()

    def _procedures(self) -> None:
        self.procedure_sets = conditions.identify(self.procedures.resources, "Procedure", self.knowledge)
        unreadable = _null(self.procedures.resources["code"]) & ~_null(self.procedures.resources["fault"])
        self.procedures.fates.decide(~(_any(self.procedure_sets) | unreadable), IRRELEVANT)
        self.procedures.status_excluded()
        self.procedures.rejected_by_reader()

    def _treated(self) -> set[str]:
        """Patients with a dose of the catalogue: only theirs becomes evidence."""
        return set(self.doses.resources["subject"].filter(pa.array(self.doses.fates.used)).to_pylist())

    def _conform(self, each: _Input, treated: set[str] | None) -> None:
        """treated None: all that are used."""
        if self.conformance == "none":
            return
        candidates = each.fates.used & ~contained(each.resources["id"])
        if treated is not None:
            candidates &= _of_patients(each, treated)
        rows = np.flatnonzero(candidates)
        if not len(rows):
            return
        frame = each.resources.select(["seq", "file", "offset", "length", "release"]).take(rows).to_pandas()
        faults = self.check(frame.assign(resource_type=each.name))
        by_seq = dict(zip(frame["seq"], rows, strict=True))
        hit = np.array([by_seq[seq] for seq in faults["seq"]], dtype=np.int64)
        each.fates.reject_each(hit, "conform", list(zip(faults["reason"], faults["path"], faults["detail"], strict=True)))

    def result(self, file_names: pa.Array) -> Resolved:
        dose_table = self._administrations(file_names)
        lab_table, suspect = self._lab_table(file_names)
        procedure_table = self._used(self.procedures, self.procedure_sets, conditions.normalise_procedures, file_names)
        found = [quality.of_resources(each.name, each.resources, each.quality, file_names) for each in self.inputs]
        found += [quality.while_reading(each.name, each.resources, each.fates.fate, file_names) for each in self.inputs]
        found.append(quality.of_collisions(self.patients.resources, versions.collisions(self.patients.resources), file_names))
        found.append(quality.of_labs(lab_table, suspect))
        for each, prefix in ((self.doses, "dose"), (self.labs, "quantity")):
            used = each.rows.filter(pa.array(each.used_rows))
            found.append(quality.of_units(each.name, used, prefix, self.knowledge, file_names))
        found.append(quality.of_medications(self.doses.resources, self.doses.fates.fate, self.identified.matches, file_names))
        return Resolved(
            administrations=dose_table,
            labs=lab_table,
            conditions=self._used(self.conditions, self.condition_sets, conditions.normalise_conditions, file_names),
            procedures=procedure_table,
            patients=patients.normalise(self.patients.resources.filter(pa.array(self.patients.fates.used)), file_names),
            per_file=np.sum([each.fates.per_file(len(file_names)) for each in self.inputs], axis=0),
            rejects=pa.concat_tables([each.fates.rejects() for each in self.inputs]),
            quality=pa.concat_tables(found),
            facts=self._facts(dose_table, lab_table, procedure_table),
        )

    def _administrations(self, file_names: pa.Array) -> pa.Table:
        rows = np.flatnonzero(self.doses.fates.used)
        matches = [self.identified.matches[row] for row in rows]
        return administrations.normalise(
            self.doses.resources.take(rows), matches, self._reason_conditions(), self.knowledge, file_names
        )

    def _reason_conditions(self) -> dict[str, Membership]:
        """'Condition/<id>' → what it says as a reason; a refuted or erroneous one says nothing.

        One that lacks nothing but its own patient says what it says: the dose tells whose it is. Any other that was rejected is
        not here, so that the display of the reference speaks in its place.
        """
        conditions = self.conditions.resources
        fate = self.conditions.fates.fate
        readable = _null(conditions["fault"]) | _is(conditions["fault"], "no-patient")
        unread = (fate == REJECTED) & ~(readable & _null(conditions["subject"]))
        known = np.flatnonzero((fate != SUPERSEDED) & ~unread)
        ids = conditions["id"].take(known).to_pylist()
        refuted = fate == EXCLUDED
        return {f"Condition/{i}": {} if refuted[row] else self.condition_sets[row] for i, row in zip(ids, known, strict=True)}

    def _lab_table(self, file_names: pa.Array) -> tuple[pa.Table, Flags]:
        """Used and rejected measurements. One without a value is none, unless it may stand in a component that cannot be read."""
        fate = self.labs.fates.fate[self.labs.resource_of]
        rejected = (fate == REJECTED) & ~_null(self.labs.rows["subject"])
        absent = _is(self.labs.rows["value_kind"], "none")
        path = self.labs.rows["fault_path"].cast(pa.string())
        unreadable = np.asarray(pc.starts_with(path, "component").fill_null(False))
        wanted = self.asked_for & ((self.labs.used_rows & ~absent) | (rejected & (~absent | unreadable)))
        rows = np.flatnonzero(wanted)
        return labs.normalise(
            self.labs.rows.take(rows), self.analytes[rows], self.unmapped[rows], rejected[rows], self.knowledge, file_names
        )

    @staticmethod
    def _used(each: _Input, sets: Sequence[Membership], function: Callable[..., pa.Table], file_names: pa.Array) -> pa.Table:
        rows = np.flatnonzero(each.fates.used).tolist()
        return function(each.resources.take(pa.array(rows, pa.int64())), [sets[row] for row in rows], file_names)

    def _facts(self, dose_table: pa.Table, lab_table: pa.Table, procedure_table: pa.Table) -> Facts:
        used_labs = lab_table.filter(pc.not_equal(lab_table["unusable_reason"].cast(pa.string()).fill_null(""), "rejected"))
        dates = pa.chunked_array([*dose_table["date_first"].chunks, *used_labs["date_first"].chunks], pa.date32())
        last = pc.max(dates).as_py()
        readable = self.asked_for & ~self.unmapped & (self.analytes != UNREADABLE)
        return Facts(
            last_date=np.datetime64("NaT", "D") if last is None else np.datetime64(last, "D"),
            lab_records=frozenset(self.analytes[readable]),
            dental_records=bool(pc.any(pc.equal(procedure_table["value_set"].cast(pa.string()), "dental")).as_py()),
        )


def _null(column: pa.ChunkedArray) -> Flags:
    return np.asarray(column.is_null().to_numpy())


def _is(column: pa.ChunkedArray, word: str) -> Flags:
    return np.asarray(pc.equal(column.cast(pa.string()), word).fill_null(False).to_numpy())


def _undated(column: pa.ChunkedArray) -> Flags:
    return ~times.parse(column).known


def _any(memberships: Sequence[Membership]) -> Flags:
    return np.array([bool(found) for found in memberships], dtype=bool)


def _in(column: pa.ChunkedArray, words: Collection[str]) -> Flags:
    values, codes = per_distinct(column, lambda text: text in words)
    return np.asarray(np.array(values, dtype=bool)[codes])


def _of_patients(each: _Input, treated: set[str]) -> Flags:
    if each.name == "Patient":
        return np.array([i is not None and f"Patient/{i}" in treated for i in each.resources["id"].to_pylist()], dtype=bool)
    return _in(each.resources["subject"], treated)
