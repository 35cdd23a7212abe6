"""State of one RQ queue and its workers in Redis."""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import re
import zlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from rq import Queue, Worker, worker_registration
from rq.job import Job
from rq.registry import FailedJobRegistry
from rq.results import Result
from rq.suspension import is_suspended

from passport_events.dispatching import hints
from passport_events.exceptions import JobFailed, JobRefused
from passport_events.handling.hint_job import HintJob
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
    """Empty if its class is not ours."""
    born_at: datetime | None
    seen_at: datetime | None

    @property
    def is_busy(self) -> bool:
        """True if it executes a job."""
        return self.state == "busy"


def list_workers(queue: Queue) -> list[RegisteredWorker]:
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
    return [_parse_worker(_decode_text(key).removeprefix(prefix), facts) for key, facts in alive]


def _parse_worker(name: str, facts: Mapping[bytes, bytes]) -> RegisteredWorker:
    return RegisteredWorker(
        name=name,
        queues=tuple(_decode_text(facts.get(b"queues")).split(",")),
        state=_decode_text(facts.get(b"state")),
        rq_version=_decode_text(facts.get(b"version")),
        installation=_decode_text(facts.get(WORKER_FIELD.encode())),
        born_at=_parse_time(facts.get(b"birth")),
        seen_at=_parse_time(facts.get(b"last_heartbeat")),
    )


def _decode_text(value: bytes | None) -> str:
    return (value or b"")[:MAX_TEXT].decode(errors="replace")


def _parse_time(value: bytes | None) -> datetime | None:
    with contextlib.suppress(ValueError):
        found = datetime.fromisoformat(_decode_text(value))
        return found.replace(tzinfo=found.tzinfo or UTC)
    return None


RECENT = timedelta(minutes=5)
MAX_FAILURES_READ = 5
MAX_TRACEBACK_BYTES = 65_536
WORKER_DIED = "its process died"
JOB_REFUSED = f"{JobRefused.__module__}.{JobRefused.__qualname__}"
NOT_FOUND = "the function of the job is not there"
_DIED = ("Work-horse terminated", "Moved to FailedJobRegistry", "Job was stuck in intermediate queue")
"""How RQ's texts about a killed process begin. RQ has no error class for it."""
_IMPORTING = " in import_attribute\n"
"""The frame of RQ in which a job looks for its function. What it raises there depends on what is missing."""
_ERROR_CLASS = re.compile(
    rf"(?:{re.escape(JobFailed.__module__)}\.{JobFailed.__name__}: )?([A-Za-z_][\w.]{{0,{MAX_TEXT}}})(?=:|$)"
)


@dataclasses.dataclass(frozen=True, slots=True)
class QueueState:
    """One RQ queue and the workers that listen to it."""

    name: str
    workers: int
    """A worker that was killed is counted until its registration ends, eight minutes at most."""
    busy: int
    hints: int
    """Waiting jobs."""
    is_suspended: bool
    failure: str
    """Why a job of ours failed lately under workers that still listen: the class of its error, `WORKER_DIED`
    or `NOT_FOUND`; empty if none did."""


def read_queue_state(queue_name: str) -> QueueState:
    """Read the state. Raises Redis errors, and other errors for unreadable answers."""
    queue = hints.get_rq_queue(queue_name)
    workers = list_workers(queue)
    births = [worker.born_at or datetime.min.replace(tzinfo=UTC) for worker in workers]
    return QueueState(
        name=queue_name,
        workers=len(workers),
        busy=sum(worker.is_busy for worker in workers),
        hints=queue.count,
        is_suspended=bool(is_suspended(queue.connection)),
        failure=_find_last_failure(queue, min(births, default=None)),
    )


def _find_last_failure(queue: Queue, since: datetime | None) -> str:
    """Why a hint's job failed, or that another one was refused. Handlers' errors are never seen here.

    `since` is the start of the oldest worker: what failed before it, failed under workers that are gone.
    """
    redis: Any = queue.connection
    newest = redis.zrevrange(FailedJobRegistry(queue=queue).key, 0, MAX_FAILURES_READ - 1)
    for job in HintJob.fetch_many(map(_decode_text, newest), connection=redis):
        if job is not None and _is_recent(job, since):
            failure = _extract_error_class(_read_traceback(job))
            # Another job that failed otherwise was executed by a worker of another class.
            if failure == JOB_REFUSED or (isinstance(job, HintJob) and job.hint):
                return failure
    return ""


def _is_recent(job: Job, since: datetime | None) -> bool:
    if job.ended_at is None or since is None:
        return False
    ended = _make_aware(job.ended_at)
    return ended >= since and datetime.now(UTC) - ended < RECENT


def _make_aware(moment: datetime) -> datetime:
    # RQ 2 stores times without a time zone.
    return moment.replace(tzinfo=moment.tzinfo or UTC)


def _read_traceback(job: Job) -> str:
    """The text that RQ keeps of a job's newest failure; empty where it cannot be read.

    RQ's own `latest_result` decompresses without a limit, and raises for what is no result.
    """
    redis: Any = job.connection
    with contextlib.suppress(ValueError, LookupError, zlib.error):
        key = Result.get_key(job.id)  # type: ignore[no-untyped-call]  # RQ's
        [(_, facts)] = redis.xrevrange(key, count=1)
        packed = base64.b64decode(facts[b"exc_string"])
        return zlib.decompressobj().decompress(packed, MAX_TRACEBACK_BYTES).decode(errors="replace")
    return ""


def _extract_error_class(traceback: str) -> str:
    """The class of the error, without its text, which may have values."""
    if traceback.startswith(_DIED):
        return WORKER_DIED
    if _IMPORTING in traceback:
        return NOT_FOUND
    lines = traceback.strip().splitlines()
    found = _ERROR_CLASS.match(lines[-1]) if lines else None
    return found[1] if found else "an error that RQ did not keep"
