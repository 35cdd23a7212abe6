"""What the polling process does while SQS or the database is away: it waits, says so once, and goes on."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import OperationalError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created

from passport_events.exceptions import QueueUnavailable
from passport_events.models import Heartbeat, SalesforceOrganization
from passport_events.receiving import queries
from passport_events.receiving.poll import poll_once
from passport_events.receiving.poller import Totals
from passport_events.testing import FakeQueue
from project.embedded import ValkeyServer
from tests.harness.notifications import Notifications
from tests.receiving.factories import eventually, opportunity, outcomes
from tests.receiving.services import Running, fill, service_of

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("short_timeouts")]


def test_while_sqs_is_away_it_waits_says_so_once_and_goes_on(
    home: SalesforceOrganization, queue: FakeQueue, caplog: pytest.LogCaptureFixture
) -> None:
    queue.receives_fail = True
    fill(queue, 3)
    with Running(service_of(queue, receivers=3)) as running:
        eventually(lambda: queue.requests > 15)
        queue.receives_fail = False
        eventually(lambda: not queue.bodies)
    assert running.totals == Totals(received=3, new=3)
    lines = [
        (record.levelname, record.getMessage())
        for record in caplog.records
        if "what=sqs" in record.getMessage()
    ]
    assert lines == [
        ("ERROR", "state_changed what=sqs state=away reason=the fake queue was told to fail"),
        ("WARNING", "state_changed what=sqs state=here"),
    ]


def test_after_too_many_errors_in_a_row_it_ends_with_the_last_one(queue: FakeQueue, settings: Any) -> None:
    settings.PASSPORT_EVENTS = {**settings.PASSPORT_EVENTS, "MAX_CONSECUTIVE_ERRORS": 4}
    queue.receives_fail = True
    with pytest.raises(QueueUnavailable):
        service_of(queue).run()
    assert queue.requests == 4


@pytest.fixture
def database(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Set while the database answers; clear it, and every statement of every thread fails."""
    answers, cursor = threading.Event(), BaseDatabaseWrapper.cursor
    answers.set()

    def cursor_or_error(self: BaseDatabaseWrapper) -> Any:
        if not answers.is_set():
            raise OperationalError("the connection is lost")
        return cursor(self)

    monkeypatch.setattr(BaseDatabaseWrapper, "cursor", cursor_or_error)
    yield answers
    answers.set()


def test_a_batch_that_is_committed_and_cannot_be_deleted_is_the_last_batch_committed(
    home: SalesforceOrganization, queue: FakeQueue
) -> None:
    queue.deletes_fail = True
    fill(queue, 1)
    with Running(service_of(queue)):
        eventually(lambda: Heartbeat.objects.filter(committed_at__isnull=False).exists())


def failed_beats(notifications: Notifications) -> int:
    return sum(facts.get("what") == "database" and facts["state"] == "away" for _, facts in notifications)


def test_nothing_is_received_before_the_first_heartbeat_is_written(
    home: SalesforceOrganization, queue: FakeQueue, database: threading.Event, notifications: Notifications
) -> None:
    fill(queue, 3)
    database.clear()
    with Running(service_of(queue, receivers=3)):
        eventually(lambda: failed_beats(notifications) > 5)
        assert queue.requests == 0
        database.set()
        eventually(lambda: not queue.bodies)
    assert outcomes() == [("waiting", "")] * 3


def is_silent(queue: FakeQueue, notifications: Notifications) -> bool:
    """Whether nothing was asked for while three more heartbeats failed."""
    before, seen = queue.requests, failed_beats(notifications)
    eventually(lambda: failed_beats(notifications) > seen + 3)
    return queue.requests == before


def test_while_the_database_is_away_nothing_is_received_and_then_it_goes_on(
    home: SalesforceOrganization,
    queue: FakeQueue,
    database: threading.Event,
    notifications: Notifications,
    caplog: pytest.LogCaptureFixture,
) -> None:
    with Running(service_of(queue, receivers=2)):
        eventually(lambda: queue.requests >= 2)
        database.clear()
        eventually(lambda: is_silent(queue, notifications))
        fill(queue, 30)
        assert is_silent(queue, notifications)
        assert sum(message.receives for message in queue._messages) == 0  # nothing came nearer to the DLQ
        database.set()
        eventually(lambda: not queue.bodies)
    assert outcomes() == [("waiting", "")] * 30
    levels = [record.levelname for record in caplog.records if "what=database" in record.getMessage()]
    assert levels == ["ERROR", "WARNING"]


def test_a_batch_that_cannot_be_stored_closes_the_gate_until_the_next_heartbeat(
    home: SalesforceOrganization, queue: FakeQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The heartbeat's own table may take writes while a lock holds up the others."""
    ticks: list[int] = []

    def refuse(deliveries: object) -> None:
        raise OperationalError("canceling statement due to lock timeout")

    monkeypatch.setattr("passport_events.receiving.queries.insert", refuse)
    monkeypatch.setattr("passport_events.receiving.poller.BEAT_SECONDS", 60)
    monkeypatch.setattr("passport_events.dispatching.dispatcher.tick", lambda: ticks.append(1))
    fill(queue, 30)
    with Running(service_of(queue)):
        eventually(lambda: queue.requests)
        seen = len(ticks)
        eventually(lambda: len(ticks) > seen + 15)  # many times the longest pause
        assert queue.requests == 1
    assert len(queue.bodies) == 30


def test_what_was_received_and_could_not_be_stored_counts(
    home: SalesforceOrganization, queue: FakeQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given a limit, a batch that stays in SQS has used up its part of it."""
    refusals = iter([OperationalError("canceling statement due to lock timeout")])
    insert = queries.insert

    def refuse_once(deliveries: Any) -> None:
        for refusal in refusals:
            raise refusal
        insert(deliveries)

    monkeypatch.setattr(queries, "insert", refuse_once)
    fill(queue, 40)
    totals = service_of(queue, messages=25).run()
    assert totals == Totals(received=25, new=15, left=10)
    assert sum(message.receives for message in queue._messages) + 15 == 25


def make_read_only(sender: object, connection: BaseDatabaseWrapper, **facts: Any) -> None:
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET default_transaction_read_only = on")
        else:
            cursor.execute("PRAGMA query_only = on")


def test_a_database_that_can_only_be_read_stops_receiving_until_it_takes_writes(
    home: SalesforceOrganization, queue: FakeQueue, notifications: Notifications
) -> None:
    """What is left after a failover, or with a full disk: reading works, and proves nothing."""
    fill(queue, 3)
    connection_created.connect(make_read_only)
    try:
        with Running(service_of(queue)) as running:
            eventually(lambda: failed_beats(notifications) > 5)
            assert (queue.requests, running.error) == (0, None)
            connection_created.disconnect(make_read_only)
            eventually(lambda: not queue.bodies)
    finally:
        connection_created.disconnect(make_read_only)
    assert notifications.states_of("database")[:2] == ["away", "here"]


def test_told_to_stop_while_the_database_is_away_it_ends_cleanly(
    queue: FakeQueue, database: threading.Event, notifications: Notifications
) -> None:
    database.clear()
    with Running(service_of(queue)) as running:
        eventually(lambda: failed_beats(notifications) > 2)
    assert (running.error, running.totals) == (None, Totals())


def test_too_many_failed_heartbeats_end_it(
    queue: FakeQueue, database: threading.Event, settings: Any
) -> None:
    settings.PASSPORT_EVENTS = {**settings.PASSPORT_EVENTS, "MAX_CONSECUTIVE_ERRORS": 3}
    database.clear()
    with pytest.raises(OperationalError):
        service_of(queue, receivers=2).run()
    assert queue.requests == 0


def test_while_redis_is_away_receiving_goes_on(
    home: SalesforceOrganization, queue: FakeQueue, redis_server: ValkeyServer, notifications: Notifications
) -> None:
    redis_server.kill()
    queue.send(opportunity(1))

    polled = poll_once(queue)

    assert (polled.new, polled.left, queue.bodies) == (1, 0, [])
    assert outcomes() == [("waiting", "")]
    assert notifications.states_of("redis") == ["away"]
