"""PostgreSQL goes away, as a whole or one session after the other, and comes back."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from random import Random

from project.demo.processes import children_of
from tests.chaos.cluster import Cluster
from tests.chaos.fault import Fault
from tests.chaos.faults import aim
from tests.chaos.faults.backends import BACKENDS, TERMINATE


def kill_server(cluster: Cluster, random: Random) -> int:
    """SIGKILL, all of it; it recovers from its log when it is started again."""
    try:
        cluster.postgres.kill()
        cluster.wait(random.uniform(0, 3))
    finally:
        cluster.postgres.start()
    return 0


def restart_server(cluster: Cluster, random: Random) -> int:
    """As for an update: transactions are rolled back, connections closed."""
    cluster.postgres.restart()
    return 0


def crash_backend(cluster: Cluster, random: Random) -> int:
    """One backend is killed; PostgreSQL then throws out everybody and recovers, as its memory may be spoiled."""
    pid = _a_backend(cluster, random)
    if pid is not None:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    cluster.wait(random.uniform(0.5, 2))
    aim.wait_for_database(cluster)
    return 0


def freeze_backend(cluster: Cluster, random: Random) -> int:
    """One backend stands still, with all the locks it has."""
    pid = _a_backend(cluster, random)
    if pid is None:
        return 0
    try:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGSTOP)
        cluster.wait(random.uniform(2, 5))
    finally:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)
    return 0


def _a_backend(cluster: Cluster, random: Random) -> int | None:
    """One that is in a transaction, if there is any: it holds locks."""
    with aim.database(cluster) as database:
        ours = set(children_of(cluster.postgres.pid))  # a pid may be another's by now
        for question in (f"{BACKENDS} AND xact_start IS NOT NULL", BACKENDS):
            found = sorted(ours & {pid for (pid,) in database.execute(question)})
            if found:
                return random.choice(found)
    return None


def terminate(cluster: Cluster, random: Random) -> int:
    """pg_terminate_backend for everybody, as a failover behind a pooler looks."""
    with aim.database(cluster) as database:
        for _ in range(random.randint(1, 4)):
            database.execute(TERMINATE)
            cluster.wait(random.uniform(0.1, 0.7))
    return 0


FAULTS = (
    Fault("PostgreSQL is killed and recovers", "database", kill_server, weight=2, scenarios=(7, 8)),
    Fault("PostgreSQL is restarted", "database", restart_server, scenarios=(7, 8)),
    Fault("a PostgreSQL backend crashes", "database", crash_backend, scenarios=(8,)),
    Fault("a PostgreSQL backend stands still", "database", freeze_backend, scenarios=(9,)),
    Fault("PostgreSQL throws everybody out", "database", terminate, weight=2, scenarios=(8,)),
)
