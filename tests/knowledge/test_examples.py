"""The examples inside the rules hold. What they would notice: test_mutations.py."""

import pytest

from bonefhir.judge.examples import failures
from bonefhir.knowledge.load import load

RULES = {rule.id: rule for rule in load().rules}


@pytest.mark.parametrize("rule_id", sorted(RULES))
def test_the_examples_hold(rule_id: str) -> None:
    assert [str(failure) for failure in failures(RULES[rule_id])] == []
