"""Great Expectations behind its door: finds what is planted, tells counts and no values, never takes an error for a finding."""

import datetime as dt
import importlib
import json
import re
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given as given_any
from hypothesis import strategies as st

from bonefhir.errors import AccountingError, KnowledgeError
from bonefhir.judge import suites
from bonefhir.judge.suite_files import Expectation, Suite, faults_of, read_suites, value_sets
from bonefhir.judge.suite_tables import batches, read, separate
from bonefhir.judge.suites import Batches
from bonefhir.knowledge.load import load, shipped
from bonefhir.knowledge.model import Knowledge
from bonefhir.tables import DOSES, LABS, PATIENTS, VERDICTS, Table

CANARY = "CANARY-4711"
DAY = dt.date(2024, 3, 1)


@pytest.fixture(scope="module")
def knowledge() -> Knowledge:
    return load()


def frame(table: Table, rows: int, **values: Any) -> pd.DataFrame:
    """A table with the types that the pipeline gives it; columns not named are null."""
    columns = []
    for column in table:
        plain = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
        value = values.get(column.name)
        array = pa.array(value if isinstance(value, list) else [value] * rows, type=plain)
        columns.append(array.cast(column.type))
    return pa.table(columns, schema=table.schema).to_pandas()


def tables(rows: int = 3) -> dict[str, pd.DataFrame]:
    ids = [str(n) for n in range(rows)]
    dose_ids = [f"MedicationAdministration/{i}" for i in ids]
    patient_ids = [f"Patient/{i}" for i in ids]
    product = {"product": "zoledronic_acid_4mg", "indication": "bone_metastases"}
    dates = {"date_first": DAY, "date_last": DAY}
    doses = frame(
        DOSES, rows, dose_id=dose_ids, patient_id=patient_ids, status="completed", drug="zoledronic_acid", ordinal=1,
        start="2024-03-01", rule_indication="bone_metastases", indication_basis="reason", amount_low=4.0, amount_high=4.0,
        amount_unit="mg", route="intravenous", creatinine_low=1.0, creatinine_high=1.0, **product, **dates,
    )  # fmt: skip
    labs = frame(
        LABS, rows, resource=[f"Observation/{i}" for i in ids], patient_id=patient_ids, analyte="creatinine", value_low=1.0,
        value_high=1.0, usable=True, **dates,
    )  # fmt: skip
    patients = frame(
        PATIENTS, rows, patient_id=patient_ids, gender="female", female_low=1.0, female_high=1.0, birth_date="1950-01-01",
        birth_first=dt.date(1950, 1, 1), birth_last=dt.date(1950, 1, 1),
    )  # fmt: skip
    verdicts = frame(
        VERDICTS, rows, rule_id="ZA4-DOSE-MAX", dose_id=dose_ids, patient_id=patient_ids, verdict="pass", severity="error",
        message="4 mg given", **product,
    )  # fmt: skip
    return {"doses": doses, "labs": labs, "patients": patients, "verdicts": verdicts}


def given(frames: dict[str, pd.DataFrame], most: int | None = None) -> Batches:
    """What a run gives to the suites: tables in two parts, in batches of so many rows."""

    def of(suite: Suite, cells: int) -> Iterator[pa.Table]:
        schema = next(table.schema for table in (DOSES, LABS, PATIENTS, VERDICTS) if table.name == suite.table)
        whole = pa.Table.from_pandas(frames[suite.table], schema=schema, preserve_index=False).replace_schema_metadata(None)
        rows = cells if most is None else most * len(suite.columns)
        return batches(lambda: iter([whole.slice(0, 2), whole.slice(2)]), len(whole), suite, rows)

    return of


def run(frames: dict[str, pd.DataFrame], knowledge: Knowledge, most: int | None = None, **options: Any) -> list[dict[str, Any]]:
    verdicts = frames["verdicts"]
    counts = [{"rule_id": rule, **part["verdict"].value_counts().to_dict()} for rule, part in verdicts.groupby("rule_id")]
    told = [{"pass": 0, "fail": 0, **row} for row in counts]
    return suites.run_suites(given(frames, most), pa.Table.from_pylist(told), knowledge, **options)


def failed(results: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {e["id"]: e for suite in results for e in suite["expectations"] if not e["success"]}


def test_clean_tables_meet_every_expectation(knowledge: Knowledge) -> None:
    results = run(tables(), knowledge)
    assert [suite["suite"] for suite in results] == ["doses", "labs", "patients", "verdicts", "rules"]
    assert failed(results) == {}
    assert [suite["rows"] for suite in results] == [3, 3, 3, 3, len(knowledge.rules)]


def test_tables_without_a_row_meet_every_expectation(knowledge: Knowledge) -> None:
    results = run(tables(0), knowledge)
    assert failed(results) == {}
    assert all(e["elements"] == 0 for suite in results for e in suite["expectations"])


def test_faults_are_counted_and_no_value_leaves(knowledge: Knowledge, tmp_path: Path) -> None:
    """One fault of each kind, each with a value that must not be seen again, in the results or in the Data Docs."""
    changed = tables(4)
    doses = changed["doses"].astype({"status": "str", "route": "str", "patient_id": "str"})
    doses.loc[0, "status"] = CANARY
    doses.loc[1, "dose_id"] = doses.loc[2, "dose_id"]
    doses.loc[1, "patient_id"] = None
    doses.loc[2, "creatinine_low"], doses.loc[2, "creatinine_high"] = 4711.25, 1.0
    changed["doses"] = doses
    changed["labs"].loc[0, ["resource", "value_low"]] = [None, -4711.25]
    changed["patients"] = changed["patients"].astype({"gender": "str"})
    changed["patients"].loc[0, "gender"] = CANARY
    results = run(changed, knowledge, data_docs=tmp_path / "docs")
    found = failed(results)
    assert {name: (e["unexpected"], e["elements"]) for name, e in found.items() if e["severity"] == "critical"} == {
        "dose-patient-present": (1, 4),
        "dose-status-used": (1, 4),
        "dose-creatinine-range": (1, 4),
        "dose-creatinine-bounds": (1, 4),
        "dose-id-unique": (2, 4),
        "lab-resource-present": (1, 4),
        "lab-value-range": (1, 4),
        "lab-creatinine-range": (1, 4),
        "patient-gender-code": (1, 4),
    }
    pages = [page.read_text(encoding="utf-8") for page in (tmp_path / "docs").rglob("*") if page.is_file()]
    written = json.dumps(results) + "".join(pages)
    assert CANARY not in written
    assert "4711" not in written
    assert "MedicationAdministration/" not in written


@pytest.mark.parametrize("most", [1, 2, 3, 5])
def test_batches_of_any_size_are_judged_like_the_whole(knowledge: Knowledge, most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Faults that need more than one row, or a share of all rows: twins in one batch and far apart, and enough of a kind."""
    changed = tables(9)
    doses, verdicts, labs = changed["doses"], changed["verdicts"], changed["labs"]
    doses.loc[3, "dose_id"] = doses.loc[4, "dose_id"] = doses.loc[2, "dose_id"]
    doses.loc[8, "patient_id"] = doses.loc[0, "patient_id"]
    doses.loc[:4, "creatinine_low"] = float("nan")
    verdicts.loc[5, "dose_id"] = verdicts.loc[6, "dose_id"]
    verdicts["verdict"] = ["indeterminate"] * 5 + ["pass"] * 4
    labs["usable"] = [True] * 8 + [False]
    labs.loc[7:, "resource"] = None
    whole, in_parts = run(changed, knowledge), run(changed, knowledge, most)
    assert in_parts == whole
    monkeypatch.setattr(suites, "_asked_once", nullcontext)  # as Great Expectations does it
    assert run(changed, knowledge) == whole
    found = {name: one["unexpected"] for name, one in failed(in_parts).items()}
    assert found["dose-id-unique"] == 3
    assert found["dose-ordinal-unique"] == 2
    assert found["verdict-unique"] == 2
    assert found["verdict-decided"] == found["dose-creatinine-known"] == 5
    assert {"lab-resource-present", "lab-usable-share", "lab-unusable-explained"} <= set(found)


IDS = st.lists(st.sampled_from([None, *(f"Observation/{n}" for n in "12345678")]), max_size=12)


@given_any(IDS, st.lists(st.sampled_from("abc"), min_size=12, max_size=12), st.integers(1, 6), st.integers(1, 12))
def test_what_is_alike_meets_in_one_batch(ids: list[str | None], others: list[str], most: int, cut: int) -> None:
    ordered = sorted(ids, key=lambda one: (one is None, one))
    plain = {"resource": ordered, "patient_id": others[: len(ids)]}
    table = pa.table([pa.array(plain.get(c.name, [None] * len(ids)), c.type) for c in LABS], schema=LABS.schema)
    for column, values in plain.items():
        suite = Suite("labs", "", (Expectation("u", "expect_column_values_to_be_unique", "info", "", {"column": column}, {}),))
        assert separate(suite) == [suite]
        found = list(batches(lambda: iter([table.slice(0, cut), table.slice(cut)]), len(ids), suite, most))
        assert sum(batch.num_rows for batch in found) == len(ids)
        twins = sum(int(batch[column].to_pandas().dropna().duplicated(keep=False).sum()) for batch in found)
        assert twins == int(pd.Series(values).dropna().duplicated(keep=False).sum())


def test_a_table_that_is_not_in_order_is_refused(knowledge: Knowledge) -> None:
    """Two of an id could then be in different batches, and each look as if it stood once."""
    changed = tables(4)
    changed["doses"] = changed["doses"].iloc[[0, 3, 1, 2]].reset_index(drop=True)
    with pytest.raises(AccountingError, match="doses is not in the order"):
        run(changed, knowledge, 1)


def test_data_docs_load_nothing_and_are_the_same_twice(knowledge: Knowledge, tmp_path: Path) -> None:
    folders = [tmp_path / "a", tmp_path / "b"]
    for folder in folders:
        run(tables(), knowledge, data_docs=folder)
    first, second = ({p.relative_to(f): p.read_bytes() for p in sorted(f.rglob("*")) if p.is_file()} for f in folders)
    assert first == second
    assert len(first) == 11  # index, five suites, five results
    for name, page in first.items():
        assert name.suffix == ".html"
        text = page.decode()
        assert not re.search(r"<script|<link|<img|<iframe|\bon\w+=|@import|url\(", text)
        assert not re.search(r"""(?:https?:)?//(?!bonefhir-suites/)""", text)


def test_each_rule_is_an_expectation_on_its_share_of_fail(knowledge: Knowledge) -> None:
    changed = tables(10)
    changed["verdicts"]["verdict"] = ["fail"] * 2 + ["pass"] * 6 + ["indeterminate"] * 2
    strict = {e["id"]: e for e in run(changed, knowledge)[-1]["expectations"]}
    assert set(strict) == {rule.id for rule in knowledge.rules}
    found = strict["ZA4-DOSE-MAX"]
    assert (found["success"], found["unexpected"], found["elements"], found["severity"]) == (False, 2, 8, "critical")
    tolerant = run(changed, knowledge, tolerances={"ZA4-DOSE-MAX": 0.25})[-1]
    assert tolerant["success"]
    with pytest.raises(KnowledgeError, match="no such rule"):
        run(changed, knowledge, tolerances={"NO-SUCH-RULE": 0.1})


def test_an_expectation_that_cannot_be_evaluated_is_an_error_not_a_finding(
    knowledge: Knowledge, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A column that is not there raises inside Great Expectations, which reports it like a failure."""
    wrong = Expectation("wrong", "expect_column_values_to_be_unique", "critical", "x", {"column": "nowhere"}, {})
    monkeypatch.setattr(suites, "read_suites", lambda *_: [Suite("doses", "Doses", (wrong,))])
    with pytest.raises(AccountingError, match="wrong could not be evaluated"):
        run(tables(), knowledge)


@pytest.mark.parametrize(
    ("type_", "arguments", "message"),
    [
        ("expect_column_values_to_be_nice", {"column": "status"}, "Great Expectations has no"),
        ("expect_column_values_to_not_be_null", {"column": "status", "colour": "red"}, "does not take"),
    ],
)
def test_an_expectation_that_great_expectations_does_not_know_is_refused(
    knowledge: Knowledge, monkeypatch: pytest.MonkeyPatch, type_: str, arguments: dict[str, str], message: str
) -> None:
    wrong = Expectation("wrong", type_, "critical", "x", arguments, {})
    monkeypatch.setattr(suites, "read_suites", lambda *_: [Suite("doses", "Doses", (wrong,))])
    with pytest.raises(KnowledgeError, match=message):
        run(tables(), knowledge)


def test_shipped_suites_have_statements_and_unlike_ids(knowledge: Knowledge) -> None:
    found = read_suites(shipped() / "suites", knowledge)
    ids = [expectation.id for suite in found for expectation in suite.expectations]
    assert len(ids) == len(set(ids)) > 50


def test_every_fault_of_a_suite_file_is_told_at_once(knowledge: Knowledge, tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text("table = 'dosses'\n")
    (tmp_path / "b.toml").write_text("= no toml")
    (tmp_path / "c.toml").write_text(
        "table = 'doses'\n[[expectation]]\nid = 'x'\ntype = 'expect_x'\nseverity = 'bad'\n"
        "column = 'nope'\nvalue_set_from = 'no'\n"
    )
    with pytest.raises(KnowledgeError) as caught:
        read_suites(tmp_path, knowledge)
    words = str(caught.value)
    assert "a.toml: table must be" in words
    assert "b.toml: not TOML" in words
    for fault in ("type must be", "statement is missing", "severity must", "no column nope", "value_set_from must"):
        assert f"c.toml: x: {fault}" in words.replace("the table doses has ", "")
    assert len(caught.value.faults) == 7


def test_an_empty_folder_and_a_file_without_expectations_are_faults(knowledge: Knowledge, tmp_path: Path) -> None:
    with pytest.raises(KnowledgeError, match="no suite"):
        read_suites(tmp_path, knowledge)
    assert list(faults_of({"table": "doses"}, value_sets(knowledge))) == ["no expectation"]
    entry = {"id": "a", "type": "expect_column_values_to_be_null", "severity": "info", "statement": "s", "column": "status"}
    assert list(faults_of({"table": "doses", "expectation": [entry, entry]}, value_sets(knowledge))) == ["a: id stands twice"]


def test_severity_of_an_expectation_is_that_of_its_rule(knowledge: Knowledge) -> None:
    rules = [replace(knowledge.rules[0], id=severity, severity=severity) for severity in ("error", "warning", "info")]
    assert [e.severity for e in suites.rule_suite(rules, {}).expectations] == ["critical", "warning", "info"]


def test_a_library_is_hidden_from_an_import_and_from_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "colorsys", raising=False)
    with suites._without("colorsys"), pytest.raises(ImportError):
        importlib.import_module("colorsys")
    found = importlib.import_module("colorsys")
    with suites._without("colorsys"):
        assert importlib.import_module("colorsys") is found


def test_a_library_that_is_put_off_is_imported_when_it_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "colorsys", raising=False)
    with suites._later("colorsys"):
        promised = importlib.import_module("colorsys")
    assert "colorsys" not in sys.modules
    assert promised.rgb_to_hsv(0, 0, 0) == (0, 0, 0)
    assert sys.modules["colorsys"] is not promised
    with suites._later("colorsys"):
        assert importlib.import_module("colorsys") is sys.modules["colorsys"]


@pytest.mark.parametrize("missing", [0, 1, 3])
def test_what_is_missing_in_a_file_is_seen(tmp_path: Path, missing: int) -> None:
    messages = pa.array(["4 mg given"] * (3 - missing) + [None] * missing, pa.string())
    columns = {"dose_id": pa.array(["a", "b", "c"]), "message": messages, "verdict": pa.array(["pass"] * 3)}
    rows = pa.table([columns.get(c.name, pa.nulls(3, c.type)) for c in VERDICTS], schema=VERDICTS.schema)
    pq.write_table(rows, tmp_path / "verdicts.parquet", row_group_size=2)
    asked = [Expectation(column, "expect_column_values_to_not_be_null", "info", "", {"column": column}, {}) for column in columns]
    suite = Suite("verdicts", "", tuple(asked))
    [batch] = read(tmp_path / "verdicts.parquet", suite)
    assert {name: batch[name].null_count for name in batch.column_names} == {"dose_id": 0, "message": missing, "verdict": 0}
    assert batch.num_rows == 3
