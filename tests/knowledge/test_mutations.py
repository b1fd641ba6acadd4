"""The examples inside the rules notice at least 95 % of the mistakes of mutations.py; the others stand in survivors.toml."""

import tomllib
from functools import cache
from pathlib import Path

import pytest

from bonefhir.judge.examples import noticed
from bonefhir.knowledge.load import load
from tests.knowledge.mutations import mutants

KNOWLEDGE = load()
LISTED = tomllib.loads((Path(__file__).parent / "survivors.toml").read_text(encoding="utf-8"))
"""Rule → what was changed → why no example notices it."""


@cache
def survivors_of(rule_id: str) -> tuple[frozenset[str], int]:
    """Changes that no example notices, and the number of all."""
    rule = next(rule for rule in KNOWLEDGE.rules if rule.id == rule_id)
    made = list(mutants(rule, KNOWLEDGE))
    assert len({name for name, _ in made}) == len(made)
    return frozenset(name for name, mutant in made if not noticed(mutant)), len(made)


@pytest.mark.parametrize("rule_id", [rule.id for rule in KNOWLEDGE.rules])
def test_the_examples_notice_what_is_changed(rule_id: str) -> None:
    """Fails for a change that no example notices, and for one in the list that some example notices."""
    found, made = survivors_of(rule_id)
    assert made
    assert found == set(LISTED.get(rule_id, {}))


def test_the_list_is_short_and_of_rules_that_there_are() -> None:
    assert set(LISTED) <= {rule.id for rule in KNOWLEDGE.rules}
    assert all(reason for changes in LISTED.values() for reason in changes.values())
    counts = [survivors_of(rule.id) for rule in KNOWLEDGE.rules]
    assert sum(len(found) for found, _ in counts) <= 0.05 * sum(made for _, made in counts)
