"""The polling process: receivers, writers, a heartbeat that gates them, and the dispatcher's ticks."""

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
from passport_events.processes.backoff import Backoff
from passport_events.processes.heartbeat import BEAT_SECONDS, ProcessHeartbeat, ProcessStatus
from passport_events.processes.startup import Startup, announce_start
from passport_events.processes.threads import STOP_SECONDS, ThreadGroup
from passport_events.receiving import queries
from passport_events.receiving.inbox import StoreResult
from passport_events.receiving.poll import PollResult, poll_once
from passport_events.receiving.poll_steps import Store, deletes_watched, polling, stored_by
from passport_events.receiving.sqs import BATCH, MessageQueue
from passport_events.receiving.writer import Writer, count_writers
from passport_events.wire.raw_delivery import RawDelivery

EMPTY_WAIT_SECONDS = 1
"""The long poll of a run that ends when the queue is empty."""
MAX_PERIODIC_TASK_SECONDS = 240
"""What other apps do on the side may take so much longer than a step of our own."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """When to stop by itself. Without any, only a signal stops the service."""

    once: bool = False
    until_empty: bool = False
    messages: int | None = None


@dataclasses.dataclass
class Totals:
    """What the service did so far."""

    received: int = 0
    new: int = 0
    duplicates: int = 0
    quarantined: int = 0
    """Those of the new ones that wait for a person."""
    left: int = 0
    """Received, and neither stored nor deleted: SQS hands them out again."""


class Poller:
    """Runs a receiver for each queue it is given, until told to stop.

    One queue may be given several times. Any loop that dies or hangs takes the whole service with it.
    """

    def __init__(
        self,
        queue_makers: Sequence[Callable[[], MessageQueue]],
        *,
        limits: Limits,
        kind: str = "poller",
        health_file: Path | None = None,
        started: Callable[[str], None] = lambda sentence: None,
        progress: Callable[[Totals], None] = lambda totals: None,
    ) -> None:
        settings = conf.current()
        self._queue_makers = queue_makers[:1] if limits.once else queue_makers
        # One poll is one try; a service waits for what it needs.
        self._most_errors = 1 if limits.once else settings.max_consecutive_errors
        self._limits = limits
        self._started = started
        self._progress = progress
        self._kind = kind
        self._receive_startup, self._beat_startup = Startup(), Startup()
        self._pulse = ProcessStatus()
        self._heartbeat = ProcessHeartbeat(self._pulse, health_file, kind)
        self._loops = ThreadGroup(settings.sqs_wait_seconds + STOP_SECONDS)
        self._stopping = self._loops.stopping
        self._writable = threading.Event()
        self._guard = threading.Lock()
        self._reserved = 0
        self._queue_urls: frozenset[str] = frozenset()
        self.totals = Totals()

    def stop(self) -> None:
        """Let every receiver finish the receive that is running, and its batch. Safe in a signal handler."""
        self._loops.stop()

    def run(self) -> Totals:
        """Run until stopped. Raises what ended it otherwise.

        Raises ConfigurationError or StartFailed where it cannot start. `started` is called with a sentence
        that says where messages come from and where they go.
        """
        queues = [make_queue() for make_queue in self._queue_makers]
        self._started(announce_start(self._kind, [queue.source for queue in queues]))
        self._queue_urls = frozenset(queue.url for queue in queues if queue.url)
        count = count_writers(len(queues))
        writers = [Writer(self._loops.watch, len(queues[first::count])) for first in range(count)]
        for number, queue in enumerate(queues):
            writer = writers[number % count]
            self._loops.add_primary(f"receiver-{number}", self._receive_until_the_end, queue, writer)
        for number, writer in enumerate(writers):
            self._loops.add_background(f"writer-{number}", writer.run)
        self._loops.add_background("heartbeat", self._beat)
        self._loops.add_background("chores", self._do_chores)
        with deletes_watched(self._loops.watch), freeze_startup_objects():
            self._loops.run()
        return self.totals

    def _receive_until_the_end(self, queue: MessageQueue, writer: Writer) -> None:
        try:
            self._receive(queue, stored_by(writer.store, self._loops.watch))
        finally:
            writer.leave()

    def _receive(self, queue: MessageQueue, store: Store) -> None:
        patience, brought = Backoff(self._most_errors, startup=self._receive_startup), 0

        def store_noted(received: Sequence[RawDelivery]) -> StoreResult:
            nonlocal brought
            brought = len(received)
            return store(received)

        while not self._loops.is_stopping:
            if not self._writable.wait(timeout=BEAT_SECONDS):
                continue
            limit = self._reserve()
            if limit == 0 or self._loops.is_stopping:
                return
            pause, polled, brought = 0.0, PollResult(), 0
            try:
                with polling(self._loops.watch, self._wait_seconds()):
                    polled = poll_once(queue, limit, self._wait_seconds(), store_noted)
                self._pulse.received(committed=polled.safe > 0)
                patience.succeeded(queue.label)
                if polled.safe:
                    self._receive_startup.note_answer("database")
            except QueueUnavailable as error:
                pause = patience.failed(queue.label, error)
            except Error as error:
                # Away, read-only, locked, or not migrated yet. The next heartbeat opens the gate again:
                # no receive while nothing can be stored.
                self._writable.clear()
                polled = PollResult(received=brought, left=brought)
                pause = patience.failed("database", error)
            self._count(polled, limit)
            if self._is_done(polled) and not pause:
                return
            self._stopping.wait(pause)

    def _beat(self) -> None:
        try:
            self._beat_until_the_end()
        finally:
            self._stopping.set()  # before the gate opens: nothing is received any more
            self._writable.set()  # no receiver may wait for a heartbeat that will not come
        if not self._loops.has_failed:
            with self._loops.watch.step("removing its sign of life"):
                self._heartbeat.stop()

    def _beat_until_the_end(self) -> None:
        patience = Backoff(self._most_errors, startup=self._beat_startup)
        while not self._loops.is_stopping:
            pause = float(BEAT_SECONDS)
            try:
                with self._loops.watch.step("writing its sign of life"):
                    self._heartbeat.beat()
                self._writable.set()
                self._dispatch_for(pause)
                patience.succeeded("database")
                continue
            except Error as error:
                self._writable.clear()
                connections.close_all()
                pause = patience.failed("database", error)
            self._stopping.wait(pause)

    def _dispatch_for(self, seconds: float) -> None:
        """Tick the dispatcher until the next beat is due."""
        ticks = max(1, round(seconds / dispatcher.TICK_SECONDS))
        for _ in range(ticks):
            if not self._limits.once:
                with self._loops.watch.step("dispatching"):
                    dispatcher.tick()
            if self._stopping.wait(dispatcher.TICK_SECONDS):
                return

    def _do_chores(self) -> None:
        """In a thread of their own, because SQS may take its time, and no heartbeat should wait for it."""
        while not self._loops.is_stopping and not self._limits.once:
            with self._loops.watch.step("doing chores", longer_by=MAX_PERIODIC_TASK_SECONDS):
                queries.renew_connection()
                periodic_tasks.run(self._queue_urls)
            self._stopping.wait(BEAT_SECONDS)

    def _wait_seconds(self) -> int:
        wait = conf.current().sqs_wait_seconds
        return min(EMPTY_WAIT_SECONDS, wait) if self._limits.until_empty else wait

    def _reserve(self) -> int:
        """How many messages the next receive may bring, so that `--max-messages` is kept exactly."""
        if self._limits.messages is None:
            return BATCH
        with self._guard:
            limit = max(0, min(BATCH, self._limits.messages - self._reserved))
            self._reserved += limit
            return limit

    def _count(self, polled: PollResult, reserved: int) -> None:
        with self._guard:
            self._reserved -= reserved - polled.received if self._limits.messages is not None else 0
            self.totals.received += polled.received
            self.totals.new += polled.new
            self.totals.duplicates += polled.duplicates
            self.totals.quarantined += polled.quarantined
            self.totals.left += polled.left
            self._progress(self.totals)

    def _is_done(self, polled: PollResult) -> bool:
        return self._limits.once or (self._limits.until_empty and polled.received == 0)
