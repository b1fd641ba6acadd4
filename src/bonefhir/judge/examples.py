"""Runs the examples inside a rule through its kind: each is one dose, whose columns are the cells of the example."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from bonefhir.constants import CALCIUM_MG_DL, CREATININE_UMOL_L, VITAMIN_D_NMOL_L
from bonefhir.judge.kinds_lab import creatinine_rise
from bonefhir.judge.rules import evaluate
from bonefhir.judge.view import WORDS, View
from bonefhir.knowledge.examples import interval
from bonefhir.knowledge.kinds import COLUMNS
from bonefhir.knowledge.model import Example, Knowledge, Rule
from bonefhir.vocabulary import CERTAIN, FAIL, NONE, NOT_APPLICABLE, POSSIBLE, REASONS, as_lists, reason

Column = npt.NDArray[np.generic]
Columns = dict[str, Column]

_STATES = {"yes": CERTAIN, "no": NONE, "possible": POSSIBLE, "": NONE}
_CALCIUM_KINDS = {"ionised": 0, "corrected": 1, "total": 2, "": 1}
_SI_UNITS = frozenset({"umol/L", "mmol/L", "nmol/L"})
_FACTORS = {
    "umol/L": ("creatinine", "baseline_creatinine", "rise"),
    "mmol/L": ("corrected_calcium",),
    "nmol/L": ("vitamin_d",),
}
_TO_CANONICAL = {"umol/L": 1 / CREATININE_UMOL_L, "mmol/L": CALCIUM_MG_DL, "nmol/L": 1 / VITAMIN_D_NMOL_L}
_INTERVALS = tuple(name for name, column in COLUMNS.items() if column.type == "interval")


@dataclass(frozen=True)
class Failure:
    """An example whose verdict is not the one it states."""

    rule: str
    file: str
    line: int
    stated: str
    found: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.rule}: the example states '{self.stated}', the rule says '{self.found}'"


def failures(rule: Rule) -> list[Failure]:
    """Examples that the rule contradicts."""
    found = [_run(rule, example) for example in rule.examples]
    stated = [" ".join((e.verdict, *e.reasons)) for e in rule.examples]
    return [
        Failure(rule.id, rule.file, example.line, s, f)
        for example, s, f in zip(rule.examples, stated, found, strict=True)
        if s != f
    ]


def noticed(rule: Rule) -> bool:
    """Some example contradicts the rule."""
    return any(_run(rule, example) != " ".join((example.verdict, *example.reasons)) for example in rule.examples)


def _run(rule: Rule, example: Example) -> str:
    if not _speaks(rule, example.inputs):
        return NOT_APPLICABLE
    outcome = evaluate(rule, View(columns_of(replace(example, inputs=_seen(rule, example.inputs))), 1))
    verdict = WORDS[int(outcome.verdict[0])]
    return " ".join((verdict, *as_lists(outcome.reasons, REASONS)[0].as_py()))


def _speaks(rule: Rule, cells: Mapping[str, str]) -> bool:
    """The rule speaks of a dose like this; a blank cell says nothing against it."""
    allowed = {"profile": rule.profiles, "product": rule.products, "treated_for": rule.indications}
    return all(not cells.get(name) or not words or cells[name] in words for name, words in allowed.items())


def _seen(rule: Rule, cells: Mapping[str, str]) -> Mapping[str, str]:
    """The cells as the rule sees them: what lies outside its windows, or is none of what it asks for, is not there."""
    parameters = rule.parameters
    seen = dict(cells)
    if not _asked_for(parameters, cells) or not _in_window(parameters, cells):
        seen |= {name: _NOT_THERE.get(name, "") for name in cells if name in (*_NOT_THERE, *_MEASURED)}
    if cells.get("hours") and float(cells["hours"]) > parameters["rise_hours"]:
        seen["rise"] = "0"
    if cells.get("hours") and float(cells["hours"]) > parameters["ratio_days"] * _HOURS:
        seen |= {"ratio": "1", "count": "1"}
    if cells.get("peak"):
        risen = View(columns_of(Example({**cells, "creatinine": cells["peak"]}, "", (), 0)), 1)
        seen["reached"] = "yes" if WORDS[int(creatinine_rise(risen, parameters).verdict[0])] == FAIL else "no"
    return seen


_NOT_THERE = {"measured": "none", "other": "no", "condition": "no", "dental": "no"}
_MEASURED = ("corrected_calcium", "vitamin_d", "neutrophils", "platelets", "haemoglobin", "leucocytes")
_HOURS = 24


def _asked_for(parameters: Mapping[str, Any], cells: Mapping[str, str]) -> bool:
    """Of several labs all are needed, so that one alone is what is asked for only where no other is."""
    if cells.get("lab") and not all(cells["lab"] in _ANY.get(lab, (lab,)) for lab in parameters["labs"]):
        return False
    wanted = {"other_product": parameters.get("others", ()), "finding": (parameters.get("value_set"),)}
    return all(not cells.get(name) or cells[name] in words for name, words in wanted.items())


_ANY = {"any_calcium": ("calcium_total", "calcium_corrected", "calcium_ionised")}


def _in_window(parameters: Mapping[str, Any], cells: Mapping[str, str]) -> bool:
    """A window of N days includes N; one of 0 is without end."""
    if not cells.get("days"):
        return True
    longest = parameters.get("to_days", parameters.get("window_days", parameters.get("lookback_days"))) or np.inf
    return bool(parameters.get("from_days", 0) <= float(cells["days"]) <= longest)


def columns_of(example: Example) -> Columns:
    """Everything that a kind may read; what the example leaves out is missing, absent or, for states, certain not to be."""
    cells = example.inputs
    columns: Columns = {"female_low": np.zeros(1), "female_high": np.zeros(1)}
    for name in _INTERVALS:
        columns |= _quantity(name, cells)
    columns |= _limits(cells)
    for fill in (_words, _series, _states):
        columns |= fill(cells)
    return columns


def _quantity(name: str, cells: Mapping[str, str]) -> Columns:
    low, high = interval(cells.get(name, "")) or (np.nan, np.nan)
    unit = cells.get("unit", "")
    factor = _TO_CANONICAL[unit] if name in _FACTORS.get(unit, ()) else 1.0
    absent = COLUMNS[name].missing
    return {
        f"{name}_low": np.array([low * factor]),
        f"{name}_high": np.array([high * factor]),
        f"{name}_missing": np.array([reason(absent) if absent and np.isnan(low) else 0]),
        f"{name}_why": np.array([reason("partial-date") if name == "interval" and low < high else 0]),
        f"{name}_assumed": np.array([0]),
        f"{name}_si": np.array([unit in _SI_UNITS]),
        f"{name}_none": np.array([bool(np.isnan(low))]),
    }


def _limits(cells: Mapping[str, str]) -> Columns:
    limit = float(cells.get("calcium_limit") or "nan")
    low, high = interval(cells.get("calcium", "")) or (np.nan, np.nan)
    calciums = ("calcium", "corrected_calcium", "calcium_rival")
    parts = [f"{name}_uncorrected{part}" for name in calciums for part in ("", "_margin")]
    names = [f"{part}_{end}" for part in ("calcium_rival", "calcium_rival_margin", *parts) for end in ("low", "high")]
    columns: Columns = {name: np.array([np.nan]) for name in names}
    return columns | {
        "calcium_limit_low": np.array([limit]),
        "calcium_limit_high": np.array([limit]),
        "calcium_margin_low": np.array([low - limit]),
        "calcium_margin_high": np.array([high - limit]),
    }


def _words(cells: Mapping[str, str]) -> Columns:
    return {
        "route": np.array([cells.get("route") or None], dtype=object),
        "indication": np.array([cells.get("indication", "")], dtype=object),
        "indication_assumed": np.array([cells.get("assumed") == "yes"]),
        "amount_unit": np.array(["mg"], dtype=object),
        "stopped": np.array([cells.get("stopped") == "yes"]),
        "ordinal": np.array([float(cells.get("ordinal") or 2)]),
        "calcium_kind": np.array([_CALCIUM_KINDS[cells.get("calcium_kind", "")]]),
        "calcium_rival_kind": np.array([-1]),
        "calcium_rival_why": np.array([0]),
        "calcium_rival_assumed": np.array([0]),
    }


def _series(cells: Mapping[str, str]) -> Columns:
    """Creatinine over time, and what was measured when."""
    measured, records = cells.get("measured", "none"), cells.get("records", "yes") != "no"
    return {
        "count": np.array([float(cells.get("count") or 2)]),
        "stable_assumed": np.array([0]),
        "reached": np.array([cells.get("reached") == "yes"]),
        "between": np.array([cells.get("reached") == "yes"]),
        "absent": np.array([measured == "none" and records]),
        "no_records": np.array([measured == "none" and not records]),
        "unusable": np.array([measured == "unusable"]),
        "partial": np.array([False]),
        "not_due": np.array([cells.get("due") == "no"]),
        "measured_assumed": np.array([0]),
    }


def _states(cells: Mapping[str, str]) -> Columns:
    columns: Columns = {name: np.array([_STATES[cells.get(name, "")]]) for name in ("other", "condition", "dental")}
    return columns | {"records": np.array([cells.get("records", "yes") != "no"])}


def faults_of(knowledge: Knowledge) -> list[str]:
    """Every example of the catalogue that its rule contradicts, in words."""
    return [str(failure) for rule in knowledge.rules for failure in failures(rule)]
