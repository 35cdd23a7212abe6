"""What happens to single requests, with a real Valkey behind the proxy."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from tests.chaos.proxy import Answer, CutRequest, Edit, HoldReply, HoldRequest, LoseReply, TcpProxy


def test_a_lost_reply_leaves_the_work_done_and_the_client_in_doubt(
    redis: Redis, direct: Redis, valkey_proxy: TcpProxy
) -> None:
    with valkey_proxy.trap(b"precious", LoseReply()) as trap:
        with pytest.raises(RedisConnectionError):
            redis.set("precious", "1", nx=True)
        assert trap.wait(0)
    assert direct.get("precious") == b"1"
    assert not redis.set("precious", "2", nx=True)


def test_a_lost_reply_to_a_transaction_leaves_all_of_it_done(
    redis: Redis, direct: Redis, valkey_proxy: TcpProxy
) -> None:
    transaction = redis.pipeline(transaction=True)
    transaction.rpush("list", "a")
    transaction.rpush("list", "b")
    with valkey_proxy.trap(b"EXEC", LoseReply()), pytest.raises(RedisConnectionError):
        transaction.execute()
    assert direct.lrange("list", 0, -1) == [b"a", b"b"]


def test_a_request_that_is_cut_in_the_middle_is_not_done(
    redis: Redis, direct: Redis, valkey_proxy: TcpProxy
) -> None:
    with valkey_proxy.trap(b"precious", CutRequest()), pytest.raises(RedisConnectionError):
        redis.set("precious", "1")
    assert not direct.exists("precious")
    assert redis.ping()


def test_a_request_that_is_held_is_done_when_it_is_let_go(
    redis: Redis, direct: Redis, valkey_proxy: TcpProxy
) -> None:
    with valkey_proxy.trap(b"RPUSH", HoldRequest()) as trap, pytest.raises(RedisTimeoutError):
        redis.rpush("late", "1")
    assert trap.caught == 1
    assert direct.blpop(["late"], timeout=5)


def test_a_request_that_is_dropped_never_arrives(redis: Redis, direct: Redis, valkey_proxy: TcpProxy) -> None:
    with ThreadPoolExecutor(1) as other:
        with valkey_proxy.trap(b"RPUSH", HoldRequest()) as trap:
            pushed = other.submit(redis.rpush, "never", "1")
            assert trap.wait(5)
            trap.drop()
        with pytest.raises(RedisConnectionError):
            pushed.result(5)
    assert not direct.exists("never")


def test_while_a_reply_is_held_the_work_is_done_and_afterwards_the_client_knows(
    redis: Redis, direct: Redis, valkey_proxy: TcpProxy
) -> None:
    with ThreadPoolExecutor(1) as other:
        with valkey_proxy.trap(b"RPUSH", HoldReply()) as trap:
            pushed = other.submit(redis.rpush, "list", "1")
            assert trap.wait(5)
            assert direct.llen("list") == 1
            assert not pushed.done()
        assert pushed.result(5) == 1


def test_an_answer_of_the_proxy_is_all_that_the_client_gets(
    redis: Redis, direct: Redis, valkey_proxy: TcpProxy
) -> None:
    with valkey_proxy.trap(b"INCR", Answer(b":41\r\n"), times=None) as trap:
        assert [redis.incr("count"), redis.incr("count")] == [41, 41]
    assert trap.caught == 2
    assert not direct.exists("count")


def test_an_edited_request_is_what_the_server_does(
    redis: Redis, direct: Redis, valkey_proxy: TcpProxy
) -> None:
    with valkey_proxy.trap(b"right", Edit(lambda request: request.replace(b"right", b"wrong"))):
        redis.set("right", "1")
    assert direct.keys() == [b"wrong"]


def test_a_trap_takes_as_many_as_it_was_told(redis: Redis, valkey_proxy: TcpProxy) -> None:
    with valkey_proxy.trap(b"SET", LoseReply(), times=2) as trap:
        for _ in range(2):
            with pytest.raises(RedisConnectionError):
                redis.set("key", "1")
        assert redis.set("key", "1")
    assert trap.caught == 2


def test_a_trap_waits_for_what_has_to_come_before_on_the_same_connection(
    redis: Redis, valkey_proxy: TcpProxy
) -> None:
    with (
        Redis(host="127.0.0.1", port=valkey_proxy.port) as other,
        valkey_proxy.trap(b"PING", LoseReply(), after=b"GET") as trap,
    ):
        other.get("key")
        assert redis.ping()
        assert trap.caught == 0
        redis.get("key")
        with pytest.raises(RedisConnectionError):
            redis.ping()
    assert trap.caught == 1


def test_a_client_that_goes_before_its_reply_does_not_use_up_the_trap(
    redis: Redis, direct: Redis, valkey_proxy: TcpProxy
) -> None:
    with valkey_proxy.trap(b"BLPOP", LoseReply()) as trap:
        with pytest.raises(RedisTimeoutError):
            redis.blpop(["nothing"])
        redis.connection_pool.disconnect()
        direct.client_kill_filter(_type="normal", skipme=True)
        direct.rpush("something", "1")
        with pytest.raises(RedisConnectionError):
            redis.blpop(["something"])
    assert trap.caught == 1


def test_a_trap_that_is_taken_away_catches_nothing(redis: Redis, valkey_proxy: TcpProxy) -> None:
    with valkey_proxy.trap(b"SET", LoseReply()) as trap:
        pass
    assert redis.set("key", "1")
    assert not trap.wait(0)
