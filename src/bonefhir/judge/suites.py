"""The one door of Great Expectations: suites for the shape of the tables, one expectation per rule over the verdicts.

Great Expectations judges tables and counts; it never lists rows, and no value of a patient leaves this module. Which doses
failed, and why, stands in the table of verdicts. It holds what it judges in memory, so a table comes in batches, and what it
counts in each is added up. Imported only when a suite runs: it costs about a second.
"""

import gc
import logging
import os
import sys
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import pyarrow as pa

from bonefhir.errors import AccountingError, KnowledgeError
from bonefhir.judge import data_docs as pages
from bonefhir.judge.suite_files import TABLES, Expectation, Suite, read_suites
from bonefhir.judge.suite_tables import CELLS, separate
from bonefhir.knowledge.load import shipped
from bonefhir.knowledge.model import Knowledge, Rule
from bonefhir.starting import undisturbed
from bonefhir.vocabulary import FAIL, PASS

Batches = Callable[[Suite, int], Iterator[pa.Table]]
"""The table of a suite, in batches of about so many cells."""

Result = Mapping[str, Any]
"""What Great Expectations has found out about one expectation."""

RULE_TABLE = "rules"
"""Name of the suite with one expectation per rule."""

SUITES = (*TABLES, RULE_TABLE)
"""Names of all suites: those of the tables are the tables'."""

SEVERITY = {"error": "critical", "warning": "warning", "info": "info"}
"""Severity of a rule -> severity of its expectation."""

COUNTS_ONLY = {"result_format": "BASIC", "partial_unexpected_count": 0}
"""No other format but BOOLEAN_ONLY leaves the values out."""

OPTIONAL = ("rfc3987_syntax", "sqlalchemy", "boto3", "botocore")
"""Libraries that Great Expectations, or what it imports, does without: one builds a grammar for over a second, so that jsonschema
may check IRIs, the others are for databases and object stores, which it never sees here."""

LATER = ("altair", "scipy.stats")
"""Libraries that it imports, for a second, and uses only in expectations about distributions, which no suite has."""


@dataclass(frozen=True)
class Share:
    """Verdicts of one rule: how many are `fail`, of those that are `pass` or `fail`."""

    failed: int
    decided: int

    @property
    def value(self) -> float:
        return self.failed / self.decided if self.decided else 0.0


@dataclass(frozen=True)
class Found:
    """Of one expectation over all batches: counts of rows, and whether it holds."""

    elements: int
    missing: int
    unexpected: int
    success: bool


def run_suites(
    tables: Batches,
    rule_counts: pa.Table,
    knowledge: Knowledge,
    tolerances: Mapping[str, float] | None = None,
    data_docs: Path | None = None,
    names: Collection[str] = SUITES,
) -> list[dict[str, Any]]:
    """The result of each suite of these names, in the order of SUITES.

    tables      of doses, labs, patients, verdicts what suite_tables makes of them; may be empty
    rule_counts rule_id, pass, fail: a row per rule of the profile
    tolerances  rule id -> share of its decided verdicts that may be `fail`; 0 for a rule not named
    data_docs   folder in which Great Expectations writes its own pages of all suites, each table held whole; None: none

    Each result: {suite, title, rows, success, expectations: [{id, type, statement, severity, success, elements, missing,
    unexpected}]}; counts only. An expectation of a rule has elements = pass + fail, unexpected = fail, and its tolerance.
    Raises AccountingError if an expectation could not be evaluated, which must never look like a finding.
    """
    suites = read_suites(shipped() / "suites", knowledge)
    shares = shares_of(rule_counts, knowledge.rules)
    rules = rule_suite(knowledge.rules, tolerances or {})
    rule_table = pa.table({rule: [share.value] for rule, share in shares.items()})
    judge = _Judge()
    results = [_reported_table(suite, judge, tables) for suite in suites if suite.table in names]
    if RULE_TABLE in names:
        results.append(_reported_rules(rules, judge.judged(rules, rule_table), shares))
    if data_docs is not None:
        frames = {suite.table: next(tables(suite, sys.maxsize)) for suite in suites}
        judge.write_pages(data_docs, [*suites, rules], frames | {RULE_TABLE: rule_table})
    return results


def shares_of(rule_counts: pa.Table, rules: Sequence[Rule]) -> dict[str, Share]:
    """Share of `fail` for every rule of the catalogue, those without a verdict too."""
    counted = {row["rule_id"]: Share(row[FAIL], row[FAIL] + row[PASS]) for row in rule_counts.to_pylist()}
    return {rule.id: counted.get(rule.id, Share(0, 0)) for rule in rules}


def rule_suite(rules: Sequence[Rule], tolerances: Mapping[str, float]) -> Suite:
    """One expectation per rule on a table of one row, whose columns are the rules and whose cells are shares of `fail`.

    A condition per rule on the verdicts themselves would filter them a hundred times; this costs the same for any number of
    doses.
    """
    unknown = sorted(set(tolerances) - {rule.id for rule in rules})
    if unknown:
        raise KnowledgeError([f"tolerance for {rule_id}: there is no such rule" for rule_id in unknown])
    return Suite(RULE_TABLE, "Rules", tuple(_rule_expectation(rule, tolerances.get(rule.id, 0.0)) for rule in rules))


def _rule_expectation(rule: Rule, tolerance: float) -> Expectation:
    arguments = {"column": rule.id, "max_value": tolerance}
    return Expectation(rule.id, "expect_column_max_to_be_between", SEVERITY[rule.severity], rule.statement, arguments, {})


# --------------------------------------------------------------------------------------------------- over the batches


def _reported_table(suite: Suite, judge: "_Judge", tables: Batches) -> dict[str, Any]:
    found: dict[str, Found] = {}
    rows = 0
    for part in separate(suite):
        results: list[list[Result]] = []
        rows = 0
        for batch in tables(part, CELLS):
            if results:
                gc.collect()  # Great Expectations ties what it was given into circles
            results.append(judge.judged(part, batch))
            rows += batch.num_rows
        each = zip(part.expectations, zip(*results, strict=True), strict=True)
        found |= {expectation.id: together(expectation, parts) for expectation, parts in each}
    return _reported(suite, rows, [(one, vars(found[one.id])) for one in suite.expectations])


def together(expectation: Expectation, parts: Sequence[Result]) -> Found:
    """The results of one expectation in all batches. Where it need not hold for every row, it holds for enough of all of them."""
    counted = [_counts(part["result"]) for part in parts]
    elements, missing, unexpected = (sum(counts) for counts in zip(*counted, strict=True))
    mostly, considered = expectation.arguments.get("mostly", 1), elements - missing
    if len(parts) == 1 or mostly == 1:
        success = all(part["success"] for part in parts)
    else:
        success = not considered or (considered - unexpected) / considered >= mostly
    return Found(elements, missing, unexpected, success)


def _counts(result: Mapping[str, Any]) -> tuple[int, int, int]:
    """elements, missing, unexpected"""
    elements, missing, unexpected = (int(result.get(f"{name}_count") or 0) for name in ("element", "missing", "unexpected"))
    return elements, missing, unexpected


def _reported_rules(suite: Suite, results: Sequence[Result], shares: Mapping[str, Share]) -> dict[str, Any]:
    told = []
    for rule, result in zip(suite.expectations, results, strict=True):
        share = shares[rule.id]
        counts = {"elements": share.decided, "missing": 0, "unexpected": share.failed}
        told.append((rule, {**counts, "success": result["success"], "tolerance": rule.arguments["max_value"]}))
    return _reported(suite, len(shares), told)


def _reported(suite: Suite, rows: int, told: Sequence[tuple[Expectation, Mapping[str, Any]]]) -> dict[str, Any]:
    """An allow-list: only these counts leave, whatever Great Expectations puts into its results."""
    expectations = [
        {
            "id": expectation.id,
            "type": expectation.type,
            "statement": expectation.statement,
            "severity": expectation.severity,
            "success": bool(found["success"]),
            **{name: found[name] for name in ("elements", "missing", "unexpected", "tolerance") if name in found},
        }
        for expectation, found in told
    ]
    success = all(one["success"] for one in expectations)
    return {"suite": suite.table, "title": suite.title, "rows": rows, "success": success, "expectations": expectations}


# ------------------------------------------------------------------------------------------------- Great Expectations


class _Judge:
    """Great Expectations, with what it keeps from one batch to the next."""

    def __init__(self) -> None:
        self._gx = _great_expectations()
        context = self._gx.get_context(mode="ephemeral")
        context.variables.progress_bars = {"globally": False}
        # One for all tables: whatever is added to the context has it write its whole configuration as YAML.
        self._batch = (
            context.data_sources.add_pandas("bonefhir").add_dataframe_asset("table").add_batch_definition_whole_dataframe("batch")
        )

    def judged(self, suite: Suite, rows: pa.Table) -> list[Result]:
        """Result of each expectation, in order."""
        # What validates a suite inside of Batch.validate, for which the data would be read, and hashed, twice.
        from great_expectations.validator.v1_validator import Validator

        parameters = {"dataframe": rows.to_pandas(date_as_object=False, split_blocks=True)}
        validator = Validator(self._batch, result_format=COUNTS_ONLY, batch_parameters=parameters)
        with _asked_once():
            found = validator.validate_expectation_suite(_built_suite(self._gx, suite))
        return _in_order(suite, [dict(result) for result in found.results])

    def write_pages(self, folder: Path, suites: Sequence[Suite], frames: Mapping[str, pa.Table]) -> None:
        pages.write(self._gx, folder, {suite.table: _built_suite(self._gx, suite) for suite in suites}, frames)


def prepare() -> None:
    """Imports Great Expectations ahead of its use: about a second of CPU."""
    _great_expectations()


def _great_expectations() -> Any:
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    with undisturbed(), ExitStack() as stack:
        for name in OPTIONAL:
            stack.enter_context(_without(name))
        for name in LATER:
            stack.enter_context(_later(name))
        import great_expectations as gx

    logging.getLogger("great_expectations.data_context.types.base").setLevel(logging.WARNING)  # it sets itself to INFO
    _ask_once()
    return gx


class _Found(threading.local):
    """What a thread has asked Great Expectations.

    answers: function, id of the one that was asked, arguments → that one, which keeps its id as long, and the answer
    """

    answers: dict[tuple[Any, ...], tuple[Any, Any]] | None = None


_FOUND = _Found()


@contextmanager
def _asked_once() -> Iterator[None]:
    """While a batch is judged neither expectations nor rows change, but each metric asks again for the configuration, a hundred
    times for each expectation, and for the rows of a condition: more than half of what a batch costs."""
    _FOUND.answers = {}
    try:
        yield
    finally:
        _FOUND.answers = None


@cache
def _ask_once() -> None:
    from great_expectations.execution_engine import PandasExecutionEngine as Engine
    from great_expectations.expectations.expectation import Expectation as Base

    every_time = Engine.get_domain_records
    once = _answered_once(every_time)

    def rows(engine: Any, domain_kwargs: dict[str, Any]) -> Any:
        # Others are copies of the whole table, or the table itself: not to be kept.
        return (once if domain_kwargs.get("row_condition") else every_time)(engine, domain_kwargs)

    Engine.get_domain_records = rows
    Base.configuration = property(_answered_once(Base.configuration.fget))


def _answered_once(answer: Callable[..., Any]) -> Callable[..., Any]:
    def answered(one: Any, *asked: Any, **named: Any) -> Any:
        answers = _FOUND.answers
        if answers is None:
            return answer(one, *asked, **named)
        question = answer, id(one), repr(asked), repr(named)
        if question not in answers:
            answers[question] = one, answer(one, *asked, **named)
        return answers[question][1]

    return answered


@contextmanager
def _without(name: str) -> Iterator[None]:
    """As if an optional library were not installed, unless it is in use already."""
    if name in sys.modules:
        yield
        return
    sys.modules[name] = None  # type: ignore[assignment]  # the import system's mark of what must not be imported
    try:
        yield
    finally:
        del sys.modules[name]


@contextmanager
def _later(name: str) -> Iterator[None]:
    """Whoever imports a library meanwhile gets one that is imported when it is first used."""
    if name in sys.modules:
        yield
        return
    promised = ModuleType(name)
    vars(promised)["__getattr__"] = lambda wanted: getattr(import_module(name), wanted)
    sys.modules[name] = promised
    try:
        yield
    finally:
        del sys.modules[name]


def _built_suite(gx: Any, suite: Suite) -> Any:
    built = [_built(gx, suite.table, expectation) for expectation in suite.expectations]
    return gx.ExpectationSuite(name=suite.table, expectations=built)


def _built(gx: Any, table: str, expectation: Expectation) -> Any:
    """Its class is looked up here: a suite made of names drops those it does not know, with no more than a log line."""
    place = f"suites/{table}.toml: {expectation.id}"
    name = "".join(word.title() for word in expectation.type.split("_"))
    kind = getattr(gx.expectations, name, None)
    if kind is None:
        raise KnowledgeError([f"{place}: Great Expectations has no {expectation.type}"])
    condition = _condition(expectation.where)
    arguments = {**expectation.arguments, **({"row_condition": condition} if condition is not None else {})}
    try:
        return kind(
            **arguments,
            severity=expectation.severity,
            notes=expectation.statement,
            meta={"id": expectation.id},
        )
    except (TypeError, ValueError) as error:
        raise KnowledgeError([f"{place}: arguments that {expectation.type} does not take"]) from error


def _condition(where: Mapping[str, Any]) -> Any:
    from great_expectations.expectations.row_conditions import Column

    condition = None
    for column, value in where.items():
        this = Column(column) == value
        condition = this if condition is None else condition & this
    return condition


def _in_order(suite: Suite, results: Sequence[Result]) -> list[Result]:
    """Results come back in another order, and could come back fewer."""
    by_id = {result["expectation_config"]["meta"]["id"]: result for result in results}
    declared = [expectation.id for expectation in suite.expectations]
    if set(by_id) != set(declared) or len(results) != len(declared):
        lost = ", ".join(sorted(set(declared) ^ set(by_id))) or "some stand twice"
        raise AccountingError(f"suite {suite.table}: Great Expectations did not evaluate what was declared: {lost}")
    for name, result in by_id.items():
        if _raised(result.get("exception_info")):
            raise AccountingError(f"suite {suite.table}: {name} could not be evaluated; check its column and arguments")
    return [by_id[name] for name in declared]


def _raised(info: Any) -> bool:
    """True if an exception hides in `exception_info`, which is one record or one per metric."""
    if not isinstance(info, Mapping):
        return False
    return bool(info.get("raised_exception")) or any(_raised(value) for value in info.values())
