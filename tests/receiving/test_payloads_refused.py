"""Large messages that S3 handed out, and that are refused as a delivery would be."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from passport_events.instrumentation import Notification
from passport_events.models import Delivery, MessageAttempt, ProcessedMessage, Status
from passport_events.operating import operations
from passport_events.operating.audit_log import Actor
from passport_events.receiving import queries
from passport_events.testing import sns_notification
from tests.harness.aws import Sqs
from tests.harness.notifications import Notifications
from tests.operating.inbox import operate
from tests.receiving.factories import ELSEWHERE, opportunities, opportunity
from tests.receiving.pointing import (
    arrive,
    events,
    open_pointers,
    pointer,
    publish,
    send,
    state,
    upload,
)

if TYPE_CHECKING:
    from mypy_boto3_s3.service_resource import Bucket

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("home")]


def test_a_bucket_that_is_not_allowed_is_refused_when_it_arrives(sqs: Sqs, bucket: Bucket) -> None:
    publish(sqs, pointer("k", "another-bucket"))
    arrive()

    (message,) = events()
    assert (message.status, message.reason) == (
        "quarantined",
        "bucket_not_allowed: s3BucketName is not in S3_PAYLOAD_BUCKETS",
    )
    assert (message.event_type, message.content) == ("", {})


def test_one_that_is_not_allowed_any_more_is_not_fetched(
    sqs: Sqs, bucket: Bucket, change_settings: Callable[..., None]
) -> None:
    message = send(sqs, bucket, opportunity(1))
    change_settings(S3_PAYLOAD_BUCKETS=["another-bucket"])
    open_pointers()

    assert state(message)[:2] == (
        "quarantined",
        "bucket_not_allowed: s3BucketName is not in S3_PAYLOAD_BUCKETS",
    )
    assert events() == []


UNREADABLE: dict[str, tuple[Any, str]] = {
    "nothing": (b"", "empty_body"),
    "no JSON": (b"Jane Doe", "invalid_json: Expecting value at character 0"),
    "binary": (b"\xff\xfe\x00", "bad_encoding: not UTF-8"),
    "an unknown shape": ({"a": 1}, "unsupported_format: unknown"),
    "too deep": (b"[" * 100, "too_deep: more than 64 levels"),
    "a pointer": (pointer("k"), "pointer_to_pointer: the payload of a pointer must not be one"),
    "a pointer as SNS wraps it": (
        sns_notification(json.dumps(pointer("k"))).encode(),
        "pointer_to_pointer: the payload of a pointer must not be one",
    ),
    "a request for a call": (
        {"Type": "SubscriptionConfirmation", "SubscribeURL": "http://127.0.0.1:1/"},
        "control_message: SubscriptionConfirmation",
    ),
    "the future": (
        opportunity(1, at_ms=9_000_000_000_000),
        "from_the_future: it is from more than a day after SQS took the message",
    ),
    "another organization's": (
        opportunity(1, organization=ELSEWHERE),
        "organization_mismatch: attribute org_id and source do not agree",
    ),
}


@pytest.mark.parametrize(("body", "reason"), UNREADABLE.values(), ids=UNREADABLE.keys())
def test_what_cannot_be_read_is_quarantined_and_its_neighbours_go_on(
    sqs: Sqs, bucket: Bucket, notifications: Notifications, body: object, reason: str
) -> None:
    publish(sqs, opportunity(7))
    message = send(sqs, bucket, body)
    neighbour = send(sqs, bucket, opportunity(8))
    open_pointers()

    assert state(message) == ("quarantined", reason, 1)
    assert notifications.facts_of(Notification.QUARANTINED) == [
        {
            "message_id": message.pk,
            "event_type": "s3-pointer",
            "reason": reason.partition(":")[0],
            "organization": message.organization_salesforce_id,
            "sqs_message_id": message.delivery.sqs_message_id,
        }
    ]
    assert MessageAttempt.objects.count() == 0
    assert state(neighbour) == ("succeeded", "", 1)
    assert [m.status for m in events()] == ["succeeded"] * 2


def test_a_payload_that_was_put_right_can_be_retried(sqs: Sqs, bucket: Bucket) -> None:
    message = send(sqs, bucket, b"?")
    open_pointers()
    assert state(message)[0] == Status.QUARANTINED
    upload(bucket, opportunity(1), message.content["key"])

    rows = ProcessedMessage.objects.filter(pk=message.pk)
    assert operate(operations.RETRY, rows, Actor("ann"), "published anew") == 1
    open_pointers()

    assert state(message) == ("succeeded", "", 1)


def test_one_that_was_discarded_is_restored_as_quarantined(sqs: Sqs, bucket: Bucket) -> None:
    message = send(sqs, bucket, b"?")
    open_pointers()
    rows = ProcessedMessage.objects.filter(pk=message.pk)

    operate(operations.DISCARD, rows, Actor("ann"), "noise")
    operate(operations.RESTORE, rows, Actor("ann"))

    assert state(message)[0] == Status.QUARANTINED


def test_one_that_is_too_large_is_quarantined(
    sqs: Sqs, bucket: Bucket, change_settings: Callable[..., None]
) -> None:
    change_settings(MAX_BODY_BYTES=2_000)
    fits, does_not = (json.dumps(opportunity(1, "")).ljust(size).encode() for size in (2_000, 2_001))
    first, second = send(sqs, bucket, fits), send(sqs, bucket, does_not)
    open_pointers()

    assert state(first)[0] == "succeeded"
    assert state(second)[:2] == (
        "quarantined",
        "too_large: at least 2001 bytes in S3, 2000 are allowed",
    )


def test_a_reader_that_fails_stops_the_pointer_that_shows_it(
    sqs: Sqs, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = send(sqs, bucket, opportunity(1))
    monkeypatch.setattr("passport_events.wire.cdc.read_header", {}.__getitem__)
    open_pointers()

    assert state(message)[0] == Status.QUARANTINED
    assert state(message)[1].startswith("reader_failed: ")


def test_what_the_database_does_not_take_is_quarantined_as_a_whole(
    sqs: Sqs, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = send(sqs, bucket, opportunities(range(3)))
    put = queries.insert_rows

    def spoiled(deliveries: Any) -> None:
        deliveries[0][1][1].attempts = -1
        put(deliveries)

    monkeypatch.setattr(queries, "insert_rows", spoiled)
    open_pointers()

    assert state(message) == ("quarantined", "database_refused", 1)
    assert (events(), Delivery.objects.count()) == ([], 1)
