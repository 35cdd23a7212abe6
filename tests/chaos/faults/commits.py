"""Commits in doubt: they are durable and their answer is lost, or they never arrive."""

from __future__ import annotations

from random import Random

from tests.chaos.cluster import Cluster
from tests.chaos.fault import Fault, Inject
from tests.chaos.faults import wire
from tests.chaos.faults.aim import PATIENCE_SECONDS
from tests.chaos.faults.wire import Words
from tests.chaos.proxy import CutRequest, LoseReply
from tests.chaos.proxy.traps import Action


def _at_commit(action: Action, after: Words, times: int) -> Inject:
    def inject(cluster: Cluster, random: Random) -> int:
        proxy = cluster.proxies["postgres"]
        with proxy.trap(wire.COMMIT.text, action, after=after.text, times=times) as trap:
            trap.wait(PATIENCE_SECONDS)
            cluster.wait(random.uniform(0.5, 2))
        return 0

    return inject


FAULTS = (
    Fault(
        "the answer to the commit of a batch is lost",
        "database",
        _at_commit(LoseReply(), wire.STORE_MESSAGES, 2),
        weight=2,
        scenarios=(8,),
    ),
    Fault(
        "the answer to the commit of an effect is lost",
        "database",
        _at_commit(LoseReply(), wire.FINISH, 5),
        weight=2,
        scenarios=(8,),
    ),
    Fault(
        "the answer to the commit of a claim is lost",
        "database",
        _at_commit(LoseReply(), wire.CLAIM, 3),
        scenarios=(8,),
    ),
    Fault(
        "commits break off before they arrive",
        "database",
        _at_commit(CutRequest(), wire.UPDATE, 5),
        scenarios=(8,),
    ),
)
