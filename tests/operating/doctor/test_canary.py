"""A canary goes down the real path, and where it stops is told."""

from __future__ import annotations

import dataclasses
import json
from datetime import timedelta

import boto3
import pytest
from pytest_django.fixtures import Settings

from passport_events import conf
from passport_events.handling.jobs import work_on_queue
from passport_events.models import MessageAttempt, ProcessedMessage, SalesforceOrganization
from passport_events.operating.doctor import canary
from passport_events.operating.doctor.canary import Canary, CanaryState
from passport_events.operating.doctor.finding import DoctorFinding, Severity
from passport_events.processes.heartbeat import ProcessHeartbeat, ProcessStatus
from passport_events.receiving.poll import poll_once
from passport_events.receiving.sqs import SqsQueue
from project.embedded import ValkeyServer
from tests.harness import environment
from tests.harness.aws import Sqs
from tests.operating.stack import age
from tests.operating.test_passport_command import passport

TYPES = ["opportunity", "attachment", "item"]
NOW = timedelta(0)
pytestmark = pytest.mark.django_db(transaction=True)


def send(topic: str = "") -> list[Canary]:
    sent = canary.send(conf.get_settings(), topic, TYPES)
    assert not isinstance(sent, DoctorFinding)
    return sent


def receive() -> None:
    while poll_once(SqsQueue(conf.get_settings()), wait_seconds=0).received:
        pass


def findings(sent: list[Canary]) -> list[DoctorFinding]:
    return list(canary.judge(canary.follow(sent, NOW), NOW))


@pytest.mark.parametrize("through", ["the queue", "the topic"])
def test_canaries_of_every_type_come_to_their_end(redis_server: ValkeyServer, sqs: Sqs, through: str) -> None:
    sent = send(sqs.topic.arn if through == "the topic" else "")
    receive()
    for queue in conf.get_settings().queues():
        work_on_queue(queue)

    found = findings(sent)

    assert [(each.id, each.severity) for each in found] == [("C0", Severity.GOOD)] * 3
    assert "inbox to worker" in found[0].text
    assert not MessageAttempt.objects.exists()


def test_no_handler_sees_a_canary_even_where_somebody_made_its_organization_live(
    redis_server: ValkeyServer, sqs: Sqs
) -> None:
    SalesforceOrganization.objects.create(salesforce_id=canary.ORGANIZATION, name="x", mode="live")

    send()
    receive()
    work_on_queue("passport-opportunities")

    assert ProcessedMessage.objects.get(event_type="opportunity").reason == "shadow"


def test_without_a_poller_it_says_so(redis_server: ValkeyServer, sqs: Sqs) -> None:
    """Case C2. A row that a dead poller left is no poller, and neither is an ingester."""
    sent = send()
    assert [finding.id for finding in findings(sent)] == ["C2"]
    ProcessHeartbeat(ProcessStatus(), None, "ingester").beat()
    assert [finding.id for finding in findings(sent)] == ["C2"]
    ProcessHeartbeat(ProcessStatus(), None).beat()
    assert [finding.id for finding in findings(sent)] == ["C3"]
    age(timedelta(seconds=40))
    assert [finding.id for finding in findings(sent)] == ["C2"]


def test_with_a_poller_that_does_not_receive_it_somebody_else_may_have(
    redis_server: ValkeyServer, sqs: Sqs
) -> None:
    ProcessHeartbeat(ProcessStatus(), None).beat()
    sent = send()
    boto3.client("sqs", endpoint_url=environment.aws_endpoint_url()).purge_queue(QueueUrl=sqs.queue.url)

    (found,) = findings(sent)

    assert (found.id, "3 of 3" in found.text) == ("C3", True)


def test_without_a_worker_it_says_so_for_each_type(redis_server: ValkeyServer, sqs: Sqs) -> None:
    sent = send()
    receive()
    work_on_queue("passport-items")

    assert [finding.id for finding in findings(sent)] == ["C4", "C4", "C0"]


def test_a_canary_that_was_received_before_is_told() -> None:
    seen = CanaryState("opportunity", status="succeeded", receives=2)
    assert [finding.id for finding in canary.judge([seen], NOW)] == ["C0", "C6"]


def test_a_canary_that_ends_otherwise_is_told() -> None:
    seen = CanaryState("opportunity", status="quarantined", reason="unknown_organization", receives=1)
    assert [finding.id for finding in canary.judge([seen], NOW)] == ["C5"]


def test_a_queue_that_takes_nothing_is_told(redis_server: ValkeyServer, sqs: Sqs) -> None:
    gone = dataclasses.replace(conf.get_settings(), queue_url=conf.get_settings().queue_url + "-gone")
    found = canary.send(gone, "", TYPES)
    assert isinstance(found, DoctorFinding)
    assert found.id == "C1"


def test_the_command_reports_all_of_it(redis_server: ValkeyServer, sqs: Sqs, settings: Settings) -> None:
    code, said = passport("doctor", "--topic", sqs.topic.arn, "--timeout", "1", "--json")

    report = json.loads(said)
    found = {finding["id"] for finding in report["findings"]}
    assert (code, report["ok"]) == (1, False)
    assert found >= {"Q10", "T6", "R5", "C2"}
    assert all(finding["hint"] or finding["severity"] == "good" for finding in report["findings"])
    assert "ERROR      R5   No RQ worker listens" in passport("doctor", "--no-canary")[1]
