"""The examples inside the rule files, each run through its rule."""

from dataclasses import replace

import pytest

from bonefhir.judge.examples import failures
from bonefhir.judge.rules import KINDS
from bonefhir.knowledge import kinds
from bonefhir.knowledge.load import load
from bonefhir.knowledge.model import Rule

RULES = load().rules


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_every_example_holds(rule: Rule) -> None:
    assert not failures(rule)


def test_a_wrong_example_is_noticed() -> None:
    rule = next(r for r in RULES if r.id == "ZA4-DOSE-MAX")
    wrong = replace(rule.examples[0], verdict="fail")
    assert [f.line for f in failures(replace(rule, examples=(wrong,)))] == [wrong.line]


def test_every_kind_of_the_catalogue_can_be_judged() -> None:
    assert set(KINDS) == set(kinds.KINDS)
