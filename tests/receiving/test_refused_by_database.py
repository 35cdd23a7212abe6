"""A delivery that the database does not take is kept as bytes, and its neighbours as events."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError

from passport_events.instrumentation import Notification
from passport_events.models import Delivery, ProcessedMessage, SalesforceOrganization
from passport_events.receiving import drafts, inbox, organization_cache
from passport_events.receiving.poll import poll_once
from passport_events.testing import FakeQueue, record_id, sns_notification
from passport_events.wire.raw_delivery import RawDelivery
from tests.harness.notifications import Notifications
from tests.receiving.factories import ELSEWHERE, HOME, in_a_thread, opportunities, opportunity, outcomes

pytestmark = pytest.mark.django_db(transaction=True)

BAD = 4
NINE_AND_ONE = [("quarantined", "database_refused")] + [("waiting", "")] * 9
NINE_AND_UNKNOWN = [("quarantined", "unknown_organization")] + [("waiting", "")] * 9


def send_ten(queue: FakeQueue, organization_of_the_bad_one: str = HOME) -> None:
    for number in range(10):
        organization = organization_of_the_bad_one if number == BAD else HOME
        queue.send(opportunity(number, organization=organization))


def test_an_organization_that_vanished_while_it_was_cached_is_unknown_to_its_own_event_only(
    home: SalesforceOrganization, queue: FakeQueue, notifications: Notifications
) -> None:
    """Case A4. On both databases: the foreign key is checked at the commit."""
    elsewhere = SalesforceOrganization.objects.create(salesforce_id=ELSEWHERE, name="Elsewhere", mode="live")
    organization_cache.lookup([ELSEWHERE])
    SalesforceOrganization.objects.filter(pk=elsewhere.pk)._raw_delete("default")  # as another process would
    send_ten(queue, ELSEWHERE)

    polled = poll_once(queue)

    assert outcomes() == NINE_AND_UNKNOWN
    assert (polled.new, polled.left, queue.bodies) == (10, 0, [])
    assert [facts["reason"] for facts in notifications.facts_of(Notification.QUARANTINED)] == [
        "unknown_organization"
    ]
    refused = ProcessedMessage.objects.get(status="quarantined")
    assert ELSEWHERE.encode() in bytes(refused.delivery.body or b"")


def spoil(monkeypatch: pytest.MonkeyPatch, **columns: Any) -> None:
    """Let the delivery row of one opportunity hold what its columns do not take."""
    make = drafts.create_delivery
    bad_id = record_id("Opportunity", BAD).encode()

    def spoiled(raw: RawDelivery, parsed: Any) -> Delivery:
        delivery = make(raw, parsed)
        for name, value in columns.items() if parsed and bad_id in raw.body else ():
            setattr(delivery, name, value)
        return delivery

    monkeypatch.setattr(drafts, "create_delivery", spoiled)


@pytest.mark.postgresql  # SQLite checks no lengths, and stores any text
@pytest.mark.parametrize(
    "columns",
    [
        pytest.param({"topic_arn": "t" * 600}, id="too long"),
        pytest.param({"attributes": {"a": "\0"}}, id="NUL in JSON"),
        pytest.param({"attributes": {"a": "\ud800"}}, id="a lone surrogate in JSON"),
        pytest.param({"topic_arn": "\0"}, id="NUL in text"),
        pytest.param({"topic_arn": "\ud800"}, id="a lone surrogate in text"),
        pytest.param({"receive_count": 2**40}, id="a number too large"),
    ],
)
def test_what_postgresql_refuses_spoils_its_own_delivery_only(
    home: SalesforceOrganization, queue: FakeQueue, monkeypatch: pytest.MonkeyPatch, columns: dict[str, Any]
) -> None:
    spoil(monkeypatch, **columns)
    send_ten(queue)

    assert poll_once(queue).left == 0

    assert outcomes() == NINE_AND_ONE
    assert Delivery.objects.count() == 10
    assert queue.bodies == []


def test_a_number_that_sqlite_cannot_bind_spoils_its_own_delivery_only(
    home: SalesforceOrganization, queue: FakeQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoil(monkeypatch, body_size=2**70)
    send_ten(queue)

    assert poll_once(queue).left == 0

    assert outcomes() == NINE_AND_ONE


def test_a_merged_event_that_is_refused_is_kept_once_as_a_whole(
    home: SalesforceOrganization, queue: FakeQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoil(monkeypatch, body_size=-1)
    queue.send(opportunities([1, BAD, 7]))
    queue.send(opportunity(2))

    poll_once(queue)

    assert outcomes() == [("quarantined", "database_refused"), ("waiting", "")]


def test_a_refused_delivery_that_comes_again_makes_no_second_row(
    home: SalesforceOrganization,
    queue: FakeQueue,
    monkeypatch: pytest.MonkeyPatch,
    notifications: Notifications,
) -> None:
    spoil(monkeypatch, body_size=-1)
    body = sns_notification(opportunity(BAD))
    queue.send(body)
    poll_once(queue)
    queue.send(body)  # a redrive: SQS's id is another one

    polled = poll_once(queue)

    assert (polled.new, polled.duplicates, polled.left) == (0, 1, 0)
    assert (outcomes(), Delivery.objects.count()) == ([("quarantined", "database_refused")], 1)
    assert len(notifications.facts_of(Notification.QUARANTINED)) == 1


def test_a_try_that_was_rolled_back_leaves_no_keys_on_the_rows_of_the_next(
    home: SalesforceOrganization, queue: FakeQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite gives the primary keys of a rolled back batch to somebody else."""
    elsewhere = SalesforceOrganization.objects.create(salesforce_id=ELSEWHERE, name="Elsewhere", mode="live")
    organization_cache.lookup([ELSEWHERE])
    SalesforceOrganization.objects.filter(pk=elsewhere.pk)._raw_delete("default")
    send_ten(queue, ELSEWHERE)
    alone = inbox._store_one_by_one
    other = FakeQueue()
    other.send(opportunity(99))

    def somebody_is_first(*arguments: Any) -> inbox.StoreResult:
        monkeypatch.undo()
        in_a_thread(lambda: poll_once(other))
        return alone(*arguments)

    monkeypatch.setattr(inbox, "_store_one_by_one", somebody_is_first)
    poll_once(queue)

    assert outcomes() == [*NINE_AND_UNKNOWN, ("waiting", "")]


def test_a_database_that_takes_nothing_at_all_is_no_delivery_s_fault(
    home: SalesforceOrganization, queue: FakeQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sequence that a bad restore put back refuses everything; then nothing may be deleted."""

    def refuse(deliveries: object) -> None:
        raise IntegrityError("duplicate key value violates unique constraint")

    monkeypatch.setattr("passport_events.receiving.queries.insert", refuse)
    send_ten(queue)

    with pytest.raises(DatabaseError):
        poll_once(queue)

    assert len(queue.bodies) == 10


def test_what_cannot_even_be_kept_as_bytes_stays_in_the_queue(
    home: SalesforceOrganization, queue: FakeQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*arguments: object) -> inbox.StoreResult:
        raise IntegrityError

    spoil(monkeypatch, body_size=-1)
    monkeypatch.setattr(inbox, "create_bytes_only_rows", refuse)
    send_ten(queue)

    assert poll_once(queue).left == 1

    assert outcomes() == [("waiting", "")] * 9
    assert len(queue.bodies) == 1
