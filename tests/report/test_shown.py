"""What the pages of findings draw on: the same as from all rows at once, in whatever pieces the tables are read."""

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow.parquet as pq
from hypothesis import given
from hypothesis import strategies as st

from bonefhir import tables
from bonefhir.report.marks import DAYS_AFTER, DAYS_BEFORE, LANE_OF, LANES, days
from bonefhir.report.records import ID, Records, of_patients, place
from bonefhir.report.shown import Shown, shown
from bonefhir.report.timeline import events
from tests.report.fixtures import evidence, rule, table_of, verdict

Rows = Sequence[dict[str, Any]]
A = rule("ZA4-A")
EPOCH = date(1970, 1, 1)
PEOPLE = [f"Patient/p{number}" for number in range(3)]

somebody = st.sampled_from(PEOPLE)
a_day = st.one_of(st.none(), st.integers(0, 1_000).map(lambda days: date(2020, 1, 1) + timedelta(days=days)))
a_number = st.sampled_from([0.1, 1.25, 57.2, float("nan"), float("inf"), None])
a_dose = st.fixed_dictionaries(
    {
        "patient_id": somebody,
        "date_first": a_day,
        "amount_low": a_number,
        "clearance_low": a_number,
        "ordinal": st.sampled_from([1, 2]),
    }
)
a_lab = st.fixed_dictionaries(
    {
        "patient_id": somebody,
        "date_first": a_day,
        "analyte": st.sampled_from([*LANE_OF, "albumin", "height"]),
        "value_low": a_number,
        "usable": st.booleans(),
        "reported": st.sampled_from(["1 mg/dL", None]),
    }
)


def written(phi: Path, doses: Rows, labs: Rows, rows_of_a_group: int) -> None:
    rows = {"doses": doses, "labs": labs, "patients": [{"patient_id": name, "source_line": 3} for name in PEOPLE]}
    for table in (tables.DOSES, tables.LABS, tables.PATIENTS, tables.CONDITIONS, tables.PROCEDURES):
        pq.write_table(table_of(table, rows.get(table.name, [])), phi / f"{table.name}.parquet", row_group_size=rows_of_a_group)


def finding_of(dose: dict[str, Any], labs: Rows) -> dict[str, Any]:
    cited = [dose["dose_id"], dose["patient_id"], *(lab["resource"] for lab in labs[:2])]
    items = [evidence("role", A, 0) | {"resource": resource} for resource in cited]
    return verdict(A, 0, "fail", dose_id=dose["dose_id"], patient_id=dose["patient_id"], evidence=items)


@given(st.lists(a_dose, min_size=1, max_size=8), st.lists(a_lab, max_size=20), st.integers(1, 7), st.data())
def test_it_is_what_reading_everything_gives(doses: Rows, labs: Rows, rows_of_a_group: int, data: st.DataObject) -> None:
    doses = [row | {"dose_id": f"MedicationAdministration/{n}", "product": "zol"} for n, row in enumerate(doses)]
    doses = [row | {f"{name}_high": row[f"{name}_low"] for name in ("amount", "clearance")} for row in doses]
    labs = [row | {"resource": f"Observation/{n:02}", "unit": "x", "value_high": row["value_low"]} for n, row in enumerate(labs)]
    asked = data.draw(st.lists(st.sampled_from(doses), min_size=1, unique_by=lambda row: row["dose_id"]))
    findings = [finding_of(dose, labs) for dose in asked]
    with TemporaryDirectory() as folder:
        written(Path(folder), doses, labs, rows_of_a_group)
        found = shown(Path(folder), table_of(tables.VERDICTS, findings))
        people = {row["patient_id"] for row in findings}
        all_ = everything(Path(folder), people)
        assert repr(of_patients(Path(folder), people)) == repr(all_)
    for finding in findings:
        dose = all_.doses[finding["dose_id"]]
        first, of_all = (records.first_dose(dose) or {} for records in (found.records, all_))
        assert repr(first) == repr({name: of_all[name] for name in first})
        assert bool(first) == bool(of_all)
        for item in finding["evidence"]:
            assert found.records.places.get(item["resource"]) == all_.places.get(item["resource"])
        if dose["date_first"]:
            marks, outside = marks_of(dose, found)
            assert sorted(marks) == sorted(plain_marks(dose, all_))
            assert outside == events(dose, all_)[1]


def everything(phi: Path, people: set[str]) -> Records:
    """Row by row."""
    named = ("labs", "doses", "patients", "conditions", "procedures")
    read = {name: pq.read_table(phi / f"{name}.parquet").to_pylist() for name in named}
    rows = {name: [row for row in listed if row["patient_id"] in people] for name, listed in read.items()}
    labs = [
        {name: value for name, value in row.items() if name not in ("in_si", "instant", "assumptions")} for row in rows["labs"]
    ]
    return Records(
        doses={row["dose_id"]: row for row in rows["doses"]},
        doses_of={person: of_one(rows["doses"], person) for person in people_of(rows["doses"])},
        labs_of={person: of_one(labs, person) for person in people_of(labs)},
        places={row[ID[name]]: place(row) for name, listed in rows.items() for row in listed},
    )


def people_of(rows: Rows) -> list[str]:
    return list(dict.fromkeys(row["patient_id"] for row in rows))


def of_one(rows: Rows, person: str) -> Rows:
    return [row for row in rows if row["patient_id"] == person]


Told = tuple[str, date, str, str, str, str]


def marks_of(dose: dict[str, Any], found: Shown) -> tuple[list[Told], int]:
    start, stop, outside = (int(column[0]) for column in found.marks.near(found.moments([dose])))
    rows = found.marks.rows.slice(start, stop - start)
    when = (EPOCH + timedelta(days=day) for day in days(rows["at"].to_numpy()).tolist())
    marks = zip(when, rows.to_pylist(), strict=True)
    return [(LANES[m["lane"]], day, m["resource"], m["said"], repr(m["low"]), repr(m["high"])) for day, m in marks], outside


def plain_marks(dose: dict[str, Any], records: Records) -> list[Told]:
    """One event after the other."""
    marks = []
    for day, row, is_dose in events(dose, records)[0]:
        assert -DAYS_BEFORE <= (day - dose["date_first"]).days <= DAYS_AFTER
        if is_dose:
            said = f"{row['product']}, {row['reported_amount'] or '?'}"
            marks.append(("doses", day, row["dose_id"], said, *bounds(row, "amount")))
            if known(row, "clearance"):
                marks.append(("clearance", day, row["dose_id"], "", *bounds(row, "clearance")))
        elif row["analyte"] in LANE_OF and row["usable"] and known(row, "value"):
            marks.append((LANE_OF[row["analyte"]], day, row["resource"], row["reported"] or "", *bounds(row, "value")))
    return marks


def bounds(row: dict[str, Any], name: str) -> tuple[str, str]:
    low, high = (row[f"{name}_{end}"] for end in ("low", "high"))
    return tuple(repr(float("nan") if value is None else value) for value in (low, high))  # type: ignore[return-value]


def known(row: dict[str, Any], name: str) -> bool:
    return not {"nan", "inf"} & set(bounds(row, name))
