"""A poller with two writers: each has receivers of its own, and both end with the poller."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence

import pytest

from passport_events.exceptions import ThreadCrashed
from passport_events.models import ProcessedMessage, SalesforceOrganization
from passport_events.receiving import inbox, writer
from passport_events.receiving.inbox import StoreResult
from passport_events.receiving.writer import Writer
from passport_events.testing import FakeQueue
from passport_events.wire.raw_delivery import RawDelivery
from tests.receiving.services import Running, fill, service_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis_server")]

Store = Callable[[Sequence[RawDelivery]], StoreResult]


@pytest.fixture(autouse=True)
def two_for_four(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "RECEIVERS_PER_WRITER", 2)


def writer_now() -> str:
    """Which writer stores at this moment."""
    return threading.current_thread().name


@pytest.mark.parametrize(("receivers", "expected"), [(1, 1), (2, 1), (3, 1), (4, 2), (7, 2)])
def test_a_second_writer_is_for_many_receivers(
    home: SalesforceOrganization,
    queue: FakeQueue,
    monkeypatch: pytest.MonkeyPatch,
    receivers: int,
    expected: int,
) -> None:
    followed: list[str] = []
    run = Writer.run

    def run_noted(own: Writer) -> None:
        followed.append(writer_now())
        run(own)

    monkeypatch.setattr(Writer, "run", run_noted)
    fill(queue, 60)
    totals = service_of(queue, receivers, until_empty=True).run()
    assert sorted(followed) == [f"writer-{number}" for number in range(expected)]
    assert (totals.new, totals.left) == (60, 0)
    assert ProcessedMessage.objects.count() == 60


def test_when_one_dies_the_other_still_stores_what_its_receivers_brought(
    home: SalesforceOrganization, queue: FakeQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first to store dies, when the other has something in hand; the reason is the one that died."""
    store, guard, seen = inbox.store, threading.Lock(), list[str]()
    other_has_begun, died = threading.Event(), threading.Event()

    def store_or_die(received: Sequence[RawDelivery]) -> StoreResult:
        with guard:
            if writer_now() not in seen:
                seen.append(writer_now())
        if writer_now() == seen[0]:
            assert other_has_begun.wait(15)
            died.set()
            raise SystemExit
        other_has_begun.set()
        assert died.wait(15)
        return store(received)

    monkeypatch.setattr(inbox, "store", store_or_die)
    fill(queue, 40)
    running = Running(service_of(queue, 4))
    with pytest.raises(ThreadCrashed, match=r"^writer-[01] died of SystemExit\.$") as raised:
        running.service.run()
    assert str(raised.value).startswith(seen[0])
    stored = ProcessedMessage.objects.count()
    assert stored >= 10
    assert len(queue.bodies) == 40 - stored
