"""The pipeline in a project that does everything differently."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from passport_events.testing import organization_id, record_id, relay_message
from passport_events.wire.s3_pointer import CLASSES
from tests.harness.aws import Sqs
from tests.harness.monolith import Monolith
from tests.receiving.factories import heartbeat

if TYPE_CHECKING:
    from mypy_boto3_s3.service_resource import Bucket

HOME = organization_id(1)
SEEDED = f"""
from passport_events.models import SalesforceOrganization
SalesforceOrganization.objects.create(salesforce_id="{HOME}", name="Home", mode="live")
"""
COUNTED = """
from tests.monolith.campus.models import Deal
from passport_events.models import ProcessedMessage, SalesforceRecord
deals = Deal.objects.using("default")
print(deals.count(), deals.filter(stage="Closed").count(), SalesforceRecord.objects.count())
print(sorted(set(ProcessedMessage.objects.values_list("status", flat=True))))
"""

HEARD = """
from datetime import timedelta
from passport_events.models import SalesforceOrganization
from passport_events.operating.heartbeats import list_organization_silences
print(SalesforceOrganization.objects.get().heartbeat_sent_at)
print([timedelta(0) <= silence.span < timedelta(minutes=5) for silence in list_organization_silences()] == [True])
"""


@pytest.fixture
def seeded(sqs: Sqs, monolith: Monolith) -> Monolith:
    """The monolith with one organization, and thirty opportunities published to it, ten of them twice."""
    monolith.python(SEEDED)
    for number in range(30):
        record = record_id("Opportunity", number)
        opened = relay_message("Opportunity", record, fields={"Name": f"n{number}"}, organization=HOME)
        sqs.topic.publish(Message=json.dumps(opened))
    for number in range(10):
        closed = relay_message(
            "Opportunity",
            record_id("Opportunity", number),
            "UPDATE",
            {"StageName": "Closed"},
            organization=HOME,
            at_ms=1_778_192_988_000,
        )
        sqs.topic.publish(Message=json.dumps(closed))
        sqs.topic.publish(Message=json.dumps(closed))
    return monolith


@pytest.mark.parametrize("worker", ["PassportWorker", "PassportSimpleWorker"])
def test_events_reach_the_handlers_of_an_awkward_project(seeded: Monolith, worker: str) -> None:
    """Local time, a lagging replica, pickled jobs, other queue names and an own user model change nothing."""
    polled = seeded.manage("poll_sqs", "--until-empty", "--concurrency=1")
    seeded.manage("dispatch_messages", "--once")
    seeded.manage(
        "rqworker", "--burst", f"--worker-class=passport_events.handling.rq_worker.{worker}", "crm-opps"
    )

    assert polled.split()[-3:] == ["received=50", "new=40", "duplicates=10"]
    assert seeded.python(COUNTED).splitlines() == ["30 10 30", "['succeeded']"]


def test_a_large_message_reaches_its_handler_too(sqs: Sqs, bucket: Bucket, monolith: Monolith) -> None:
    """Where the pointer's row, its delivery and its times are in local time, and reads go to a replica."""
    monolith.python(SEEDED)
    records = [record_id("Opportunity", number) for number in range(30)]
    event = relay_message("Opportunity", records, fields={"Name": "large"}, organization=HOME)
    bucket.put_object(Key="k", Body=json.dumps(event).encode())
    pointer = [CLASSES[0], {"s3BucketName": bucket.name, "s3Key": "k"}]
    sqs.topic.publish(Message=json.dumps(pointer))

    monolith.manage("poll_sqs", "--until-empty", "--concurrency=1")
    monolith.manage("dispatch_messages", "--once")
    monolith.manage(
        "rqworker", "--burst", "--worker-class=passport_events.handling.rq_worker.PassportWorker", "crm-opps"
    )

    assert monolith.python(COUNTED).splitlines() == ["30 0 30", "['succeeded']"]
    times = monolith.python(
        "from passport_events.models import Delivery\n"
        "print(len(set(Delivery.objects.values_list('sent_at', 'published_at', 'received_at'))))"
    )
    assert times.strip() == "1"


def test_heartbeats_are_recorded_and_silence_is_measured_in_local_time(sqs: Sqs, monolith: Monolith) -> None:
    monolith.python(SEEDED)
    for at_ms in (1_778_192_987_000, 1_778_192_988_500, 1_778_192_986_000):
        sqs.topic.publish(Message=json.dumps(heartbeat(HOME, at_ms)))

    polled = monolith.manage("poll_sqs", "--until-empty", "--concurrency=1")

    assert polled.split()[-3:] == ["received=3", "new=0", "duplicates=0"]
    sent_at, is_just_heard = monolith.python(HEARD).splitlines()
    assert (sent_at, is_just_heard) == ("2026-05-07 18:29:48.500000", "True")


def test_the_awkward_project_passes_its_checks(monolith: Monolith) -> None:
    """Nothing of ours asks for more than INSTALLED_APPS and one setting."""
    assert "no issues" in monolith.manage("check")
    assert monolith.manage("makemigrations", "--check", "--dry-run").strip() == "No changes detected"
