"""`manage.py passport publish`: from a file through SNS and SQS into the inbox."""

from __future__ import annotations

import pytest

from passport_events import conf
from passport_events.contract import VERSION
from passport_events.handling.worker import work
from passport_events.management.verbs import publish as verb
from passport_events.models import Delivery, ProcessedMessage, SalesforceRecord
from passport_events.publishing.sns_topic import SnsTopic
from passport_events.receiving.poll import poll_once
from passport_events.receiving.sqs import SqsQueue
from passport_events.testing import record_id
from tests.receiving.factories import left_in_sqs, outcomes

from .outgoings import LosingTopic
from .running import HOME, Publishing, merged, opportunity


def receive_all() -> None:
    queue = SqsQueue(conf.get_settings())
    while poll_once(queue, wait_seconds=0).received:
        pass


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("home")
def test_what_is_published_is_received_handled_and_mirrored(publish: Publishing) -> None:
    lines = [*map(opportunity, range(20)), merged(20, 21)]

    assert publish(publish.file(*lines)) == (
        0,
        "publish: sent=21 failed=0 invalid=0 requests=3 retried=0\n",
    )
    receive_all()
    work("passport-opportunities")

    assert outcomes() == [("succeeded", "")] * 22
    assert SalesforceRecord.objects.count() == 22
    assert SalesforceRecord.objects.get(record_id=record_id("Opportunity", 7))["name"] == "n7"
    assert left_in_sqs(publish.sqs) == 0


@pytest.mark.django_db
@pytest.mark.usefixtures("home")
def test_the_attributes_arrive(publish: Publishing) -> None:
    message = opportunity(1)
    publish(publish.file(message, merged(2, 3)))
    receive_all()
    described = {
        "event_type": "opportunity",
        "org_id": HOME,
        "entity": "Opportunity",
        "change_type": "upserted",
        "schema_version": VERSION,
        "event_id": message["id"],
    }
    found = [dict(delivery.attributes) for delivery in Delivery.objects.order_by("pk")]
    assert sorted(found, key=len, reverse=True) == [
        described,
        {name: value for name, value in described.items() if name != "event_id"} | {"change_type": "created"},
    ]


@pytest.mark.django_db
@pytest.mark.usefixtures("home")
def test_a_lost_reply_sends_twice_what_then_happens_once(
    publish: Publishing, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Losing(LosingTopic):
        def __init__(self, settings: conf.Settings, arn: str) -> None:
            real = SnsTopic(settings, arn)
            super().__init__(*[lambda batch: ([one.line for one in batch], real.publish(batch))] * 2)

    monkeypatch.setattr(verb, "SnsTopic", Losing)
    monkeypatch.setattr("passport_events.publishing.publisher.MIN_PAUSE_SECONDS", 0)

    said = publish(publish.file(*map(opportunity, range(10))))

    assert said == (0, "publish: sent=10 failed=0 invalid=0 requests=2 retried=10\n")
    assert left_in_sqs(publish.sqs) == 20
    receive_all()
    assert ProcessedMessage.objects.count() == 10


@pytest.mark.django_db
@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("event_type", ["opportunity", "attachment", "item"])
def test_messages_are_made_up_and_a_seed_makes_the_same_again(publish: Publishing, event_type: str) -> None:
    made = ("--generate", "12", "--event-type", event_type, "--organization", HOME[:15], "--seed", "7")
    for _ in range(2):
        assert publish(*made) == (0, "publish: sent=12 failed=0 invalid=0 requests=2 retried=0\n")
    receive_all()
    found = ProcessedMessage.objects.values_list("event_type", "organization_salesforce_id")
    assert list(found) == [(event_type, HOME)] * 12


@pytest.mark.django_db
@pytest.mark.usefixtures("home")
def test_without_a_seed_they_are_new_each_time(publish: Publishing) -> None:
    for _ in range(2):
        publish("--generate", "3", "--organization", HOME)
    receive_all()
    assert outcomes() == [("waiting", "")] * 6
