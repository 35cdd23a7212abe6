"""Processes that stand still for longer than their lease, and then go on as if nothing had happened."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Sequence
from contextlib import suppress
from random import Random

from project.embedded import EmbeddedServer
from tests.chaos.cluster import LEASE_SECONDS, VISIBILITY_SECONDS, Cluster, Process
from tests.chaos.fault import Fault, Inject
from tests.chaos.faults.aim import a_horse, running, send

BEYOND_LEASE = (1.2, 2.0)
"""Times the lease."""


def _pause_one(role: Callable[[Cluster], Sequence[Process]]) -> Inject:
    def inject(cluster: Cluster, random: Random) -> int:
        for _, pid in running(role(cluster), random):
            _stand_still(cluster, pid, LEASE_SECONDS * random.uniform(*BEYOND_LEASE))
            break
        return 0

    return inject


def pause_horse(cluster: Cluster, random: Random) -> int:
    """Whatever it holds is another worker's when it wakes up."""
    found = a_horse(cluster, random)
    if found is not None:
        _stand_still(cluster, found[1], LEASE_SECONDS * random.uniform(*BEYOND_LEASE))
    return 0


def pause_poller_beyond_visibility(cluster: Cluster, random: Random) -> int:
    """SQS hands out again what it has in hand, and its receipt handles are old when it wakes up."""
    for _, pid in running(cluster.pollers, random):
        _stand_still(cluster, pid, VISIBILITY_SECONDS + 1)
        break
    return 0


def _stand_still(cluster: Cluster, pid: int, seconds: float) -> None:
    try:
        if send(cluster, pid, signal.SIGSTOP):
            cluster.wait(seconds)
    finally:
        send(cluster, pid, signal.SIGCONT)


def _freeze(which: Callable[[Cluster], EmbeddedServer]) -> Inject:
    def inject(cluster: Cluster, random: Random) -> int:
        server = which(cluster)
        pid = server.pid
        try:
            os.kill(pid, signal.SIGSTOP)
            cluster.wait(random.uniform(2, 5))
        finally:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
        return 0

    return inject


FAULTS = (
    Fault("SIGSTOP a horse beyond its lease", "pause", pause_horse, weight=3, scenarios=(17, 23)),
    Fault(
        "SIGSTOP a simple worker beyond its lease",
        "pause",
        _pause_one(lambda c: c.simple_workers),
        weight=3,
        scenarios=(17, 23),
    ),
    Fault(
        "SIGSTOP a fork worker, not its horse", "pause", _pause_one(lambda c: c.fork_workers), scenarios=(23,)
    ),
    Fault(
        "SIGSTOP a poller beyond the visibility timeout",
        "pause",
        pause_poller_beyond_visibility,
        scenarios=(6, 23),
    ),
    Fault("SIGSTOP a dispatcher", "pause", _pause_one(lambda c: c.dispatchers), scenarios=(24, 25)),
    Fault("SIGSTOP Valkey", "pause", _freeze(lambda c: c.valkey), scenarios=(18,)),
    Fault("SIGSTOP SQS", "pause", _freeze(lambda c: c.sqs), scenarios=(38,)),
)
