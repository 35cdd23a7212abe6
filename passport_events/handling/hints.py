"""Hints: RQ jobs that say "this queue has due rows". Losing or doubling one is harmless.

A short-lived flag in Redis says that a hint is outstanding, so that a burst makes one and not
thousands. The job clears the flag before it looks, so that a row stored a moment later makes a new one.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Collection
from typing import Any

import django_rq
from redis import ConnectionPool, Redis, RedisError
from redis.backoff import NoBackoff
from redis.retry import Retry
from rq import Queue

from passport_events import conf
from passport_events.stages import Stage, announce

FLAG_SECONDS = 5
"""A lost hint is sent again after this long."""
MOST_WAITING = 8
"""More hints than this never wait in one RQ queue, however long no worker comes."""
JOB = "passport_events.handling.jobs.work_on_queue"
PATIENCE_SECONDS = 2
"""A Redis that answers later than this is away."""
FAILED_JOB_SECONDS = 86_400  # an RQ job that could not even start; `health` reads it


@functools.cache
def rq_queue(name: str) -> Queue:
    """The RQ queue with its own connection pool and serializer. Building one costs five times the hint."""
    return django_rq.get_queue(name, connection=_impatient(django_rq.get_connection(name)))


def _impatient(redis: Redis) -> Redis:
    """The same Redis without redis-py's retries, which take seconds for each command.

    Whoever sends a hint has better things to do than to wait for a Redis that is away. A pool that
    asks Sentinel keeps its own ways.
    """
    pool = redis.connection_pool
    if type(pool) is not ConnectionPool:
        return redis
    limits = {
        "retry": Retry(NoBackoff(), 0),
        "socket_timeout": PATIENCE_SECONDS,
        "socket_connect_timeout": PATIENCE_SECONDS,
    }
    kwargs = {**pool.connection_kwargs, **limits}
    return Redis(connection_pool=ConnectionPool(connection_class=pool.connection_class, **kwargs))


def connection(queue_name: str) -> Redis:
    """The Redis that a queue lives in."""
    return rq_queue(queue_name).connection


def send(queue_names: Collection[str]) -> int:
    """Hint at queues that have due rows; returns how many hints were needed.

    One round trip where hints are outstanding already. Redis may be away: rows wait in the
    database, and the dispatcher hints again.
    """
    sent = 0
    for redis, names in _by_connection(queue_names):
        try:
            pipeline = redis.pipeline(transaction=False)
            for name in names:
                pipeline.set(_flag(name), 1, nx=True, ex=FLAG_SECONDS)
                pipeline.llen(rq_queue(name).key)
            replies = pipeline.execute()
            for name, is_first, waiting in zip(names, replies[0::2], replies[1::2], strict=True):
                if is_first and waiting < MOST_WAITING:
                    _enqueue(name)
                    sent += 1
        except RedisError as error:
            announce(Stage.STATE_CHANGED, what="redis", state="away", reason=type(error).__name__)
        else:
            announce(Stage.STATE_CHANGED, what="redis", state="here")
    return sent


def _enqueue(name: str) -> None:
    settings = conf.current()
    data = Queue.prepare_data(
        JOB,
        args=(name,),
        timeout=int(settings.time_slice_seconds) + settings.handler_timeout_seconds,
        result_ttl=0,
        failure_ttl=FAILED_JOB_SECONDS,
        description=f"work on {name}",
    )
    # enqueue_many, because enqueue() waits for the commit of a transaction that has nothing to do with it.
    rq_queue(name).enqueue_many([data])
    announce(Stage.HINTED, queue=name)


def clear(queue_name: str) -> None:
    """Let the next due row make a hint again. Said by the job before it looks."""
    with contextlib.suppress(RedisError):  # then the flag ends by itself
        connection(queue_name).delete(_flag(queue_name))


def _flag(queue_name: str) -> str:
    return f"passport:hint:{queue_name}"


def _by_connection(queue_names: Collection[str]) -> list[tuple[Redis, list[str]]]:
    """Queues of one Redis share a round trip."""
    groups: dict[Any, tuple[Redis, list[str]]] = {}
    for name in queue_names:
        redis = connection(name)
        pool = redis.connection_pool
        # Which one it is, as text and numbers say it; a pool that asks Sentinel is only like itself.
        plain = {k: v for k, v in pool.connection_kwargs.items() if isinstance(v, str | int)}
        where = tuple(sorted(plain.items())) if {"host", "path"} & plain.keys() else id(pool)
        groups.setdefault(where, (redis, []))[1].append(name)
    return list(groups.values())
