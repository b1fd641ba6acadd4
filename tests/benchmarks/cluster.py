"""What an export would cost on a cluster: the tasks of a run, dealt to workers, with unit costs measured on one machine.

    python -m tests.benchmarks.cluster --files 1000 --gigabytes 1 --workers 100

A simulation, not a measurement: on a cluster of two worker processes only was a run ever seen (tests/flows/test_cluster.py).
Its assumptions are the fields of `Export` and `Costs`. Each task waits for the scheduler (one at a time), then reads at its share
of the store's bandwidth while it computes, whichever takes longer; tasks differ in length at random, some workers are slow, and
one is lost in the middle of its work. Stages wait for each other; what is serial in the program is serial here.
"""

import argparse
import heapq
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np


@dataclass(frozen=True)
class Export:
    """files of so many gigabytes of NDJSON each, not compressed; doses of catalogue drugs per gigabyte.

    doses: a national registry's export has one line in a thousand that matters; a gigabyte has 700,000 resources.
    """

    files: int = 1000
    gigabytes: float = 1.0
    doses: float = 1_750.0


@dataclass(frozen=True)
class Costs:
    """CPU seconds of one core, measured by `make bench` (README, "How fast"), and what the simulation assumes besides.

    scan, resolve   per gigabyte read, sparse
    audit           per dose: evidence, rules, its part of the tables
    report          per dose, serial: tables merged, suites, findings, pages
    start           once, serial: imports, Great Expectations
    task            per task on its worker: Prefect's engine and Dask (measured 0.285 s)
    server          per task, one at a time: Prefect's server (measured 0.04 s)
    store           gigabytes a second that all workers together get from the store (assumed)
    spread          sigma of the log of a task's length (assumed)
    restart         a worker that was lost comes back (assumed)
    slow            share of workers at half speed (assumed)
    """

    scan: float = 20.0
    resolve: float = 4.0
    audit: float = 0.0003
    report: float = 0.0004
    start: float = 12.0
    task: float = 0.285
    server: float = 0.04
    store: float = 10.0
    spread: float = 0.25
    restart: float = 10.0
    slow: float = 0.02


def makespan(tasks: Sequence[float], reads: float, speeds: Sequence[float], costs: Costs, lost: bool = False) -> float:
    """Seconds until the last task is done. tasks: CPU seconds of each; reads: gigabytes of each; speeds: of each worker."""
    free = [(0.0, worker) for worker in range(len(speeds))]
    heapq.heapify(free)
    server = ended = 0.0
    waiting = list(reversed(tasks))
    share = reads * min(len(speeds), len(tasks)) / costs.store
    while waiting:
        seconds = waiting.pop()
        since, worker = heapq.heappop(free)
        server = max(server, since) + costs.server
        done = server + costs.task + max(seconds / speeds[worker], share)
        if lost and since > 0.0:
            lost = False
            waiting.append(seconds)  # the worker goes with what it had half done, and its nanny starts another
            heapq.heappush(free, ((since + done) / 2 + costs.restart, worker))
            continue
        ended = max(ended, done)
        heapq.heappush(free, (done, worker))
    return ended


def simulated(export: Export, costs: Costs, workers: int, seed: int = 1) -> dict[str, float]:
    """Seconds per stage and in all, and CPU hours."""
    random = np.random.default_rng(seed)
    speeds = np.where(random.random(workers) < costs.slow, 0.5, 1.0).tolist()
    count = max(min(4 * workers, 30 * export.files), 1)
    volume, doses = export.files * export.gigabytes, export.files * export.gigabytes * export.doses

    def drawn(total: float) -> list[float]:
        return (random.lognormal(0.0, costs.spread, count) * total / count / np.exp(costs.spread**2 / 2)).tolist()

    lost = workers > 1
    stages = {
        "scan": makespan(drawn(volume * costs.scan), volume / count, speeds, costs, lost),
        "resolve and audit": makespan(drawn(volume * costs.resolve + doses * costs.audit), 0.0, speeds, costs, lost),
        "suites and reports": costs.start + doses * costs.report,
    }
    cpu = volume * (costs.scan + costs.resolve) + doses * (costs.audit + costs.report) + costs.start + 2 * count * costs.task
    return stages | {"all": sum(stages.values()), "CPU hours": cpu / 3600}


def table(export: Export, costs: Costs, workers: Sequence[int]) -> str:
    found = [simulated(export, costs, each) for each in workers]
    lines = ["| workers | " + " | ".join(f"{name}, s" if name != "CPU hours" else name for name in found[0]) + " |"]
    lines.append("|---" * (len(found[0]) + 1) + "|")
    for each, result in zip(workers, found, strict=True):
        numbers = [f"{value:,.1f}" if name == "CPU hours" else f"{value:,.0f}" for name, value in result.items()]
        lines.append(f"| {each} | " + " | ".join(numbers) + " |")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=Export.files)
    parser.add_argument("--gigabytes", type=float, default=Export.gigabytes, help="of each file")
    parser.add_argument("--doses", type=float, default=Export.doses, help="per gigabyte")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 10, 100, 400])
    parser.add_argument("--store", type=float, default=Costs.store, help="gigabytes a second, all workers together")
    given = parser.parse_args(arguments)
    print(table(Export(given.files, given.gigabytes, given.doses), replace(Costs(), store=given.store), given.workers))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
