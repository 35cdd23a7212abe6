"""What Redis says about one RQ queue: facts, no verdict."""

from __future__ import annotations

import dataclasses
import re
from datetime import UTC, datetime, timedelta
from typing import Any

from rq import Queue, Worker
from rq.exceptions import DeserializationError
from rq.job import Job
from rq.registry import FailedJobRegistry
from rq.suspension import is_suspended

from passport_events.handling import hints

RECENT = timedelta(minutes=5)
MOST_FAILURES_READ = 5
WORKER_DIED = "its process died"
_ERROR_CLASS = re.compile(r"[A-Za-z_][\w.]*(?=:|$)")


@dataclasses.dataclass(frozen=True, slots=True)
class QueueState:
    """One RQ queue and the workers that listen to it."""

    name: str
    workers: int
    """A worker that was killed is counted until its registration ends, eight minutes at most."""
    busy: int
    hints: int
    """Jobs that wait."""
    is_suspended: bool
    failure: str
    """The error class of a job of ours that failed lately; empty if none did."""
    serializer: str
    """Where the queue's serializer is imported from."""


def read(queue_name: str) -> QueueState:
    """Ask Redis. Raises RedisError."""
    queue = hints.rq_queue(queue_name)
    workers = Worker.all(queue=queue)
    serializer: Any = queue.serializer
    return QueueState(
        name=queue_name,
        workers=len(workers),
        busy=sum(worker.get_state() == "busy" for worker in workers),
        hints=queue.count,
        is_suspended=bool(is_suspended(queue.connection)),
        failure=_last_failure(queue),
        serializer=f"{serializer.__module__}.{serializer.__qualname__}",
    )


def _last_failure(queue: Queue) -> str:
    """Why a hint's job failed. Handlers' errors are never seen here: our job catches them."""
    registry = FailedJobRegistry(queue=queue)
    newest = registry.get_job_ids(0, MOST_FAILURES_READ - 1, desc=True, cleanup=False)
    for job in Job.fetch_many(newest, connection=queue.connection, serializer=queue.serializer):
        if job is not None and _is_ours(job) and _is_recent(job):
            result = job.latest_result()
            return _error_class((result and result.exc_string) or "")
    return ""


def _is_ours(job: Job) -> bool:
    try:
        return bool(job.func_name == hints.JOB)
    except DeserializationError:
        return False


def _is_recent(job: Job) -> bool:
    # RQ 2 leaves the time zone out.
    ended = job.ended_at and job.ended_at.replace(tzinfo=job.ended_at.tzinfo or UTC)
    return bool(ended and datetime.now(UTC) - ended < RECENT)


def _error_class(traceback: str) -> str:
    """The class alone: what follows it may hold values."""
    lines = traceback.strip().splitlines()
    found = _ERROR_CLASS.match(lines[-1]) if lines else None
    return found[0] if found else WORKER_DIED
