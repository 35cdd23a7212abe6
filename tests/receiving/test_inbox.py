"""Each event once, whatever SQS, SNS and Salesforce repeat."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from passport_events.event import Identity
from passport_events.instrumentation import Notification
from passport_events.models import Delivery, Mode, ProcessedMessage, SalesforceOrganization
from passport_events.receiving.poll import poll_once
from passport_events.testing import FakeQueue, contract_message, record_id, sns_notification
from tests.harness.notifications import Notifications
from tests.receiving.factories import ELSEWHERE, HOME, opportunities, opportunity, outcomes

pytestmark = pytest.mark.django_db


def test_an_event_waits_in_the_inbox_and_is_gone_from_the_queue(
    home: SalesforceOrganization, queue: FakeQueue
) -> None:
    queue.send(opportunity(7))

    polled = poll_once(queue)

    message = ProcessedMessage.objects.get()
    assert (polled.received, polled.new, polled.duplicates, polled.left) == (1, 1, 0, 0)
    assert (message.status, message.organization, message.record_id) == (
        "waiting",
        home,
        record_id("Opportunity", 7),
    )
    assert message.content["fields"] == {"Name": "Acme"}
    assert ProcessedMessage.objects.due().exists()
    assert queue.bodies == []


@pytest.mark.parametrize(
    ("body", "claim", "organization"),
    [
        ("hello", HOME[:15], HOME),
        ("hello", "me", ""),
        (json.dumps(opportunity(1)), ELSEWHERE, ""),  # a mismatch: nobody knows whose it is
    ],
)
def test_a_refusal_belongs_to_the_organization_of_its_attribute(
    home: SalesforceOrganization, queue: FakeQueue, body: str, claim: str, organization: str
) -> None:
    queue.send(body, attributes={"org_id": claim})

    poll_once(queue)

    message = ProcessedMessage.objects.get(status="quarantined")
    assert message.organization_salesforce_id == organization


def test_the_delivery_keeps_the_bytes_and_the_way_here(
    home: SalesforceOrganization, queue: FakeQueue
) -> None:
    body = sns_notification(
        opportunity(1), message_id="sns-id", attributes={"org_id": HOME}, trace={"a": "b"}
    )
    sqs_id = queue.send(body)

    poll_once(queue)

    delivery = Delivery.objects.get()
    assert bytes(delivery.body or b"") == body.encode()
    assert delivery.body_size == len(body)
    assert delivery.wire_format == "sns+eventbridge-relay-cdc"
    assert (delivery.sqs_message_id, delivery.sns_message_id) == (sqs_id, "sns-id")
    assert delivery.topic_arn.endswith(":passport-events")
    assert delivery.attributes["org_id"] == HOME
    assert delivery.trace_context == {"a": "b"}
    assert delivery.receive_count == 1
    for time in (delivery.published_at, delivery.sent_at, delivery.received_at):
        assert time is not None
        assert abs((datetime.now(UTC) - time).total_seconds()) < 60


def test_an_empty_receive_asks_the_database_nothing(queue: FakeQueue, notifications: Notifications) -> None:
    assert poll_once(queue, wait_seconds=0).received == 0
    assert notifications.facts_of(Notification.STORED) == []


def test_one_message_twice_in_one_receive_is_one_row_and_both_handles_are_deleted(
    home: SalesforceOrganization, queue: FakeQueue
) -> None:
    queue.twice_in_one_receive = True
    queue.send(opportunity(1))

    polled = poll_once(queue)

    assert (polled.received, polled.new, polled.duplicates, polled.left) == (2, 1, 1, 0)
    assert outcomes() == [("waiting", "")]
    assert queue.bodies == []


def test_a_redelivery_under_a_new_handle_makes_no_second_row_and_is_deleted(
    home: SalesforceOrganization, queue: FakeQueue
) -> None:
    queue.failing_deletes = 1
    queue.send(opportunity(1))
    assert poll_once(queue).left == 1
    queue.redeliver()

    polled = poll_once(queue)

    assert (polled.new, polled.duplicates, polled.left) == (0, 1, 0)
    assert (ProcessedMessage.objects.count(), Delivery.objects.count()) == (1, 1)
    assert queue.bodies == []


def test_a_redrive_changes_the_id_that_sqs_gives_and_makes_no_second_row(
    home: SalesforceOrganization, queue: FakeQueue
) -> None:
    event = opportunity(1)
    queue.send(event, message_id="before-the-redrive")
    queue.send(event, message_id="after-the-redrive")

    assert (poll_once(queue).new, Delivery.objects.count()) == (1, 1)


def test_a_replay_of_the_relay_makes_nothing(home: SalesforceOrganization, queue: FakeQueue) -> None:
    """Salesforce replays 72 hours: EventBridge and SNS give new ids to what we know."""
    for _ in range(2):
        for number in range(5):
            queue.send(sns_notification(opportunity(number)))
        poll_once(queue)

    assert outcomes() == [("waiting", "")] * 5
    assert queue.bodies == []


def test_a_merged_event_is_one_message_per_record_and_one_delivery(
    home: SalesforceOrganization, queue: FakeQueue
) -> None:
    queue.send(opportunities([1, 2, 3]))

    assert poll_once(queue).new == 3

    assert Delivery.objects.get().messages.count() == 3
    assert ProcessedMessage.objects.values("record_id").distinct().count() == 3


def test_of_a_merged_event_only_the_unknown_records_are_new(
    home: SalesforceOrganization, queue: FakeQueue
) -> None:
    event = opportunities([1, 2, 3])
    queue.send(event)
    poll_once(queue)
    ProcessedMessage.objects.filter(record_id=record_id("Opportunity", 2)).delete()
    queue.send(event)

    polled = poll_once(queue)

    assert (polled.new, polled.duplicates, polled.left) == (1, 2, 0)
    assert ProcessedMessage.objects.count() == 3


@pytest.mark.parametrize("second_comes", ["in the same receive", "later"])
def test_the_same_key_with_other_content_is_kept_under_its_own_key_for_a_person(
    home: SalesforceOrganization, queue: FakeQueue, notifications: Notifications, second_comes: str
) -> None:
    queue.send(opportunity(1, "first"))
    if second_comes == "later":
        poll_once(queue)
    queue.send(opportunity(1, "second"))
    poll_once(queue)

    original, other = ProcessedMessage.objects.order_by("status").reverse()
    assert (original.status, original.content["fields"]) == ("waiting", {"Name": "first"})
    assert (other.status, other.reason) == ("quarantined", "key_collision")
    assert other.content["fields"] == {"Name": "second"}
    assert notifications.facts_of(Notification.QUARANTINED) == [
        {
            "reason": "key_collision",
            "organization": HOME,
            "record_id": other.record_id,
            "sqs_message_id": other.delivery.sqs_message_id,
            "delivery_id": other.delivery_id,
            "dedup_key": other.dedup_key,
        }
    ]
    assert queue.bodies == []


def test_a_redelivered_collision_makes_no_second_row(home: SalesforceOrganization, queue: FakeQueue) -> None:
    for name in ("first", "second", "second", "first", "second"):
        queue.send(opportunity(1, name))
        assert poll_once(queue).left == 0

    assert outcomes() == [("quarantined", "key_collision"), ("waiting", "")]
    assert Delivery.objects.count() == 2


def test_numbers_that_a_javascript_hop_rounds_are_no_other_content(
    home: SalesforceOrganization, queue: FakeQueue
) -> None:
    queue.send(opportunity(1, number=1778192987716501507))
    queue.send(opportunity(1, number=1778192987716501500))

    assert (poll_once(queue).new, outcomes()) == (1, [("waiting", "")])


def test_keys_are_asked_for_in_parts_because_a_body_may_name_thousands_of_records(
    home: SalesforceOrganization, queue: FakeQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("passport_events.receiving.queries.MAX_KEYS", 3)
    queue.send(opportunities(range(10)))

    assert (poll_once(queue).new, queue.bodies) == (10, [])


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        (Mode.LIVE, ("waiting", "")),
        (Mode.SHADOW, ("waiting", "")),
        (Mode.OFF, ("ignored", "organization_off")),
    ],
)
def test_the_mode_of_the_organization_decides(
    home: SalesforceOrganization, queue: FakeQueue, mode: Mode, expected: tuple[str, str]
) -> None:
    home.mode = mode
    home.save()
    queue.send(opportunity(1))

    poll_once(queue)

    assert outcomes() == [expected]


def test_an_unknown_organization_is_quarantined_with_everything_to_release_it(
    home: SalesforceOrganization, queue: FakeQueue
) -> None:
    queue.send(opportunity(1, organization=ELSEWHERE))

    poll_once(queue)

    message = ProcessedMessage.objects.get()
    assert (message.status, message.reason) == ("quarantined", "unknown_organization")
    assert (message.organization, message.organization_salesforce_id) == (None, ELSEWHERE)
    assert message.record_id == record_id("Opportunity", 1)
    assert message.finished_at is not None


def test_a_contract_message_is_known_by_its_source_and_id(
    home: SalesforceOrganization, queue: FakeQueue
) -> None:
    event = contract_message(
        "item", record_id("OpportunityLineItem", 1), {"Quantity": 2}, organization=HOME, message_id="one"
    )
    queue.send(json.dumps(event))
    queue.send(sns_notification(event))

    poll_once(queue)

    message = ProcessedMessage.objects.get()
    assert message.event_type == "item"
    assert message.dedup_key == Identity.of("cloudevents", f"urn:salesforce:org:{HOME}", "one").key
