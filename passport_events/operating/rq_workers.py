"""Registrations of RQ's workers. Everything with access to Redis can write one."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from rq import Queue, Worker, worker_registration

from passport_events.redis_store.keys import WORKER_FIELD

MAX_TEXT = 200
MAX_WORKERS = 1_000


@dataclasses.dataclass(frozen=True, slots=True)
class RegisteredWorker:
    """One RQ worker."""

    name: str
    queues: tuple[str, ...]
    state: str
    rq_version: str
    installation: str
    """Empty where its class is none of ours."""
    born_at: datetime | None
    seen_at: datetime | None

    @property
    def is_busy(self) -> bool:
        """Whether it executes a job."""
        return self.state == "busy"


def listening(queue: Queue) -> list[RegisteredWorker]:
    """The workers of a queue, by name. Raises Redis's errors.

    In two round trips. RQ's own `Worker.all` takes several for each worker, and sets the timeout of the
    connection it is given to minutes.
    """
    redis: Any = queue.connection
    registered = sorted(redis.smembers(worker_registration.WORKERS_BY_QUEUE_KEY % queue.name))[:MAX_WORKERS]
    with redis.pipeline(transaction=False) as pipeline:
        for key in registered:
            pipeline.hgetall(key)
        found = pipeline.execute()
    prefix = Worker.redis_worker_namespace_prefix
    # A worker that died, or whose registration expired, stays in the set until it is cleaned.
    alive = [
        (key, facts) for key, facts in zip(registered, found, strict=True) if facts and b"death" not in facts
    ]
    return [_worker(_text(key).removeprefix(prefix), facts) for key, facts in alive]


def _worker(name: str, facts: Mapping[bytes, bytes]) -> RegisteredWorker:
    return RegisteredWorker(
        name=name,
        queues=tuple(_text(facts.get(b"queues")).split(",")),
        state=_text(facts.get(b"state")),
        rq_version=_text(facts.get(b"version")),
        installation=_text(facts.get(WORKER_FIELD.encode())),
        born_at=_time(facts.get(b"birth")),
        seen_at=_time(facts.get(b"last_heartbeat")),
    )


def _text(value: bytes | None) -> str:
    return (value or b"")[:MAX_TEXT].decode(errors="replace")


def _time(value: bytes | None) -> datetime | None:
    with contextlib.suppress(ValueError):
        found = datetime.fromisoformat(_text(value))
        return found.replace(tzinfo=found.tzinfo or UTC)
    return None
