"""All faults off."""

from __future__ import annotations

import os
import signal
from contextlib import suppress

from tests.chaos.cluster import Cluster


def heal(cluster: Cluster) -> None:
    """Proxies pass on, servers run, and nobody stands still."""
    for server in (cluster.postgres, cluster.valkey, cluster.sqs):
        if server.is_running:
            with suppress(ProcessLookupError):
                os.kill(server.pid, signal.SIGCONT)
        server.start()
    for proxy in cluster.proxies.values():
        proxy.heal()
    for process in cluster.processes:
        process.kill(signal.SIGCONT)
    horses = [pid for worker in cluster.fork_workers for pid in cluster.horses(worker)]
    for pid in (*horses, *cluster.orphans()):
        cluster.signal_pid(pid, signal.SIGCONT)
