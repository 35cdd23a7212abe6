"""The thread that stores for all receivers: one transaction for what waits, and each gets what is its own."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import OperationalError, connections
from django.db.backends.signals import connection_created
from django.db.utils import ConnectionHandler

from passport_events.exceptions import ThreadCrashed
from passport_events.models import ProcessedMessage, SalesforceOrganization
from passport_events.processes.threads import Watchdog
from passport_events.receiving import inbox
from passport_events.receiving import writer as module
from passport_events.receiving.inbox import StoreResult
from passport_events.receiving.writer import Writer
from passport_events.testing import FakeQueue
from passport_events.wire.raw_delivery import RawDelivery
from tests.receiving.factories import eventually, opportunity

pytestmark = pytest.mark.django_db(transaction=True)


def batches(count: int, of: int = 2) -> list[list[RawDelivery]]:
    """So many batches of new events."""
    queue = FakeQueue()
    for number in range(count * of):
        queue.send(opportunity(number))
    return [queue.receive(of) for _ in range(count)]


class Stores:
    """What `inbox.store` was asked for. It waits for `go` first; `broken` is what it raises."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Step in."""
        self.sizes: list[int] = []
        self.go, self.began = threading.Event(), threading.Event()
        self.broken: BaseException | None = None
        self.refused: RawDelivery | None = None
        self._store = inbox.store
        monkeypatch.setattr(inbox, "store", self)

    def __call__(self, received: Sequence[RawDelivery]) -> StoreResult:
        """In place of `inbox.store`."""
        self.sizes.append(len(received))
        self.began.set()
        assert self.go.wait(15)
        if self.broken is not None:
            raise self.broken
        if any(each is self.refused for each in received):
            raise OperationalError("canceling statement due to lock timeout")
        return self._store(received)


@pytest.fixture
def stores(monkeypatch: pytest.MonkeyPatch) -> Stores:
    """Held until a test lets it go."""
    return Stores(monkeypatch)


def to_the_end(writer: Writer) -> None:
    """As its thread in a poller does."""
    try:
        writer.run()
    finally:
        connections.close_all()


@contextmanager
def running(receivers: int) -> Iterator[tuple[Writer, ThreadPoolExecutor]]:
    """A writer in a thread, and threads for its receivers, who all leave at the end."""
    writer = Writer(Watchdog(), receivers)
    thread = threading.Thread(target=to_the_end, args=(writer,), name="writer")
    with ThreadPoolExecutor(receivers) as pool:
        thread.start()
        yield writer, pool
    for _ in range(receivers):
        writer.remove_receiver()
    thread.join(15)
    assert not thread.is_alive()


def all_at_once(
    stores: Stores, writer: Writer, pool: ThreadPoolExecutor, brought: Sequence[Sequence[RawDelivery]]
) -> list[Future[StoreResult]]:
    """The first is being stored while all others come to wait; then all go on."""
    first = pool.submit(writer.store, brought[0])
    assert stores.began.wait(15)
    others = [pool.submit(writer.store, each) for each in brought[1:]]
    eventually(lambda: writer._queue.qsize() == len(others))
    stores.go.set()
    return [first, *others]


def test_what_comes_while_it_stores_goes_into_one_transaction(
    home: SalesforceOrganization, stores: Stores
) -> None:
    brought = batches(5)
    with running(5) as (writer, pool):
        stored = [each.result(15) for each in all_at_once(stores, writer, pool, brought)]
    assert stores.sizes == [2, 8]
    assert [list(each.safe) for each in stored] == brought
    assert sum(each.new for each in stored) == ProcessedMessage.objects.count() == 10
    assert [each.due_types for each in stored if each.due_types] == [frozenset({"opportunity"})] * 2


def test_one_message_that_two_receivers_brought_is_stored_once_and_deleted_by_both(
    home: SalesforceOrganization, stores: Stores
) -> None:
    one, other = batches(2, of=1)
    with running(3) as (writer, pool):
        stored = [each.result(15) for each in all_at_once(stores, writer, pool, [one, other, other])]
    assert [len(each.safe) for each in stored] == [1, 1, 1]
    assert (sum(each.new for each in stored), sum(each.duplicates for each in stored)) == (2, 1)


@pytest.mark.parametrize("limit", ["MAX_MESSAGES", "MAX_BYTES"])
def test_a_transaction_that_is_large_takes_no_more(
    home: SalesforceOrganization, stores: Stores, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    brought = batches(4)
    size = sum(len(each.body) for each in brought[1])
    monkeypatch.setattr(module, limit, 3 if limit == "MAX_MESSAGES" else size + 1)
    with running(4) as (writer, pool):
        for each in all_at_once(stores, writer, pool, brought):
            each.result(15)
    assert stores.sizes == [2, 4, 2]


def test_a_batch_that_the_database_refuses_fails_no_other(
    home: SalesforceOrganization, stores: Stores
) -> None:
    """Given a batch that waits for somebody's lock in vain, those in its company are stored without it."""
    brought = batches(5)
    stores.refused = brought[2][0]
    with running(5) as (writer, pool):
        first, second, third, *rest = all_at_once(stores, writer, pool, brought)
        assert isinstance(third.exception(15), OperationalError)
        assert [each.result(15).new for each in (first, second, *rest)] == [2] * 4
    assert sorted(stores.sizes) == [2, 2, 2, 2, 2, 8]


def test_a_database_that_is_away_is_not_asked_for_each_batch(
    home: SalesforceOrganization, stores: Stores
) -> None:
    stores.broken = OperationalError("gone")
    with running(6) as (writer, pool):
        failed = all_at_once(stores, writer, pool, batches(6))
        assert [type(each.exception(15)) for each in failed] == [OperationalError] * 6
    assert stores.sizes == [2, 10, 2, 2]


@pytest.mark.parametrize("error", [OperationalError("gone"), RuntimeError("a bug")])
def test_what_goes_wrong_reaches_everybody_whose_batch_it_was_and_nobody_else(
    home: SalesforceOrganization, stores: Stores, error: Exception
) -> None:
    brought = batches(3)
    stores.broken = error
    with running(3) as (writer, pool):
        failed = all_at_once(stores, writer, pool, brought)
        assert {type(each.exception(15)) for each in failed} == {type(error)}
        stores.broken = None
        assert pool.submit(writer.store, brought[0]).result(15).new == 2
    assert ProcessedMessage.objects.count() == 2


def test_a_database_that_broke_gets_a_new_connection(
    home: SalesforceOrganization, stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[str] = []
    monkeypatch.setattr(ConnectionHandler, "close_all", lambda self: closed.append("all"))
    stores.broken = OperationalError("gone")
    stores.go.set()
    with running(1) as (writer, pool):
        with pytest.raises(OperationalError):
            pool.submit(writer.store, batches(1)[0]).result(15)
        assert closed == ["all"]


def test_only_a_wait_makes_a_new_connection(
    home: SalesforceOrganization, stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Django's default is a connection per request; a poller under load is no request."""
    made: list[Any] = []

    def count(**facts: Any) -> None:
        made.append(facts)

    stores.go.set()
    connection_created.connect(count)
    try:
        with running(1) as (writer, pool):
            first, second, third, fourth = batches(4)
            for each in (first, second, third):
                pool.submit(writer.store, each).result(15)
            assert len(made) == 1  # this thread's first
            monkeypatch.setattr(module, "IDLE_SECONDS", 0)
            pool.submit(writer.store, fourth).result(15)
    finally:
        connection_created.disconnect(count)
    assert len(made) == 2


def test_it_ends_when_the_last_receiver_has_left(home: SalesforceOrganization, stores: Stores) -> None:
    stores.go.set()
    writer = Writer(Watchdog(), receivers=2)
    thread = threading.Thread(target=to_the_end, args=(writer,))
    thread.start()
    writer.remove_receiver()
    [batch] = batches(1)
    assert writer.store(batch).safe == tuple(batch)
    assert thread.is_alive()
    writer.remove_receiver()
    thread.join(15)
    assert not thread.is_alive()


def test_a_writer_that_dies_holds_nobody_up(home: SalesforceOrganization, stores: Stores) -> None:
    """Given an end that no code expects, those who wait learn of it, and so does who comes later."""
    brought = batches(3)
    stores.broken = SystemExit(1)
    writer = Writer(Watchdog(), receivers=3)
    with ThreadPoolExecutor(3) as pool:
        run = pool.submit(to_the_end, writer)
        one, other = all_at_once(stores, writer, pool, brought[:2])
        assert all(str(each.exception(15)).endswith(" died of SystemExit.") for each in (one, other))
        assert isinstance(run.exception(15), SystemExit)
        with pytest.raises(ThreadCrashed):
            writer.store(brought[2])


def test_a_batch_that_failed_is_not_kept(home: SalesforceOrganization, stores: Stores) -> None:
    """Bodies may have megabytes, and an outage has many tries."""

    class Batch(list[RawDelivery]):
        """One that can be watched."""

    stores.broken, batch = OperationalError("gone"), Batch(batches(1)[0])
    stores.go.set()
    watched = weakref.ref(batch)
    gc.disable()
    try:
        with running(1) as (writer, pool):
            failed = pool.submit(writer.store, batch)
            del batch
            assert isinstance(failed.exception(15), OperationalError)
            stores.broken = None
            del failed
            pool.submit(writer.store, batches(1)[0]).result(15)
            assert watched() is None
    finally:
        gc.enable()
