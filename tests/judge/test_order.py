"""Verdicts of all rules are put in order of doses and rules by counting: as sorting would."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bonefhir.judge.rules import _by_place

DOSES = 6


@given(st.lists(st.sets(st.integers(0, DOSES - 1)).map(sorted), max_size=5))
def test_rows_are_in_order_of_doses_then_of_rules(of_rules: list[list[int]]) -> None:
    place = np.array([dose for doses in of_rules for dose in doses], dtype=np.int64)
    rule = np.repeat(np.arange(len(of_rules)), [len(doses) for doses in of_rules])
    order, rules = _by_place(place, [len(doses) for doses in of_rules], DOSES)
    assert order.tolist() == np.lexsort((rule, place)).tolist()
    assert rules.tolist() == rule[order].tolist()
