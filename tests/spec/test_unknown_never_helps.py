"""'Missing data never passes and never fails a dose, except where the rule *is* that the data must exist.' (semantics.md, idea 1)

Generated patients stand in the input as they are, and again with one value replaced by unknown, in its place. No verdict may
become `pass` by it, and none `fail`: an unusable measurement was measured, so that not even "must exist" is an exception here.

Left out, because semantics.md lets something else speak in the place of what became unknown:

- rows that say so by an assumption (ANOTHER_SPEAKS): an older measurement, or a clearance or eGFR that was reported;
- an albumin: the next nearest speaks ("the albumin nearest to the calcium's time"), or [2.0, 5.0], which is less than ">= 2.0";
- a calcium beside which another kind of the same date speaks ("on one date ionised before reported-corrected before total"):
  it is told of only if it is not certainly earlier;
- stability of creatinine, where one that is not usable is earlier than all that are ("fewer than two usable creatinines");
- the route of a dose in parts ("route the first known"), the end of an infusion with a rate ("Else, with a rate");
- doses whose indication changed or is no longer assumed: a calcium and a date decide of it (section 4);
- patients whose doses are not the same any more: an unknown amount makes another product, or other doubles and parts (section 4);
- what was not judged and now is, of BY_CLEARANCE: "clearance.high below the lowest band" is not applicable, and if only a part of
  a range is below it, the table's other columns hold for the rest.
"""

import random
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from bonefhir import tables
from bonefhir.judge import rules
from bonefhir.judge.view import PASS, Outcome, View
from bonefhir.knowledge.load import load
from bonefhir.pipeline import judged, result
from bonefhir.settings import Settings
from tests.generate.folders import write_ndjson
from tests.generate.patients import patient
from tests.generate.unknown import Unknown, unknowns

KINDS = {rule.id: rule.kind for rule in load().rules}
CODES = {name: {code.code for code in measurement.codes} for name, measurement in load().measurements.items()}

ANOTHER_SPEAKS = {"newer-unusable", "crcl-as-reported", "egfr-as-reported"}
BY_CLEARANCE = ("dose_by_clearance", "underdose_by_clearance", "duration_min")
OF_CALCIUM = ("calcium_min", "calcium_indication", "dose_min")

COPIES = 100
"""Patient n × COPIES is as generated; those that follow are the same with something unknown."""

Row = Mapping[str, Any]
Rows = dict[int, dict[tuple[str, str], Row]]


def batch(seed: int, patients: int, copies: int) -> tuple[list[dict[str, Any]], dict[int, Unknown]]:
    """The documents, and what is unknown of which patient."""
    documents, changes = [], {}
    for number in range(0, patients * COPIES, COPIES):
        documents += patient(random.Random(f"{seed}/{number}"), number)
        for copy in range(number + 1, number + 1 + copies):
            own = patient(random.Random(f"{seed}/{number}"), copy)
            if possible := unknowns(own):
                changes[copy] = random.Random(f"{seed}/{copy}").choice(possible)
                changes[copy].replace()
                documents += own
    return documents, changes


def helped(seed: int, profile: str, patients: int, copies: int) -> list[str]:
    """Verdicts that became `pass` or `fail` by what is unknown."""
    documents, changes = batch(seed, patients, copies)
    with TemporaryDirectory() as folder:
        write_ndjson(documents, Path(folder) / "in")
        with judged(Settings((f"{folder}/in",), Path(folder) / "out", profile=profile, jobs=1)) as run:
            verdicts, doses = (result(run, table).to_pylist() for table in (tables.VERDICTS, tables.DOSES))
    told, given_ = by_patient(verdicts, "rule_id"), by_patient(doses, "start")
    found = []
    for copy, change in changes.items():
        whole = copy - copy % COPIES
        before, after = (doses_of(given_.get(number, {})) for number in (whole, copy))
        if {i: (d["product"], short(d["merged_ids"])) for i, d in before.items()} != {
            i: (d["product"], short(d["merged_ids"])) for i, d in after.items()
        }:
            continue
        for key, row in told.get(copy, {}).items():
            old = told.get(whole, {}).get(key)
            dose = before[key[0]], after[key[0]]
            if became(old, row) and not left_out(change, old, row, *dose):
                said = f"{old['verdict']} {old['reasons']}" if old else "not applicable"
                found.append(f"seed {seed}, {profile}, {change.name}: {row['dose_id']} {key[1]}: {said} -> {row['verdict']}")
    return found


def by_patient(rows: list[dict[str, Any]], name: str) -> Rows:
    """Number of the patient → (dose, the column) → row."""
    found: Rows = {}
    for row in rows:
        number = int(row["patient_id"].removeprefix("Patient/p"))
        found.setdefault(number, {})[short([row["dose_id"]])[0], row[name]] = row
    return found


def short(ids: list[str] | None) -> list[str]:
    """Without the patient: 'd3'."""
    return [identifier.partition("-")[2] for identifier in ids or []]


def doses_of(rows: Mapping[tuple[str, str], Row]) -> dict[str, Row]:
    return {identifier: row for (identifier, _), row in rows.items()}


def became(old: Row | None, row: Row) -> bool:
    return row["verdict"] != "indeterminate" and (old is None or old["verdict"] != row["verdict"])


def left_out(change: Unknown, old: Row | None, row: Row, before: Row, after: Row) -> bool:
    """Why: see the head of this file."""
    kind = KINDS[row["rule_id"]]
    return any(
        (
            ANOTHER_SPEAKS & set(row["assumptions"]),
            change.what.startswith("lab") and "albumin" in analytes(change) and kind in OF_CALCIUM,
            change.what.startswith("lab") and calcium_of(old) != calcium_of(row) and kind in OF_CALCIUM,
            change.what.startswith("lab") and "creatinine" in analytes(change) and kind == "creatinine_stable",
            change.what == "dose route" and kind == "route" and "merged-parts" in row["assumptions"],
            change.what == "dose end" and any(name.startswith("rate") for name in change.resource.get("dosage", {})),
            any(before[name] != after[name] for name in ("indication", "indication_basis")),
            old is None and kind in BY_CLEARANCE,
        )
    )


def calcium_of(row: Row | None) -> set[str]:
    """The kinds of calcium that a verdict rests on."""
    return {item["role"] for item in row["evidence"] if item["role"].endswith(" calcium")} if row else set()


def analytes(change: Unknown) -> set[str]:
    parts = [change.resource, *change.resource.get("component", [])]
    codes = {coding.get("code") for part in parts for coding in part.get("code", {}).get("coding", [])}
    return {name for name, own in CODES.items() if own & codes}


def examples(number: int, seeds: st.SearchStrategy[int]) -> Any:
    """Seeds do not shrink: a smaller one is another patient."""
    profiles = st.sampled_from(("us", "eu"))
    return lambda test: given(seeds, profiles)(settings(max_examples=number, deadline=None, phases=[Phase.generate])(test))


@examples(3, st.integers(0, 1 << 20))
def test_unknown_never_helps(seed: int, profile: str) -> None:
    assert helped(seed, profile, patients=15, copies=6) == []


@pytest.mark.deep
@examples(30, st.integers(1 << 20, 1 << 30))
def test_unknown_never_helps_many(seed: int, profile: str) -> None:
    assert helped(seed, profile, patients=40, copies=8) == []


@pytest.fixture
def generous(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A kind that takes no clearance for a good one."""

    def clearance_min(view: View, parameters: Mapping[str, Any]) -> Outcome:
        found = own(view, parameters)
        return replace(found, verdict=found.verdict * view.interval("clearance").known + PASS * ~view.interval("clearance").known)

    own = rules.KINDS["clearance_min"]
    with monkeypatch.context() as patch:
        patch.setitem(rules.KINDS, "clearance_min", clearance_min)  # type: ignore[arg-type]
        yield


def test_a_kind_that_is_helped_is_found(generous: None) -> None:
    """Looks until it finds one: which patient it is changes with the generator."""
    assert any("-> pass" in one for seed in range(20) for one in helped(seed, "us", patients=10, copies=8))
