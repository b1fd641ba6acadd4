"""The verdicts counted row group by row group are those that a reader would count one by one."""

from collections import Counter
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bonefhir.errors import AccountingError
from bonefhir.report.slices import SLICES, Sliced, cube, doses_of, strata
from bonefhir.report.tally import JUDGED
from bonefhir.report.unjudged import most_at
from bonefhir.tables import DOSES, VERDICTS, Table
from bonefhir.vocabulary import REASONS, SEVERITIES

RULES = ("R-A", "R-B", "R-C", "R-UNUSED")
Row = dict[str, Any]

JUDGEMENTS = st.fixed_dictionaries(
    {
        "verdict": st.sampled_from(JUDGED),
        "severity": st.sampled_from(SEVERITIES),
        "reasons": st.lists(st.sampled_from(REASONS[:4]), max_size=2, unique=True),
    }
)
DAYS = st.sampled_from(
    [None, (date(2024, 1, 5),) * 2, (date(2024, 2, 1), date(2024, 2, 29)), (date(2024, 1, 1), date(2024, 12, 31))]
)
DOSE = st.fixed_dictionaries(
    {
        "patient_id": st.sampled_from(["Patient/a", "Patient/b", "Patient/c"]),
        "product": st.sampled_from(["one", "two", None]),
        "rule_indication": st.sampled_from(["this", "that"]),
        "source_file": st.sampled_from(["a/1.json", "a/2.json", "b/1.json", "c.json"]),
        "days": DAYS,
        "judged": st.dictionaries(st.sampled_from(RULES[:3]), JUDGEMENTS, max_size=3),
    }
)


def store(folder: Path, table: Table, rows: list[Row], group: int) -> None:
    plain = [{name: row.get(name) for name in table.names} for row in rows]
    pq.write_table(pa.Table.from_pylist(plain, schema=table.schema), folder / f"{table.name}.parquet", row_group_size=group)


def run_of(folder: Path, doses: list[Row], groups: tuple[int, int]) -> tuple[Sliced, list[Row], list[Row]]:
    for number, dose in enumerate(doses):
        first, last = dose["days"] or (None, None)
        dose |= {"dose_id": f"MedicationAdministration/{number:03}", "date_first": first, "date_last": last}
    verdicts = [
        {
            "rule_id": rule,
            "dose_id": dose["dose_id"],
            **found,
            "reasons": found["reasons"] if found["verdict"] == JUDGED[2] else [],
        }
        for dose in doses
        for rule, found in sorted(dose["judged"].items())
    ]
    store(folder, DOSES, doses, groups[0])
    store(folder, VERDICTS, verdicts, groups[1])
    return Sliced(folder, RULES), doses, verdicts


@given(st.lists(DOSE, max_size=12), st.tuples(st.integers(1, 5), st.integers(1, 7)))
@settings(deadline=None)
def test_as_counted_one_by_one(doses: list[Row], groups: tuple[int, int]) -> None:
    with TemporaryDirectory() as folder:
        sliced, doses, verdicts = run_of(Path(folder), doses, groups)
        tally, by_id = sliced.tally, {dose["dose_id"]: dose for dose in doses}
        each = [(row, by_id[row["dose_id"]], RULES.index(row["rule_id"]), JUDGED.index(row["verdict"])) for row in verdicts]
        assert told(tally.outcomes) == Counter((rule, outcome) for _, _, rule, outcome in each)
        different = {(rule, outcome, dose["patient_id"]) for _, dose, rule, outcome in each}
        assert told(tally.patients) == Counter((rule, outcome) for rule, outcome, _ in different)
        reasons = [(rule, REASONS.index(reason), row["dose_id"]) for row, _, rule, _ in each for reason in row["reasons"]]
        assert told(tally.reasons) == Counter((rule, reason) for rule, reason, _ in reasons)
        for bit in range(4):
            found = {dose for _, reason, dose in reasons if reason == bit}
            assert [doses[row]["dose_id"] for row in np.flatnonzero(tally.why >> bit & 1)] == sorted(found)
        for severity in SEVERITIES:
            mine = [(row["dose_id"], row["verdict"]) for row in verdicts if row["severity"] == severity]
            for flag, wanted in zip(tally.flags(severity), (JUDGED[:2], JUDGED[1:2], JUDGED[2:]), strict=True):
                assert {doses[row]["dose_id"] for row in np.flatnonzero(flag)} == {dose for dose, word in mine if word in wanted}
        for outcome in JUDGED:
            assert tally.doses(outcome) == len({row["dose_id"] for row in verdicts if row["verdict"] == outcome})
        for rule, name in enumerate(RULES):
            one = tally.of_rule(rule)
            assert {doses[row]["dose_id"]: JUDGED[code - 1] for row, code in enumerate(one.tolist()) if code} == {
                row["dose_id"]: row["verdict"] for row in verdicts if row["rule_id"] == name
            }


@given(st.lists(DOSE, max_size=12), st.tuples(st.integers(1, 5), st.integers(1, 7)))
@settings(deadline=None)
def test_broken_down_one_by_one(doses: list[Row], groups: tuple[int, int]) -> None:
    with TemporaryDirectory() as folder:
        sliced, doses, verdicts = run_of(Path(folder), doses, groups)
        places = {dose["dose_id"]: (dose["product"], dose["rule_indication"], site(dose), month(dose)) for dose in doses}
        combined = [tuple(row[name] for name in SLICES) for row in sliced.combined.to_pylist()]
        assert Counter(dict(zip(combined, doses_of(sliced).tolist(), strict=True))) == Counter(places.values())
        cells = {
            (*combined[place], RULES[rule], word): number
            for (place, rule), numbers in zip(*map(np.ndarray.tolist, cube(sliced)), strict=True)
            for word, number in zip(JUDGED, numbers, strict=True)
        }
        assert +Counter(cells) == Counter((*places[row["dose_id"]], row["rule_id"], row["verdict"]) for row in verdicts)
        months = {(row["month"], row["rule_id"], word): row[word] for row in strata(sliced, "month") for word in JUDGED}
        assert +Counter(months) == Counter((places[row["dose_id"]][3], row["rule_id"], row["verdict"]) for row in verdicts)
        ids = [dose["dose_id"] for dose in doses[::-2]]
        assert sliced.of(pa.array(ids, pa.string()))["site"].to_pylist() == [places[one][2] for one in ids]
        opened = {(reason, row["dose_id"]) for row in verdicts for reason in row["reasons"]}
        at = Counter((reason, places[dose][2]) for reason, dose in opened)
        wanted = {reason: min(((-number, name) for (r, name), number in at.items() if r == reason)) for reason, _ in opened}
        several = len({place[2] for place in places.values()}) > 1
        assert {r: (-found.doses, found.site) for r, found in most_at(sliced).items()} == (wanted if several else {})


@pytest.mark.parametrize(
    ("table", "column", "value"),
    [(VERDICTS, "rule_id", "R-OTHER"), (VERDICTS, "verdict", "perhaps"), (VERDICTS, "dose_id", "MedicationAdministration/007")],
)
def test_what_is_in_no_list_is_an_error(tmp_path: Path, table: Table, column: str, value: str) -> None:
    judged = {"verdict": "pass", "severity": "error", "reasons": []}
    dose = {"patient_id": "Patient/a", "product": "one", "rule_indication": "this", "source_file": "a", "days": None}
    sliced, _, verdicts = run_of(tmp_path, [{**dose, "judged": {"R-A": judged}}], (9, 9))
    store(tmp_path, table, [{**verdicts[0], column: value}], 9)
    with pytest.raises(AccountingError):
        _ = sliced.tally


def told(numbers: Any) -> Counter[tuple[int, int]]:
    return +Counter({tuple(cell): int(numbers[tuple(cell)]) for cell in np.argwhere(numbers).tolist()})


def site(dose: Row) -> str:
    return str(dose["source_file"]).rpartition("/")[0] or str(dose["source_file"])


def month(dose: Row) -> str | None:
    first, last = dose["date_first"], dose["date_last"]
    return f"{first:%Y-%m}" if first and (first.year, first.month) == (last.year, last.month) else None


def test_tables_without_a_row_group_have_nothing_to_count(tmp_path: Path) -> None:
    for table in (DOSES, VERDICTS):
        with pq.ParquetWriter(tmp_path / f"{table.name}.parquet", table.schema):
            pass
    sliced = Sliced(tmp_path, RULES)
    assert not sliced.tally.outcomes.any()
    assert [*map(len, cube(sliced)), len(doses_of(sliced)), len(strata(sliced, "month"))] == [0] * 4
    assert most_at(sliced) == {}
