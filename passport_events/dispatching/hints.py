"""Hints: RQ jobs that mean "this queue has due rows". A lost or duplicate hint is harmless.

A short-lived flag in Redis marks an outstanding hint, so that a burst of rows makes one hint. The job
clears the flag before it queries, so that rows stored later make a new hint.
"""

from __future__ import annotations

import functools
from collections.abc import Collection

from redis import Redis
from rq import Queue
from rq.serializers import JSONSerializer

from passport_events import conf
from passport_events.instrumentation import Notification, emit
from passport_events.redis_store import connections, keys
from passport_events.redis_store.outages import OutageGuard

FLAG_SECONDS = 5
"""A lost hint is sent again after this long."""
MAX_WAITING = 8
"""Maximum of waiting hints in one RQ queue, also when no worker runs."""
JOB = "passport_events.handling.jobs.work_on_queue"
FAILED_JOB_SECONDS = 86_400  # for an RQ job that could not start; `health` reads it


@functools.cache
def get_rq_queue(name: str) -> Queue:
    """Return the RQ queue, with JSON as the serializer whatever `RQ_QUEUES` says: workers read only JSON."""
    return Queue(name, connection=get_connection(name), serializer=JSONSerializer)


def get_connection(queue_name: str) -> Redis:
    """Return the client of a queue's Redis, with a timeout for every command."""
    return connections.get_connection(queue_name)


def send(queue_names: Collection[str]) -> int:
    """Send hints to queues that have due rows; return how many were sent.

    One round trip if hints are outstanding. If Redis is unavailable, rows wait in the database until the
    dispatcher sends hints.
    """
    sent = 0
    for names in _group_by_connection(queue_names):
        with OutageGuard():
            pipeline = get_connection(names[0]).pipeline(transaction=False)
            for name in names:
                pipeline.set(get_flag_key(name), 1, nx=True, ex=FLAG_SECONDS)
                pipeline.llen(get_rq_queue(name).key)
            replies = pipeline.execute()
            for name, is_first, waiting in zip(names, replies[0::2], replies[1::2], strict=True):
                if is_first and waiting < MAX_WAITING:
                    _enqueue(name)
                    sent += 1
    return sent


def _enqueue(name: str) -> None:
    settings = conf.get_settings()
    data = Queue.prepare_data(
        JOB,
        args=(name, keys.get_installation()),
        timeout=int(settings.job_time_limit_seconds) + settings.handler_timeout_seconds,
        result_ttl=0,
        failure_ttl=FAILED_JOB_SECONDS,
        description=f"work on {name}",
    )
    # enqueue_many, because enqueue() waits for the commit of an unrelated transaction.
    get_rq_queue(name).enqueue_many([data])
    emit(Notification.HINTED, queue=name)


def clear(queue_name: str, sender: str = "") -> None:
    """Clear the flag, so that the next due row makes a hint. The job does this before it queries.

    `sender` is the installation that sent the hint: a process of the same installation may spell its
    database differently, and then its flag has another name. The flag of a foreign installation, whose hint
    came to the wrong worker, is cleared too, so that it sends another.
    """
    with OutageGuard():  # else the flag expires
        get_connection(queue_name).delete(
            keys.make_key_of(sender or keys.get_installation(), "hint", queue_name)
        )


def get_flag_key(queue_name: str) -> str:
    """Return the key that exists while a hint for this queue is outstanding."""
    return keys.make_key("hint", queue_name)


def _group_by_connection(queue_names: Collection[str]) -> list[list[str]]:
    """Group queues by Redis client; skip a queue whose settings are wrong."""
    groups: dict[int, list[str]] = {}
    for name in queue_names:
        with OutageGuard("redis client"):
            groups.setdefault(id(get_connection(name)), []).append(name)
    return list(groups.values())
