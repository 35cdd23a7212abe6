"""Case B4. One deadline for every command of ours, whatever `RQ_QUEUES` says."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from redis import BlockingConnectionPool, Redis
from redis.sentinel import Sentinel, SentinelConnectionPool

from passport_events.conf import Settings
from passport_events.dispatching import dispatcher, hints, rate_limits
from passport_events.dispatching.flow_control import RateLimit, Scope
from passport_events.exceptions import ConfigurationError
from passport_events.handling.locks import RecordLocks
from passport_events.redis_store import connections
from project.embedded import LOOPBACK, ValkeyServer

HUNG_SECONDS = 30
UNLIMITED = "socket_timeout=600&socket_connect_timeout=600&retry_on_timeout=true"
CONFIGS: dict[str, Callable[[int], dict[str, Any]]] = {
    "url": lambda port: {"URL": f"redis://{LOOPBACK}:{port}/0"},
    "patient url": lambda port: {"URL": f"redis://{LOOPBACK}:{port}/0?{UNLIMITED}"},
    "tls": lambda port: {"URL": f"rediss://{LOOPBACK}:{port}/0"},
    "host": lambda port: {"HOST": LOOPBACK, "PORT": port, "DB": 0},
    "resp 3": lambda port: {"HOST": LOOPBACK, "PORT": port, "REDIS_CLIENT_KWARGS": {"protocol": 3}},
    "kwargs": lambda port: {
        "HOST": LOOPBACK,
        "PORT": port,
        "REDIS_CLIENT_KWARGS": {"socket_timeout": None, "decode_responses": True},
    },
    "a pool that blocks": lambda port: {
        "HOST": "",
        "PORT": 0,
        "REDIS_CLIENT_KWARGS": {
            "connection_pool": BlockingConnectionPool(  # type: ignore[no-untyped-call]  # redis-py's
                host=LOOPBACK, port=port, timeout=600, max_connections=1
            )
        },
    },
    "sentinel": lambda port: {"SENTINELS": [(LOOPBACK, port)] * 3, "MASTER_NAME": "mine", "DB": 0},
    "patient sentinel": lambda port: {
        "SENTINELS": [(LOOPBACK, port)],
        "MASTER_NAME": "mine",
        "SOCKET_TIMEOUT": 600,
        "SENTINEL_KWARGS": {"socket_timeout": 600},
        "CONNECTION_KWARGS": {"socket_timeout": 600, "retry_on_timeout": True},
    },
}


def ends(call: Callable[[], Any]) -> Any:
    """What a call returns. Fails if it does not end."""
    answers: list[Any] = []
    thread = threading.Thread(target=lambda: answers.append(call()), daemon=True)
    thread.start()
    thread.join(HUNG_SECONDS)
    assert answers, "it hangs, or it raised"
    return answers[0]


@pytest.mark.parametrize("kind", CONFIGS)
def test_a_server_that_never_answers_is_given_up(
    kind: str, frozen: int, queue_in: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Case B4. Given a frozen server or Sentinel, hints, ticks and locks come back with nothing."""
    monkeypatch.setattr(connections.add_deadline, "__defaults__", (0.1,))
    name = queue_in(**CONFIGS[kind](frozen))
    locks = RecordLocks(hints.get_connection(name))
    monkeypatch.setattr(Settings, "queues", lambda self: {name: ["opportunity"]})

    assert ends(lambda: hints.send([name])) == 0
    assert ends(dispatcher.tick) == 0
    assert ends(lambda: locks.acquire([(1, "006")], *lease())) == {(1, "006")}


def lease() -> tuple[Any, Any]:
    return uuid.uuid4(), timedelta(seconds=1)


@pytest.mark.parametrize("kind", CONFIGS)
def test_every_connection_of_a_pool_has_the_deadline_and_no_retry(
    kind: str, queue_in: Callable[..., str]
) -> None:
    redis = hints.get_connection(queue_in(**CONFIGS[kind](1)))
    pool = redis.connection_pool
    made = [(pool, connections.REDIS_TIMEOUT_SECONDS)]
    if isinstance(pool, SentinelConnectionPool):
        sentinels = [each.connection_pool for each in pool.sentinel_manager.sentinels]
        made += [(each, connections.REDIS_TIMEOUT_SECONDS / len(sentinels)) for each in sentinels]

    for each, seconds in made:
        connection: Any = each.make_connection()
        assert (connection.socket_timeout, connection.socket_connect_timeout) == (seconds, seconds)
        assert connection.retry.get_retries() == 0
        assert not connection.retry_on_error
        assert not connection.encoder.decode_responses


def test_a_socket_file_has_the_deadline(queue_in: Callable[..., str]) -> None:
    redis = hints.get_connection(queue_in(UNIX_SOCKET_PATH="/nowhere/redis.sock", DB=0))

    made: Any = redis.connection_pool.make_connection()
    assert made.socket_timeout == connections.REDIS_TIMEOUT_SECONDS
    assert hints.send(["elsewhere"]) == 0


def test_the_client_of_the_settings_keeps_its_own_limits() -> None:
    """RQ's workers wait for hints in it for minutes."""
    own = Sentinel([(LOOPBACK, 1)], socket_timeout=77).master_for("mine")  # type: ignore[no-untyped-call]  # redis-py's
    connections.add_deadline(own)

    assert own.connection_pool.connection_kwargs["socket_timeout"] == 77
    manager = own.connection_pool.sentinel_manager
    assert manager.sentinels[0].connection_pool.connection_kwargs["socket_timeout"] == 77


def test_a_client_of_a_cluster_is_refused_by_name() -> None:
    class RedisCluster:
        pass

    with pytest.raises(ConfigurationError, match="RedisCluster"):
        connections.add_deadline(RedisCluster())  # type: ignore[arg-type]


def test_queues_with_equal_settings_share_a_client(redis_server: ValkeyServer) -> None:
    first = hints.get_connection("passport-opportunities")

    assert hints.get_connection("passport-items") is first
    assert isinstance(first, Redis)


GARBAGE = {
    "http": b"HTTP/1.1 400 Bad Request\r\n\r\n",
    "text for a number": b"+OK\r\n" * 10,
    "an error for everything": b"-ERR unknown command\r\n" * 10,
    "loading": b"-LOADING Redis is loading the dataset in memory\r\n" * 10,
    "read only": b"-READONLY You can't write against a read only replica.\r\n" * 10,
    "no right": b"-NOPERM this user has no permissions to run this command\r\n" * 10,
    "full": b"-OOM command not allowed when used memory > 'maxmemory'.\r\n" * 10,
    "disk": b"-MISCONF Redis is configured to save RDB snapshots\r\n" * 10,
    "cluster": b"-CROSSSLOT Keys in request don't hash to the same slot\r\n" * 10,
    "elsewhere": b"-MOVED 1 10.0.0.1:6379\r\n" * 10,
    "password": b"-NOAUTH Authentication required.\r\n" * 10,
    "no utf-8": b"$2\r\n\xff\xfe\r\n" * 10,
    "nothing": b"",
    "lists": b"*1\r\n$1\r\nx\r\n" * 10,
}


@pytest.mark.parametrize("kind", GARBAGE)
def test_no_answer_of_a_server_fails_receiving_or_claiming(
    kind: str,
    answering: Callable[[bytes], int],
    queue_in: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Case B4. Errors are known by their place: nothing that Redis says is raised."""
    monkeypatch.setattr(connections.add_deadline, "__defaults__", (0.1,))
    name = queue_in(URL=f"redis://{LOOPBACK}:{answering(GARBAGE[kind])}/0")
    monkeypatch.setattr(Settings, "queues", lambda self: {name: ["opportunity"]})
    monkeypatch.setattr(dispatcher, "dispatch", lambda: 0)
    locks = RecordLocks(hints.get_connection(name))
    limit = RateLimit(1, Scope("opportunity", None), 10)

    assert hints.send([name]) in (0, 1)
    hints.clear(name)
    assert dispatcher.tick() == 0
    assert locks.acquire([(1, "006")], *lease()) <= {(1, "006")}
    locks.renew([(1, "006")], *lease())
    locks.release([(1, "006")], lease()[0])
    assert rate_limits.find_exhausted(locks.redis, [limit]) in ([], [limit.scope])
    assert rate_limits.limit_messages(locks.redis, [limit], []) == []
