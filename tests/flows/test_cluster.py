"""The flow on a Dask cluster of two worker processes: the same bytes, also when one of them is killed at its work."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from time import monotonic, sleep

import pytest
from distributed import Client, LocalCluster

from bonefhir import pipeline
from bonefhir.cli import main as command
from flows import audit as flow
from tests.e2e.small import people
from tests.flows.test_audit import files
from tests.object_store import BUCKET, keys, running, upload

PATIENCE = 90.0


@pytest.fixture
def cluster(prefect_server: None) -> Iterator[LocalCluster]:
    """Its workers find the store on loopback."""
    with running(), LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0") as made:
        yield made


def slow(folder: str) -> None:
    """On a worker: each scan says who does it, and takes its time."""
    scan = pipeline.scan

    def said(run: pipeline.Run, number: int) -> None:
        Path(folder, f"{os.getpid()}.{number}").touch()
        sleep(1.0)
        scan(run, number)

    pipeline.scan = said


def kill_the_first(begun: Path, killed: list[int]) -> None:
    """Kills the process that has begun a scan, in the middle of it."""
    started = monotonic()
    while not (found := sorted(begun.iterdir())) and monotonic() - started < PATIENCE:
        sleep(0.02)
    killed.append(int(found[0].name.partition(".")[0]))
    os.kill(killed[0], signal.SIGKILL)


def test_a_worker_that_is_killed_costs_its_task_only(
    cluster: LocalCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, begun = people(tmp_path / "input", 8), tmp_path / "begun"
    begun.mkdir()
    assert command(["audit", str(source), "--out", str(tmp_path / "command"), "--quiet"]) == 0
    with Client(cluster) as client:
        client.run(slow, str(begun))
    killed: list[int] = []
    killer = Thread(target=kill_the_first, args=(begun, killed))
    killer.start()
    state = flow.on_cluster(cluster.scheduler_address)(
        sources=[upload(source, "night")], out=str(tmp_path / "flow"), parts=f"s3://{BUCKET}/work", return_state=True
    )
    killer.join()
    assert state.is_completed()
    assert not [key for key in keys() if key.startswith("work/")]
    by_command, by_flow = files(tmp_path / "command"), files(tmp_path / "flow")
    del by_command["run.json"], by_flow["run.json"]  # the times, and where the output lies
    assert by_command == by_flow
    begun_by = [path.name.split(".") for path in begun.iterdir()]
    twice = {number for _, number in begun_by if [n for _, n in begun_by].count(number) > 1}
    assert twice <= {number for process, number in begun_by if int(process) == killed[0]}
