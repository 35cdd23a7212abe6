"""A hundred events through every stage: SNS, SQS, the database, Redis, an RQ worker."""

from __future__ import annotations

import json

import django_rq
import pytest

from passport_events import conf
from passport_events.handling.rq_worker import PassportSimpleWorker
from passport_events.models import ProcessedMessage, SalesforceOrganization, SalesforceRecord
from passport_events.receiving.poll import poll_once
from passport_events.receiving.sqs import SqsQueue
from passport_events.testing import organization_id, record_id, relay_message
from project.embedded import ValkeyServer
from tests.harness.aws import Sqs
from tests.receiving.factories import left_in_sqs

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_hundred_published_events_reach_the_mirror(sqs: Sqs, redis_server: ValkeyServer) -> None:
    """Given a topic, when events are published, polled and worked on, each record is mirrored."""
    home = organization_id(1)
    SalesforceOrganization.objects.create(salesforce_id=home, name="Home", mode="live")
    for number in range(100):
        record = record_id("Opportunity", number)
        message = relay_message("Opportunity", record, fields={"Name": f"n{number}"}, organization=home)
        sqs.topic.publish(Message=json.dumps(message))

    queue = SqsQueue(conf.get_settings())
    while poll_once(queue, wait_seconds=0).received:
        pass
    rq_queue = django_rq.get_queue("passport-opportunities")
    PassportSimpleWorker([rq_queue], connection=rq_queue.connection).work(burst=True)

    assert set(ProcessedMessage.objects.values_list("status", "reason")) == {("succeeded", "")}
    assert SalesforceRecord.objects.count() == 100
    assert SalesforceRecord.objects.get(record_id=record_id("Opportunity", 7))["Name"] == "n7"
    assert left_in_sqs(sqs) == 0
