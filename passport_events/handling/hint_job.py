"""The only job that our RQ workers execute, whatever is in Redis.

A writer to Redis can write any job: another function, pickled data, callbacks, webhooks, repeats. RQ
imports and unpickles what a job names. These classes read only times from a job's hash, and a hint of
exactly the form that `hints.send` writes.
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Self

from redis import ConnectionError as RedisConnectionError
from redis import Redis
from redis import TimeoutError as RedisTimeoutError
from rq import Queue
from rq.exceptions import InvalidJobOperation, NoSuchJobError
from rq.job import Job, JobStatus
from rq.serializers import JSONSerializer
from rq.timeouts import BaseTimeoutException

from passport_events import conf
from passport_events.dispatching import hints
from passport_events.exceptions import JobRefused
from passport_events.handling import jobs
from passport_events.redis_store.keys import INSTALLATION_LENGTH

MAX_HINT_BYTES = 4_096
REFUSED = "passport_events.refused"
"""Logged by RQ as the function's name; the name in a forged job is not repeated."""
_JOB_ID = re.compile(r"[A-Za-z0-9_-]{1,128}")
_SENDER = re.compile(rf"(?:[0-9a-f]{{{INSTALLATION_LENGTH}}})?")
_TIMES = (b"created_at", b"enqueued_at", b"started_at", b"ended_at")
_PASSED_ON = (RedisConnectionError, RedisTimeoutError, NoSuchJobError, BaseTimeoutException)

Hint = tuple[str, str]
"""The RQ queue that has due messages, and the installation that sent the hint."""


def read_hint(data: bytes | None) -> Hint | None:
    """Return the hint in a job's data, or None for anything else. Pure; never raises."""
    try:
        function, instance, args, kwargs = json.loads(_decompress(data or b""))
        queue, sender = (*args, "") if len(args) == 1 else args
        is_ours = (function, instance, kwargs) == (hints.JOB, None, {}) and isinstance(args, list)
        if is_ours and queue in conf.get_settings().queues() and _SENDER.fullmatch(sender):
            return queue, sender
    except Exception:  # noqa: BLE001  any error means that it is no hint
        return None
    return None


def _decompress(data: bytes) -> bytes:
    try:
        found = zlib.decompressobj().decompress(data, MAX_HINT_BYTES + 1)
    except zlib.error:
        found = data
    if len(found) > MAX_HINT_BYTES:
        raise ValueError("larger than any hint")
    return found


class HintJob(Job):
    """A hint, or a job that is refused."""

    hint: Hint | None = None

    @classmethod
    def fetch(cls, id: str, connection: Redis | None = None, serializer: Any = None) -> Self:  # noqa: A002  RQ's
        """Read a job. Raises NoSuchJobError also for data that RQ cannot read as a job."""
        if not _JOB_ID.fullmatch(id.partition(":")[0]):
            raise NoSuchJobError("No id of a job")
        try:
            return super().fetch(id, connection=connection, serializer=JSONSerializer)  # type: ignore[return-value]
        except _PASSED_ON:
            raise
        except Exception as error:
            raise NoSuchJobError("No job") from error

    @classmethod
    def fetch_many(
        cls, job_ids: Iterable[str], connection: Redis, serializer: Any = None
    ) -> list[Job | None]:
        """Read many jobs; None for an id without a job."""
        valid = [each for each in job_ids if _JOB_ID.fullmatch(each.partition(":")[0])]
        return super().fetch_many(valid, connection=connection, serializer=JSONSerializer)

    def restore(self, raw_data: Mapping[bytes, bytes]) -> None:
        """Read a job's hash, without callbacks, results, meta, dependencies, repeats and retries."""
        self.hint = read_hint(raw_data.get(b"data"))
        settings = conf.get_settings()
        timeout = int(settings.job_time_limit_seconds) + settings.handler_timeout_seconds
        call: list[Any] = [hints.JOB, None, list(self.hint), {}] if self.hint else [REFUSED, None, [], {}]
        super().restore(
            {
                b"data": json.dumps(call).encode(),
                b"description": f"work on {self.hint[0]}".encode() if self.hint else b"refused",
                b"origin": self.hint[0].encode() if self.hint else b"",
                b"status": _parse_status(raw_data.get(b"status")),
                b"timeout": str(timeout).encode(),
                b"result_ttl": b"0",
                b"failure_ttl": str(hints.FAILED_JOB_SECONDS).encode(),
                **{name: raw_data[name] for name in _TIMES if _is_time(raw_data.get(name))},
            }
        )

    def get_status(self, refresh: bool = True) -> JobStatus:  # noqa: FBT001, FBT002  RQ's
        """Return RQ's status. Raises InvalidJobOperation for an unknown one."""
        try:
            return super().get_status(refresh)
        except ValueError as error:
            raise InvalidJobOperation from error

    def perform(self) -> None:
        """Process the hint. Raises JobRefused for any other job; imports nothing by name."""
        if self.hint is None:
            raise JobRefused("This worker executes hints of passport_events and no other job.")
        jobs.work_on_queue(*self.hint)


def _parse_status(value: bytes | None) -> bytes:
    try:
        return JobStatus((value or b"").decode()).value.encode()
    except ValueError:
        return JobStatus.QUEUED.value.encode()


def _is_time(value: bytes | None) -> bool:
    try:
        datetime.strptime((value or b"").decode(), "%Y-%m-%dT%H:%M:%S.%fZ")  # noqa: DTZ007  a format
    except ValueError:
        return False
    return True


class HintQueue(Queue):
    """An RQ queue of `HintJob` that reads only JSON."""

    job_class = HintJob

    def __init__(self, name: str, connection: Redis | None = None, **options: Any) -> None:
        options |= {"serializer": JSONSerializer, "job_class": HintJob}
        super().__init__(name, connection=connection, **options)

    @classmethod
    def dequeue_any(cls, *args: Any, **options: Any) -> Any:
        """Dequeue as RQ does, but drop an entry that is not text."""
        while True:
            try:
                return super().dequeue_any(*args, **options)
            except UnicodeDecodeError:
                continue
