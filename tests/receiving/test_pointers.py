"""Large messages: published through SNS as a pointer, fetched from S3 by a worker, handled like any other."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from pytest_django.fixtures import Settings

from passport_events import conf
from passport_events.dispatching import hints
from passport_events.handling.rq_worker import PassportSimpleWorker
from passport_events.models import Delivery, SalesforceOrganization, SalesforceRecord
from passport_events.receiving.poll import poll_once
from passport_events.testing import FakeQueue, record_id, sns_notification
from passport_events.wire.parser import parse_delivery
from passport_events.wire.s3_pointer import CLASSES
from tests.harness.aws import Sqs
from tests.receiving.factories import HOME, opportunities, opportunity
from tests.receiving.pointing import (
    arrive,
    events,
    open_pointers,
    pointer,
    pointers,
    publish,
    send,
    state,
    upload,
)
from tests.wire.deliveries import ORGANIZATION, SAMPLES, raw
from tests.wire.test_samples import EVENTS

if TYPE_CHECKING:
    from mypy_boto3_s3.service_resource import Bucket

pytestmark = pytest.mark.django_db(transaction=True)

LARGE = "x" * 300_000
COVERED = ("Account", "Employee__c")


@pytest.mark.parametrize("name", CLASSES)
@pytest.mark.parametrize("is_raw", [False, True], ids=["sns", "raw"])
def test_what_a_pointer_leads_to_reaches_the_mirror(
    sqs: Sqs, bucket: Bucket, home: SalesforceOrganization, name: str, *, is_raw: bool
) -> None:
    sqs.subscription.set_attributes(AttributeName="RawMessageDelivery", AttributeValue=str(is_raw).lower())
    key = upload(bucket, opportunity(1, LARGE))
    publish(sqs, pointer(key, name=name))
    arrive()
    (waiting,) = pointers()
    assert (waiting.status, waiting.organization, waiting.organization_salesforce_id) == (
        "waiting",
        None,
        HOME,
    )
    assert (waiting.record_id, waiting.content) == ("", {"bucket": bucket.name, "key": key})

    rq_queue = hints.get_rq_queue("passport-opportunities")
    PassportSimpleWorker([rq_queue], connection=rq_queue.connection).work(burst=True)

    assert state(waiting) == ("succeeded", "", 1)
    (event,) = events()
    assert (event.status, event.organization) == ("succeeded", home)
    assert SalesforceRecord.objects.get(record_id=record_id("Opportunity", 1))["Name"] == LARGE


def test_its_payload_is_a_delivery_of_its_own_that_came_the_same_way(
    sqs: Sqs, bucket: Bucket, home: SalesforceOrganization
) -> None:
    body = opportunity(1)
    message = send(sqs, bucket, body, traceparent="00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
    open_pointers()

    first, second = Delivery.objects.order_by("pk")
    assert list(first.messages.all()) == [message]
    assert list(second.messages.all()) == events()
    stored = bytes(second.body or b"")
    assert (json.loads(stored), second.body_size) == (body, len(stored))
    assert second.wire_format == "sns+s3-pointer+eventbridge-relay-cdc"
    assert second.trace_context["traceparent"]
    shared = [
        f.name
        for f in Delivery._meta.concrete_fields
        if f.name not in ("id", "body", "body_size", "wire_format")
    ]
    assert {name: getattr(first, name) for name in shared} == {name: getattr(second, name) for name in shared}


def project_that_covers(settings: Settings, *entities: str) -> None:
    types = {name: {"entities": [name], "queue": "passport-items"} for name in entities}
    every = {**conf.DEFAULT_EVENT_TYPES, **types}
    settings.PASSPORT_EVENTS = {**settings.PASSPORT_EVENTS, "EVENT_TYPES": every}


@pytest.mark.parametrize("wrapped", [False, True], ids=["plain", "as SNS wraps it"])
@pytest.mark.parametrize("name", EVENTS)
@pytest.mark.usefixtures("redis_server")
def test_every_format_may_be_large(
    sqs: Sqs, bucket: Bucket, settings: Settings, name: str, *, wrapped: bool
) -> None:
    project_that_covers(settings, *COVERED)
    SalesforceOrganization.objects.create(salesforce_id=ORGANIZATION, name="Sample", mode="live")
    body = (SAMPLES / name).read_text()
    direct = parse_delivery(raw(body.encode(), org_id=ORGANIZATION), conf.get_settings())

    message = send(sqs, bucket, (sns_notification(body) if wrapped else body).encode(), org_id=ORGANIZATION)
    open_pointers()

    assert state(message) == ("succeeded", "", 1)
    stored = {(m.dedup_key, m.content_hash, m.record_id) for m in events()}
    assert stored == {(e.identity.key, e.content_hash(), e.record_id) for e in direct.events}
    assert {m.organization_salesforce_id for m in events()} == {ORGANIZATION}
    (payload_format,) = set(Delivery.objects.exclude(messages=message).values_list("wire_format", flat=True))
    assert payload_format == f"sns+s3-pointer+{'sns+' * wrapped}{EVENTS[name][0]}"


def test_a_merged_event_gives_a_message_for_each_record(
    sqs: Sqs, bucket: Bucket, home: SalesforceOrganization
) -> None:
    send(sqs, bucket, opportunities(range(250)))
    open_pointers()

    assert [m.status for m in events()] == ["succeeded"] * 250
    assert SalesforceRecord.objects.count() == 250


def test_the_queues_of_what_it_brought_are_hinted_at(
    sqs: Sqs, bucket: Bucket, home: SalesforceOrganization, settings: Settings
) -> None:
    """Given pointers with a queue of their own, the events go to theirs."""
    settings.PASSPORT_EVENTS = {**settings.PASSPORT_EVENTS, "S3_PAYLOAD_QUEUE": "passport-items"}
    send(sqs, bucket, opportunity(1))
    assert (
        hints.get_rq_queue("passport-items").count,
        hints.get_rq_queue("passport-opportunities").count,
    ) == (1, 0)

    open_pointers()

    assert hints.get_rq_queue("passport-opportunities").count == 1
    assert [m.status for m in events()] == ["waiting"]


def test_one_more_delivery_or_pointer_to_the_same_brings_nothing_new(
    sqs: Sqs, bucket: Bucket, home: SalesforceOrganization
) -> None:
    key = upload(bucket, opportunities(range(3)))
    publish(sqs, pointer(key))
    arrive()
    open_pointers()
    first = {m.pk for m in events()}

    publish(sqs, pointer(key))
    arrive()
    open_pointers()

    assert [m.status for m in pointers()] == ["succeeded"] * 2
    assert {m.pk for m in events()} == first
    assert Delivery.objects.count() == 3  # two pointers and one payload


def test_a_delivery_that_comes_again_is_no_second_pointer(
    bucket: Bucket, queue: FakeQueue, home: SalesforceOrganization
) -> None:
    """Given a delete that failed, SQS hands it out again; given SNS's id with another key, both are kept."""
    queue.failing_deletes = 1
    body = sns_notification(json.dumps(pointer("a")), message_id="sns-1")
    queue.send(body)
    poll_once(queue)
    queue.redeliver()
    poll_once(queue)
    assert [m.status for m in pointers()] == ["waiting"]

    queue.send(sns_notification(json.dumps(pointer("b")), message_id="sns-1"))
    poll_once(queue)

    assert [(m.status, m.reason, m.content["key"]) for m in pointers()] == [
        ("waiting", "", "a"),
        ("quarantined", "key_collision", "b"),
    ]


def test_an_event_that_also_came_by_itself_is_handled_once(
    sqs: Sqs, bucket: Bucket, home: SalesforceOrganization
) -> None:
    publish(sqs, opportunity(1))
    send(sqs, bucket, opportunities([1]) | {"detail": opportunity(1)["detail"]})
    open_pointers()

    assert [(m.event_type, m.status) for m in events()] == [("opportunity", "succeeded")]
    assert Delivery.objects.count() == 2


def test_another_content_under_a_known_key_is_kept_and_quarantined(
    sqs: Sqs, bucket: Bucket, home: SalesforceOrganization
) -> None:
    publish(sqs, opportunity(1))
    send(sqs, bucket, opportunity(1, "another name"))
    open_pointers()

    assert sorted((m.status, m.reason) for m in events()) == [
        ("quarantined", "key_collision"),
        ("succeeded", ""),
    ]
    assert state(pointers()[0]) == ("succeeded", "", 1)


@pytest.mark.parametrize(
    ("mode", "expected"),
    [(None, ("quarantined", "unknown_organization")), ("off", ("ignored", "organization_off"))],
)
@pytest.mark.usefixtures("redis_server")
def test_events_of_an_organization_that_is_unknown_or_off_wait_for_it(
    sqs: Sqs, bucket: Bucket, mode: str | None, expected: tuple[str, str]
) -> None:
    if mode:
        SalesforceOrganization.objects.create(salesforce_id=HOME, name="Home", mode=mode)
    message = send(sqs, bucket, opportunity(1))
    open_pointers()

    assert [(m.status, m.reason) for m in events()] == [expected]
    assert state(message) == ("succeeded", "", 1)
