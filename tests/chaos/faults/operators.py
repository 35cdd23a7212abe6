"""People, and what they do in the middle of it: the same thing twice, and all at once."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from random import Random

from tests.chaos.cluster import Cluster
from tests.chaos.fault import Fault
from tests.chaos.faults import aim

TYPES = ("opportunity", "attachment", "item")
MOST_LETTERS = 20
IN_FORCE = (
    "SELECT 1 FROM passport_events_operatoraction WHERE kind IN ('pause', 'throttle') AND ended_at IS NULL"
)
SUCCEEDED = (
    "SELECT DISTINCT record_id FROM passport_events_processedmessage WHERE status = 'succeeded'"
    " ORDER BY record_id"
)
DISCARDED = "SELECT 1 FROM passport_events_processedmessage WHERE status = 'discarded'"


def retry_together(cluster: Cluster, random: Random) -> int:
    """Two operators send the same dead letters back, at the same moment."""
    letters = _dead_letters(cluster, random)
    if letters:
        _at_once(cluster, [("passport", "retry", "--reason", "a fault", *letters)] * 2)
    return 0


def discard_and_restore(cluster: Cluster, random: Random) -> int:
    """One puts dead letters aside while another sends them back; then what was put aside is restored."""
    letters = _dead_letters(cluster, random)
    if letters:
        discard = ("passport", "discard", "--reason", "a fault", *letters)
        try:
            _at_once(cluster, [discard, ("passport", "retry", "--reason", "a fault", *letters)])
        finally:
            _insist(cluster, ("passport", "restore", *letters), DISCARDED)
    return 0


def replay_together(cluster: Cluster, random: Random) -> int:
    """Two operators run again what succeeded of one record: one generation more for each, at most."""
    with aim.database(cluster) as database:
        rows = database.execute(SUCCEEDED).fetchall()
    if rows:
        (record,) = random.choice(rows)
        _at_once(cluster, [("passport", "replay", "--record", record, "--reason", "a fault", "--yes")] * 2)
    return 0


def pause_and_resume(cluster: Cluster, random: Random) -> int:
    """Nothing of one type is claimed for a while; its messages wait and lose no attempts."""
    scope = ("--event-type", random.choice(TYPES))
    try:
        cluster.manage("passport", "pause", *scope, "--reason", "a fault")
        cluster.wait(random.uniform(1, 3))
    finally:
        _insist(cluster, ("passport", "resume", *scope), IN_FORCE)
    return 0


def throttle(cluster: Cluster, random: Random) -> int:
    """A few messages a minute of one type, then all again."""
    scope = ("--event-type", random.choice(TYPES))
    try:
        cluster.manage("passport", "rate-limit", *scope, "--per-minute", "30", "--reason", "a fault")
        cluster.wait(random.uniform(1, 3))
    finally:
        _insist(cluster, ("passport", "rate-limit", *scope, "--remove"), IN_FORCE)
    return 0


def dispatch_together(cluster: Cluster, random: Random) -> int:
    """Five dispatchers look at once, whoever's turn it is."""
    _at_once(cluster, [("dispatch_messages", "--once")] * 5)
    return 0


def poll_together(cluster: Cluster, random: Random) -> int:
    """Pollers that come for one receive and go, beside those that stay."""
    _at_once(cluster, [("poll_sqs", "--once")] * 3)
    return 0


def _dead_letters(cluster: Cluster, random: Random) -> list[str]:
    with aim.database(cluster) as database:
        rows = database.execute(
            "SELECT id FROM passport_events_processedmessage WHERE status = 'dead' ORDER BY id"
        )
        found = [str(pk) for (pk,) in rows]
    return random.sample(found, min(MOST_LETTERS, len(found)))


def _at_once(cluster: Cluster, commands: Sequence[Sequence[str]]) -> None:
    with ThreadPoolExecutor(len(commands)) as pool:
        list(pool.map(lambda command: cluster.manage(*command), commands))


def _insist(cluster: Cluster, command: Sequence[str], left: str) -> None:
    """What must not stay undone: again, until there is nothing `left`."""
    for _ in range(5):
        cluster.manage(*command)
        with aim.database(cluster) as database:
            if database.execute(left.encode()).fetchone() is None:
                return
    raise RuntimeError(f"{' '.join(command)} did not work in five tries. See commands.log.")


FAULTS = (
    Fault("two operators retry the same dead letters", "operator", retry_together, weight=2, scenarios=(35,)),
    Fault("one operator discards what another retries", "operator", discard_and_restore, scenarios=(35,)),
    Fault("two operators replay the same record", "operator", replay_together, weight=2, scenarios=(35,)),
    Fault("a type is paused and resumed", "operator", pause_and_resume, scenarios=(35,)),
    Fault("a type is throttled and let go", "operator", throttle, scenarios=(35,)),
    Fault("five dispatchers look at once", "operator", dispatch_together, scenarios=(25,)),
    Fault("three more pollers come and go", "operator", poll_together, scenarios=(27,)),
)
