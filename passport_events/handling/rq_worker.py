"""RQ worker classes that execute hints and nothing else, and end soon when they are told to.

Name one in `RQ = {"WORKER_CLASS": ...}`.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import time
from collections.abc import Mapping
from types import FrameType
from typing import Any

from django.db import close_old_connections
from redis.client import Pipeline
from rq import Queue, SimpleWorker, Worker, worker_registration
from rq.job import Job
from rq.registry import FailedJobRegistry
from rq.serializers import JSONSerializer
from rq.utils import now

from passport_events.gc_freeze import freeze_startup_objects
from passport_events.handling import jobs, worker
from passport_events.handling.fork_safety import close_databases
from passport_events.handling.hint_job import HintJob, HintQueue
from passport_events.redis_store import keys
from passport_events.redis_store.outages import OutageGuard

MAINTENANCE_SECONDS = 60
MONITORING_SECONDS = 15
IDLE_HEARTBEAT_SECONDS = 20
"""How often an idle worker registers again, in case Redis was flushed."""
PRELOADED = jobs
SHUTDOWN = "shutdown"


class _HintWorker:
    """What both classes have in common, in front of RQ's class.

    Hints are written and read as JSON, whatever `RQ_QUEUES`, the command line or a pool says.
    """

    def __init__(self, queues: Any, *args: Any, **options: Any) -> None:
        listed = list(queues) if isinstance(queues, list | tuple) else [queues]
        connection = options.get("connection") or next((q.connection for q in listed if _is_queue(q)), None)
        own = [HintQueue(each.name if _is_queue(each) else each, connection) for each in listed]
        options |= {"serializer": JSONSerializer, "job_class": HintJob, "queue_class": HintQueue}
        options.setdefault("maintenance_interval", MAINTENANCE_SECONDS)
        options.setdefault("job_monitoring_interval", MONITORING_SECONDS)
        super().__init__(own, *args, **options)  # type: ignore[call-arg]  # RQ's, behind this mixin
        self._in_transit: dict[str, set[bytes]] = {}
        self._is_told_to_end = False

    def work(self, *args: Any, **options: Any) -> bool:
        """Work until told to stop, with a start that no child has to look through again.

        Without RQ's scheduler, which hints do not need and which would enqueue whatever Redis lists.
        """
        with freeze_startup_objects():
            return bool(super().work(*args, **{**options, "with_scheduler": False}))  # type: ignore[misc]  # the same

    @property
    def dequeue_timeout(self) -> int:
        """How long an idle worker waits for a hint before its next heartbeat."""
        usual: int = super().dequeue_timeout  # type: ignore[misc]  # the same
        return min(IDLE_HEARTBEAT_SECONDS, usual)

    def serialize(self) -> dict[str, Any]:
        """The registration, with the installation, so that workers of other installations are recognised."""
        return {**super().serialize(), keys.WORKER_FIELD: keys.get_installation()}  # type: ignore[misc]  # the same

    def heartbeat(self, timeout: int | None = None, pipeline: Pipeline | None = None) -> None:
        """As RQ's; and register again, because RQ does so only at its start, and Redis may be flushed."""
        super().heartbeat(timeout, pipeline)  # type: ignore[misc]  # the same
        worker: Any = self
        where = worker.connection.pipeline() if pipeline is None else pipeline
        facts = {**worker.serialize(), "state": worker.get_state()}
        where.hset(worker.key, mapping={name: value for name, value in facts.items() if value is not None})
        worker_registration.register(worker, where)
        if pipeline is None:
            where.execute()

    def handle_payload(self, message: Any) -> None:
        """Obey RQ's command `shutdown` once, and no other command that comes through Redis.

        The others kill the child, and so does a second shutdown: whoever can write to Redis could make
        poison of any message by killing its child three times.
        """
        worker: Any = self
        is_ending = self._is_told_to_end or worker._shutdown_requested_date  # noqa: SLF001  RQ's
        if not is_ending and _read_command(message) == SHUTDOWN:
            self._is_told_to_end = True
            os.kill(os.getpid(), signal.SIGINT)

    def clean_registries(self) -> None:
        """Forget hints whose workers died. They are not executed again: the dispatcher sends new ones."""
        worker: Any = self
        for queue in worker.queues:
            with OutageGuard("RQ's registries"):
                if queue.acquire_maintenance_lock():
                    worker_registration.clean_worker_registry(queue)
                    FailedJobRegistry(queue=queue, job_class=HintJob).cleanup()
                    self._forget_abandoned(queue)
                    queue.release_maintenance_lock()
        worker.last_cleaned_at = now()

    def clean_group_registries(self) -> None:
        """Hints are in no group."""

    def _forget_abandoned(self, queue: Queue) -> None:
        """Delete hints whose time is over, and those that two runs in a row found between two lists."""
        redis: Any = queue.connection
        started, between = queue.started_job_registry.key, queue.intermediate_queue_key
        expired = redis.zrangebyscore(started, 0, time.time())
        waiting = set(redis.lrange(between, 0, -1))
        stuck = waiting & self._in_transit.get(queue.name, set())
        self._in_transit[queue.name] = waiting
        with redis.pipeline(transaction=False) as pipeline:
            for entry in expired:
                pipeline.zrem(started, entry)
            for job_id in stuck:
                pipeline.lrem(between, 1, job_id)
            for job_id in {*stuck, *(entry.partition(b":")[0] for entry in expired)}:
                pipeline.delete(HintJob.redis_job_namespace_prefix.encode() + job_id)
            pipeline.execute()


def _is_queue(value: object) -> bool:
    return isinstance(value, Queue)


def _read_command(message: Mapping[str, Any]) -> object:
    """The name of a command, or None. Never raises: an error would end the thread that listens."""
    try:
        return json.loads(message["data"])["command"]
    except Exception:  # noqa: BLE001  whatever is wrong with it, it is no command
        return None


class PassportWorker(_HintWorker, Worker):
    """Forks for each hint, which isolates a handler that takes its process down.

    The parent has imported what the job needs: else every child would do so anew, for each hint.

    RQ's own lets a SIGTERM kill the child in the middle of a message, which happens to every process
    of a service under systemd, and else waits until the child has nothing more to do.
    """

    def execute_job(self, job: Job, queue: Queue) -> None:
        """Never fork with an open database socket or a pool: parent and children would share them."""
        job.origin = queue.name
        close_databases()
        super().execute_job(job, queue)

    def setup_work_horse_signals(self) -> None:
        """In the child: finish the message in hand, and give back the others."""
        super().setup_work_horse_signals()  # type: ignore[no-untyped-call]  # the same
        signal.signal(signal.SIGTERM, _end_now)

    def handle_warm_shutdown_request(self) -> None:
        """In the parent: tell the child."""
        super().handle_warm_shutdown_request()  # type: ignore[no-untyped-call]  # RQ's
        if self.horse_pid:
            with contextlib.suppress(ProcessLookupError):  # it has ended in this moment
                os.kill(self.horse_pid, signal.SIGTERM)


class PassportSimpleWorker(_HintWorker, SimpleWorker):
    """Works in its own process: faster, and a crash takes the worker with it."""

    def execute_job(self, job: Job, queue: Queue) -> None:
        """A connection that broke between two jobs must not fail the second."""
        job.origin = queue.name
        close_old_connections()
        try:
            super().execute_job(job, queue)
        finally:
            close_old_connections()

    def handle_warm_shutdown_request(self) -> None:
        """Finish the message in hand, and give back the others."""
        super().handle_warm_shutdown_request()  # type: ignore[no-untyped-call]  # RQ's
        worker.request_stop()


def _end_now(number: int, frame: FrameType | None) -> None:
    worker.request_stop()
