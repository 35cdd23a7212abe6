"""One thread that stores what all receivers brought: what waits at one moment goes into one transaction.

A batch of ten costs the database and this process nearly as much as a batch of sixty. And a poller needs
one connection for storing, however many receivers it has.
"""

from __future__ import annotations

import dataclasses
import queue
import threading
import time
from collections.abc import Sequence

from django.db import Error, connections

from passport_events.receiving import inbox, statements
from passport_events.receiving.inbox import Stored
from passport_events.receiving.received import Received
from passport_events.receiving.watch import Watch

MOST_MESSAGES = 100
MOST_BYTES = 4 * 2**20
"""No batch is added to a transaction that has as much already."""
STORED_PER_SECOND = 10_000
"""Bytes. Bodies that name the most records are stored three times as fast on a small machine: ten of the
largest take four minutes."""
IDLE_SECONDS = 1.0
"""A wait as long as this may have outlived the connection."""


@dataclasses.dataclass(eq=False, slots=True)
class _Order:
    """A batch that one receiver brought, and what came of it."""

    received: Sequence[Received]
    done: threading.Event = dataclasses.field(default_factory=threading.Event)
    stored: Stored | None = None
    error: Exception | None = None

    @property
    def size(self) -> int:
        """Bytes."""
        return sum(len(each.body) for each in self.received)


class Writer:
    """Stores for a number of receivers; it ends when each of them has left."""

    def __init__(self, watch: Watch, receivers: int) -> None:
        self._watch = watch
        self._receivers = receivers
        self._orders: queue.SimpleQueue[_Order | None] = queue.SimpleQueue()

    def store(self, received: Sequence[Received]) -> Stored:
        """Store a batch, in company with what others bring meanwhile, and raise what `inbox.store` raises.

        What was new or known is counted for one batch of a company, and so are the event types that
        have something due: all of them together are right.
        """
        order = _Order(received)
        self._orders.put(order)
        order.done.wait()  # with no limit of its own: the watch is on the writer
        if order.stored is None:
            raise order.error or RuntimeError("the writer left an order undone")
        return order.stored

    def leave(self) -> None:
        """Say that one receiver brings nothing any more."""
        self._orders.put(None)

    def run(self) -> None:
        """Store until the last receiver has left."""
        while orders := self._next():
            size = sum(order.size for order in orders)
            with self._watch.step("storing", longer_by=size / STORED_PER_SECOND):
                _store(orders)

    def _next(self) -> list[_Order]:
        """Wait for an order, and take what else is there. Nothing when all receivers have left."""
        began = time.monotonic()
        orders: list[_Order] = []
        messages = size = 0
        while self._receivers and messages < MOST_MESSAGES and size < MOST_BYTES:
            try:
                order = self._orders.get(block=not orders)
            except queue.Empty:
                break
            if order is None:
                self._receivers -= 1
                continue
            orders.append(order)
            messages, size = messages + len(order.received), size + order.size
        if time.monotonic() - began >= IDLE_SECONDS:
            # Not for every batch: by default Django's connections live no longer than a request, and a
            # new one costs as much as the statements.
            statements.renew_connection()
        return orders


def _store(orders: Sequence[_Order]) -> None:
    error: Exception | None = None
    stored = Stored(safe=(), due_types=frozenset())
    try:
        stored = inbox.store([each for order in orders for each in order.received])
    except Error as broken:
        connections.close_all()
        error = broken
    except Exception as bug:  # noqa: BLE001  each receiver raises it, and the service ends
        error = bug
    safe = {id(each) for each in stored.safe}
    for order in orders:
        if error is None:
            order.stored = dataclasses.replace(
                stored, safe=tuple(each for each in order.received if id(each) in safe)
            )
            stored = Stored(safe=(), due_types=frozenset())
        order.error = error
        order.done.set()
