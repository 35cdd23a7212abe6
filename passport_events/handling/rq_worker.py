"""RQ worker classes that keep database connections healthy, and end soon when they are told to.

Name one in `RQ = {"WORKER_CLASS": ...}`.
"""

from __future__ import annotations

import contextlib
import os
import signal
from types import FrameType
from typing import Any

from django.db import close_old_connections, connections
from rq import Queue, SimpleWorker, Worker
from rq.job import Job

from passport_events.garbage import startup_set_aside
from passport_events.handling import jobs, time_slice

MAINTENANCE_SECONDS = 60
MONITORING_SECONDS = 15
PRELOADED = jobs
NOT_NAMED = (None, "rq.serializers.DefaultSerializer")  # without its flag `rqworker` passes the latter


class _Options:
    """The serializer of the queues where none is named, and maintenance that is not ten minutes late.

    django-rq's `rqworker` ignores the `SERIALIZER` of `RQ_QUEUES` unless `--serializer` repeats it;
    every job of such a worker fails before it starts.
    """

    def __init__(self, queues: Any, *args: Any, **options: Any) -> None:
        first = queues[0] if isinstance(queues, list | tuple) and queues else queues
        if options.get("serializer") in NOT_NAMED and isinstance(first, Queue):
            options["serializer"] = first.serializer
        options.setdefault("maintenance_interval", MAINTENANCE_SECONDS)
        options.setdefault("job_monitoring_interval", MONITORING_SECONDS)
        super().__init__(queues, *args, **options)  # type: ignore[call-arg]  # RQ's, behind this mixin

    def work(self, *args: Any, **options: Any) -> bool:
        """Work until told to stop, with a start that no child has to look through again."""
        with startup_set_aside():
            return bool(super().work(*args, **options))  # type: ignore[misc]  # the same


class PassportWorker(_Options, Worker):
    """Forks for each hint, which isolates a handler that takes its process down.

    The parent has imported what the job needs: else every child would do so anew, for each hint.

    RQ's own lets a SIGTERM kill the child in the middle of a message, which happens to every process
    of a service under systemd, and else waits until the child has nothing more to do.
    """

    def execute_job(self, job: Job, queue: Queue) -> None:
        """Never fork with an open database socket: parent and children would share it."""
        connections.close_all()
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


class PassportSimpleWorker(_Options, SimpleWorker):
    """Works in its own process: faster, and a crash takes the worker with it."""

    def execute_job(self, job: Job, queue: Queue) -> None:
        """A connection that broke between two jobs must not fail the second."""
        close_old_connections()
        try:
            super().execute_job(job, queue)
        finally:
            close_old_connections()

    def handle_warm_shutdown_request(self) -> None:
        """Finish the message in hand, and give back the others."""
        super().handle_warm_shutdown_request()  # type: ignore[no-untyped-call]  # RQ's
        time_slice.end_now()


def _end_now(number: int, frame: FrameType | None) -> None:
    time_slice.end_now()
