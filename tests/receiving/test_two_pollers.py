"""Pollers that receive the same messages at the same time: no deadlock, each key once, no wait for ever."""

from __future__ import annotations

import random
import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager

import pytest
from django.db import OperationalError, connection, connections

from passport_events.models import ProcessedMessage, SalesforceOrganization
from passport_events.receiving import queries
from passport_events.receiving.poll import PollResult, poll_once
from passport_events.testing import FakeQueue
from tests.receiving.factories import opportunity, outcomes

pytestmark = pytest.mark.django_db(transaction=True)

POLLERS = 3


def poll_at_once(queues: list[FakeQueue], monkeypatch: pytest.MonkeyPatch) -> list[PollResult | Exception]:
    """Poll each queue in its own thread; all insert only after all have found nothing."""
    together = threading.Barrier(len(queues))
    find, mine = queries.find, threading.local()

    def find_together(keys: Collection[str]) -> dict[str, str]:
        found = find(keys)
        if not hasattr(mine, "has_waited"):
            mine.has_waited = True
            together.wait(timeout=10)
        return found

    answers: list[PollResult | Exception] = []

    def work(queue: FakeQueue) -> None:
        try:
            answers.append(poll_once(queue))
        except Exception as error:  # noqa: BLE001  # the test looks at it
            answers.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=work, args=(queue,)) for queue in queues]
    with monkeypatch.context() as patched:
        patched.setattr(queries, "find", find_together)
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    return answers


def test_the_same_ten_in_different_orders_are_stored_once_without_a_deadlock(
    home: SalesforceOrganization, monkeypatch: pytest.MonkeyPatch
) -> None:
    for round_ in range(8):
        events = [opportunity(round_ * 100 + number) for number in range(10)]
        queues = [FakeQueue() for _ in range(POLLERS)]
        for queue in queues:
            for event in random.sample(events, len(events)):
                queue.send(event)

        answers = poll_at_once(queues, monkeypatch)

        assert [answer for answer in answers if isinstance(answer, Exception)] == []
        assert [queue.bodies for queue in queues] == [[]] * POLLERS
    assert outcomes() == [("waiting", "")] * 80


def test_of_two_contents_for_one_key_the_second_is_not_lost(
    home: SalesforceOrganization, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The loser of the race stays in SQS, and is known for a collision when it comes again."""
    queues = [FakeQueue(), FakeQueue()]
    for queue, name in zip(queues, ("first", "second"), strict=True):
        queue.send(opportunity(1, name))

    poll_at_once(queues, monkeypatch)

    assert outcomes() == [("waiting", "")]
    (loser,) = [queue for queue in queues if queue.bodies]
    loser.redeliver()
    poll_once(loser)
    assert loser.bodies == []
    names = {message.content["fields"]["Name"] for message in ProcessedMessage.objects.all()}
    assert names == {"first", "second"}
    assert outcomes() == [("quarantined", "key_collision"), ("waiting", "")]


@contextmanager
def somebody_holds(message: ProcessedMessage) -> Iterator[None]:
    """A transaction of another session that changes a message's row and does not end."""
    other = connection.copy()
    try:
        other.set_autocommit(False)
        with other.cursor() as cursor:
            cursor.execute(
                "UPDATE passport_events_processedmessage SET reason = 'held' WHERE id = %s", [message.pk]
            )
        yield
    finally:
        other.close()


@pytest.mark.postgresql
def test_a_row_that_somebody_holds_does_not_stop_receiving_for_ever(
    home: SalesforceOrganization, queue: FakeQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue.send(opportunity(1))
    queue.deletes_fail = True
    poll_once(queue)
    queue.redeliver()
    queue.deletes_fail = False
    # Stored between the look and the insert.
    monkeypatch.setattr(queries, "find", lambda keys: {})
    monkeypatch.setattr(queries, "LOCK_TIMEOUT", "50ms")

    with (
        somebody_holds(ProcessedMessage.objects.get()),
        pytest.raises(OperationalError, match="lock timeout"),
    ):
        poll_once(queue)

    assert len(queue.bodies) == 1
    with connection.cursor() as cursor:
        cursor.execute("SHOW lock_timeout")
        assert cursor.fetchone() == ("0",)  # the limit ended with its transaction
