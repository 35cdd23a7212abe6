"""SIGKILL at one exact moment of the path of a message.

The proxy holds a request or its answer at that moment, so the process cannot have gone further; who
holds the other end of the connection is killed, and a request that was held never arrives. That
needs no switch in the code under test, and the moments are those of the wire: what the servers know
when the process is gone.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from random import Random

from tests.chaos.cluster import Cluster
from tests.chaos.fault import Fault, Inject
from tests.chaos.faults import wire
from tests.chaos.faults.aim import PATIENCE_SECONDS, pids_of, send, working_pids
from tests.chaos.proxy import HoldReply, HoldRequest, sqs
from tests.chaos.proxy.owner import owner_of


@dataclass(frozen=True, slots=True)
class Moment:
    """When a process dies: whose, before which server, and what it has just asked."""

    name: str
    whose: Callable[[Cluster], Collection[int]]
    server: str
    pattern: bytes
    hold: HoldRequest | HoldReply
    """Held as a request: the server never hears of it. As a reply: it did it, and the process never knew."""
    after: bytes = b""
    scenarios: tuple[int, ...] = ()


BEFORE, AFTER = HoldRequest(), HoldReply()

_pollers = pids_of(lambda cluster: cluster.pollers)
_parents = pids_of(lambda cluster: cluster.workers)
_dispatchers = pids_of(lambda cluster: cluster.dispatchers)

MOMENTS = (
    Moment("after its receive, before its insert", _pollers, "postgres", wire.STORE, BEFORE, scenarios=(1,)),
    Moment(
        "inside its insert's transaction", _pollers, "postgres", wire.STORE_MESSAGES, AFTER, scenarios=(2,)
    ),
    Moment(
        "before its commit arrives", _pollers, "postgres", wire.COMMIT, BEFORE, wire.STORE_MESSAGES, (2, 8)
    ),
    Moment(
        "after its commit, before its delete",
        _pollers,
        "postgres",
        wire.COMMIT,
        AFTER,
        wire.STORE_MESSAGES,
        (3, 8),
    ),
    Moment("before its delete arrives", _pollers, "sqs", sqs.DELETE, BEFORE, scenarios=(3,)),
    Moment("after its delete, before its hint", _pollers, "sqs", sqs.DELETE, AFTER, scenarios=(4,)),
    Moment(
        "between its hint's flag and its hint", _pollers, "redis", wire.HINT_FLAG, AFTER, scenarios=(4, 25)
    ),
    Moment("after its hint", _pollers, "redis", wire.ENQUEUE, AFTER, scenarios=(5,)),
    Moment(
        "after it took a hint, before it starts",
        _parents,
        "redis",
        wire.LOAD_JOB,
        BEFORE,
        wire.TAKE_HINT,
        (22,),
    ),
    Moment(
        "between its locks and its claim", working_pids, "postgres", wire.CLAIM, BEFORE, scenarios=(16, 20)
    ),
    Moment("inside its claim's transaction", working_pids, "postgres", wire.CLAIM, AFTER, scenarios=(20,)),
    Moment("after its claim", working_pids, "postgres", wire.COMMIT, AFTER, wire.CLAIM, (20,)),
    Moment("after its handler's write", working_pids, "postgres", wire.EFFECT, AFTER, scenarios=(20,)),
    Moment(
        "before the commit of an effect arrives",
        working_pids,
        "postgres",
        wire.COMMIT,
        BEFORE,
        wire.FINISH,
        (8, 20),
    ),
    Moment(
        "after the commit of an effect", working_pids, "postgres", wire.COMMIT, AFTER, wire.FINISH, (8, 20)
    ),
    Moment("before it lets go of its locks", working_pids, "redis", wire.UNLOCK, BEFORE, scenarios=(16, 20)),
    Moment("after it won its tick", _dispatchers, "redis", wire.TICK, AFTER, scenarios=(25,)),
    Moment(
        "between its hint's flag and its hint", _dispatchers, "redis", wire.HINT_FLAG, AFTER, scenarios=(25,)
    ),
)

_ROLES: Mapping[Callable[[Cluster], Collection[int]], str] = {
    _pollers: "a poller",
    _parents: "a worker",
    working_pids: "a worker",
    _dispatchers: "a dispatcher",
}


def _kill_at(moment: Moment) -> Inject:
    def inject(cluster: Cluster, random: Random) -> int:
        proxy = cluster.proxies[moment.server]

        def owner(client_port: int) -> int | None:
            return owner_of(client_port, proxy.port, moment.whose(cluster))

        trap = proxy.trap(
            moment.pattern, moment.hold, after=moment.after, whose=lambda port: owner(port) is not None
        )
        with trap as caught:
            if not caught.wait(PATIENCE_SECONDS) or caught.client_port is None:
                return 0
            victim = owner(caught.client_port)
            killed = victim is not None and send(cluster, victim, signal.SIGKILL)
            if killed:
                caught.drop()
            return int(killed)

    return inject


FAULTS = tuple(
    Fault(
        f"SIGKILL {_ROLES[moment.whose]} {moment.name}",
        "kill",
        _kill_at(moment),
        kills=True,
        weight=2,
        scenarios=moment.scenarios,
    )
    for moment in MOMENTS
)
