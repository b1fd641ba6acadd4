"""The examples inside the rules hold, and notice a change of any number of their rule."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from bonefhir.judge.examples import failures
from bonefhir.knowledge.load import load
from bonefhir.knowledge.model import Rule

RULES = {rule.id: rule for rule in load().rules}

NOT_IN_EXAMPLES = {"window_days", "lookback_days", "ratio_days", "rise_hours", "from_days", "to_days"}
"""How far back evidence is looked for: decided before a kind sees it."""

NOT_IN_EXAMPLES_OF = {
    "creatinine_stable": {"rise_umol_l"},
    "creatinine_recovery": {
        *("normal_below", "rise_normal", "rise_abnormal"),
        *("normal_below_umol_l", "rise_normal_umol_l", "rise_abnormal_umol_l"),
    },
}
"""Numbers that are compared with a series of creatinines; an example gives only what came of it."""

Path = tuple[str | int, ...]


def numbers(value: Any, path: Path = ()) -> Iterator[Path]:
    if isinstance(value, int | float) and not isinstance(value, bool):
        yield path
    elif isinstance(value, dict):
        for key, one in value.items():
            yield from numbers(one, (*path, key))
    elif isinstance(value, tuple):
        for index, one in enumerate(value):
            yield from numbers(one, (*path, index))


def changed(value: Any, path: Path, step: float) -> Any:
    """The value with `step` added to the number at `path`."""
    if not path:
        return value + step
    key, rest = path[0], path[1:]
    if isinstance(value, dict):
        return {**value, key: changed(value[key], rest, step)}
    return tuple(changed(one, rest, step) if index == key else one for index, one in enumerate(value))


def cases() -> Iterator[tuple[str, Path]]:
    for rule in RULES.values():
        for path in numbers(rule.parameters):
            lowest_calcium = path[-1] == "over_mg_dl" and value_at(rule, path) == 0
            if path[0] not in NOT_IN_EXAMPLES | NOT_IN_EXAMPLES_OF.get(rule.kind, set()) and not lowest_calcium:
                yield rule.id, path


def value_at(rule: Rule, path: Path) -> float:
    value: Any = rule.parameters
    for step in path:
        value = value[step]
    return float(value)


@pytest.mark.parametrize("rule_id", sorted(RULES))
def test_the_examples_hold(rule_id: str) -> None:
    assert [str(failure) for failure in failures(RULES[rule_id])] == []


@pytest.mark.parametrize(("rule_id", "path"), list(cases()))
def test_the_examples_notice_a_changed_number(rule_id: str, path: Path) -> None:
    """A thousandth more or less; days, years and counts by one."""
    rule, whole = RULES[rule_id], ("min_days", "max_days", "tolerance_days", "min_years", "max_doses")
    step = 1 if path[-1] in whole else 0.001
    for change in (step, -step):
        if value_at(rule, path) + change >= 0:
            assert failures(replace(rule, parameters=changed(rule.parameters, path, change))), change
