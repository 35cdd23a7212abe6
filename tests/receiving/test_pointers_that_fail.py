"""Large messages that S3 does not hand out, or that cannot be stored for now."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from passport_events import fingerprint
from passport_events.conf import Settings
from passport_events.models import ProcessedMessage, SalesforceOrganization
from passport_events.operating import operations
from passport_events.operating.audit_log import Actor
from passport_events.receiving import organization_cache, s3
from passport_events.wire.s3_pointer import Pointer
from project.embedded import LOOPBACK
from tests.harness.aws import BUCKET, Sqs
from tests.operating.inbox import operate
from tests.receiving.factories import opportunity
from tests.receiving.pointing import (
    arrive,
    events,
    let_time_pass,
    open_pointers,
    pointer,
    pointers,
    publish,
    send,
    state,
    upload,
)

if TYPE_CHECKING:
    from mypy_boto3_s3.service_resource import Bucket

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("home")]

UNAVAILABLE = "passport_events.exceptions.PayloadUnavailable"
SECRET = "students/jane-doe.json"


def point_at(sqs: Sqs, key: str, bucket: str = BUCKET) -> ProcessedMessage:
    publish(sqs, pointer(key, bucket))
    arrive()
    return pointers()[-1]


def test_an_object_that_is_missing_is_asked_for_again_and_found_once_it_is_there(
    sqs: Sqs, bucket: Bucket
) -> None:
    message = point_at(sqs, SECRET)
    open_pointers()

    assert state(message) == ("waiting", UNAVAILABLE, 1)
    attempt = message.failures.get()
    assert (attempt.outcome, attempt.number) == ("retry", 1)
    assert f"of the bucket {BUCKET}: NoSuchKey. See that it is there" in attempt.error
    assert SECRET not in attempt.error + attempt.traceback

    upload(bucket, opportunity(1), SECRET)
    let_time_pass()
    open_pointers()

    assert state(message) == ("succeeded", "", 2)
    assert [m.status for m in events()] == ["succeeded"]


def test_one_that_stays_missing_is_a_dead_letter_that_can_be_retried(
    sqs: Sqs, bucket: Bucket, change_settings: Callable[..., None]
) -> None:
    change_settings(MAX_RETRIES=1)
    message = point_at(sqs, "late")
    for _ in range(2):
        let_time_pass()
        open_pointers()
    assert state(message) == ("dead", f"retries used up: {UNAVAILABLE}", 2)

    upload(bucket, opportunity(1), "late")
    rows = ProcessedMessage.objects.filter(pk=message.pk)
    assert operate(operations.RETRY, rows, Actor("ann"), "it was uploaded") == 1
    open_pointers()

    assert state(message) == ("succeeded", "", 1)
    assert [m.status for m in events()] == ["succeeded"]


def test_while_s3_is_away_no_attempt_is_lost(
    sqs: Sqs, bucket: Bucket, change_settings: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Given an S3 that does not answer for longer than all retries, when it does, the pointer is opened."""
    change_settings(MAX_RETRIES=1)
    message = send(sqs, bucket, opportunity(1))
    with monkeypatch.context() as away:
        away.setenv("AWS_ENDPOINT_URL_S3", f"http://{LOOPBACK}:1")
        s3._made.clear()
        for _ in range(4):
            let_time_pass()
            open_pointers()
        assert state(message) == ("waiting", "S3 does not answer (bucket=large-messages, errno=111)", 0)
    s3._made.clear()
    let_time_pass()
    open_pointers()

    assert state(message) == ("succeeded", "", 1)
    assert [m.status for m in events()] == ["succeeded"]


def test_a_bucket_that_is_missing_is_asked_for_again(
    sqs: Sqs, bucket: Bucket, change_settings: Callable[..., None]
) -> None:
    change_settings(S3_PAYLOAD_BUCKETS=["another-bucket"])
    message = point_at(sqs, "k", "another-bucket")
    open_pointers()

    assert state(message) == ("waiting", UNAVAILABLE, 1)
    assert "NoSuchBucket" in message.failures.get().error


def test_an_organization_that_vanished_while_it_was_cached_costs_an_attempt(
    sqs: Sqs, bucket: Bucket, home: SalesforceOrganization
) -> None:
    """Only the commit finds it: the foreign key is checked there."""
    message = send(sqs, bucket, opportunity(1))
    organization_cache.lookup([home.salesforce_id])
    SalesforceOrganization.objects.filter(pk=home.pk)._raw_delete("default")  # as another process would
    open_pointers()

    assert state(message) == ("waiting", "django.db.utils.IntegrityError", 1)
    organization_cache.forget(home.salesforce_id)
    let_time_pass()
    open_pointers()
    assert [(m.status, m.reason) for m in events()] == [("quarantined", "unknown_organization")]


def test_an_error_that_repeats_the_key_is_kept_without_it(
    sqs: Sqs, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(asked: Pointer, settings: Settings) -> bytes:
        raise OSError(f"cannot open {asked.bucket}/{asked.key}")

    message = point_at(sqs, SECRET)
    monkeypatch.setattr(s3, "read", fail)
    open_pointers()

    assert message.failures.get().error == "cannot open [value]"


def test_payloads_that_cannot_be_read_are_grouped_by_format_and_reason(sqs: Sqs, bucket: Bucket) -> None:
    bucket.put_object(Key="one", Body=b"not json")
    bucket.put_object(Key="two", Body=b"not json either")
    one, two = point_at(sqs, "one"), point_at(sqs, "two")
    open_pointers()

    for message in (one, two):
        message.refresh_from_db()
    group = fingerprint.compute_quarantine_fingerprint(one.delivery.wire_format, one.reason.partition(":")[0])
    assert (one.status, one.fingerprint, two.fingerprint) == ("quarantined", group, group)
