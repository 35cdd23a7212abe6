"""What boto3 is asked for, and what is made of its answers and errors."""

from __future__ import annotations

import dataclasses
import json
import threading
from typing import Any

import pytest

from passport_events import conf
from passport_events.aws_clients import clients as module
from passport_events.aws_clients.queue_urls import find_region
from passport_events.exceptions import ConfigurationError, QueueUnavailable
from passport_events.receiving.sqs import SqsQueue
from passport_events.wire.raw_delivery import RawDelivery
from tests.harness.aws import Sqs
from tests.receiving.answering import answered_by
from tests.receiving.factories import left_in_sqs


@pytest.fixture
def queue(sqs: Sqs) -> SqsQueue:
    return SqsQueue(conf.get_settings())


def received(handle: str) -> RawDelivery:
    return RawDelivery(message_id="same", receipt_handle=handle, body=b"")


def test_a_delivery_brings_its_body_and_both_kinds_of_attributes(sqs: Sqs, queue: SqsQueue) -> None:
    attributes: Any = {"org_id": {"DataType": "String", "StringValue": "00D"}}
    sent = sqs.queue.send_message(MessageBody='{"ü": 1}', MessageAttributes=attributes)

    (delivery,) = queue.receive(10, 0)

    assert (delivery.message_id, delivery.body) == (sent["MessageId"], '{"ü": 1}'.encode())
    assert delivery.message_attributes["org_id"]["StringValue"] == "00D"
    assert (delivery.sent_at is not None, delivery.receive_count) == (True, 1)


def test_no_more_than_ten_are_asked_for(sqs: Sqs, queue: SqsQueue) -> None:
    sqs.queue.send_messages(Entries=[{"Id": str(n), "MessageBody": "x"} for n in range(10)])
    sqs.queue.send_message(MessageBody="x")
    assert len(queue.receive(50, 0)) == 10


def test_deleted_messages_are_gone(sqs: Sqs, queue: SqsQueue) -> None:
    sqs.queue.send_messages(Entries=[{"Id": str(n), "MessageBody": "x"} for n in range(3)])
    assert queue.delete(queue.receive(10, 0)) == []
    assert left_in_sqs(sqs) == 0


def test_two_deliveries_of_one_message_do_not_refuse_the_whole_batch(sqs: Sqs, queue: SqsQueue) -> None:
    sqs.queue.send_message(MessageBody="x")
    (first,) = queue.receive(10, 0)
    sqs.queue.change_message_visibility_batch(
        Entries=[{"Id": "0", "ReceiptHandle": first.receipt_handle, "VisibilityTimeout": 0}]
    )
    (second,) = queue.receive(10, 0)
    assert second.message_id == first.message_id
    assert queue.delete([first, second]) == []


def test_the_entries_that_failed_are_told_by_their_position(queue: SqsQueue) -> None:
    batch = [received("one"), received("two"), received("three")]
    said = {
        "Successful": [{"Id": "0"}, {"Id": "2"}],
        "Failed": [{"Id": "1", "SenderFault": True, "Code": "ReceiptHandleIsInvalid"}],
    }
    requests = answered_by(queue._deleting._client, said)
    assert queue.delete(batch) == [batch[1]]
    assert [json.loads(request.body) for request in requests] == [
        {
            "QueueUrl": conf.get_settings().queue_url,
            "Entries": [
                {"Id": "0", "ReceiptHandle": "one"},
                {"Id": "1", "ReceiptHandle": "two"},
                {"Id": "2", "ReceiptHandle": "three"},
            ],
        }
    ]


def test_a_delete_does_not_wait_behind_a_long_poll(sqs: Sqs, queue: SqsQueue) -> None:
    """Else the visibility timeout runs out, and what was stored comes again."""
    sqs.queue.send_message(MessageBody="x")
    first = queue.receive(10, 0)
    polling = threading.Thread(target=queue.receive, args=(10, 20))
    polling.start()

    assert queue.delete(first) == []

    assert polling.is_alive()
    sqs.queue.send_message(MessageBody="ends the long poll")
    polling.join(timeout=15)
    assert not polling.is_alive()


def test_a_silent_socket_is_given_up_a_little_after_the_long_poll(queue: SqsQueue) -> None:
    polling: Any = queue._polling._client.meta.config
    deleting: Any = queue._deleting._client.meta.config
    assert polling.read_timeout == conf.get_settings().sqs_wait_seconds + 5
    assert deleting.read_timeout == 10


def test_a_queue_that_is_gone_is_named_by_its_code(sqs: Sqs, queue: SqsQueue) -> None:
    sqs.queue.delete()
    with pytest.raises(QueueUnavailable, match=r"receive: .*NonExistentQueue") as raised:
        queue.receive(10, 0)
    assert raised.value.__cause__ is not None
    with pytest.raises(QueueUnavailable, match=r"delete: .*NonExistentQueue"):
        queue.delete([received("one")])


def test_an_endpoint_that_does_not_answer_is_named_by_its_error() -> None:
    nowhere = dataclasses.replace(conf.get_settings(), endpoint_url="http://127.0.0.1:1")
    with pytest.raises(QueueUnavailable, match="EndpointConnectionError"):
        SqsQueue(nowhere).receive(10, 0)


@pytest.mark.parametrize(
    ("url", "region"),
    [
        ("https://sqs.eu-central-1.amazonaws.com/123456789012/events", "eu-central-1"),
        ("https://sqs.cn-north-1.amazonaws.com.cn/123456789012/events", "cn-north-1"),
        ("https://sqs.us-gov-west-1.amazonaws.com/123456789012/events", "us-gov-west-1"),
        ("https://sqs.eu-west-1.api.aws/123456789012/events", "eu-west-1"),
        ("https://queue.us-east-2.amazonaws.com/123456789012/events", "us-east-2"),
        ("https://queue.amazonaws.com/123456789012/events", "us-east-1"),
        ("http://127.0.0.1:4566/000000000000/events", ""),
        ("https://sqs.evil.example/?x=.amazonaws.com", ""),
    ],
)
def test_the_region_is_read_from_the_url(url: str, region: str) -> None:
    assert find_region(url) == region


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"endpoint_url": "http://"}, "Invalid endpoint"),
        ({"region": "no region"}, "region"),
    ],
)
def test_what_boto3_cannot_use_is_a_configuration_error(settings: dict[str, Any], problem: str) -> None:
    with pytest.raises(ConfigurationError, match=problem):
        SqsQueue(dataclasses.replace(conf.get_settings(), **settings))


def test_without_a_region_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    module._get_session.cache_clear()
    try:
        with pytest.raises(ConfigurationError, match="You must specify a region"):
            SqsQueue(dataclasses.replace(conf.get_settings(), region=""))
    finally:
        module._get_session.cache_clear()


def test_one_client_at_a_time_is_made_because_a_session_is_not_safe_to_share(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    busy, overlaps = threading.Lock(), []

    class Session:
        def client(self, *names: str, **options: Any) -> None:
            overlaps.append(not busy.acquire(blocking=False))
            busy.release()

    session = Session()
    monkeypatch.setattr(module, "_get_session", lambda: session)
    settings = conf.get_settings()
    threads = [threading.Thread(target=module.create_client, args=(settings, "sqs", 1)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert overlaps == [False] * 8


def test_a_body_that_is_no_text_of_ours_survives_the_way(sqs: Sqs, queue: SqsQueue) -> None:
    body = json.dumps({"text": "line\r\n\ttab 😀 \u2028"}, ensure_ascii=False)
    sqs.topic.publish(Message=body)
    (delivery,) = queue.receive(10, 0)
    assert json.loads(json.loads(delivery.body)["Message"]) == json.loads(body)
