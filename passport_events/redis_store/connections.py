"""Clients for the Redis of an RQ queue, with one short deadline for every command.

Most configurations in `RQ_QUEUES` keep redis-py's retries and timeouts, which take seconds to minutes, or
have no timeout. So the connection pool of the client that django-rq creates is replaced here.
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
"""A Redis that does not answer in this time counts as away."""
_POOL_OWN_KWARGS = (
    "connection_pool",
    "event_dispatcher",
    "himport_registry",
    "maint_notifications_config",
    "maint_notifications_pool_handler",
    "orig_host_address",
    "orig_socket_connect_timeout",
    "orig_socket_timeout",
)
"""Keyword arguments that redis-py adds for one pool; another pool must not have them."""
_QUEUE_ONLY_KEYS = ("ASYNC", "DEFAULT_RESULT_TTL", "DEFAULT_TIMEOUT", "QUEUE_CLASS", "SERIALIZER")
"""Keys of `RQ_QUEUES` that do not configure the connection."""


def get_connection(queue_name: str) -> Redis:
    """Get the client for the Redis of an RQ queue. Queues with equal settings share one client.

    Raises ConfigurationError if the settings describe a client that RQ cannot use.
    """
    config = django_rq_settings.QUEUES[queue_name]
    place = repr(sorted((key, value) for key, value in config.items() if key not in _QUEUE_ONLY_KEYS))
    client = _clients.get(place)
    if client is None:
        client = _clients.setdefault(place, add_deadline(django_rq.get_connection(queue_name)))
    return client


_clients: dict[str, Redis] = {}


def forget() -> None:
    """Drop all cached clients, for tests that change `RQ_QUEUES` or count sockets."""
    _clients.clear()


def add_deadline(redis: Redis, seconds: float = REDIS_TIMEOUT_SECONDS) -> Redis:
    """Create a client of the same Redis whose commands end within `seconds`, without retries.

    Raises ConfigurationError for a client without a connection pool (Redis Cluster's).
    """
    pool = getattr(redis, "connection_pool", None)
    if pool is None:
        raise ConfigurationError(
            f"RQ_QUEUES gives a {type(redis).__name__}, which RQ cannot use. Give the address of a Redis "
            "without cluster mode."
        )
    limits = _build_kwargs(pool, seconds)
    if isinstance(pool, SentinelConnectionPool):
        return Redis(connection_pool=_limit_sentinels(pool, limits, seconds))
    return Redis(connection_pool=ConnectionPool(connection_class=pool.connection_class, **limits))


def _build_kwargs(pool: ConnectionPool, seconds: float) -> dict[str, Any]:
    """The keyword arguments of a pool's connections, with the deadline instead of their own timeouts."""
    kwargs = {key: value for key, value in pool.connection_kwargs.items() if key not in _POOL_OWN_KWARGS}
    kwargs |= {
        "socket_timeout": seconds,
        "socket_connect_timeout": seconds,
        "retry": Retry(NoBackoff(), 0),
        "retry_on_error": [],
        "retry_on_timeout": False,
        "decode_responses": False,  # as RQ needs it
    }
    if MaintNotificationsConfig is not None:
        # redis-py waits longer during the maintenance of a server.
        kwargs["maint_notifications_config"] = MaintNotificationsConfig(enabled=False)
    return kwargs


def _limit_sentinels(
    pool: SentinelConnectionPool, limits: dict[str, Any], seconds: float
) -> SentinelConnectionPool:
    """Create the same pool; the requests to all its Sentinels share one deadline."""
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
