"""A delivery is deleted from SQS only after it is committed to the database and found there."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest
from django.db import OperationalError, connection, transaction

from passport_events.models import Delivery, ProcessedMessage, SalesforceOrganization
from passport_events.receiving import queries
from passport_events.receiving.poll import poll_once
from passport_events.testing import FakeQueue
from passport_events.wire.raw_delivery import RawDelivery
from tests.harness.notifications import Notifications
from tests.receiving.factories import in_a_thread, opportunities, opportunity, outcomes

pytestmark = pytest.mark.django_db(transaction=True)


class WatchedQueue(FakeQueue):
    """Looks into the database, over another connection, when it is asked to delete."""

    seen: int | None = None

    def delete(self, messages: Sequence[RawDelivery]) -> list[RawDelivery]:
        """Count the committed rows first."""
        self.seen = in_a_thread(ProcessedMessage.objects.count)
        return super().delete(messages)


def test_others_see_the_rows_before_the_queue_is_asked_to_delete(home: SalesforceOrganization) -> None:
    queue = WatchedQueue()
    for number in range(10):
        queue.send(opportunity(number))

    poll_once(queue)

    assert queue.seen == 10


def fail_before_commit(commit: Callable[[], None]) -> None:
    raise OperationalError("the server went away before the commit")


def fail_after_commit(commit: Callable[[], None]) -> None:
    commit()
    raise OperationalError("the server went away and its answer with it")


@pytest.mark.parametrize(
    ("fail", "committed"), [(fail_before_commit, 0), (fail_after_commit, 3)], ids=["before", "after"]
)
def test_a_commit_that_nobody_confirmed_deletes_nothing_and_the_redelivery_heals(
    home: SalesforceOrganization,
    queue: FakeQueue,
    monkeypatch: pytest.MonkeyPatch,
    fail: Callable[[Callable[[], None]], None],
    committed: int,
) -> None:
    for number in range(3):
        queue.send(opportunity(number))
    with monkeypatch.context() as fault:
        commit = connection.commit
        fault.setattr(connection, "commit", lambda: fail(commit))
        with pytest.raises(OperationalError):
            poll_once(queue)
    assert len(queue.bodies) == 3
    connection.close()
    assert ProcessedMessage.objects.count() == committed

    queue.redeliver()
    polled = poll_once(queue)

    assert (polled.new, polled.duplicates) == (3 - committed, committed)
    assert outcomes() == [("waiting", "")] * 3
    assert queue.bodies == []


def test_what_is_not_found_after_the_commit_is_not_deleted(
    home: SalesforceOrganization, queue: FakeQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A failover to a replica that lags can take back a commit that was confirmed."""
    for number in range(3):
        queue.send(opportunity(number))
    insert = queries.insert

    def insert_and_lose_one(rows: list[tuple[Delivery, list[ProcessedMessage]]]) -> None:
        insert(rows)
        ProcessedMessage.objects.filter(dedup_key=rows[1][1][0].dedup_key).delete()

    with monkeypatch.context() as fault:
        fault.setattr(queries, "insert", insert_and_lose_one)
        assert poll_once(queue).left == 1
    assert len(queue.bodies) == 1

    queue.redeliver()
    poll_once(queue)

    assert ProcessedMessage.objects.count() == 3
    assert queue.bodies == []


def test_of_a_merged_event_every_message_must_be_found(
    home: SalesforceOrganization, queue: FakeQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue.send(opportunities([1, 2, 3]))
    find = queries.find
    monkeypatch.setattr(queries, "find", lambda keys: dict(list(find(keys).items())[1:]))

    assert poll_once(queue).left == 1
    assert len(queue.bodies) == 1


def test_the_read_back_happens_outside_the_transaction(
    home: SalesforceOrganization, queue: FakeQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    find, was_inside = queries.find, []

    def watched(keys: set[str]) -> dict[str, str]:
        was_inside.append(transaction.get_connection().in_atomic_block)
        return find(keys)

    monkeypatch.setattr(queries, "find", watched)
    queue.send(opportunity(1))
    poll_once(queue)

    assert was_inside == [False, False]


def test_entries_that_sqs_could_not_delete_come_again_and_are_known_then(
    home: SalesforceOrganization, queue: FakeQueue
) -> None:
    queue.failing_deletes = 2
    for number in range(10):
        queue.send(opportunity(number))

    assert poll_once(queue).left == 2
    assert len(queue.bodies) == 2

    queue.redeliver()
    polled = poll_once(queue)
    assert (polled.received, polled.new, polled.left) == (2, 0, 0)
    assert queue.bodies == []


def test_deletes_that_fail_wholly_are_no_error_but_are_said_aloud(
    home: SalesforceOrganization, queue: FakeQueue, notifications: Notifications
) -> None:
    """Without the right to delete everything would end in the dead letter queue, stored or not."""
    queue.deletes_fail = True
    queue.send(opportunity(1))

    assert poll_once(queue).left == 1
    assert outcomes() == [("waiting", "")]

    queue.deletes_fail = False
    queue.redeliver()
    assert poll_once(queue).left == 0
    assert notifications.states_of("sqs deletes") == ["away", "here"]
    assert queue.bodies == []
