"""The one door of Great Expectations: suites for the shape of the tables, one expectation per rule over the verdicts.

Great Expectations judges tables and counts; it never lists rows, and no value of a patient leaves this module. Which doses
failed, and why, stands in the table of verdicts. Imported only when a suite runs: it costs over a second.
"""

import io
import logging
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from bonefhir.errors import AccountingError, KnowledgeError
from bonefhir.judge.data_docs import without_foreign_hosts
from bonefhir.judge.suite_files import TABLES, Expectation, Suite, read_suites
from bonefhir.knowledge.load import shipped
from bonefhir.knowledge.model import Knowledge, Rule
from bonefhir.vocabulary import FAIL, PASS

RULE_TABLE = "rules"
"""Name of the suite with one expectation per rule."""

SEVERITY = {"error": "critical", "warning": "warning", "info": "info"}
"""Severity of a rule -> severity of its expectation."""

COUNTS_ONLY = {"result_format": "BASIC", "partial_unexpected_count": 0}
"""No other format but BOOLEAN_ONLY leaves the values out."""

WITHOUT_COUNTS = "BOOLEAN_ONLY"
"""For Data Docs, which lie in share/: their counts could not be suppressed for small groups."""

# Data Docs name their pages by the time of the run and by the paths of the tables; the same input must give the same bytes.
FOLDER = "bonefhir-suites"
ONE_AT_A_TIME = Lock()
NO_TIME = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Share:
    """Verdicts of one rule: how many are `fail`, of those that are `pass` or `fail`."""

    failed: int
    decided: int

    @property
    def value(self) -> float:
        return self.failed / self.decided if self.decided else 0.0


def run_suites(
    tables: Callable[[Suite], pa.Table],
    rule_counts: pa.Table,
    knowledge: Knowledge,
    tolerances: Mapping[str, float] | None = None,
    data_docs: Path | None = None,
) -> list[dict[str, Any]]:
    """The result of every suite, in the order of the tables, then the rules.

    tables      of doses, labs, patients, verdicts what suite_tables makes of them; may be empty
    rule_counts rule_id, pass, fail: a row per rule of the profile
    tolerances  rule id -> share of its decided verdicts that may be `fail`; 0 for a rule not named
    data_docs   folder in which Great Expectations writes its own pages; None: none are written

    Each result: {suite, title, rows, success, expectations: [{id, type, statement, severity, success, elements, missing,
    unexpected}]}; counts only. An expectation of a rule has elements = pass + fail, unexpected = fail, and its tolerance.
    Raises AccountingError if an expectation could not be evaluated, which must never look like a finding.
    """
    suites = read_suites(shipped() / "suites", knowledge)
    frames = {suite.table: tables(suite) for suite in suites}
    shares = shares_of(rule_counts, knowledge.rules)
    frames[RULE_TABLE] = pa.table({rule: [share.value] for rule, share in shares.items()})
    judged = [*suites, rule_suite(knowledge.rules, tolerances or {})]
    results = _run_checkpoint(judged, frames, COUNTS_ONLY)
    if data_docs is not None:
        _run_checkpoint(judged, frames, WITHOUT_COUNTS, data_docs)
    return [_reported(suite, results[suite.table], frames[suite.table].num_rows, shares) for suite in judged]


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


# ------------------------------------------------------------------------------------------------- Great Expectations


def _run_checkpoint(
    suites: list[Suite], frames: Mapping[str, pa.Table], result_format: Any, data_docs: Path | None = None
) -> dict[str, list[dict[str, Any]]]:
    """Table -> its expectations' results as plain JSON, in the order of the suite."""
    gx = _great_expectations()
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    with _in_memory(frames) as paths:
        source = context.data_sources.add_pandas("bonefhir")
        definitions = [_definition(gx, context, source, suite, paths[suite.table]) for suite in suites]
        checkpoint = gx.Checkpoint(name="bonefhir", validation_definitions=definitions, actions=[], result_format=result_format)
        run = context.checkpoints.add(checkpoint).run(run_id=gx.RunIdentifier(run_name="bonefhir", run_time=NO_TIME))
    if data_docs is not None:
        _write_data_docs(context, data_docs)
    by_suite = {result.suite_name: result.to_json_dict()["results"] for result in run.run_results.values()}
    return {suite.table: _in_order(suite, by_suite[suite.table]) for suite in suites}


def prepare() -> None:
    """Imports Great Expectations ahead of its use: some two seconds of CPU."""
    _great_expectations()


def _great_expectations() -> Any:
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    with _without("rfc3987_syntax"):
        import great_expectations as gx

    logging.getLogger("great_expectations.data_context.types.base").setLevel(logging.WARNING)  # it sets itself to INFO
    return gx


@contextmanager
def _without(name: str) -> Iterator[None]:
    """As if an optional library were not installed, unless it is in use already.

    rfc3987_syntax builds a grammar for over a second, so that jsonschema may check IRIs, for altair, for a chart of Great
    Expectations that nobody draws here.
    """
    if name in sys.modules:
        yield
        return
    sys.modules[name] = None  # type: ignore[assignment]  # the import system's mark of what must not be imported
    try:
        yield
    finally:
        del sys.modules[name]


def _definition(gx: Any, context: Any, source: Any, suite: Suite, path: str) -> Any:
    batch = source.add_parquet_asset(suite.table, path=path).add_batch_definition("whole")
    built = [_built(gx, suite.table, expectation) for expectation in suite.expectations]
    added = context.suites.add(gx.ExpectationSuite(name=suite.table, expectations=built))
    return context.validation_definitions.add(gx.ValidationDefinition(name=suite.table, data=batch, suite=added))


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


def _in_order(suite: Suite, results: list[dict[str, Any]]) -> list[dict[str, Any]]:
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


def _reported(suite: Suite, results: list[dict[str, Any]], rows: int, shares: Mapping[str, Share]) -> dict[str, Any]:
    """An allow-list: only these counts leave, whatever Great Expectations puts into its results."""
    expectations = []
    for expectation, result in zip(suite.expectations, results, strict=True):
        counts = _rule_counts(expectation, shares) if suite.table == RULE_TABLE else _counts(result["result"])
        expectations.append(
            {
                "id": expectation.id,
                "type": expectation.type,
                "statement": expectation.statement,
                "severity": expectation.severity,
                "success": bool(result["success"]),
                **counts,
            }
        )
    return {
        "suite": suite.table,
        "title": suite.title,
        "rows": rows if suite.table in TABLES else len(shares),
        "success": all(e["success"] for e in expectations),
        "expectations": expectations,
    }


def _counts(result: Mapping[str, Any]) -> dict[str, int]:
    keys = {"elements": "element_count", "missing": "missing_count", "unexpected": "unexpected_count"}
    return {ours: int(result.get(theirs) or 0) for ours, theirs in keys.items()}


def _rule_counts(expectation: Expectation, shares: Mapping[str, Share]) -> dict[str, Any]:
    share = shares[expectation.id]
    counts = {"elements": share.decided, "missing": 0, "unexpected": share.failed}
    return {**counts, "tolerance": expectation.arguments["max_value"]}


# -------------------------------------------------------------------------------------------------------------- tables


@contextmanager
def _in_memory(frames: Mapping[str, pa.Table]) -> Iterator[dict[str, str]]:
    """Table -> a path that only this process can read.

    A checkpoint takes one data frame for all its suites, but a path for each; files on disk would be another copy of
    patient data.
    """
    import fsspec

    memory = fsspec.filesystem("memory")
    with ONE_AT_A_TIME:
        try:
            for name, table in frames.items():
                buffer = io.BytesIO()
                pq.write_table(table, buffer)
                memory.pipe_file(f"/{FOLDER}/{name}.parquet", buffer.getvalue())
            yield {name: f"memory://{FOLDER}/{name}.parquet" for name in frames}
        finally:
            memory.rm(f"/{FOLDER}", recursive=True)


def _write_data_docs(context: Any, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    site = {
        "class_name": "SiteBuilder",
        "show_how_to_buttons": False,
        "store_backend": {"class_name": "TupleFilesystemStoreBackend", "base_directory": str(folder.resolve())},
        "site_index_builder": {"class_name": "DefaultSiteIndexBuilder"},
    }
    context.add_data_docs_site(site_name="bonefhir", site_config=site)
    context.build_data_docs(site_names=["bonefhir"])
    without_foreign_hosts(folder)
