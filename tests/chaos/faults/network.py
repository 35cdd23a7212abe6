"""The network between the pipeline and each of its servers: cut, closed, swallowed, slow, in crumbs."""

from __future__ import annotations

from contextlib import ExitStack
from random import Random

from tests.chaos.cluster import Cluster
from tests.chaos.fault import Fault, Inject
from tests.chaos.proxy import CutRequest, Shape

SERVERS = {"postgres": "PostgreSQL", "redis": "Redis", "sqs": "SQS"}
CRUMBS = Shape(piece_bytes=7)
TRICKLE = Shape(bytes_per_second=100_000, piece_bytes=1_000)


def _cut(server: str) -> Inject:
    def inject(cluster: Cluster, random: Random) -> int:
        for _ in range(random.randint(1, 4)):
            cluster.proxies[server].cut()
            cluster.wait(random.uniform(0.1, 0.5))
        return 0

    return inject


def _refuse(server: str) -> Inject:
    def inject(cluster: Cluster, random: Random) -> int:
        proxy = cluster.proxies[server]
        with proxy.refusing():
            proxy.cut()
            cluster.wait(random.uniform(1, 4))
        return 0

    return inject


def _swallow(server: str) -> Inject:
    def inject(cluster: Cluster, random: Random) -> int:
        proxy = cluster.proxies[server]
        with proxy.black_hole():
            cluster.wait(random.uniform(2, 6))
            if random.random() < 0.5:  # a firewall that forgot the connections; else all is delivered late
                proxy.cut()
        return 0

    return inject


def _slow(server: str) -> Inject:
    def inject(cluster: Cluster, random: Random) -> int:
        latency = random.uniform(0.02, 0.2)
        with cluster.proxies[server].slowed(Shape(latency_seconds=latency, jitter_seconds=latency)):
            cluster.wait(random.uniform(3, 6))
        return 0

    return inject


def _everywhere(shape: Shape) -> Inject:
    def inject(cluster: Cluster, random: Random) -> int:
        with ExitStack() as stack:
            for proxy in cluster.proxies.values():
                stack.enter_context(proxy.slowed(shape))
            cluster.wait(random.uniform(2, 4))
        return 0

    return inject


def cut_off(cluster: Cluster, random: Random) -> int:
    """The pipeline's machine loses its network."""
    with ExitStack() as stack:
        for proxy in cluster.proxies.values():
            stack.enter_context(proxy.black_hole())
        cluster.wait(random.uniform(2, 5))
    return 0


def cut_in_the_middle(cluster: Cluster, random: Random) -> int:
    """Half of a write arrives, again and again, anywhere."""
    for proxy in cluster.proxies.values():
        with proxy.trap(b"", CutRequest(), times=5) as trap:
            trap.wait(1)
            cluster.wait(random.uniform(0.2, 0.5))
    return 0


_SCENARIOS = {"postgres": (7, 8), "redis": (13, 18), "sqs": (38,)}
_KINDS = {
    "every connection to {} is reset": _cut,
    "{} refuses connections": _refuse,
    "{} swallows everything": _swallow,
    "the way to {} is slow": _slow,
}

FAULTS = (
    *(
        Fault(name.format(SERVERS[server]), "network", kind(server), scenarios=_SCENARIOS[server])
        for server in SERVERS
        for name, kind in _KINDS.items()
    ),
    Fault("everything arrives in crumbs of seven bytes", "network", _everywhere(CRUMBS), scenarios=(38,)),
    Fault("everything trickles", "network", _everywhere(TRICKLE), scenarios=(38,)),
    Fault("requests break off in the middle", "network", cut_in_the_middle, scenarios=(8, 38)),
    Fault("the pipeline is cut off from all servers", "network", cut_off, scenarios=(7, 18, 38)),
)
