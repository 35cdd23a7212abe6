"""What is particular to the Valkey server."""

from __future__ import annotations

import pytest
import redis

from project.embedded import EmbeddedServerError, ValkeyServer

pytestmark = pytest.mark.any_database


def test_forgets_everything_when_killed() -> None:
    with ValkeyServer() as server, redis.Redis.from_url(server.url) as client:
        client.set("key", "value")
        server.kill()
        server.start()
        assert client.get("key") is None


def test_keeps_everything_over_a_kill_when_it_persists() -> None:
    with ValkeyServer(persist=True) as server, redis.Redis.from_url(server.url) as client:
        client.set("key", "value")
        server.kill()
        server.start()
        assert client.get("key") == b"value"


def test_flush_deletes_every_key() -> None:
    with ValkeyServer() as server, redis.Redis.from_url(server.url) as client:
        client.set("key", "value")
        server.flush()
        assert client.dbsize() == 0


def test_flush_refuses_a_server_that_is_not_ours() -> None:
    with ValkeyServer() as other:
        ours = ValkeyServer()
        ours.port = other.port
        with pytest.raises(EmbeddedServerError, match="not ours"):
            ours.flush()
