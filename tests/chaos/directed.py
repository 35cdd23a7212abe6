"""For each ablation a short run that favours what the missing safeguard is for."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random

from tests.chaos import faults
from tests.chaos.checker import Violation
from tests.chaos.cluster import LEASE_SECONDS, Cluster
from tests.chaos.fault import Fault
from tests.chaos.faults import wire
from tests.chaos.faults.aim import PATIENCE_SECONDS
from tests.chaos.proxy import HoldReply
from tests.chaos.sizes import Size

_LEASES = 2.5


def hold_a_claim(cluster: Cluster, random: Random) -> int:
    """A worker hears that its claim is committed when others have done long ago what it claimed.

    Then it works on the first message, as its time slice has not begun to count for it.
    """
    claim = cluster.proxies["postgres"].trap(wire.COMMIT.text, HoldReply(), after=wire.CLAIM.text)
    with claim as trap:
        if trap.wait(PATIENCE_SECONDS):
            cluster.wait(_LEASES * LEASE_SECONDS)
    return 0


HOLD_A_CLAIM = Fault("the answer to a claim is late by more than its lease", "network", hold_a_claim)


@dataclass(frozen=True, slots=True)
class Directed:
    """What is broken, and what must come of it."""

    must_find: tuple[Violation, ...]
    """Any of them."""
    faults: Sequence[Fault]
    size: Size


def _named(pattern: str) -> tuple[Fault, ...]:
    return tuple(fault for fault in faults.ALL if re.search(pattern, fault.name))


def _short(seconds: float, kinds: int = 1) -> Size:
    return Size(events=1_500, seconds=seconds, kills=0, kinds=kinds)


DIRECTED: Mapping[str, Directed] = {
    "lease-check": Directed((Violation.DUPLICATED, Violation.STALE_COMPLETION), (HOLD_A_CLAIM,), _short(60)),
    "unique-key": Directed((Violation.DUPLICATED,), _named("come eleven times at once"), _short(30)),
    "delete-after-commit": Directed(
        (Violation.LOST,),
        _named("SIGKILL a poller (after its receive|inside|before its commit)|PostgreSQL (is killed|throws)"),
        _short(40, kinds=4),
    ),
    "dispatcher": Directed((Violation.STUCK,), _named("FLUSHALL|locks stay"), _short(30)),
    "merge-order": Directed((Violation.WRONG_MIRROR,), (), _short(20, kinds=0)),
}
"""By the names in `ablations.ABLATIONS`."""
