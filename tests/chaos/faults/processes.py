"""Processes that end: by SIGKILL, alone or with others, and by SIGTERM, with and without backoff."""

from __future__ import annotations

import signal
from collections.abc import Callable, Sequence
from random import Random

from tests.chaos.cluster import Cluster, Process
from tests.chaos.fault import Fault, Inject
from tests.chaos.faults.aim import a_horse, running, send

GRACE_SECONDS = 10.0
"""What a rolling restart gives each process; then it is killed, as Kubernetes does."""
COLD_AFTER_SECONDS = 1.2
"""RQ takes a second SIGTERM for an echo of the first one until a second has passed."""


def _kill_one(role: Callable[[Cluster], Sequence[Process]]) -> Inject:
    def inject(cluster: Cluster, random: Random) -> int:
        return next((1 for process, pid in running(role(cluster), random) if process.kill(pid=pid)), 0)

    return inject


def kill_parent(cluster: Cluster, random: Random) -> int:
    """The horse goes on, and is nobody's."""
    found = a_horse(cluster, random)
    if found is None:
        return 0
    worker, horse = found
    parent = worker.pid
    return int(parent is not None and horse in cluster.horses(worker) and worker.kill(pid=parent))


def kill_horse(cluster: Cluster, random: Random) -> int:
    """As the kernel does when memory runs out, or a handler's C library crashes."""
    found = a_horse(cluster, random)
    return int(found is not None and cluster.signal_pid(found[1], signal.SIGKILL))


def kill_family(cluster: Cluster, random: Random) -> int:
    """The parent first, so that it cannot tell Redis how its horse ended."""
    found = a_horse(cluster, random)
    if found is None:
        return 0
    worker, horse = found
    return int(worker.kill()) + int(send(cluster, horse, signal.SIGKILL))


def kill_all(cluster: Cluster, random: Random) -> int:
    """A machine that loses power, except that its servers are elsewhere."""
    horses = [horse for worker in cluster.fork_workers for horse in cluster.horses(worker)]
    killed = sum(process.kill(pid=pid) for process, pid in running(cluster.processes, random))
    return killed + sum(cluster.signal_pid(pid, signal.SIGKILL) for pid in horses)


def restart_one_by_one(cluster: Cluster, random: Random) -> int:
    """A deploy: each gets SIGTERM when the one before it is back."""
    return sum(_replace(process, pid) for process, pid in running(cluster.processes, random))


def _replace(process: Process, pid: int) -> int:
    if not process.kill(signal.SIGTERM, pid=pid) or process.wait_until_restarted(pid, GRACE_SECONDS):
        return 0
    return int(process.kill(pid=pid))


def stop_all_at_once(cluster: Cluster, random: Random) -> int:
    """A deploy without rolling; none of them may take longer than its grace."""
    told = [
        (process, pid)
        for process, pid in running(cluster.processes, random)
        if process.kill(signal.SIGTERM, pid=pid)
    ]
    cluster.wait(GRACE_SECONDS / 2)
    return sum(process.kill(pid=pid) for process, pid in told)


def stop_without_patience(cluster: Cluster, random: Random) -> int:
    """SIGTERM, and SIGKILL before it can have finished what it has in hand."""
    for process, pid in running([*cluster.pollers, *cluster.workers], random):
        if process.kill(signal.SIGTERM, pid=pid):
            cluster.wait(random.uniform(0.0, 0.3))
            if process.kill(pid=pid):
                return 1
    return 0  # all of them had nothing in hand, and were gone


def stop_cold(cluster: Cluster, random: Random) -> int:
    """The second SIGTERM makes RQ kill its horse and leave."""
    found = a_horse(cluster, random)
    if found is None:
        return 0
    worker, horse = found
    parent = worker.pid
    if parent is None or not worker.kill(signal.SIGTERM, pid=parent):
        return 0
    cluster.wait(COLD_AFTER_SECONDS)
    worker.kill(signal.SIGTERM, pid=parent)
    worker.wait_until_restarted(parent, GRACE_SECONDS / 2)
    return int(horse not in cluster.horses(worker) and horse not in cluster.orphans())


FAULTS = (
    Fault(
        "SIGKILL a poller", "kill", _kill_one(lambda c: c.pollers), kills=True, weight=3, scenarios=(1, 2, 3)
    ),
    Fault(
        "SIGKILL a fork worker while its horse lives on",
        "kill",
        kill_parent,
        kills=True,
        weight=3,
        scenarios=(19,),
    ),
    Fault("SIGKILL a horse", "kill", kill_horse, kills=True, weight=3, scenarios=(20,)),
    Fault(
        "SIGKILL a fork worker and its horse", "kill", kill_family, kills=True, weight=2, scenarios=(19, 20)
    ),
    Fault(
        "SIGKILL a simple worker",
        "kill",
        _kill_one(lambda c: c.simple_workers),
        kills=True,
        weight=3,
        scenarios=(20,),
    ),
    Fault("SIGKILL a dispatcher", "kill", _kill_one(lambda c: c.dispatchers), kills=True, scenarios=(24, 25)),
    Fault("SIGKILL every process at once", "kill", kill_all, kills=True, weight=2, scenarios=(1, 19, 20, 25)),
    Fault("SIGTERM every process, one after the other", "kill", restart_one_by_one, scenarios=(21,)),
    Fault("SIGTERM every process at once", "kill", stop_all_at_once, kills=True, scenarios=(21,)),
    Fault(
        "SIGKILL a process right after SIGTERM",
        "kill",
        stop_without_patience,
        kills=True,
        weight=2,
        scenarios=(21,),
    ),
    Fault("SIGTERM a fork worker twice", "kill", stop_cold, kills=True, scenarios=(20, 21)),
)
