"""share/ holds counts only: no id, no name of a file, no day, no small group."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bonefhir.report.counts import Counts, count
from bonefhir.report.facts import Facts
from bonefhir.report.share_counts import rule_rows, summary
from bonefhir.report.slices import Sliced
from bonefhir.report.write import write_all
from tests.report.fixtures import file_row, make, outcomes, quality, reject, rule, verdict

A, B = rule("ZA4-A"), rule("ZA4-B", "warning")


def counted(folder: Path, facts: Facts) -> Counts:
    return count(folder / "phi", facts, Sliced(folder / "phi", facts.rule_counts["rule_id"].to_pylist()))


def numbers_in(value: Any) -> Iterator[int]:
    if isinstance(value, dict):
        for inner in value.values():
            yield from numbers_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from numbers_in(inner)
    elif isinstance(value, int) and not isinstance(value, bool):
        yield value


def test_no_canary_reaches_share(tmp_path: Path) -> None:
    canary = "CANARY77"
    bad = [verdict(A, n, "fail", message=canary, dose_start=f"2024-03-07T{canary}") for n in range(40)]
    for n, row in enumerate(bad):
        row |= {"patient_id": f"Patient/{canary}{n}", "dose_id": f"MedicationAdministration/{canary}{n}"}
        row["evidence"][0]["reported"] = canary
    facts = make(
        tmp_path,
        [A],
        bad,
        [quality("unit-suspect", detail=canary, resource=canary, file=f"{canary}.json")],
        [file_row(f"{canary}.json", bytes=987654321)],
        [reject(0, id=canary, detail=canary, path=canary)],
    )
    write_all(tmp_path, facts)
    for file in (tmp_path / "share").iterdir():
        text = file.read_text("utf-8")
        assert not [word for word in (canary, "2024-03-0", "987654321", "abab") if word in text], file.name


def test_summary_prints_no_small_number(tmp_path: Path) -> None:
    rows = outcomes(A, 200, 5, 30) + outcomes(B, 3, 0, 0)
    facts = make(tmp_path, [A, B], rows, [quality("unit-suspect")], rejects=[reject(0), reject(0, "no-id")])
    printed = summary(facts, counted(tmp_path, facts))
    skipped = {name: printed.pop(name) for name in ("format", "small_number", "overrides", "files", "suites")}
    assert skipped["small_number"] == 11
    assert [number for number in numbers_in(printed) if 0 < number < 11] == []
    assert printed["rules"]["ZA4-A"]["fail"] == "<11"
    assert printed["rules"]["ZA4-A"]["pass"] == "suppressed"
    assert printed["rules"]["ZA4-B"]["pass"] == "<11"
    assert "share" not in printed["rules"]["ZA4-A"]


def test_numbers_that_are_large_enough_are_exact(tmp_path: Path) -> None:
    facts = make(tmp_path, [A], outcomes(A, 100, 20, 30))
    printed = summary(facts, counted(tmp_path, facts))
    assert printed["doses"] == printed["patients"] == 150
    row = printed["rules"]["ZA4-A"]
    assert (row["pass"], row["fail"], row["indeterminate"], row["not_applicable"], row["denominator"]) == (100, 20, 30, 0, 120)
    assert row["share"] == round(20 / 120, 6)
    assert printed["doses_with_a_fail"] == {"error": 20, "warning": 0, "info": 0, "any": 20}
    assert printed["reasons"] == {"no-creatinine": 30}


def test_many_doses_of_few_patients_are_a_small_group(tmp_path: Path) -> None:
    rows = outcomes(A, 200) + [verdict(A, 1000 + n, "fail", patient_id="Patient/one") for n in range(30)]
    facts = make(tmp_path, [A], rows)
    assert summary(facts, counted(tmp_path, facts))["rules"]["ZA4-A"]["fail"] == "<11"


def test_all_doses_less_those_of_other_products_give_nothing_away(tmp_path: Path) -> None:
    other = rule("DMB60-A", products=("denosumab_60mg",))
    facts = make(tmp_path, [A, other], outcomes(A, 200) + outcomes(other, 4, start=5000))
    printed = summary(facts, counted(tmp_path, facts))
    assert printed["doses"] == ">=200"
    assert printed["rules"]["ZA4-A"]["not_applicable"] == "suppressed"
    assert printed["rules"]["DMB60-A"]["pass"] == printed["rules"]["DMB60-A"]["fail"] == "<11"


def test_first_and_later_doses_give_nothing_away(tmp_path: Path) -> None:
    """All doses are 205, later ones 200: both sums in print would say that there are 5 first doses."""
    later = rule("ZA4-LATER", doses="later")
    facts = make(tmp_path, [A, later], outcomes(A, 205) + outcomes(later, 200))
    exact, rows = rule_rows(counted(tmp_path, facts), 11)
    printed = {row.count.rule.id: row.outcomes["pass"] for row in rows}
    assert not exact
    assert printed == {"ZA4-A": 205, "ZA4-LATER": ">=200"}


def test_the_order_of_what_is_suppressed_says_nothing(tmp_path: Path) -> None:
    rules = [rule(name) for name in ("A-LOW", "B-HIGH", "C-PRINTED")]
    rows = outcomes(rules[0], 199, 1) + outcomes(rules[1], 190, 10) + outcomes(rules[2], 100, 100)
    facts = make(tmp_path, rules, rows, rejects=[reject(0, "no-id"), reject(0, "no-id"), reject(0, "encoding")])
    counts = counted(tmp_path, facts)
    assert [row.rule.id for row in counts.rules] == ["C-PRINTED", "B-HIGH", "A-LOW"]
    assert [row.count.rule.id for row in rule_rows(counts, 11)[1]] == ["C-PRINTED", "A-LOW", "B-HIGH"]
    assert list(summary(facts, counts)["rejects"]) == ["encoding", "no-id"]


def test_few_patients_give_no_counts_at_all(tmp_path: Path) -> None:
    rows = [verdict(A, n, "pass", patient_id=f"Patient/{n % 4}") for n in range(60)]
    facts = make(tmp_path, [A], rows)
    write_all(tmp_path, facts)
    printed = json.loads((tmp_path / "share" / "summary.json").read_text())
    assert printed["patients"] == "<11"
    assert printed["doses"] == "suppressed"
    assert {printed["rules"]["ZA4-A"][name] for name in ("pass", "fail", "indeterminate")} == {"<11"}
