"""The writer thread: stores the batches of many receivers, all pending ones in one transaction.

A batch of ten costs the database and this process nearly as much as a batch of sixty. And storing needs
one connection, however many receivers a poller has.
"""

from __future__ import annotations

import dataclasses
import queue
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import suppress

from django.db import Error, OperationalError, connections

from passport_events.exceptions import ThreadCrashed
from passport_events.processes.threads import Watchdog
from passport_events.receiving import inbox, queries
from passport_events.receiving.inbox import StoreResult
from passport_events.wire.raw_delivery import RawDelivery

RECEIVERS_PER_WRITER = 16
"""With fewer, each transaction holds less than a second writer gains."""
MAX_MESSAGES = 100
MAX_BYTES = 256 * 2**10
"""No batch joins a transaction that has reached one of these. Large bodies gain nothing by sharing one, and
the other batches would wait for them."""
BYTES_PER_SECOND = 10_000
"""Bodies that name the most records are stored three times as fast on a small machine: ten of the
largest take four minutes."""
MAX_FAILURES = 2
"""After this many batches failed by themselves, the rest of the transaction is left to SQS."""
IDLE_SECONDS = 1.0
"""A connection may have been closed during a wait as long as this."""


def count_writers(receivers: int) -> int:
    """Two for many receivers: one parses its batches while the other waits for the database."""
    return 2 if receivers >= 2 * RECEIVERS_PER_WRITER else 1


@dataclasses.dataclass(frozen=True, slots=True)
class _Batch:
    deliveries: Sequence[RawDelivery]
    size: int
    """Bytes of all bodies."""
    future: Future[StoreResult] = dataclasses.field(default_factory=Future)


class Writer:
    """Stores for a fixed number of receivers; exits when each of them has left."""

    def __init__(self, watchdog: Watchdog, receivers: int) -> None:
        self._watchdog = watchdog
        self._receivers = receivers
        self._queue: queue.SimpleQueue[_Batch | None] = queue.SimpleQueue()
        self._has_exited = False
        self._exit_error = ThreadCrashed("the writer has ended.")

    def store(self, deliveries: Sequence[RawDelivery]) -> StoreResult:
        """Store a batch and wait for the result, without a limit: the watchdog watches the writer.

        Raises what `inbox.store` raises, and ThreadCrashed when the writer has exited. Counts and due event
        types of a transaction are in the result of one of its batches.
        """
        # No variable for the future: it holds the error, whose traceback holds this frame and all bodies.
        return self._submit(deliveries).result()

    def _submit(self, deliveries: Sequence[RawDelivery]) -> Future[StoreResult]:
        batch = _Batch(deliveries, sum(len(raw.body) for raw in deliveries))
        self._queue.put(batch)
        if self._has_exited:
            self._fail_queued()  # the writer may have emptied the queue before this batch was in it
        return batch.future

    def remove_receiver(self) -> None:
        """Note that a receiver has returned and submits no more batches."""
        self._queue.put(None)

    def run(self) -> None:
        """Store until the last receiver has left. Pending batches fail when this thread exits."""
        batches: list[_Batch] = []
        idle_since = time.monotonic()
        try:
            while self._take(batches):
                size = sum(batch.size for batch in batches)
                with self._watchdog.step("storing", longer_by=size / BYTES_PER_SECOND):
                    if time.monotonic() - idle_since >= IDLE_SECONDS:
                        # Not for every batch: by default Django's connections live no longer than a
                        # request, and a new one costs as much as the statements.
                        queries.renew_connection()
                    _store(batches)
                idle_since = time.monotonic()
        except BaseException as error:
            self._exit_error = ThreadCrashed(
                f"{threading.current_thread().name} died of {type(error).__name__}."
            )
            self._exit_error.__cause__ = error  # a receiver may report it before this thread does
            raise
        finally:
            self._has_exited = True
            _fail(batches, self._exit_error)
            self._fail_queued()

    def _take(self, batches: list[_Batch]) -> bool:
        """Wait for a batch, and add all that are pending. False when all receivers have left."""
        messages = size = 0
        while self._receivers and messages < MAX_MESSAGES and size < MAX_BYTES:
            try:
                batch = self._queue.get(block=not batches)
            except queue.Empty:
                break
            if batch is None:
                self._receivers -= 1
                continue
            batches.append(batch)
            messages, size = messages + len(batch.deliveries), size + batch.size
        return bool(batches)

    def _fail_queued(self) -> None:
        with suppress(queue.Empty):
            while True:
                if batch := self._queue.get_nowait():
                    batch.future.set_exception(self._exit_error)


def _store(batches: list[_Batch]) -> int:
    """Store batches in one transaction, and one by one if that fails. Returns how many failed.

    Sets each future and removes its batch from the list. The traceback of an error holds the frames here;
    a future in one of them would be a cycle, which keeps all bodies until the garbage collector runs.
    """
    try:
        result = inbox.store([raw for batch in batches for raw in batch.deliveries])
    except Error as error:
        connections.close_all()
        if len(batches) == 1:
            return _fail(batches, error)
    except Exception as bug:  # noqa: BLE001  each receiver raises it, and the poller exits
        return _fail(batches, bug)
    else:
        return _succeed(batches, result)
    return _store_one_by_one(batches)


def _store_one_by_one(batches: list[_Batch]) -> int:
    """One batch may have failed all of them, by a lock or a size. If more fail, the database is away."""
    failures = 0
    while batches and failures < MAX_FAILURES:
        failures += _store(batches[:1])
        del batches[0]
    return failures + _fail(batches, OperationalError("the database failed the batches before this one"))


def _succeed(batches: list[_Batch], result: StoreResult) -> int:
    safe = {id(raw) for raw in result.safe}
    while batches:
        batch = batches.pop(0)
        own = tuple(raw for raw in batch.deliveries if id(raw) in safe)
        batch.future.set_result(dataclasses.replace(result, safe=own))
        result = StoreResult()  # only the first batch gets the counts
    return 0


def _fail(batches: list[_Batch], error: BaseException) -> int:
    count = len(batches)
    while batches:
        batches.pop(0).future.set_exception(error)
    return count
