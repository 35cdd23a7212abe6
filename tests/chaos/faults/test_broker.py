"""What Redis says while something is wrong with it, and that it is well afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from redis import Redis, RedisError

from tests.chaos.faults.watched import Watched

pytestmark = pytest.mark.postgresql


@pytest.fixture
def redis(servers: Watched) -> Iterator[Redis]:
    servers.valkey.flush()
    with servers.redis() as client:
        yield client


@pytest.fixture
def behind(servers: Watched) -> Iterator[Redis]:
    """A client behind the proxy, which asks once."""
    with servers.redis() as client:
        client.connection_pool.connection_kwargs["port"] = servers.proxies["redis"].port
        yield client


def says(what: Callable[[], object]) -> str:
    """The name of the error, or `fine`."""
    try:
        what()
    except RedisError as error:
        return type(error).__name__
    return "fine"


def test_flushing_leaves_nothing(servers: Watched, redis: Redis) -> None:
    redis.set("key", "value")
    servers.inject("FLUSHALL")
    assert redis.dbsize() == 0


def test_after_its_death_it_is_empty(servers: Watched, redis: Redis) -> None:
    redis.set("key", "value")
    assert servers.during("Valkey is killed and comes back empty", lambda: says(redis.ping)) == [
        "ConnectionError"
    ]
    assert redis.dbsize() == 0


@pytest.mark.parametrize(
    ("fault", "error"),
    [("Valkey is full and refuses writes", "OutOfMemoryError"), ("Valkey is read-only", "ReadOnlyError")],
)
def test_it_reads_and_does_not_write_and_then_writes_again(
    servers: Watched, redis: Redis, fault: str, error: str
) -> None:
    redis.set("key", "value")
    seen = servers.during(fault, lambda: (redis.get("key"), says(lambda: redis.set("key", "other"))))
    assert seen == [(b"value", error)]
    assert redis.get("key") == b"value"
    assert redis.set("key", "other")


def test_full_and_a_cache_it_throws_keys_away(servers: Watched, redis: Redis) -> None:
    with redis.pipeline(transaction=False) as pipeline:
        for number in range(2_000):
            pipeline.set(f"key {number}", "x" * 100)
        pipeline.execute()
    servers.during("Valkey is full and evicts keys", lambda: redis.set("one more", "x" * 100_000))
    assert 0 < redis.dbsize() < 2_000
    assert redis.config_get("maxmemory") == {"maxmemory": "0"}


def test_everybody_is_disconnected(servers: Watched, redis: Redis) -> None:
    with servers.redis() as other:
        before = other.client_id()
        servers.inject("Valkey disconnects everybody")
        assert other.client_id() != before


@pytest.mark.parametrize(
    ("fault", "kept", "gone"),
    [
        ("locks vanish while they are held", "rq:job:1", "rq:passport:lock:0123456789ab:1:006"),
        ("RQ's jobs vanish from under its queues", "rq:passport:lock:0123456789ab:1:006", "rq:job:1"),
    ],
)
def test_keys_of_one_kind_vanish(servers: Watched, redis: Redis, fault: str, kept: str, gone: str) -> None:
    for key in (kept, gone):
        redis.set(key, "1")
    servers.inject(fault)
    assert redis.keys() == [kept.encode()]


def test_locks_of_nobody_stand_before_records_that_have_work(servers: Watched, redis: Redis) -> None:
    servers.inject("locks stay that nobody holds")
    locks = redis.keys("rq:passport:lock:*")
    assert locks
    assert all(redis.get(lock) == b"a dead worker" and redis.pttl(lock) > 0 for lock in locks)


@pytest.mark.parametrize(
    ("fault", "ask", "is_done"),
    [
        ("the answer to a hint is lost", lambda redis: redis.rpush("queue", "1"), True),
        ("a hint breaks off in the middle", lambda redis: redis.rpush("queue", "1"), False),
        (
            "the answer to a lock is lost",
            lambda redis: redis.set("rq:passport:lock:0123456789ab:1:006", "1", nx=True),
            True,
        ),
        ("the answer to a dequeue is lost", lambda redis: redis.blpop(["nothing"], timeout=0.1), False),
    ],
)
def test_what_was_asked_is_in_doubt(
    servers: Watched,
    redis: Redis,
    behind: Redis,
    fault: str,
    ask: Callable[[Redis], object],
    *,
    is_done: bool,
) -> None:
    answers: list[str] = []
    asking = servers.ask_in_time("redis", lambda: answers.extend(says(lambda: ask(behind)) for _ in range(3)))
    servers.inject(fault)
    asking.join()
    assert "ConnectionError" in answers
    assert bool(redis.dbsize()) == is_done
