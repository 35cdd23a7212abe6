"""SIGKILL at one exact moment of the path of a message.

The proxy holds a request or its answer at that moment, so the process cannot have gone further; who
holds the other end of the connection is killed, and a request that was held never arrives. That
needs no switch in the code under test, and the moments are those of the wire: what the servers know
when the process is gone.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random

from tests.chaos.cluster import Cluster
from tests.chaos.fault import Fault, Inject
from tests.chaos.faults import wire
from tests.chaos.faults.aim import PATIENCE_SECONDS, pids_of, send, working_pids
from tests.chaos.faults.wire import Words
from tests.chaos.proxy import HoldReply, HoldRequest, Trap
from tests.chaos.proxy.owner import owner_of

BEFORE, AFTER = HoldRequest(), HoldReply()
"""Before the server hears of it; after it has done it, and before the process knows."""


@dataclass(frozen=True, slots=True)
class Role:
    """Who is killed."""

    name: str
    pids: Callable[[Cluster], Sequence[int]]


POLLER = Role("a poller", pids_of(lambda cluster: cluster.pollers))
PARENT = Role("a worker", pids_of(lambda cluster: cluster.workers))
WORKER = Role("a worker", working_pids)
DISPATCHER = Role("a dispatcher", pids_of(lambda cluster: cluster.dispatchers))


@dataclass(frozen=True, slots=True)
class Moment:
    """When it is killed: before or after it says these words, after it has said the others."""

    role: Role
    name: str
    hold: HoldRequest | HoldReply
    words: Words
    after: Words = wire.NOTHING
    scenarios: tuple[int, ...] = ()

    def __str__(self) -> str:
        return f"{self.role.name} {self.name}"

    @contextmanager
    def awaited(self, cluster: Cluster) -> Iterator[Trap]:
        """Hold the first process that comes to this moment."""

        def is_meant(client_port: int) -> bool:
            return self.owner(cluster, client_port) is not None

        proxy = cluster.proxies[self.words.server]
        with proxy.trap(self.words.text, self.hold, after=self.after.text, whose=is_meant) as trap:
            yield trap

    def owner(self, cluster: Cluster, client_port: int) -> int | None:
        """The process of this role that a connection belongs to."""
        return owner_of(client_port, cluster.proxies[self.words.server].port, self.role.pids(cluster))


MOMENTS = (
    Moment(POLLER, "after its receive, before its insert", BEFORE, wire.STORE, scenarios=(1,)),
    Moment(POLLER, "inside its insert's transaction", AFTER, wire.STORE_MESSAGES, scenarios=(2,)),
    Moment(POLLER, "before its commit arrives", BEFORE, wire.COMMIT, wire.STORE_MESSAGES, (2, 8)),
    Moment(POLLER, "after its commit, before its delete", AFTER, wire.COMMIT, wire.STORE_MESSAGES, (3, 8)),
    Moment(POLLER, "before its delete arrives", BEFORE, wire.DELETE, scenarios=(3,)),
    Moment(POLLER, "after its delete, before its hint", AFTER, wire.DELETE, scenarios=(4,)),
    Moment(POLLER, "between its hint's flag and its hint", AFTER, wire.HINT_FLAG, scenarios=(4, 25)),
    Moment(POLLER, "after its hint", AFTER, wire.ENQUEUE, scenarios=(5,)),
    Moment(PARENT, "after it took a hint, before it starts", BEFORE, wire.LOAD_JOB, wire.TAKE_HINT, (22,)),
    Moment(WORKER, "between its locks and its claim", BEFORE, wire.CLAIM, scenarios=(16, 20)),
    Moment(WORKER, "inside its claim's transaction", AFTER, wire.CLAIM, scenarios=(20,)),
    Moment(WORKER, "after its claim", AFTER, wire.COMMIT, wire.CLAIM, (20,)),
    Moment(WORKER, "after its handler's write", AFTER, wire.EFFECT, scenarios=(20,)),
    Moment(WORKER, "before the commit of an effect arrives", BEFORE, wire.COMMIT, wire.FINISH, (8, 20)),
    Moment(WORKER, "after the commit of an effect", AFTER, wire.COMMIT, wire.FINISH, (8, 20)),
    Moment(WORKER, "before it lets go of its locks", BEFORE, wire.UNLOCK, scenarios=(16, 20)),
    Moment(DISPATCHER, "after it won its tick", AFTER, wire.TICK, scenarios=(25,)),
    Moment(DISPATCHER, "between its hint's flag and its hint", AFTER, wire.HINT_FLAG, scenarios=(25,)),
)


def _kill_at(moment: Moment) -> Inject:
    def inject(cluster: Cluster, random: Random) -> int:
        with moment.awaited(cluster) as trap:
            if not trap.wait(PATIENCE_SECONDS) or trap.client_port is None:
                return 0
            victim = moment.owner(cluster, trap.client_port)
            if victim is None or not send(cluster, victim, signal.SIGKILL):
                return 0
            trap.drop()
            return 1

    return inject


FAULTS = tuple(
    Fault(f"SIGKILL {moment}", "kill", _kill_at(moment), kills=True, weight=2, scenarios=moment.scenarios)
    for moment in MOMENTS
)
