"""Redis (here Valkey): empty, full, read-only, forgetful; its answers lost, its locks gone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from random import Random

from redis import Redis, RedisError

from project.embedded import LOOPBACK
from tests.chaos.cluster import Cluster
from tests.chaos.fault import Fault, Inject
from tests.chaos.faults import aim, wire
from tests.chaos.faults.aim import PATIENCE_SECONDS
from tests.chaos.faults.wire import Words
from tests.chaos.proxy import CutRequest, LoseReply
from tests.chaos.proxy.traps import Action

_NOTHING_LISTENS = 1


def flush(cluster: Cluster, random: Random) -> int:
    """FLUSHALL: hints, flags, locks, cache and everything of RQ's."""
    cluster.valkey.flush()
    return 0


def restart_empty(cluster: Cluster, random: Random) -> int:
    """SIGKILL; after a while it comes back and knows nothing."""
    try:
        cluster.valkey.kill()
        cluster.wait(random.uniform(0, 3))
    finally:
        cluster.valkey.start()
    return 0


@contextmanager
def _limited(redis: Redis, memory: int, policy: str) -> Iterator[None]:
    """Let Valkey have so many bytes, and no more."""
    try:
        redis.config_set("maxmemory-policy", policy)
        redis.config_set("maxmemory", str(memory))
        yield
    finally:
        redis.config_set("maxmemory", "0")  # no limit


def fill_up(cluster: Cluster, random: Random) -> int:
    """No memory for one more key: every write is refused."""
    with closing(cluster.redis()) as redis, _limited(redis, 1, "noeviction"):
        cluster.wait(random.uniform(2, 5))
    return 0


def evict(cluster: Cluster, random: Random) -> int:
    """A Redis that was set up as a cache throws keys away: hints, locks, RQ's jobs."""
    with (
        closing(cluster.redis()) as redis,
        _limited(redis, redis.info("memory")["used_memory"], "allkeys-random"),
    ):
        cluster.wait(random.uniform(2, 4))
    return 0


def demote(cluster: Cluster, random: Random) -> int:
    """After a failover the old primary answers reads, and READONLY to every write."""
    with closing(cluster.redis()) as redis:
        try:
            redis.replicaof(LOOPBACK, _NOTHING_LISTENS)
            cluster.wait(random.uniform(2, 5))
        finally:
            redis.replicaof("NO", "ONE")
    return 0


def disconnect_all(cluster: Cluster, random: Random) -> int:
    """CLIENT KILL for everybody, subscribers too."""
    with closing(cluster.redis()) as redis:
        for _ in range(random.randint(1, 3)):
            for kind in ("normal", "pubsub"):
                redis.client_kill_filter(_type=kind, skipme=True)
            cluster.wait(random.uniform(0.1, 0.5))
    return 0


def forget(pattern: str) -> Inject:
    """Delete all keys of one kind, again and again."""

    def inject(cluster: Cluster, random: Random) -> int:
        with closing(cluster.redis()) as redis:
            for _ in range(10):
                with suppress(RedisError):
                    for key in redis.scan_iter(pattern, count=1_000):
                        redis.delete(key)
                cluster.wait(0.2)
        return 0

    return inject


def _installation(redis: Redis) -> str:
    """The part of every key that says whose it is, read from any key that stands."""
    found = next(iter(redis.scan_iter("rq:passport:*", count=1_000)), b"rq:passport:lock:unknown:1")
    return found.decode().split(":")[3]


def hold_locks(cluster: Cluster, random: Random) -> int:
    """Locks of workers that nobody knows: their holders died without letting go."""
    with closing(cluster.redis()) as redis, aim.database(cluster) as database:
        rows = database.execute(
            "SELECT organization_id, record_id FROM passport_events_processedmessage"
            " WHERE due_at IS NOT NULL ORDER BY id LIMIT 500"
        )
        installation = _installation(redis)
        for organization, record in random.sample(found := rows.fetchall(), len(found) // 2):
            name = f"rq:passport:lock:{installation}:{organization}:{record}"
            redis.set(name, "a dead worker", nx=True, px=3_000)
    cluster.wait(random.uniform(1, 3))
    return 0


def _at(words: Words, action: Action, times: int) -> Inject:
    def inject(cluster: Cluster, random: Random) -> int:
        with cluster.proxies[words.server].trap(words.text, action, times=times) as trap:
            trap.wait(PATIENCE_SECONDS)
            cluster.wait(random.uniform(0.5, 2))
        return 0

    return inject


FAULTS = (
    Fault("FLUSHALL", "redis", flush, weight=2, scenarios=(11,)),
    Fault("Valkey is killed and comes back empty", "redis", restart_empty, weight=2, scenarios=(12,)),
    Fault("Valkey is full and refuses writes", "redis", fill_up, scenarios=(14,)),
    Fault("Valkey is full and evicts keys", "redis", evict, scenarios=(14,)),
    Fault("Valkey is read-only", "redis", demote, scenarios=(13,)),
    Fault("Valkey disconnects everybody", "redis", disconnect_all, scenarios=(13, 18)),
    Fault(
        "the answer to a hint is lost", "redis", _at(wire.ENQUEUE, LoseReply(), 3), weight=2, scenarios=(15,)
    ),
    Fault("a hint breaks off in the middle", "redis", _at(wire.ENQUEUE, CutRequest(), 3), scenarios=(15,)),
    Fault("the answer to a lock is lost", "redis", _at(wire.LOCK, LoseReply(), 3), weight=2, scenarios=(16,)),
    Fault("the answer to a dequeue is lost", "redis", _at(wire.TAKE_HINT, LoseReply(), 3), scenarios=(22,)),
    Fault("locks vanish while they are held", "redis", forget("*passport:lock:*"), scenarios=(17, 18)),
    Fault("locks stay that nobody holds", "redis", hold_locks, scenarios=(16,)),
    Fault("RQ's jobs vanish from under its queues", "redis", forget("rq:job:*"), scenarios=(14, 22)),
)
