"""RQ worker classes that execute only hints, and stop soon after a signal.

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
from passport_events.handling.fork_safety import close_database_connections
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
    """Mixin for RQ's worker classes.

    Hints are written and read as JSON, whatever serializer `RQ_QUEUES`, the command line or a pool names.
    """

    def __init__(self, queues: Any, *args: Any, **options: Any) -> None:
        listed = list(queues) if isinstance(queues, list | tuple) else [queues]
        connection = options.get("connection") or next((q.connection for q in listed if _is_queue(q)), None)
        own = [HintQueue(each.name if _is_queue(each) else each, connection) for each in listed]
        options |= {"serializer": JSONSerializer, "job_class": HintJob, "queue_class": HintQueue}
        options.setdefault("maintenance_interval", MAINTENANCE_SECONDS)
        options.setdefault("job_monitoring_interval", MONITORING_SECONDS)
        super().__init__(own, *args, **options)  # type: ignore[call-arg]  # RQ's, behind this mixin
        self._seen_in_transit: dict[str, set[bytes]] = {}
        self._is_told_to_end = False

    def work(self, *args: Any, **options: Any) -> bool:
        """Work until a stop request. Objects from the start are frozen, so that no child's GC visits them.

        RQ's scheduler stays off: hints do not need it, and it would enqueue whatever Redis lists.
        """
        with freeze_startup_objects():
            return bool(super().work(*args, **{**options, "with_scheduler": False}))  # type: ignore[misc]  # RQ's

    @property
    def dequeue_timeout(self) -> int:
        """Seconds that an idle worker waits for a hint before its next heartbeat."""
        usual: int = super().dequeue_timeout  # type: ignore[misc]  # RQ's
        return min(IDLE_HEARTBEAT_SECONDS, usual)

    def serialize(self) -> dict[str, Any]:
        """Return RQ's registration with the installation, which tells our workers from others."""
        return {**super().serialize(), keys.WORKER_FIELD: keys.get_installation()}  # type: ignore[misc]  # RQ's

    def heartbeat(self, timeout: int | None = None, pipeline: Pipeline | None = None) -> None:
        """Send RQ's heartbeat and register again: RQ registers once, and Redis may be flushed."""
        super().heartbeat(timeout, pipeline)  # type: ignore[misc]  # RQ's
        this: Any = self
        target = this.connection.pipeline() if pipeline is None else pipeline
        facts = {**this.serialize(), "state": this.get_state()}
        target.hset(this.key, mapping={name: value for name, value in facts.items() if value is not None})
        worker_registration.register(this, target)
        if pipeline is None:
            target.execute()

    def handle_payload(self, message: Any) -> None:
        """Execute RQ's command `shutdown` once, and no other command.

        The other commands kill the child, and so does a second shutdown: a writer to Redis could make any
        message dead by killing its child three times.
        """
        this: Any = self
        is_ending = self._is_told_to_end or this._shutdown_requested_date  # noqa: SLF001  RQ's
        if not is_ending and _read_command(message) == SHUTDOWN:
            self._is_told_to_end = True
            os.kill(os.getpid(), signal.SIGINT)

    def clean_registries(self) -> None:
        """Delete hints of crashed workers. They are not executed again: the dispatcher sends new ones."""
        this: Any = self
        for queue in this.queues:
            with OutageGuard("RQ's registries"):
                if queue.acquire_maintenance_lock():
                    worker_registration.clean_worker_registry(queue)
                    FailedJobRegistry(queue=queue, job_class=HintJob).cleanup()
                    self._delete_expired_hints(queue)
                    queue.release_maintenance_lock()
        this.last_cleaned_at = now()

    def clean_group_registries(self) -> None:
        """Do nothing: hints are in no group."""

    def _delete_expired_hints(self, queue: Queue) -> None:
        """Delete expired hints, and hints that two successive runs found in the intermediate list."""
        redis: Any = queue.connection
        started, intermediate = queue.started_job_registry.key, queue.intermediate_queue_key
        expired = redis.zrangebyscore(started, 0, time.time())
        waiting = set(redis.lrange(intermediate, 0, -1))
        stuck = waiting & self._seen_in_transit.get(queue.name, set())
        self._seen_in_transit[queue.name] = waiting
        with redis.pipeline(transaction=False) as pipeline:
            for entry in expired:
                pipeline.zrem(started, entry)
            for job_id in stuck:
                pipeline.lrem(intermediate, 1, job_id)
            for job_id in {*stuck, *(entry.partition(b":")[0] for entry in expired)}:
                pipeline.delete(HintJob.redis_job_namespace_prefix.encode() + job_id)
            pipeline.execute()


def _is_queue(value: object) -> bool:
    return isinstance(value, Queue)


def _read_command(message: Mapping[str, Any]) -> object:
    """Return the name of a command, or None. Never raises: an error would end the listening thread."""
    try:
        return json.loads(message["data"])["command"]
    except Exception:  # noqa: BLE001  any error means that it is no command
        return None


class PassportWorker(_HintWorker, Worker):
    """Forks for each hint, so that a handler that crashes its process does not end the worker.

    The parent imports what the job needs; otherwise every child would import it again.

    RQ's class lets SIGTERM, which systemd sends to every process of a service, kill the child in the middle
    of a message; without SIGTERM it waits until the child has nothing more to do.
    """

    def execute_job(self, job: Job, queue: Queue) -> None:
        """Close database connections before the fork: parent and child would share the sockets."""
        job.origin = queue.name
        close_database_connections()
        super().execute_job(job, queue)

    def setup_work_horse_signals(self) -> None:
        """In the child: on SIGTERM, finish the current message and unclaim the others."""
        super().setup_work_horse_signals()  # type: ignore[no-untyped-call]  # RQ's
        signal.signal(signal.SIGTERM, _request_stop)

    def handle_warm_shutdown_request(self) -> None:
        """In the parent: forward the request to the child."""
        super().handle_warm_shutdown_request()  # type: ignore[no-untyped-call]  # RQ's
        if self.horse_pid:
            with contextlib.suppress(ProcessLookupError):  # it has just ended
                os.kill(self.horse_pid, signal.SIGTERM)


class PassportSimpleWorker(_HintWorker, SimpleWorker):
    """Runs jobs in its own process: faster, but a crash ends the worker."""

    def execute_job(self, job: Job, queue: Queue) -> None:
        """Close broken connections before and after a job, so that they do not fail the next one."""
        job.origin = queue.name
        close_old_connections()
        try:
            super().execute_job(job, queue)
        finally:
            close_old_connections()

    def handle_warm_shutdown_request(self) -> None:
        """Finish the current message, and unclaim the others."""
        super().handle_warm_shutdown_request()  # type: ignore[no-untyped-call]  # RQ's
        worker.request_stop()


def _request_stop(number: int, frame: FrameType | None) -> None:
    worker.request_stop()
