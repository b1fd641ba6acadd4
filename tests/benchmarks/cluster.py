"""What an export would cost on a cluster: the tasks of a run, dealt to workers, with unit costs measured on one machine.

    python -m tests.benchmarks.cluster --files 1000 --gigabytes 0.01 --workers 100

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

from bonefhir.scanned import AT_ONCE
from bonefhir.shards import bucket_size
from bonefhir.whole import DOSE


@dataclass(frozen=True)
class Export:
    """files of so many gigabytes of NDJSON each, not compressed; per gigabyte so many resources, and doses of catalogue drugs.

    As of the benchmark *sparse*: one patient in a hundred is treated.
    """

    files: int = 1000
    gigabytes: float = 0.01
    resources: float = 680_000
    doses: float = 1_700


@dataclass(frozen=True)
class Costs:
    """CPU seconds of one core, measured on this project's machine on 2026-11-30, and what the simulation assumes besides.

    scan, resolve   per gigabyte of *sparse*
    deal            per gigabyte of *sparse*, serial: what only the whole input can tell
    audit           per dose: evidence and rules (*dense*)
    report          per dose, serial: tables merged, suites, reports without the pages (*dense*)
    memory          bytes of a worker, by which buckets are cut
    start           once, serial: imports, Great Expectations
    task            per task on its worker: Prefect's engine and Dask (0.285 s)
    server          per task, one at a time: Prefect's server (0.04 s)
    look            per portion and bucket, each in its worker: a look into a portion for its patients (0.1 s of latency in all,
                    and scanned.AT_ONCE on their way; assumed)
    store           gigabytes a second that all workers together get from the store (assumed)
    spread          sigma of the log of a task's length (assumed)
    restart         a worker that was lost comes back (assumed)
    slow            share of workers at half speed (assumed)
    """

    scan: float = 7.2
    deal: float = 0.1
    resolve: float = 1.1
    audit: float = 0.00002
    report: float = 0.000065
    start: float = 2.0
    task: float = 0.285
    server: float = 0.04
    look: float = 0.1 / AT_ONCE
    store: float = 10.0
    spread: float = 0.25
    restart: float = 10.0
    slow: float = 0.02
    memory: int = 4 << 30


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
    """What each stage takes, and what all of them need."""
    random = np.random.default_rng(seed)
    speeds = np.where(random.random(workers) < costs.slow, 0.5, 1.0).tolist()
    volume = export.files * export.gigabytes
    doses = volume * export.doses
    count = max(min(4 * workers, export.files), 1)
    looks = export.files * costs.look
    in_buckets = volume * export.resources + (DOSE - 1) * doses
    buckets = max(min(4 * workers, int(in_buckets / bucket_size(costs.memory, 1))), 1)

    def drawn(total: float, count: int) -> list[float]:
        return (random.lognormal(0.0, costs.spread, count) * total / count / np.exp(costs.spread**2 / 2)).tolist()

    lost = workers > 1
    stages = {
        "scan, s": makespan(drawn(volume * costs.scan, count), volume / count, speeds, costs, lost),
        "deal, s": volume * costs.deal,
        "resolve, s": makespan(drawn(volume * costs.resolve + buckets * looks, buckets), 0.0, speeds, costs, lost),
        "audit, s": makespan(drawn(doses * costs.audit, buckets), 0.0, speeds, costs, lost),
        "suites and reports, s": costs.start + doses * costs.report,
    }
    cpu = (
        volume * (costs.scan + costs.deal + costs.resolve)
        + doses * (costs.audit + costs.report)
        + costs.start
        + (count + 2 * buckets) * costs.task
    )
    return stages | {"all, s": sum(stages.values()), "CPU, s": cpu}


def table(export: Export, costs: Costs, workers: Sequence[int]) -> str:
    found = [simulated(export, costs, each) for each in workers]
    lines = ["| workers | " + " | ".join(found[0]) + " |", "|---" * (len(found[0]) + 1) + "|"]
    lines += [f"| {n} | " + " | ".join(f"{v:,.0f}" for v in each.values()) + " |" for n, each in zip(workers, found, strict=True)]
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=Export.files)
    parser.add_argument("--gigabytes", type=float, default=Export.gigabytes, help="of each file")
    parser.add_argument("--doses", type=float, default=Export.doses, help="per gigabyte")
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 10, 100, 400])
    parser.add_argument("--store", type=float, default=Costs.store, help="gigabytes a second, all workers together")
    given = parser.parse_args(arguments)
    print(table(Export(given.files, given.gigabytes, doses=given.doses), replace(Costs(), store=given.store), given.workers))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
