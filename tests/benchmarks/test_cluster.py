"""The simulation of a cluster: what must hold of it whatever its costs are."""

from dataclasses import replace

import pytest

from tests.benchmarks.cluster import Costs, Export, makespan, simulated, table

FREE = Costs(task=0.0, server=0.0, store=1e9, slow=0.0, spread=0.0)


def test_one_worker_takes_the_sum() -> None:
    assert makespan([3.0, 1.0, 2.0], 0.0, [1.0], FREE) == pytest.approx(6.0)


def test_two_workers_share_it_and_a_slow_one_takes_twice_as_long() -> None:
    assert makespan([2.0, 2.0], 0.0, [1.0, 1.0], FREE) == pytest.approx(2.0)
    assert makespan([2.0, 2.0], 0.0, [1.0, 0.5], FREE) == pytest.approx(4.0)


def test_the_store_and_the_server_are_limits() -> None:
    assert makespan([0.1] * 4, 5.0, [1.0] * 4, replace(FREE, store=2.0)) == pytest.approx(10.0)
    assert makespan([0.0] * 10, 0.0, [1.0] * 10, replace(FREE, server=0.5)) == pytest.approx(5.0)


def test_a_lost_worker_costs_its_task() -> None:
    whole = makespan([1.0] * 8, 0.0, [1.0, 1.0], FREE)
    assert whole < makespan([1.0] * 8, 0.0, [1.0, 1.0], replace(FREE, restart=0.0), lost=True) <= whole + 1.0


def test_more_workers_are_faster_until_what_is_serial_rules() -> None:
    large = Export(gigabytes=1)
    found = [simulated(large, Costs(), workers)["all, s"] for workers in (1, 10, 100)]
    assert found == sorted(found, reverse=True)
    assert table(Export(files=2), Costs(), [1, 2]).count("\n") == 3
