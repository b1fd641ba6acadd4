"""checks/suites/<table>.toml -> typed declarations of what a table must look like. Great Expectations is not needed here."""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bonefhir.errors import KnowledgeError
from bonefhir.knowledge.model import Knowledge
from bonefhir.tables import DOSES, LABS, PATIENTS, VERDICTS

TABLES = {table.name: table for table in (DOSES, LABS, PATIENTS, VERDICTS)}
SEVERITIES = ("critical", "warning", "info")
PRESENT = frozenset({"expect_column_values_to_not_be_null"})
"""Expectations that ask whether there is a value."""

UNIQUE = frozenset({"expect_column_values_to_be_unique", "expect_compound_columns_to_be_unique"})
"""Expectations that ask whether rows are alike."""

ROW_BY_ROW = PRESENT | {
    "expect_column_values_to_be_null",
    "expect_column_values_to_be_in_set",
    "expect_column_values_to_not_be_in_set",
    "expect_column_values_to_be_between",
    "expect_column_values_to_match_regex",
    "expect_column_values_to_not_match_regex",
    "expect_column_value_lengths_to_be_between",
    "expect_column_pair_values_a_to_be_greater_than_b",
    "expect_column_pair_values_to_be_equal",
}
"""Expectations that look at a row at a time."""

OWN_KEYS = {"id", "type", "severity", "statement", "value_set_from", "where"}
COLUMN_KEYS = ("column", "column_A", "column_B", "column_list")


@dataclass(frozen=True)
class Expectation:
    """arguments: as Great Expectations takes them. where: column -> value of the rows it speaks of; empty: all."""

    id: str
    type: str
    severity: str
    statement: str
    arguments: Mapping[str, Any]
    where: Mapping[str, Any]

    @property
    def columns(self) -> set[str]:
        named = [self.arguments[key] for key in COLUMN_KEYS if key in self.arguments]
        return {*self.where, *(c for n in named for c in (n if isinstance(n, list) else [n]))}


@dataclass(frozen=True)
class Suite:
    """What one table must look like. columns: those that its expectations look at."""

    table: str
    title: str
    expectations: tuple[Expectation, ...]

    @property
    def columns(self) -> list[str]:
        needed = set().union(*(e.columns for e in self.expectations))
        return [name for name in TABLES[self.table].names if name in needed]


def read_suites(folder: Path, knowledge: Knowledge) -> list[Suite]:
    """Every suite of the folder, by file name. Raises KnowledgeError with all faults of all files at once."""
    sets = value_sets(knowledge)
    suites: list[Suite] = []
    faults: list[str] = []
    for path in sorted(folder.glob("*.toml")):
        try:
            content = tomllib.loads(path.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            faults.append(f"{path}: not TOML: {error}")
            continue
        found = list(faults_of(content, sets))
        faults += [f"{path}: {fault}" for fault in found]
        if not found:
            suites.append(_suite(content, sets))
    if not suites and not faults:
        faults.append(f"{folder}: no suite")
    if faults:
        raise KnowledgeError(faults)
    return suites


def value_sets(knowledge: Knowledge) -> dict[str, list[str]]:
    """The sets that `value_set_from` may name."""
    return {
        "drugs": sorted(knowledge.drugs),
        "products": sorted(knowledge.products),
        "indications": sorted({i for product in knowledge.products.values() for i in product.indications}),
        "measurements": sorted(knowledge.measurements),
        "rules": sorted(rule.id for rule in knowledge.rules),
    }


def faults_of(content: Mapping[str, Any], sets: Mapping[str, list[str]]) -> Iterator[str]:
    """What is wrong with one suite file, in words."""
    if content.get("table") not in TABLES:
        yield f"table must be one of {', '.join(TABLES)}"
        return
    seen: set[str] = set()
    for number, entry in enumerate(content.get("expectation", []), start=1):
        name = entry.get("id", f"expectation {number}")
        if name in seen:
            yield f"{name}: id stands twice"
        seen.add(name)
        yield from (f"{name}: {fault}" for fault in _faults_of_entry(entry, content["table"], sets))
    if not seen:
        yield "no expectation"


def _faults_of_entry(entry: Mapping[str, Any], table: str, sets: Mapping[str, list[str]]) -> Iterator[str]:
    for key in ("id", "type", "severity", "statement"):
        if not isinstance(entry.get(key), str) or not entry[key]:
            yield f"{key} is missing"
    if "severity" in entry and entry["severity"] not in SEVERITIES:
        yield f"severity must be one of {', '.join(SEVERITIES)}"
    if entry.get("type", "") not in ROW_BY_ROW | UNIQUE:
        yield f"type must be one of those that are judged batch by batch: {', '.join(sorted(ROW_BY_ROW | UNIQUE))}"
    if "value_set_from" in entry and entry["value_set_from"] not in sets:
        yield f"value_set_from must be one of {', '.join(sets)}"
    for column in sorted(_expectation(entry, sets).columns - set(TABLES[table].names)):
        yield f"the table {table} has no column {column}"


def _suite(content: Mapping[str, Any], sets: Mapping[str, list[str]]) -> Suite:
    expectations = tuple(_expectation(entry, sets) for entry in content["expectation"])
    return Suite(content["table"], content.get("title", content["table"]), expectations)


def _expectation(entry: Mapping[str, Any], sets: Mapping[str, list[str]]) -> Expectation:
    arguments = {key: value for key, value in entry.items() if key not in OWN_KEYS}
    if "value_set_from" in entry:
        arguments["value_set"] = sets.get(entry["value_set_from"], [])
    name, kind, severity, statement = (str(entry.get(key, "")) for key in ("id", "type", "severity", "statement"))
    return Expectation(name, kind, severity, statement, arguments, entry.get("where", {}))
