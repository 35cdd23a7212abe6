"""Bad input is never an outage: stored with its reason, deleted after the commit, neighbours unharmed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.db.models.functions import Length

from passport_events import conf
from passport_events.models import Delivery, ProcessedMessage, SalesforceOrganization
from passport_events.receiving import inbox
from passport_events.receiving.poll import poll_once
from passport_events.receiving.sqs import SqsQueue
from passport_events.testing import FakeQueue, record_id, sns_notification
from passport_events.wire.parser import parse_delivery
from tests.harness import network
from tests.harness.aws import Sqs
from tests.receiving.bodies import BAD, GOOD, ODD
from tests.receiving.factories import left_in_sqs, opportunity

pytestmark = pytest.mark.django_db

TEXTS = [name for name, (body, _) in BAD.items() if isinstance(body, str) and body.strip()]
ENVELOPES = {name for name in TEXTS if name.startswith(("SNS", "an attribute"))}


@pytest.fixture(autouse=True)
def _nobody_was_asked() -> Iterator[None]:
    """Bodies are full of addresses; none of them is ever asked for anything."""
    network.refused.clear()
    yield
    assert network.refused == []


def send_among_nine(queue: FakeQueue, body: str | bytes) -> bytes:
    """A body as the sixth of ten."""
    raw = body if isinstance(body, bytes) else body.encode()
    for number in range(9):
        queue.send(opportunity(number))
        if number == 4:
            queue.send(raw)
    return raw


def assert_it_is_kept_and_the_others_wait(reason: str) -> None:
    bad = ProcessedMessage.objects.get(status="quarantined")
    assert bad.reason.startswith(reason)
    assert (bad.due_at, bad.finished_at is not None) == (None, True)
    assert ProcessedMessage.objects.filter(status="waiting").count() == 9


@pytest.mark.parametrize("name", BAD)
def test_one_bad_message_among_nine_good_ones(
    home: SalesforceOrganization, queue: FakeQueue, name: str
) -> None:
    body, reason = BAD[name]
    raw = send_among_nine(queue, body)

    assert poll_once(queue).left == 0

    assert_it_is_kept_and_the_others_wait(reason)
    kept = Delivery.objects.get(messages__status="quarantined")
    assert (bytes(kept.body or b""), kept.body_size) == (raw, len(raw))
    assert queue.bodies == []


@pytest.mark.parametrize("name", ODD)
def test_a_strange_message_among_nine_others_is_as_good_as_they_are(
    home: SalesforceOrganization, queue: FakeQueue, name: str
) -> None:
    send_among_nine(queue, ODD[name])

    assert poll_once(queue).left == 0

    assert list(ProcessedMessage.objects.values_list("status", flat=True)) == ["waiting"] * 10
    assert ProcessedMessage.objects.filter(record_id=record_id("Opportunity", 50)).count() == 1
    assert set(ProcessedMessage.objects.values_list(Length("dedup_key"), flat=True)) == {64}


def test_the_same_bad_messages_through_sns_and_sqs(home: SalesforceOrganization, sqs: Sqs) -> None:
    for number, name in enumerate(TEXTS):
        sqs.topic.publish(Message=json.dumps(opportunity(number)))
        body = str(BAD[name][0])
        if name in ENVELOPES:
            sqs.queue.send_message(MessageBody=body)
        else:
            sqs.topic.publish(
                Message=body, MessageAttributes={"n": {"DataType": "String", "StringValue": name}}
            )
    queue = SqsQueue(conf.get_settings())

    while poll_once(queue, wait_seconds=0).received:
        pass

    kept = ProcessedMessage.objects.filter(status="quarantined").select_related("delivery")
    assert kept.count() == ProcessedMessage.objects.filter(status="waiting").count() == len(TEXTS)
    reasons = {message.delivery.attributes.get("n"): message.reason for message in kept}
    by_body = {bytes(message.delivery.body or b""): message.reason for message in kept}
    reasons |= {name: by_body[str(BAD[name][0]).encode()] for name in ENVELOPES}
    assert [name for name in TEXTS if not reasons[name].startswith(BAD[name][1])] == []
    assert left_in_sqs(sqs) == 0


def test_a_topic_that_is_not_allowed_is_refused_and_its_neighbours_are_not(
    home: SalesforceOrganization, queue: FakeQueue, settings: Any
) -> None:
    ours, theirs = (f"arn:aws:sns:us-east-1:{account}:events" for account in ("123456789012", "666666666666"))
    settings.PASSPORT_EVENTS = {**settings.PASSPORT_EVENTS, "ALLOWED_TOPICS": [ours]}
    for number in range(9):
        queue.send(sns_notification(opportunity(number), topic=ours))
    queue.send(sns_notification(GOOD, topic=theirs))

    assert poll_once(queue).left == 0

    assert_it_is_kept_and_the_others_wait("unexpected_topic")


def test_ten_bad_messages_at_once_are_ten_rows(home: SalesforceOrganization, queue: FakeQueue) -> None:
    for number in range(10):
        queue.send(b"\0" * number)

    assert (poll_once(queue).new, queue.bodies) == (10, [])


def test_a_bad_message_twice_in_one_receive_is_one_row(
    home: SalesforceOrganization, queue: FakeQueue
) -> None:
    queue.twice_in_one_receive = True
    queue.send("hello")

    assert (poll_once(queue).new, queue.bodies) == (1, [])


def test_a_bad_message_that_sns_sends_again_is_one_row(
    home: SalesforceOrganization, queue: FakeQueue
) -> None:
    for _ in range(2):
        queue.send(sns_notification("hello", message_id="sns-1"))

    assert (poll_once(queue).new, queue.bodies) == (1, [])


def test_an_attribute_that_the_database_could_not_store_is_refused_with_its_message(
    home: SalesforceOrganization, queue: FakeQueue
) -> None:
    queue.send(GOOD, attributes={"a": "\0"})

    poll_once(queue)

    assert ProcessedMessage.objects.get().reason.startswith("nul_char")


def test_a_bug_of_a_reader_stops_the_message_that_shows_it_and_no_other(
    home: SalesforceOrganization, queue: FakeQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read_or_fail(received: Any, *others: Any) -> Any:
        if b"poison" in received.body:
            raise KeyError("a value that nobody should see")
        return parse_delivery(received, *others)

    monkeypatch.setattr(inbox, "parse_delivery", read_or_fail)
    for number in range(9):
        queue.send(opportunity(number))
    queue.send(opportunity(9, "poison"))

    assert poll_once(queue).left == 0

    assert_it_is_kept_and_the_others_wait("reader_failed: KeyError")
