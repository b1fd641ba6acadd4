"""Every small mistake that somebody could make in a rule: each number a little off, each of its other parts changed."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from bonefhir.knowledge.model import Knowledge, Rule

Mutant = tuple[str, Rule]
"""What was changed, and the rule with it."""

Path = tuple[str | int, ...]

WHOLE = (
    "min_days", "max_days", "tolerance_days", "min_years", "max_doses", "window_days", "lookback_days", "from_days", "to_days",
    "rise_hours", "ratio_days",
)  # fmt: skip

OPPOSITE = {
    "dose_max": ("dose_min", {"max": "min"}),
    "dose_min": ("dose_max", {"min": "max"}),
    "interval_min": ("interval_max", {"min_days": "max_days"}),
    "interval_max": ("interval_min", {"max_days": "min_days"}),
    "dose_by_clearance": ("underdose_by_clearance", {}),
    "underdose_by_clearance": ("dose_by_clearance", {}),
    "clearance_min": ("egfr_min", {}),
    "egfr_min": ("clearance_min", {}),
}
"""The other direction, or the other of two quantities that are taken for each other, and how its parameters are called."""

ANOTHER = {
    "allowed": ("intravenous", "subcutaneous", "oral"),
    "labs": ("creatinine", "any_calcium", "calcium_ionised", "vitamin_d"),
    "others": ("zoledronic_acid_4mg", "zoledronic_acid_5mg", "pamidronate", "denosumab_120mg", "denosumab_60mg"),
    "indications_not": ("osteoporosis", "giant_cell_tumor_of_bone"),
    "basis": ("baseline", "current"),
    "value_set": ("pregnancy", "osteonecrosis_of_jaw", "acute_kidney_injury"),
}
"""What a word of a parameter could be mistaken for."""


def mutants(rule: Rule, knowledge: Knowledge) -> Iterator[Mutant]:
    yield from _of_numbers(rule)
    yield from _of_speech(rule, knowledge)
    for name, value in rule.parameters.items():
        yield from ((what, _with(rule, name, other)) for what, other in _of_words(name, value))
    yield from _of_bands(rule)
    yield from _of_counts(rule)
    if rule.kind in OPPOSITE and "bands_by_calcium" not in rule.parameters:
        kind, names = OPPOSITE[rule.kind]
        parameters = {names.get(name, name): value for name, value in rule.parameters.items()}
        yield f"kind {kind}", replace(rule, kind=kind, parameters=parameters)


def _with(rule: Rule, name: str, value: Any) -> Rule:
    return replace(rule, parameters={**rule.parameters, name: value})


# ---- numbers


def _of_numbers(rule: Rule) -> Iterator[Mutant]:
    """A thousandth more or less; days, years and counts by one."""
    for path in _numbers(rule.parameters):
        step = 1 if path[-1] in WHOLE else 0.001
        name = ".".join(map(str, path))
        for change in (step, -step):
            if _at(rule.parameters, path) + change >= 0:
                yield f"{name} {change:+g}", replace(rule, parameters=_changed(rule.parameters, path, change))


def _numbers(value: Any, path: Path = ()) -> Iterator[Path]:
    if isinstance(value, int | float) and not isinstance(value, bool):
        yield path
    elif isinstance(value, Mapping):
        for key, one in value.items():
            yield from _numbers(one, (*path, key))
    elif isinstance(value, tuple):
        for index, one in enumerate(value):
            yield from _numbers(one, (*path, index))


def _at(value: Any, path: Path) -> float:
    for step in path:
        value = value[step]
    return float(value)


def _changed(value: Any, path: Path, step: float) -> Any:
    if not path:
        return value + step
    key, rest = path[0], path[1:]
    if isinstance(value, Mapping):
        return {**value, key: _changed(value[key], rest, step)}
    return tuple(_changed(one, rest, step) if index == key else one for index, one in enumerate(value))


# ---- of whom the rule speaks


def _of_speech(rule: Rule, knowledge: Knowledge) -> Iterator[Mutant]:
    if len(rule.products) > 1:  # else the rule stands in the file of its product
        yield from ((f"products {what}", replace(rule, products=some)) for what, some in _fewer(rule.products))
        more = next(name for name in knowledge.products if name not in rule.products)
        yield f"products + {more}", replace(rule, products=(*rule.products, more))
    labelled = dict.fromkeys(i for product in rule.products for i in knowledge.products[product].indications)
    if rule.indications:
        yield "indications of all", replace(rule, indications=())
        yield from ((f"indications {what}", replace(rule, indications=some)) for what, some in _fewer(rule.indications))
        for name in labelled.keys() - set(rule.indications):
            yield f"indications + {name}", replace(rule, indications=(*rule.indications, name))
    elif len(labelled) > 1:
        for name in labelled:
            yield f"indications but {name}", replace(rule, indications=tuple(labelled.keys() - {name}))
    for profiles in {("us",), ("eu",), ("us", "eu")} - {rule.profiles}:
        yield f"profiles {profiles}", replace(rule, profiles=profiles)
    for doses in {"all", "first", "later"} - {rule.doses}:
        yield f"doses {doses}", replace(rule, doses=doses)


def _fewer(words: tuple[str, ...]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Without each, if that leaves any."""
    if len(words) > 1:
        yield from ((f"- {word}", tuple(other for other in words if other != word)) for word in words)


# ---- other parts


def _of_words(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    others = ANOTHER.get(name, ())
    if isinstance(value, tuple) and others:
        yield from ((f"{name} {what}", some) for what, some in _fewer(value))
        for other in [other for other in others if other not in value]:
            yield f"{name} + {other}", (*value, other)
            yield f"{name} {value[0]} -> {other}", (other, *value[1:])
    elif isinstance(value, str):
        yield from ((f"{name} {other}", other) for other in others if other != value)


OPTIONAL = ("when_clearance_below", "or_fixed")


def _of_bands(rule: Rule) -> Iterator[Mutant]:
    """Inclusive for exclusive, a band or its printed end left out; and a condition of the whole rule left out."""
    bands = rule.parameters.get("bands", ())
    for index, band in enumerate(bands):
        turned = {{"over": "from", "from": "over"}.get(name, name): value for name, value in band.items()}
        if index < len(bands) - 1:  # the lowest band begins with `from`
            yield f"bands.{index} inclusive", _with(rule, "bands", (*bands[:index], turned, *bands[index + 1 :]))
            yield f"bands - {index}", _with(rule, "bands", (*bands[:index], *bands[index + 1 :]))
        if "printed_to" in band:
            silent = {name: value for name, value in band.items() if name != "printed_to"}
            yield f"bands.{index} - printed_to", _with(rule, "bands", (*bands[:index], silent, *bands[index + 1 :]))
    for name in OPTIONAL:
        if name in rule.parameters:
            yield f"- {name}", replace(rule, parameters={n: v for n, v in rule.parameters.items() if n != name})
    if "limit_mg_dl" in rule.parameters:
        yield "- limits", replace(rule, parameters={})


def _of_counts(rule: Rule) -> Iterator[Mutant]:
    if rule.kind != "counts_min":
        return
    for which in ("first", "later"):
        counts = rule.parameters[which]
        for name in counts:
            yield f"{which} - {name}", _with(rule, which, {n: least for n, least in counts.items() if n != name})
    if rule.parameters["first"] != rule.parameters["later"]:
        first, later = rule.parameters["first"], rule.parameters["later"]
        yield "first for later", replace(rule, parameters={**rule.parameters, "first": later, "later": first})
