"""Finding something to harm, among processes that may be gone the next moment."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from random import Random
from typing import Any

import psycopg

from tests.chaos.cluster import Cluster, Process

LOOK_SECONDS = 0.05
PATIENCE_SECONDS = 5.0
"""How long a fault waits for the moment that it is aimed at."""
RECOVERY_SECONDS = 60.0


def database(cluster: Cluster) -> closing[psycopg.Connection[tuple[Any, ...]]]:
    """A connection straight to PostgreSQL, to be used as a context manager.

    Waits while PostgreSQL recovers from the fault before. Raises psycopg.OperationalError when that takes
    too long.
    """
    for _ in range(round(RECOVERY_SECONDS / LOOK_SECONDS)):
        try:
            return closing(cluster.database())
        except psycopg.OperationalError:
            cluster.wait(LOOK_SECONDS)
    return closing(cluster.database())


def wait_for_database(cluster: Cluster) -> None:
    """Return when PostgreSQL has recovered. Raises psycopg.OperationalError."""
    with database(cluster):
        pass


def running(processes: Sequence[Process], random: Random) -> Iterator[tuple[Process, int]]:
    """Those that run, with their pids, in random order."""
    for process in random.sample(list(processes), len(processes)):
        pid = process.pid
        if pid is not None:
            yield process, pid


def a_horse(cluster: Cluster, random: Random) -> tuple[Process, int] | None:
    """A fork worker and its horse; horses are short-lived, so it waits for one. None if none comes."""
    for _ in range(round(PATIENCE_SECONDS / LOOK_SECONDS)):
        for worker in random.sample(list(cluster.fork_workers), len(cluster.fork_workers)):
            for horse in cluster.horses(worker):
                return worker, horse
        cluster.wait(LOOK_SECONDS)
    return None


def working_pids(cluster: Cluster) -> list[int]:
    """Everybody who may have a message in hand."""
    simple = [pid for worker in cluster.simple_workers if (pid := worker.pid) is not None]
    horses = [pid for worker in cluster.fork_workers for pid in cluster.horses(worker)]
    return [*simple, *horses, *cluster.orphans()]


def pids_of(processes: Callable[[Cluster], Sequence[Process]]) -> Callable[[Cluster], list[int]]:
    """The pids of processes of one role, without horses."""

    def pids(cluster: Cluster) -> list[int]:
        return [pid for process in processes(cluster) if (pid := process.pid) is not None]

    return pids


def send(cluster: Cluster, pid: int, how: signal.Signals) -> bool:
    """Send a signal to a process of the pipeline or to a horse; False when it is gone."""
    if any(process.kill(how, pid=pid) for process in cluster.processes):
        return True
    return cluster.signal_pid(pid, how)
