"""What happens to every connection: cut, refused, swallowed, slow."""

from __future__ import annotations

import socket

import pytest
import redis.exceptions
from redis import Redis

from project.embedded import LOOPBACK, ValkeyServer
from tests.chaos.proxy import Shape, TcpProxy

NEVER = Shape(latency_seconds=3600)


def test_passes_everything_on_unless_told_otherwise(redis: Redis) -> None:
    value = bytes(range(256)) * 4_000
    redis.set("key", value)
    assert redis.get("key") == value


def test_a_cut_resets_every_connection_and_the_next_one_is_welcome(
    redis: Redis, valkey_proxy: TcpProxy
) -> None:
    with socket.create_connection((LOOPBACK, valkey_proxy.port)) as plain:
        plain.sendall(b"PING\r\n")
        plain.recv(100)
        assert valkey_proxy.connections == 1
        assert valkey_proxy.cut() == 1
        with pytest.raises(ConnectionResetError):
            plain.recv(100)
    assert redis.ping()


def test_while_it_refuses_old_connections_go_on_and_new_ones_are_refused(
    redis: Redis, valkey_proxy: TcpProxy
) -> None:
    redis.ping()
    with valkey_proxy.refusing():
        assert redis.ping()
        redis.connection_pool.disconnect()
        with pytest.raises(redis_error("ConnectionError"), match="refused"):
            redis.ping()
    assert redis.ping()


def test_a_black_hole_accepts_and_says_nothing_and_delivers_afterwards(
    redis: Redis, direct: Redis, valkey_proxy: TcpProxy
) -> None:
    redis.ping()
    with valkey_proxy.black_hole():
        with pytest.raises(redis_error("TimeoutError")):
            redis.rpush("late", "on the old connection")
        with pytest.raises(redis_error("TimeoutError")):
            redis.rpush("late", "on a new connection")
        assert not direct.exists("late")
    assert direct.blpop(["late"], timeout=5)


def test_with_latency_an_answer_comes_late(redis: Redis, valkey_proxy: TcpProxy) -> None:
    with valkey_proxy.slowed(NEVER), pytest.raises(redis_error("TimeoutError")):
        redis.ping()
    assert redis.ping()


def test_with_little_bandwidth_small_things_pass_and_large_ones_do_not(
    redis: Redis, direct: Redis, valkey_proxy: TcpProxy
) -> None:
    direct.set("large", "old")
    with valkey_proxy.slowed(Shape(bytes_per_second=20_000, piece_bytes=1_000)):
        assert redis.ping()
        with pytest.raises(redis_error("TimeoutError")):
            redis.set("large", "x" * 100_000)
    assert direct.get("large") == b"old"


def test_small_pieces_arrive_whole(redis: Redis, valkey_proxy: TcpProxy) -> None:
    with valkey_proxy.slowed(Shape(piece_bytes=3)):
        redis.set("key", "x" * 1_000)
        assert redis.get("key") == b"x" * 1_000


def test_a_server_that_is_away_resets_the_client(
    redis: Redis, redis_server: ValkeyServer, valkey_proxy: TcpProxy
) -> None:
    redis.ping()
    redis_server.kill()
    for _ in range(2):
        with pytest.raises(redis_error("ConnectionError")):
            redis.ping()
    redis_server.start()
    assert redis.ping()


def test_healing_ends_everything_at_once(redis: Redis, valkey_proxy: TcpProxy) -> None:
    with valkey_proxy.refusing(), valkey_proxy.black_hole(), valkey_proxy.slowed(NEVER):
        valkey_proxy.heal()
        assert redis.ping()


def redis_error(name: str) -> type[Exception]:
    """The fixture has the module's name."""
    error: type[Exception] = getattr(redis.exceptions, name)
    return error
