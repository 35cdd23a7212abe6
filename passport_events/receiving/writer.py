"""A thread that stores what many receivers brought: what waits at one moment goes into one transaction.

A batch of ten costs the database and this process nearly as much as a batch of sixty. And a poller needs
few connections for storing, however many receivers it has.
"""

from __future__ import annotations

import dataclasses
import queue
import threading
import time
from collections.abc import Sequence
from contextlib import suppress

from django.db import Error, OperationalError, connections

from passport_events.exceptions import ThreadCrashed
from passport_events.processes.watchdog import Watchdog
from passport_events.receiving import inbox, queries
from passport_events.receiving.inbox import Stored
from passport_events.receiving.order import Order
from passport_events.wire.raw_delivery import RawDelivery

RECEIVERS_PER_WRITER = 16
"""Receivers. With fewer each transaction holds less than a second writer would gain."""
MAX_MESSAGES = 100
MAX_BYTES = 256 * 2**10
"""No batch is added to a transaction that has as much already. Large bodies gain nothing by company, and
those in it would wait for them."""
STORED_PER_SECOND = 10_000
"""Bytes. Bodies that name the most records are stored three times as fast on a small machine: ten of the
largest take four minutes."""
MAX_FAILURES = 2
"""So many batches of a company fail by themselves before the rest is left to SQS."""
IDLE_SECONDS = 1.0
"""A wait as long as this may have outlived the connection."""


def writers_for(receivers: int) -> int:
    """Of two, one reads what its receivers brought while the other waits for the database."""
    return 2 if receivers >= 2 * RECEIVERS_PER_WRITER else 1


class Writer:
    """Stores for a number of receivers; it ends when each of them has left."""

    def __init__(self, watch: Watchdog, receivers: int) -> None:
        self._watch = watch
        self._receivers = receivers
        self._orders: queue.SimpleQueue[Order | None] = queue.SimpleQueue()
        self._in_hand: Sequence[Order] = ()
        self._has_ended = False
        self._death = ThreadCrashed("the writer has ended.")

    def store(self, received: Sequence[RawDelivery]) -> Stored:
        """Store a batch, in company with what others bring meanwhile, and raise what `inbox.store` raises.

        What was new or known is counted for one batch of a company, and so are the event types that
        have something due: all of them together are right.
        """
        order = Order(received)
        self._orders.put(order)
        if self._has_ended:
            self._let_all_go()  # it may have looked for the last time before this one came
        return order.result()

    def leave(self) -> None:
        """Say that one receiver brings nothing any more."""
        self._orders.put(None)

    def run(self) -> None:
        """Store until the last receiver has left. Whatever ends it, nobody waits for it then."""
        try:
            began = time.monotonic()
            while orders := self._next():
                size = sum(order.size for order in orders)
                with self._watch.step("storing", longer_by=size / STORED_PER_SECOND):
                    if time.monotonic() - began >= IDLE_SECONDS:
                        # Not for every batch: by default Django's connections live no longer than a
                        # request, and a new one costs as much as the statements.
                        queries.renew_connection()
                    _store(orders)
                began = time.monotonic()
        except BaseException as error:
            self._death = ThreadCrashed(f"{threading.current_thread().name} died of {type(error).__name__}.")
            self._death.__cause__ = error  # a receiver may say it before this thread does
            raise
        finally:
            self._has_ended = True
            self._let_all_go()

    def _let_all_go(self) -> None:
        for order in self._in_hand:
            order.fail(self._death)
        with suppress(queue.Empty):
            while True:
                if order_left := self._orders.get_nowait():
                    order_left.fail(self._death)

    def _next(self) -> Sequence[Order]:
        """Wait for an order, and take what else is there. Nothing when all receivers have left."""
        orders: list[Order] = []
        self._in_hand = orders
        messages = size = 0
        while self._receivers and messages < MAX_MESSAGES and size < MAX_BYTES:
            try:
                order = self._orders.get(block=not orders)
            except queue.Empty:
                break
            if order is None:
                self._receivers -= 1
                continue
            orders.append(order)
            messages, size = messages + len(order.received), size + order.size
        return orders


def _store(orders: Sequence[Order]) -> None:
    try:
        stored = inbox.store([each for order in orders for each in order.received])
    except Error as error:
        connections.close_all()
        if len(orders) == 1:
            orders[0].fail(error)
            return
    except Exception as bug:  # noqa: BLE001  each receiver raises it, and the service ends
        for order in orders:
            order.fail(bug)
        return
    else:
        _settle(orders, stored)
        return
    _one_by_one(orders)


def _settle(orders: Sequence[Order], stored: Stored) -> None:
    safe = {id(each) for each in stored.safe}
    for order in orders:
        own = tuple(each for each in order.received if id(each) in safe)
        order.done(dataclasses.replace(stored, safe=own))
        stored = Stored(safe=(), due_types=frozenset())


def _one_by_one(orders: Sequence[Order]) -> None:
    """One batch may have failed them all, by a lock or a size; where more fail, the database is away."""
    failures = 0
    for order in orders:
        if failures >= MAX_FAILURES:
            order.fail(OperationalError("the database failed the batches before this one"))
            continue
        try:
            order.done(inbox.store(order.received))
        except Error as error:
            connections.close_all()
            failures += 1
            order.fail(error)
        except Exception as bug:  # noqa: BLE001  the same
            order.fail(bug)
