"""The evidence of doses: lists of items per verdict, in the order of groups, then roles, then resources."""

from typing import Any

import numpy as np
import pyarrow as pa

from bonefhir import tables
from bonefhir.coded import Lists, arrow, each
from bonefhir.derive.items import Items


def labs(*resources: str) -> pa.Table:
    columns = {column.name: pa.nulls(len(resources), column.type) for column in tables.LABS}
    return tables.build(tables.LABS, columns | {"resource": pa.array(resources), "value_low": pa.array([1.5, float("nan")])})


def integers(*numbers: int) -> Any:
    return np.array(numbers, dtype=np.int64)


def told(found: Lists) -> list[list[tuple[str, str | None]]]:
    return [[(item["role"], item["resource"]) for item in row] for row in arrow(found).to_pylist()]


def test_each_verdict_cites_the_items_of_its_groups_in_order() -> None:
    items = Items(3, labs("Observation/b", "Observation/a"))
    items.add_labs("labs", "calcium", (integers(0, 0, 2), integers(0, 1, 0)))
    items.add("dose", "dose", integers(0, 1, 2), resource=each(pa.array(["M/0", "M/1", "M/2"]), 3))
    items.add_labs("labs", "albumin", (integers(0), integers(0)))
    cited = [("dose", "labs"), ("labs",), ("of no dose",)]
    found = items.evidence(integers(2, 0, 1)).of(cited, integers(0, 0, 1, 1, 2), integers(0, 1, 2, 1, 0))
    assert told(found) == [
        [("dose", "M/0"), ("albumin", "Observation/b"), ("calcium", "Observation/a"), ("calcium", "Observation/b")],
        [("dose", "M/1")],
        [("calcium", "Observation/b")],
        [],
        [],
    ]
    assert [item["value_low"] for item in arrow(found).to_pylist()[0]] == [None, 1.5, None, 1.5]


def test_doses_of_a_course_share_the_items_of_its_first() -> None:
    items = Items(3, labs("Observation/b", "Observation/a"))
    items.add_labs("baseline", "creatinine", (integers(0, 2), integers(1, 0)))
    items.share("baseline", integers(0, 0, 2))
    found = items.evidence(integers(1, 2, 0)).of([("baseline",)], integers(0, 0, 0), integers(0, 1, 2))
    assert told(found) == [[("creatinine", f"Observation/{name}")] for name in "aab"]


def test_without_doses_there_are_no_lists() -> None:
    found = Items(0, tables.LABS.empty()).evidence(integers()).of([("dose",)], integers(), integers())
    assert arrow(found).to_pylist() == []
    assert arrow(Items(0, tables.LABS.empty()).evidence(integers()).of([], integers(), integers())).to_pylist() == []
