"""One Redis lock per record, which only saves work."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from redis import Redis

from passport_events.handling.locks import RecordLocks
from project.embedded import ValkeyServer

MINE, OTHERS = uuid.uuid4(), uuid.uuid4()
LEASE = timedelta(seconds=60)
ONE, TWO = (1, "006000000000001AAA"), (1, "006000000000002AAA")


@pytest.fixture
def redis(locks: RecordLocks) -> Redis:
    """The same Redis."""
    return locks.redis


def test_what_is_free_becomes_ours_and_what_others_hold_does_not(locks: RecordLocks) -> None:
    assert locks.acquire([ONE], OTHERS, LEASE) == {ONE}

    assert locks.acquire([ONE, TWO], MINE, LEASE) == {TWO}


def test_one_id_in_two_organizations_is_two_records(locks: RecordLocks) -> None:
    locks.acquire([(1, ONE[1])], OTHERS, LEASE)

    assert locks.acquire([(2, ONE[1])], MINE, LEASE) == {(2, ONE[1])}


def test_a_lock_of_our_own_whose_reply_was_lost_is_recognised(locks: RecordLocks) -> None:
    """Given a SET that was done and asked for again, the lease holds the lock."""
    locks.acquire([ONE], MINE, LEASE)

    assert locks.acquire([ONE], MINE, LEASE) == {ONE}


def test_every_lock_ends_by_itself(locks: RecordLocks, redis: Redis) -> None:
    locks.acquire([ONE, TWO], MINE, LEASE)

    assert [0 < redis.pttl(name) <= 60_000 for name in redis.keys("*")] == [True, True]


def test_only_our_own_is_let_go_of(locks: RecordLocks) -> None:
    locks.acquire([ONE], OTHERS, LEASE)
    locks.acquire([TWO], MINE, LEASE)

    locks.release([ONE, TWO], MINE)

    assert locks.acquire([ONE, TWO], uuid.uuid4(), LEASE) == {TWO}


def test_only_our_own_is_held_on_to(locks: RecordLocks, redis: Redis) -> None:
    locks.acquire([ONE], OTHERS, LEASE)
    locks.acquire([TWO], MINE, LEASE)

    locks.renew([ONE, TWO], MINE, timedelta(hours=1))

    assert sorted(redis.pttl(name) > 60_000 for name in redis.keys("*")) == [False, True]


def test_without_redis_every_record_is_free_and_nothing_fails(
    locks: RecordLocks, redis_server: ValkeyServer
) -> None:
    redis_server.kill()

    assert locks.acquire([ONE, TWO], MINE, LEASE) == {ONE, TWO}
    locks.renew([ONE], MINE, LEASE)
    locks.release([ONE], MINE)


def test_a_redis_that_takes_no_writes_holds_nobody_up(locks: RecordLocks, redis: Redis) -> None:
    """Given a Redis at its memory limit, which refuses writes, every record is free."""
    redis.config_set("maxmemory", 1)
    try:
        assert locks.acquire([ONE], MINE, LEASE) == {ONE}
    finally:
        redis.config_set("maxmemory", 0)
