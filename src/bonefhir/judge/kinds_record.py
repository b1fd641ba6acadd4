"""Kinds of rule about the rest of the record: other products, conditions, dental examinations, indications (kinds.md)."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from bonefhir.judge.view import Outcome, View, outcome, verdicts
from bonefhir.vocabulary import CERTAIN, NONE, assumption, reason

Parameters = Mapping[str, Any]

PARTIAL = reason("partial-date")


def no_other_product(view: View, rule: Parameters) -> Outcome:
    return _absent(view, "other")


def condition_absent(view: View, rule: Parameters) -> Outcome:
    return _absent(view, "condition")


def _absent(view: View, name: str) -> Outcome:
    state = view.numbers(name)
    return outcome(view, verdicts(state == CERTAIN, state == NONE), (), more=PARTIAL, groups=("dose", "own"))


def dental_before_first(view: View, rule: Parameters) -> Outcome:
    state, records = view.numbers("dental"), view.flag("records")
    none = state == NONE
    return outcome(
        view,
        verdicts(none & records, state == CERTAIN, view.numbers("ordinal") != 1),
        (),
        more=np.where(none, reason("no-dental-records"), PARTIAL),
        assumed=assumption("first-in-data"),
        groups=("dose", "own"),
    )


def indication_not(view: View, rule: Parameters) -> Outcome:
    given_for = view.words("indication")
    wrong = given_for.among(rule["indications_not"])
    return outcome(view, verdicts(wrong, ~wrong, view.flag("indication_assumed")), (), said=given_for, groups=("dose",))
