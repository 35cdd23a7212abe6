"""The polling process: receivers, writers, the heartbeat that gates them, the dispatcher, periodic tasks."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from django.db import Error, connections

from passport_events import conf, periodic_tasks
from passport_events.dispatching import dispatcher
from passport_events.exceptions import QueueUnavailable
from passport_events.gc_freeze import freeze_startup_objects
from passport_events.instrumentation import Notification, emit
from passport_events.processes.backoff import Backoff, Startup
from passport_events.processes.errors import describe_database
from passport_events.processes.heartbeat import BEAT_SECONDS, ProcessHeartbeat, ProcessStatus
from passport_events.processes.threads import STOP_SECONDS, ThreadGroup
from passport_events.receiving import queries
from passport_events.receiving.poll import PollResult, process, receive
from passport_events.receiving.sqs import MAX_BATCH, MessageQueue
from passport_events.receiving.writer import Writer, count_writers

EMPTY_WAIT_SECONDS = 1
"""The long poll of a run that ends when the queue is empty."""
MAX_PERIODIC_TASK_SECONDS = 240
"""Added to the time limit of a step, for the periodic tasks of other apps."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """When the poller stops by itself. Without limits only a signal stops it."""

    once: bool = False
    until_empty: bool = False
    messages: int | None = None


@dataclasses.dataclass
class Totals:
    """The sums of all polls."""

    received: int = 0
    new: int = 0
    duplicates: int = 0
    quarantined: int = 0
    """New messages that are quarantined; included in `new`."""
    left: int = 0
    """Deliveries that were not deleted; SQS redelivers them."""


class Poller:
    """Runs a receiver thread for each queue, until it is stopped. One queue may be given several times.

    A thread that crashes or hangs ends all of them.
    """

    def __init__(
        self,
        queue_factories: Sequence[Callable[[], MessageQueue]],
        *,
        limits: Limits,
        kind: str = "poller",
        health_file: Path | None = None,
        on_start: Callable[[str], None] = lambda sentence: None,
        on_progress: Callable[[Totals], None] = lambda totals: None,
    ) -> None:
        settings = conf.get_settings()
        self._queue_factories = queue_factories[:1] if limits.once else queue_factories
        # `--once` is one try; a service retries.
        self._max_errors = 1 if limits.once else settings.max_consecutive_errors
        self._limits = limits
        self._on_start = on_start
        self._on_progress = on_progress
        self._kind = kind
        self._receive_startup, self._beat_startup = Startup(), Startup()
        self._status = ProcessStatus()
        self._heartbeat = ProcessHeartbeat(self._status, health_file, kind)
        self._threads = ThreadGroup(settings.sqs_wait_seconds + STOP_SECONDS)
        self._watchdog, self._stopping = self._threads.watchdog, self._threads.stopping
        self._writable = threading.Event()
        self._lock = threading.Lock()
        self._reserved = 0
        self._queue_urls: frozenset[str] = frozenset()
        self.totals = Totals()

    def stop(self) -> None:
        """Stop after the running receives and their batches. Safe in a signal handler."""
        self._threads.stop()

    def run(self) -> Totals:
        """Run until stopped.

        Raises ConfigurationError or StartFailed if it cannot start, and the error that ended it. Calls
        `on_start` with a sentence that names the queues and the database.
        """
        queues = [create_queue() for create_queue in self._queue_factories]
        self._announce_start([queue.source for queue in queues])
        self._queue_urls = frozenset(queue.url for queue in queues if queue.url)
        count = count_writers(len(queues))
        writers = [Writer(self._watchdog, len(queues[first::count])) for first in range(count)]
        for number, queue in enumerate(queues):
            writer = writers[number % count]
            self._threads.add_primary(f"receiver-{number}", self._run_receiver, queue, writer)
        for number, writer in enumerate(writers):
            self._threads.add_background(f"writer-{number}", writer.run)
        self._threads.add_background("heartbeat", self._run_heartbeat)
        self._threads.add_background("periodic-tasks", self._run_periodic_tasks)
        with freeze_startup_objects():
            self._threads.run()
        return self.totals

    def _announce_start(self, sources: Sequence[str]) -> None:
        """Raises StartFailed where DATABASES cannot be read."""
        database, queues, count = describe_database(), "; ".join(dict.fromkeys(sources)), len(sources)
        emit(Notification.RECEIVING, process=self._kind, sources=queues, receivers=count, database=database)
        self._on_start(f"{count} receiver{'' if count == 1 else 's'} from {queues} into {database}")

    def _run_receiver(self, queue: MessageQueue, writer: Writer) -> None:
        backoff = Backoff(self._max_errors, startup=self._receive_startup)
        try:
            while not self._threads.is_stopping:
                if not self._writable.wait(timeout=BEAT_SECONDS):
                    continue
                limit = self._reserve()
                if limit == 0 or self._threads.is_stopping:
                    return
                result, pause = self._poll(queue, writer, limit, backoff)
                self._count(result, limit)
                if self._is_done(result) and not pause:
                    return
                self._stopping.wait(pause)
        finally:
            writer.remove_receiver()

    def _poll(
        self, queue: MessageQueue, writer: Writer, limit: int, backoff: Backoff
    ) -> tuple[PollResult, float]:
        """Poll once. Returns the result, and the pause in seconds before the next poll."""
        wait, count = self._get_wait_seconds(), 0
        try:
            # A receive without an answer ends by itself after twice the wait and 20 s.
            with self._watchdog.step("receiving", longer_by=wait):
                deliveries = receive(queue, limit, wait)
                count = len(deliveries)
                result = process(queue, deliveries, writer.store, self._watchdog)
        except QueueUnavailable as error:
            return PollResult(), backoff.note_failure(queue.label, error)
        except Error as error:
            # Unreachable, read-only, locked, or not migrated. No receive until the next heartbeat has
            # shown that the database accepts writes.
            self._writable.clear()
            return PollResult(received=count, left=count), backoff.note_failure("database", error)
        self._status.note_receive(committed=result.safe > 0)
        backoff.note_success(queue.label)
        if result.safe:
            self._receive_startup.note_answer("database")
        return result, 0.0

    def _run_heartbeat(self) -> None:
        try:
            self._write_heartbeats()
        finally:
            self._stopping.set()  # before the receivers wake up: they must not receive again
            self._writable.set()  # no receiver may wait for a heartbeat that does not come
        if not self._threads.has_failed:
            with self._watchdog.step("removing its heartbeat"):
                self._heartbeat.stop()

    def _write_heartbeats(self) -> None:
        backoff = Backoff(self._max_errors, startup=self._beat_startup)
        while not self._threads.is_stopping:
            try:
                with self._watchdog.step("writing its heartbeat"):
                    self._heartbeat.beat()
                self._writable.set()
                self._dispatch_for(BEAT_SECONDS)
                backoff.note_success("database")
            except Error as error:
                self._writable.clear()
                connections.close_all()
                self._stopping.wait(backoff.note_failure("database", error))

    def _dispatch_for(self, seconds: float) -> None:
        """Tick the dispatcher until the next heartbeat is due."""
        for _ in range(max(1, round(seconds / dispatcher.TICK_SECONDS))):
            if not self._limits.once:
                with self._watchdog.step("dispatching"):
                    dispatcher.tick()
            if self._stopping.wait(dispatcher.TICK_SECONDS):
                return

    def _run_periodic_tasks(self) -> None:
        """In their own thread: some ask SQS, and a slow answer must not delay the heartbeat."""
        while not self._threads.is_stopping and not self._limits.once:
            with self._watchdog.step("running periodic tasks", longer_by=MAX_PERIODIC_TASK_SECONDS):
                queries.renew_connection()
                periodic_tasks.run(self._queue_urls)
            self._stopping.wait(BEAT_SECONDS)

    def _get_wait_seconds(self) -> int:
        wait = conf.get_settings().sqs_wait_seconds
        return min(EMPTY_WAIT_SECONDS, wait) if self._limits.until_empty else wait

    def _reserve(self) -> int:
        """The number of messages that the next receive may bring, so that `--max-messages` is exact."""
        if self._limits.messages is None:
            return MAX_BATCH
        with self._lock:
            limit = max(0, min(MAX_BATCH, self._limits.messages - self._reserved))
            self._reserved += limit
            return limit

    def _count(self, result: PollResult, reserved: int) -> None:
        with self._lock:
            self._reserved -= reserved - result.received if self._limits.messages is not None else 0
            self.totals.received += result.received
            self.totals.new += result.new
            self.totals.duplicates += result.duplicates
            self.totals.quarantined += result.quarantined
            self.totals.left += result.left
            self._on_progress(self.totals)

    def _is_done(self, result: PollResult) -> bool:
        return self._limits.once or (self._limits.until_empty and result.received == 0)
