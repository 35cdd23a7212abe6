"""A proxy before each of the three real servers."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from project.embedded import LOOPBACK, ValkeyServer
from tests.chaos.proxy import TcpProxy
from tests.harness import environment

PATIENCE_SECONDS = 0.3
"""What a client of these tests waits for an answer that does not come."""


@pytest.fixture
def valkey_proxy(redis_server: ValkeyServer) -> Iterator[TcpProxy]:
    proxy = TcpProxy("redis", redis_server.port)
    proxy.start()
    yield proxy
    proxy.close()


@pytest.fixture
def direct(redis_server: ValkeyServer) -> Iterator[Redis]:
    """What Valkey really holds."""
    with Redis.from_url(redis_server.url) as redis:
        yield redis


@pytest.fixture
def redis(valkey_proxy: TcpProxy) -> Iterator[Redis]:
    """A client behind the proxy that tries everything once."""
    with Redis(
        host=LOOPBACK, port=valkey_proxy.port, socket_timeout=PATIENCE_SECONDS, retry=Retry(NoBackoff(), 0)
    ) as client:
        yield client


@pytest.fixture
def postgres_proxy() -> Iterator[TcpProxy]:
    proxy = TcpProxy("postgres", int(os.environ[environment.POSTGRESQL_PORT]))
    proxy.start()
    yield proxy
    proxy.close()
