"""A heartbeat is deleted from SQS only after its organization's row says so, and holds up no event."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import IntegrityError, OperationalError, connection, transaction
from django.test.utils import CaptureQueriesContext
from psycopg.errors import LockNotAvailable

from passport_events.instrumentation import Notification
from passport_events.models import SalesforceOrganization
from passport_events.receiving import organization_cache, queries
from passport_events.receiving.poll import poll_once
from passport_events.testing import FakeQueue
from tests.harness.notifications import Notifications
from tests.receiving.factories import ELSEWHERE, HOME, heartbeat, in_a_thread, opportunity, outcomes

pytestmark = pytest.mark.django_db(transaction=True)


def are_heard() -> set[str]:
    """Organizations that a heartbeat was recorded for."""
    rows = SalesforceOrganization.objects.exclude(heartbeat_received_at=None)
    return set(rows.values_list("salesforce_id", flat=True))


@contextmanager
def failing(monkeypatch: pytest.MonkeyPatch, of_hearing: Any) -> Iterator[None]:
    with monkeypatch.context() as fault:
        fault.setattr(SalesforceOrganization.objects, "hear", of_hearing)
        yield


def test_an_update_that_fails_deletes_nothing_and_the_redelivery_heals(
    home: SalesforceOrganization,
    queue: FakeQueue,
    monkeypatch: pytest.MonkeyPatch,
    notifications: Notifications,
) -> None:
    queue.send(heartbeat())
    queue.send(opportunity(1))

    def go_away(sent_at: object) -> int:
        raise OperationalError("the server went away")

    with failing(monkeypatch, go_away), pytest.raises(OperationalError):
        poll_once(queue)

    assert (len(queue.bodies), are_heard()) == (2, set())
    assert notifications.facts_of(Notification.HEARD) == []
    assert outcomes() == [("waiting", "")]  # the event is safe already, and comes again as a duplicate
    queue.redeliver()
    assert (poll_once(queue).duplicates, are_heard(), queue.bodies) == (1, {HOME}, [])


def test_a_commit_that_fails_deletes_nothing(
    home: SalesforceOrganization, queue: FakeQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue.send(heartbeat())

    def go_away() -> None:
        raise OperationalError("the server went away before the commit")

    with monkeypatch.context() as fault:
        fault.setattr(connection, "commit", go_away)
        with pytest.raises(OperationalError):
            poll_once(queue)
    connection.close()

    assert (len(queue.bodies), are_heard()) == (1, set())
    queue.redeliver()
    assert (poll_once(queue).left, are_heard(), queue.bodies) == (0, {HOME}, [])


def test_one_of_an_organization_that_vanished_while_it_was_cached_comes_again(
    home: SalesforceOrganization, queue: FakeQueue
) -> None:
    elsewhere = SalesforceOrganization.objects.create(salesforce_id=ELSEWHERE, name="Elsewhere", mode="live")
    organization_cache.lookup([ELSEWHERE])
    SalesforceOrganization.objects.filter(pk=elsewhere.pk)._raw_delete("default")  # as another process would
    for organization in (HOME, ELSEWHERE, HOME):
        queue.send(heartbeat(organization))

    assert poll_once(queue).left == 1

    assert are_heard() == {HOME}
    organization_cache.forget(ELSEWHERE)
    queue.redeliver()
    assert (poll_once(queue).new, queue.bodies) == (1, [])
    assert outcomes() == [("quarantined", "unknown_organization_heartbeat")]


def test_a_bad_neighbour_spoils_no_heartbeat(
    home: SalesforceOrganization, queue: FakeQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = SalesforceOrganization.objects.create(salesforce_id=ELSEWHERE, name="Elsewhere", mode="live")
    organization_cache.lookup([ELSEWHERE])
    SalesforceOrganization.objects.filter(pk=elsewhere.pk)._raw_delete("default")
    for body in (heartbeat(), opportunity(1), opportunity(2, organization=ELSEWHERE)):
        queue.send(body)

    assert (poll_once(queue).left, are_heard(), queue.bodies) == (0, {HOME}, [])

    assert outcomes() == [("quarantined", "unknown_organization"), ("waiting", "")]


def test_a_heartbeat_does_not_hide_that_the_database_takes_no_rows(
    home: SalesforceOrganization, queue: FakeQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(deliveries: object) -> None:
        raise IntegrityError("duplicate key value violates unique constraint")

    monkeypatch.setattr(queries, "insert", refuse)
    queue.send(heartbeat())
    queue.send(opportunity(1))

    with pytest.raises(IntegrityError):
        poll_once(queue)

    assert len(queue.bodies) == 2


@pytest.mark.postgresql
def test_somebody_who_holds_the_row_delays_no_event_for_ever(
    home: SalesforceOrganization, queue: FakeQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An operator's release locks the row; a heartbeat then waits for no longer than anything else."""
    monkeypatch.setattr(queries, "LOCK_TIMEOUT", "50ms")
    SalesforceOrganization.objects.create(salesforce_id=ELSEWHERE, name="Elsewhere", mode="live")
    queue.send(heartbeat(ELSEWHERE))
    queue.send(opportunity(1))
    with transaction.atomic():
        SalesforceOrganization.objects.select_for_update().get(salesforce_id=ELSEWHERE)
        error = in_a_thread(lambda: error_of_a_poll(queue))
        assert isinstance(error.__cause__, LockNotAvailable)
        # Seen from here, so committed by the other thread.
        assert outcomes() == [("waiting", "")]
    queue.redeliver()
    assert (poll_once(queue).left, are_heard()) == (0, {ELSEWHERE})


def error_of_a_poll(queue: FakeQueue) -> BaseException | None:
    """The database's error; no statement may wait for ever, even where nothing limits it."""
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = '10s'")
    try:
        poll_once(queue)
    except OperationalError as error:
        return error
    return None


@pytest.mark.postgresql
def test_two_pollers_lock_organizations_in_one_order(home: SalesforceOrganization, queue: FakeQueue) -> None:
    """Else each could hold what the other waits for; and the keys that events refer to stay free."""
    queue.send(heartbeat())
    with CaptureQueriesContext(connection) as captured:
        poll_once(queue)
    (update,) = [query["sql"] for query in captured if query["sql"].startswith("UPDATE")]
    assert update.rstrip(") ").endswith("FOR NO KEY UPDATE")
    assert "ORDER BY" in update
