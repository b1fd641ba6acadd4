"""Runs the examples inside a rule through its kind: each is one dose, whose columns are the cells of the example."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bonefhir.constants import CALCIUM_MG_DL, CREATININE_UMOL_L, VITAMIN_D_NMOL_L
from bonefhir.judge.rules import evaluate
from bonefhir.judge.view import WORDS, View
from bonefhir.knowledge.examples import interval
from bonefhir.knowledge.kinds import COLUMNS
from bonefhir.knowledge.model import Example, Knowledge, Rule
from bonefhir.vocabulary import CERTAIN, NONE, POSSIBLE, REASONS, as_lists, reason

Column = npt.NDArray[np.generic]
Columns = dict[str, Column]

_STATES = {"yes": CERTAIN, "no": NONE, "possible": POSSIBLE, "": NONE}
_CALCIUM_KINDS = {"ionised": 0, "corrected": 1, "total": 2, "": 1}
_SI_UNITS = frozenset({"umol/L", "mmol/L", "nmol/L"})
_FACTORS = {
    "umol/L": ("creatinine", "baseline_creatinine"),
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


def _run(rule: Rule, example: Example) -> str:
    outcome = evaluate(rule, View(columns_of(example), 1))
    verdict = WORDS[int(outcome.verdict[0])]
    return " ".join((verdict, *as_lists(outcome.reasons, REASONS)[0].as_py()))


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
