"""Clocks that are wrong by minutes, and clocks that jump."""

from __future__ import annotations

from random import Random

from tests.chaos import clocks
from tests.chaos.cluster import Cluster
from tests.chaos.fault import Fault
from tests.chaos.faults.aim import running

MOST_SECONDS = 600


def skew_one(cluster: Cluster, random: Random) -> int:
    """One process is up to ten minutes ahead or behind for a while; it jumps there and back."""
    for _, pid in running(cluster.processes, random):
        if clocks.set_wrong(
            cluster.directory / clocks.FOLDER, pid, random.choice((-1, 1)) * random.uniform(30, MOST_SECONDS)
        ):
            cluster.wait(random.uniform(2, 5))
            clocks.set_wrong(cluster.directory / clocks.FOLDER, pid, 0)
            break
    return 0


def skew_all(cluster: Cluster, random: Random) -> int:
    """Every process has another time."""
    pids = [pid for _, pid in running(cluster.processes, random)]
    for pid in pids:
        clocks.set_wrong(cluster.directory / clocks.FOLDER, pid, random.uniform(-MOST_SECONDS, MOST_SECONDS))
    cluster.wait(random.uniform(2, 5))
    for pid in pids:
        clocks.set_wrong(cluster.directory / clocks.FOLDER, pid, 0)
    return 0


FAULTS = (
    Fault("one process has the wrong time", "clock", skew_one, weight=2, scenarios=(26,)),
    Fault("every process has another time", "clock", skew_all, scenarios=(26,)),
)
