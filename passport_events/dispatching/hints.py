"""Hints: RQ jobs that say "this queue has due rows". Losing or doubling one is harmless.

A short-lived flag in Redis says that a hint is outstanding, so that a burst makes one and not
thousands. The job clears the flag before it looks, so that a row stored a moment later makes a new one.
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
"""More hints than this never wait in one RQ queue, however long no worker comes."""
JOB = "passport_events.handling.jobs.work_on_queue"
FAILED_JOB_SECONDS = 86_400  # an RQ job that could not even start; `health` reads it


@functools.cache
def rq_queue(name: str) -> Queue:
    """The RQ queue, written as JSON whatever `RQ_QUEUES` says: our workers read nothing else."""
    return Queue(name, connection=connection(name), serializer=JSONSerializer)


def connection(queue_name: str) -> Redis:
    """The Redis that a queue lives in, with a deadline for every command."""
    return connections.get_connection(queue_name)


def send(queue_names: Collection[str]) -> int:
    """Hint at queues that have due rows; returns how many hints were needed.

    One round trip where hints are outstanding already. Redis may be away: rows wait in the
    database, and the dispatcher hints again.
    """
    sent = 0
    for names in _by_connection(queue_names):
        with OutageGuard():
            pipeline = connection(names[0]).pipeline(transaction=False)
            for name in names:
                pipeline.set(flag(name), 1, nx=True, ex=FLAG_SECONDS)
                pipeline.llen(rq_queue(name).key)
            replies = pipeline.execute()
            for name, is_first, waiting in zip(names, replies[0::2], replies[1::2], strict=True):
                if is_first and waiting < MAX_WAITING:
                    _enqueue(name)
                    sent += 1
    return sent


def _enqueue(name: str) -> None:
    settings = conf.current()
    data = Queue.prepare_data(
        JOB,
        args=(name, keys.get_installation()),
        timeout=int(settings.job_time_limit_seconds) + settings.handler_timeout_seconds,
        result_ttl=0,
        failure_ttl=FAILED_JOB_SECONDS,
        description=f"work on {name}",
    )
    # enqueue_many, because enqueue() waits for the commit of a transaction that has nothing to do with it.
    rq_queue(name).enqueue_many([data])
    emit(Notification.HINTED, queue=name)


def clear(queue_name: str, sender: str = "") -> None:
    """Let the next due row make a hint again. Said by the job before it looks.

    `sender` is the installation that sent the hint: another process of this one may spell its database
    differently, and then has a flag of another name. The flag of an installation that has nothing to do
    with this one is cleared too: its hint has come to the wrong worker, and it may send another.
    """
    with OutageGuard():  # else the flag ends by itself
        connection(queue_name).delete(keys.make_key_of(sender or keys.get_installation(), "hint", queue_name))


def flag(queue_name: str) -> str:
    """The key that stands while a hint for this queue is outstanding."""
    return keys.make_key("hint", queue_name)


def _by_connection(queue_names: Collection[str]) -> list[list[str]]:
    """Queues of one Redis share a round trip. One whose settings are wrong is left out."""
    groups: dict[int, list[str]] = {}
    for name in queue_names:
        with OutageGuard("redis client"):
            groups.setdefault(id(connection(name)), []).append(name)
    return list(groups.values())
