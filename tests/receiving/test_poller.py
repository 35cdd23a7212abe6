"""The polling process: when it ends by itself, when it is told to, and when one of its threads dies."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from passport_events.exceptions import ConfigurationError, QueueUnavailable, ThreadCrashed, ThreadStuck
from passport_events.models import Heartbeat, ProcessedMessage, SalesforceOrganization
from passport_events.receiving.poller import Limits, Poller, Totals
from passport_events.testing import FakeQueue
from passport_events.wire.raw_delivery import RawDelivery
from tests.receiving.factories import eventually
from tests.receiving.services import Running, fill, service_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("short_timeouts")]


@pytest.fixture(autouse=True)
def _no_loop_goes_on(db: None) -> Iterator[None]:
    """A service that gives up leaves its loops to the end of the process, which here does not come."""
    before = set(threading.enumerate())
    yield
    eventually(lambda: set(threading.enumerate()) <= before)


def test_once_is_one_receive_whatever_concurrency_is_asked_for(
    home: SalesforceOrganization, queue: FakeQueue
) -> None:
    fill(queue, 25)
    totals = service_of(queue, receivers=4, once=True).run()
    assert (totals.received, totals.new, len(queue.bodies)) == (10, 10, 15)


def test_once_ends_with_an_empty_queue_too(queue: FakeQueue) -> None:
    assert service_of(queue, once=True).run().received == 0


def test_once_does_not_try_again(queue: FakeQueue) -> None:
    queue.receives_fail = True
    with pytest.raises(QueueUnavailable):
        service_of(queue, once=True).run()
    assert queue.requests == 1


def test_until_empty_takes_everything_and_ends(home: SalesforceOrganization, queue: FakeQueue) -> None:
    fill(queue, 35)
    totals = service_of(queue, receivers=3, until_empty=True).run()
    assert (totals.received, totals.new, queue.bodies) == (35, 35, [])


@pytest.mark.parametrize("most", [1, 9, 10, 25])
def test_max_messages_is_kept_exactly_by_several_receivers(
    home: SalesforceOrganization, queue: FakeQueue, most: int
) -> None:
    fill(queue, 60)
    totals = service_of(queue, receivers=4, messages=most).run()
    assert (totals.received, len(queue.bodies)) == (most, 60 - most)
    assert sum(message.receives for message in queue._messages) == 0  # the others were never handed out


class Stingy(FakeQueue):
    """Hands out fewer than asked for, as SQS does, and fails now and then."""

    calls = 0

    def receive(self, limit: int = 10, wait_seconds: int = 0) -> list[RawDelivery]:
        """At most three; every fourth call fails."""
        self.calls += 1
        if self.calls % 4 == 0:
            raise QueueUnavailable("now and then")
        return super().receive(min(limit, 3), wait_seconds)


def test_max_messages_counts_what_came_and_not_what_was_asked_for(home: SalesforceOrganization) -> None:
    queue = Stingy()
    fill(queue, 60)
    totals = service_of(queue, receivers=3, messages=25).run()
    assert (totals.received, len(queue.bodies)) == (25, 35)


class LongPoll(FakeQueue):
    """A receive that lasts until the test answers it."""

    def __init__(self) -> None:
        """Make the two events."""
        super().__init__()
        self.is_asked, self.answer = threading.Event(), threading.Event()

    def receive(self, limit: int = 10, wait_seconds: int = 0) -> list[RawDelivery]:
        """Wait for the test."""
        self.is_asked.set()
        assert self.answer.wait(timeout=15)
        return super().receive(limit, 0)


def test_stop_awaits_the_running_receive_and_finishes_its_batch(home: SalesforceOrganization) -> None:
    queue = LongPoll()
    with Running(service_of(queue)) as running:
        assert queue.is_asked.wait(timeout=15)
        running.service.stop()
        fill(queue, 12)
        queue.answer.set()
    assert running.totals == Totals(received=10, new=10)
    assert len(queue.bodies) == 2
    assert not Heartbeat.objects.exists()


def test_stop_before_the_start_receives_nothing(queue: FakeQueue) -> None:
    service = service_of(queue, receivers=2)
    service.stop()
    assert service.run() == Totals()
    assert queue.requests == 0


def test_a_health_file_lives_as_long_as_the_service(
    home: SalesforceOrganization, queue: FakeQueue, tmp_path: Path
) -> None:
    file = tmp_path / "health.json"
    service = Poller([lambda: queue], limits=Limits(), health_file=file)
    with Running(service):
        eventually(lambda: Heartbeat.objects.filter(received_at__isnull=False).exists())
        assert "beaten_at" in file.read_text()
    assert not file.exists()


class Buggy(FakeQueue):
    """Its first delete shows a bug of ours."""

    def delete(self, messages: Sequence[RawDelivery]) -> list[RawDelivery]:
        """Fail."""
        raise RuntimeError("a bug")


def test_a_receiver_that_dies_of_a_bug_takes_the_service_with_it(home: SalesforceOrganization) -> None:
    queue = Buggy()
    fill(queue, 1)
    with pytest.raises(ThreadCrashed, match=r"^receiver-\d died of RuntimeError\.$") as died:
        service_of(queue, receivers=3).run()
    assert str(died.value.__cause__) == "a bug"
    assert ProcessedMessage.objects.count() == 1  # what was committed stays, and comes again


@pytest.mark.parametrize(
    "where", ["dispatching.dispatcher.tick", "processes.heartbeat.ProcessHeartbeat.beat"]
)
def test_a_heartbeat_that_dies_of_a_bug_takes_the_service_with_it(
    queue: FakeQueue, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    def die(*arguments: object) -> int:
        raise RuntimeError("a bug")

    monkeypatch.setattr(f"passport_events.{where}", die)
    with pytest.raises(ThreadCrashed, match=r"^heartbeat died of RuntimeError\.$"):
        service_of(queue, receivers=2).run()


def test_a_receive_that_hangs_ends_the_service(
    home: SalesforceOrganization, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("passport_events.processes.threads.MAX_STEP_SECONDS", 0.1)
    monkeypatch.setattr("passport_events.receiving.poller.STOP_SECONDS", 0)
    queue = LongPoll()
    with pytest.raises(ThreadStuck, match=r"^receiver-0 hangs: it has been receiving for \d+ s\.$"):
        service_of(queue).run()
    queue.answer.set()


def test_a_queue_that_cannot_be_made_is_known_before_anything_starts() -> None:
    def make() -> FakeQueue:
        raise ConfigurationError("no region")

    with pytest.raises(ConfigurationError):
        Poller([make] * 2, limits=Limits()).run()
    assert not Heartbeat.objects.exists()


def test_a_lost_hint_is_sent_again_by_the_poller(
    home: SalesforceOrganization, queue: FakeQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    dispatched = threading.Event()
    monkeypatch.setattr("passport_events.dispatching.dispatcher.dispatch", dispatched.set)
    with Running(service_of(queue)):
        assert dispatched.wait(timeout=15)
