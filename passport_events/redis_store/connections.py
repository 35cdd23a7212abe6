"""Clients for the Redis of an RQ queue, in which every command has the same short deadline.

`RQ_QUEUES` can describe a Redis in many ways, and most of them leave redis-py's retries and timeouts,
which take seconds to minutes, or none at all. Here the pool of whatever django-rq makes is built anew.
"""

from __future__ import annotations

import copy
from typing import Any

import django_rq
from django_rq import settings as django_rq_settings
from redis import ConnectionPool, Redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from redis.sentinel import SentinelConnectionPool

try:
    from redis.maint_notifications import MaintNotificationsConfig
except ImportError:  # redis-py 6
    MaintNotificationsConfig = None  # type: ignore[assignment,misc]

from passport_events.exceptions import ConfigurationError

REDIS_TIMEOUT_SECONDS = 2.0
"""A Redis that answers later than this is away."""
_OF_ONE_POOL = (
    "connection_pool",
    "event_dispatcher",
    "himport_registry",
    "maint_notifications_config",
    "maint_notifications_pool_handler",
    "orig_host_address",
    "orig_socket_connect_timeout",
    "orig_socket_timeout",
)
"""What redis-py adds to a pool's settings for itself; another pool must not have it."""
_NOT_OF_CONNECTIONS = ("ASYNC", "DEFAULT_RESULT_TTL", "DEFAULT_TIMEOUT", "QUEUE_CLASS", "SERIALIZER")
"""Keys of `RQ_QUEUES` that say nothing of the connection."""


def connection(queue_name: str) -> Redis:
    """The Redis that an RQ queue lives in. Queues with equal settings share one client.

    Raises ConfigurationError where the settings describe a client that RQ cannot use.
    """
    config = django_rq_settings.QUEUES[queue_name]
    place = repr(sorted((key, value) for key, value in config.items() if key not in _NOT_OF_CONNECTIONS))
    client = _clients.get(place)
    if client is None:
        client = _clients.setdefault(place, add_deadline(django_rq.get_connection(queue_name)))
    return client


_clients: dict[str, Redis] = {}


def forget() -> None:
    """Drop all cached clients. For tests that change `RQ_QUEUES` or count sockets."""
    _clients.clear()


def add_deadline(redis: Redis, seconds: float = REDIS_TIMEOUT_SECONDS) -> Redis:
    """A client of the same Redis whose commands end within `seconds`, with no retry.

    Raises ConfigurationError for a client without a connection pool (Redis Cluster's).
    """
    pool = getattr(redis, "connection_pool", None)
    if pool is None:
        raise ConfigurationError(
            f"RQ_QUEUES gives a {type(redis).__name__}, which RQ cannot use. Give the address of a Redis "
            "without cluster mode."
        )
    limits = _limits(pool, seconds)
    if isinstance(pool, SentinelConnectionPool):
        return Redis(connection_pool=_limit_sentinels(pool, limits, seconds))
    return Redis(connection_pool=ConnectionPool(connection_class=pool.connection_class, **limits))


def _limits(pool: ConnectionPool, seconds: float) -> dict[str, Any]:
    """The settings of a pool's connections, with the deadline in place of their own timeouts."""
    kwargs = {key: value for key, value in pool.connection_kwargs.items() if key not in _OF_ONE_POOL}
    kwargs |= {
        "socket_timeout": seconds,
        "socket_connect_timeout": seconds,
        "retry": Retry(NoBackoff(), 0),
        "retry_on_error": [],
        "retry_on_timeout": False,
        "decode_responses": False,  # as RQ needs it
    }
    if MaintNotificationsConfig is not None:
        # During the maintenance of a server redis-py would wait longer.
        kwargs["maint_notifications_config"] = MaintNotificationsConfig(enabled=False)
    return kwargs


def _limit_sentinels(
    pool: SentinelConnectionPool, limits: dict[str, Any], seconds: float
) -> SentinelConnectionPool:
    """The same pool; all its Sentinels together have as long as one command."""
    manager = copy.copy(pool.sentinel_manager)
    share = seconds / max(1, len(manager.sentinels))
    manager.sentinels = [add_deadline(sentinel, share) for sentinel in manager.sentinels]
    return SentinelConnectionPool(  # type: ignore[no-untyped-call]  # redis-py's
        pool.service_name,
        manager,
        connection_class=pool.connection_class,
        is_master=pool.is_master,
        check_connection=pool.check_connection,
        **limits,
    )
