"""One kind of fault: what it is called, and what it does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from tests.chaos.cluster import Cluster

Inject = Callable[[Cluster, Random], int]
"""Does its thing, waits as long as it says (a few seconds, bounded, through `cluster.wait`), heals, and
returns how many processes it killed.

What it is aimed at may die at any moment by another cause, so it never raises for a target that is
gone. Whatever it broke is whole again when it returns, also when it is interrupted (`finally`).
All that it decides comes from the given Random.
"""


@dataclass(frozen=True, slots=True)
class Fault:
    """A kind of fault, known by its name: the schedule and the last line of a run count names."""

    name: str
    """Says what happens, like `SIGKILL a poller`."""
    kind: str
    """The family: `kill`, `pause`, `network`, `redis`, `database`, `queue`, `traffic`, `operator`, `clock`
    or `release`."""
    inject: Inject
    kills: bool = False
    """Whether it kills processes at all; the schedule takes care that enough of these come."""
    weight: int = 1
    """How often it comes, compared with the others."""
    scenarios: tuple[int, ...] = ()
    """Which of the forty scenarios that the project set out to survive it belongs to."""
