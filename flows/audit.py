"""The main job as a Prefect flow: the stages of bonefhir.pipeline, one task per stage or group of files or patients.

Only paths, settings and counts cross Prefect, which keeps parameters, log lines and the words of exceptions in its database. The
tasks pass a path; the tables lie in the run's work folder. `bonefhir audit` runs the same stages without Prefect and writes the
same bytes.

    python flows/audit.py sample_data --out out
    python flows/audit.py EXPORT --out out --cluster tcp://scheduler:8786 --tasks 400
"""

import argparse
import os
import sys
from asyncio import CancelledError
from collections.abc import Callable, Sequence
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

# Before the first import of prefect, which reads them once. An operator's own environment wins.
QUIET_AND_LOCAL = {
    "PREFECT_HOME": str(Path(__file__).resolve().parents[1] / ".prefect"),
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "DO_NOT_TRACK": "1",
    "PREFECT_CLOUD_ENABLE_ORCHESTRATION_TELEMETRY": "false",
    "PREFECT_TELEMETRY_ENABLE_RESOURCE_METRICS": "false",
    "PREFECT_SERVER_UI_SHOW_PROMOTIONAL_CONTENT": "false",
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
}
for name, value in QUIET_AND_LOCAL.items():
    os.environ.setdefault(name, value)
# A hospital's proxy cannot reach the embedded server.
os.environ["NO_PROXY"] = ",".join(filter(None, (os.environ.get("NO_PROXY"), "127.0.0.1", "localhost")))

from prefect import flow, task  # noqa: E402
from prefect.artifacts import create_markdown_artifact, create_table_artifact  # noqa: E402
from prefect.cache_policies import NO_CACHE  # noqa: E402
from prefect.client.schemas.objects import State, TaskRun  # noqa: E402
from prefect.exceptions import ExternalSignal, PrefectSignal  # noqa: E402
from prefect.futures import PrefectFuture  # noqa: E402
from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings  # noqa: E402
from prefect.states import Completed, Failed  # noqa: E402
from prefect.task_runners import ThreadPoolTaskRunner  # noqa: E402

from bonefhir import memory, pipeline  # noqa: E402
from bonefhir.cli import DEFECT, parser  # noqa: E402
from bonefhir.commands.audit import described as summary_text  # noqa: E402
from bonefhir.configuration import settings_from  # noqa: E402
from bonefhir.defects import described  # noqa: E402
from bonefhir.errors import BonefhirError  # noqa: E402
from bonefhir.workers import alone  # noqa: E402

FINDINGS = "Findings"
"""Name of the state of a run that was done and whose findings fail it."""

TASKS = 8
"""Tasks per stage at most: each costs the server about 40 ms (on a cluster 300 ms), so there are tens of them on one machine and
some for each worker of a cluster, never one per patient."""

P = ParamSpec("P")
R = TypeVar("R")


class DefectError(Exception):
    """Stands for an exception that nobody expected, without its message."""


class TransientError(Exception):
    """Stands for an error of reading or writing, which another try may pass."""


WITHOUT_A_VALUE = (BonefhirError, DefectError, TransientError, KeyboardInterrupt, CancelledError, PrefectSignal, ExternalSignal)
"""Exceptions whose own words may be kept: ours, and those that end a run from outside."""


def safely(stage: Callable[P, R]) -> Callable[P, R]:
    """Prefect stores the words of an exception, in a state and in its log, with those that led to it, and of whatever kind: only
    WITHOUT_A_VALUE, alone, may reach it.
    """

    @wraps(stage)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return stage(*args, **kwargs)
        except WITHOUT_A_VALUE as error:
            vars(error).pop("__notes__", None)
            raise error from None
        except OSError as error:
            raise TransientError(described(error)) from None
        except BaseException as error:  # noqa: BLE001 libraries in Rust raise such; raised again, without its words
            raise DefectError(described(error)) from None

    return guarded


def is_transient(_task: Any, _run: TaskRun, state: State[Any]) -> bool:
    return isinstance(state.data, TransientError) or (isinstance(state.data, BonefhirError) and state.data.transient)


_KEPT_BY_NOBODY: Any = {"cache_policy": NO_CACHE, "persist_result": False}
ONCE: Any = _KEPT_BY_NOBODY | {"retries": 0}
"""Whatever PREFECT_TASKS_DEFAULT_RETRIES says: another try would begin another run, or find this one published."""
AGAIN: Any = _KEPT_BY_NOBODY | {"retries": 2, "retry_delay_seconds": [2, 10], "retry_condition_fn": is_transient}
"""For the tasks that wait for disks and networks, and write anew what an earlier try has left."""


def done(stage: Callable[[pipeline.Run, int], None], work: str, numbers: list[int]) -> int:
    """The stage for some portions or buckets. Returns for how many."""
    memory.from_the_system()
    return len(list(alone(pipeline.load_run(work))(stage, numbers)))


@task(name="open run", **ONCE)
@safely
def open_run(settings: dict[str, Any], config: str | None) -> str:
    """Where the tasks find the run: the work folder beside the folder of the reports, or a URL that every worker can reach."""
    return str(pipeline.open_run(settings_from(settings, Path(config) if config else None, Path.cwd())).parts)


@task(name="scan files", **AGAIN)
@safely
def scan(work: str, numbers: list[int]) -> int:
    return done(pipeline.scan, work, numbers)


@task(name="deal patients", **AGAIN)
@safely
def deal(work: str) -> list[int]:
    """The buckets of patients."""
    buckets: list[int] = pipeline.deal(pipeline.load_run(work))
    return buckets


@task(name="resolve versions and references", **AGAIN)
@safely
def resolve_buckets(work: str, buckets: list[int]) -> int:
    return done(pipeline.resolve_bucket, work, buckets)


@task(name="gather facts", **AGAIN)
@safely
def gather(work: str) -> None:
    pipeline.gather(pipeline.load_run(work))


@task(name="audit patients", **AGAIN)
@safely
def audit_buckets(work: str, buckets: list[int]) -> int:
    return done(pipeline.audit_bucket, work, buckets)


@task(name="check suites", **AGAIN)
@safely
def check_suites(work: str) -> None:
    pipeline.check_suites(pipeline.load_run(work))


@task(name="export findings", **AGAIN)
@safely
def export(work: str) -> None:
    run = pipeline.load_run(work)
    pipeline.begin_reports(run)
    done(pipeline.export, work, list(range(len(pipeline.EXPORTS))))


@task(name="report", **AGAIN)
@safely
def report(work: str) -> pipeline.Summary:
    """Counts only."""
    return pipeline.report(pipeline.load_run(work))


@task(name="publish", **ONCE)
@safely
def publish(work: str) -> None:
    """One rename: a folder that exists is complete."""
    pipeline.publish(pipeline.load_run(work))


RUNNER: Any = ThreadPoolTaskRunner(max_workers=TASKS)  # its type does not fit the signature of `flow`


@flow(name="audit", persist_result=False, task_runner=RUNNER)
@safely
def audit(  # noqa: PLR0913 each is a field of its own in Prefect's form
    sources: list[str],
    out: str,
    *,
    profile: str | None = None,
    rules: list[str] | None = None,
    terminology: list[str] | None = None,
    conformance: str | None = None,
    jobs: int | None = None,
    memory: int | None = None,
    parts: str | None = None,
    fail_on: str | None = None,
    strict: bool | None = None,
    data_docs: bool | None = None,
    html: bool | None = None,
    language: str | None = None,
    config: str | None = None,
    tasks: int = TASKS,
) -> State[Any]:
    """Reads, checks and reports FHIR data. Parameters as of `bonefhir audit`; the configuration file gives what is left out.

    tasks: per stage, at most
    """
    given = {"sources": tuple(sources), "out": Path(out), "profile": profile, "conformance": conformance}
    given |= {"jobs": jobs, "memory": memory, "parts": parts}
    given |= {"rules": paths(rules), "terminology": paths(terminology)}
    given |= {"fail_on": fail_on, "strict": strict, "data_docs": data_docs, "html": html, "language": language}
    run = pipeline.load_run(open_run(given, config))
    try:
        summary = stages(run, tasks)
    except BaseException:
        pipeline.discard(run)
        raise
    show(summary)
    return outcome(summary, run.settings.fail_on)


def on_cluster(address: str) -> Any:
    """The flow with its tasks on the workers of a Dask cluster, of whose scheduler this is the address.

    A worker needs bonefhir as it is here, the sources and, without `parts`, the folder of the reports under the same paths, and
    Prefect's server (PREFECT_API_URL). One that dies costs its tasks: others do them again, and what they write is written anew.
    """
    from prefect_dask.task_runners import DaskTaskRunner

    runner: Any = DaskTaskRunner(address=address)  # its type does not fit either
    return audit.with_options(task_runner=runner)


def stages(run: pipeline.Run, tasks: int = TASKS) -> pipeline.Summary:
    """As pipeline.audit, but files and buckets side by side."""
    work = str(run.parts)
    finished([scan.submit(work, group) for group in groups(range(len(run.portions)), tasks)])
    buckets = groups(deal(work), tasks)
    finished([resolve_buckets.submit(work, group) for group in buckets])
    gather(work)
    finished([audit_buckets.submit(work, group) for group in buckets])
    check_suites(work)
    export(work)
    summary = report(work)
    publish(work)
    return summary


def finished(futures: Sequence[PrefectFuture[Any]]) -> None:
    """Waits for all, then raises what any of them raised."""
    for future in futures:
        future.wait()
    for future in futures:
        future.result()


def groups(numbers: Sequence[int], at_most: int = TASKS) -> list[list[int]]:
    """At most so many parts, dealt in turn, so that large files beside each other are spread."""
    return [list(numbers[start::at_most]) for start in range(min(at_most, len(numbers)))]


def paths(texts: Sequence[str] | None) -> tuple[Path, ...]:
    return tuple(Path(text) for text in texts or ())


def show(summary: pipeline.Summary) -> None:
    """On the terminal and as artifacts in Prefect's pages."""
    print(summary_text(summary))
    create_markdown_artifact(key="audit", markdown=f"```\n{summary_text(summary)}\n```", description="Counts of a run")
    create_table_artifact(key="audit-rules", table=summary.rules, description="Verdicts per rule")


def outcome(summary: pipeline.Summary, fail_on: str) -> State[Any]:
    if summary.failed(fail_on):
        message = f"There are findings of severity {fail_on} or above; the reports are in {summary.out}."
        return Failed(name=FINDINGS, message=message)
    return Completed(message=f"The reports are in {summary.out}.")


def main(arguments: Sequence[str] | None = None) -> int:
    """The flow from a shell, with the arguments and the exit codes of `bonefhir audit`, and two of its own."""
    own = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    own.add_argument("--cluster", metavar="ADDRESS")
    own.add_argument("--tasks", type=int, default=TASKS)
    where, rest = own.parse_known_args(arguments)
    options = parser().parse_args(["audit", *rest])
    run = on_cluster(where.cluster) if where.cluster else audit
    # Without this each run ends with a wait of up to a second for its heartbeat.
    with temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}):
        state = run(
            sources=options.sources,
            out=str(options.out),
            profile=options.profile,
            rules=[str(path) for path in options.rules or ()],
            terminology=[str(path) for path in options.terminology or ()],
            conformance=options.conformance,
            jobs=options.jobs,
            memory=options.memory,
            parts=options.parts,
            fail_on=options.fail_on,
            strict=options.strict,
            data_docs=options.data_docs,
            html=options.html,
            language=options.language,
            config=str(options.config) if options.config else None,
            tasks=where.tasks,
            return_state=True,
        )
    if state.is_completed() or state.name == FINDINGS:
        return 0 if state.is_completed() else 1
    error = state.result(raise_on_failure=False)
    print(f"bonefhir: {error}", file=sys.stderr)
    return int(getattr(error, "exit_code", DEFECT))


if __name__ == "__main__":
    sys.exit(main())
