"""What the doctor says of the queue: decided from its attributes, and asked of a real one."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from passport_events import conf
from passport_events.conf import Settings
from passport_events.operating.doctor import queue
from passport_events.operating.doctor.finding import DoctorFinding, Severity
from passport_events.operating.doctor.queue import QueueFacts
from tests.harness import environment
from tests.harness.aws import Sqs

SETTINGS = Settings(queue_url="https://sqs.eu-west-1.amazonaws.com/123456789012/q")
DAY = 86_400
TARGET = "arn:aws:sqs:eu-west-1:123456789012:q-dead"


def redrive(receives: object) -> str:
    return json.dumps({"deadLetterTargetArn": TARGET, "maxReceiveCount": receives})


def policy(**statement: Any) -> str:
    allowed = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage"} | statement
    return json.dumps({"Version": "2012-10-17", "Statement": [allowed]})


GOOD = QueueFacts(
    arn="arn:aws:sqs:eu-west-1:123456789012:q",
    attributes={
        "VisibilityTimeout": "60",
        "MessageRetentionPeriod": str(4 * DAY),
        "MaximumMessageSize": "1048576",
        "RedrivePolicy": redrive("10"),
        "Policy": policy(Principal={"Service": "sns.amazonaws.com"}, Condition={"ArnEquals": {}}),
    },
    dead_letters={"MessageRetentionPeriod": str(14 * DAY), "ApproximateNumberOfMessages": "0"},
)


def ids(facts: QueueFacts, settings: Settings = SETTINGS) -> list[str]:
    return [finding.id for finding in queue.judge(facts, settings)]


def having(**attributes: str) -> QueueFacts:
    return dataclasses.replace(GOOD, attributes={**GOOD.attributes, **attributes})


def test_a_queue_as_it_should_be() -> None:
    assert ids(GOOD) == ["Q0"]


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"FifoQueue": "true"}, "Q2"),
        ({"VisibilityTimeout": "29"}, "Q3"),
        ({"VisibilityTimeout": "901"}, "Q3"),
        ({"MessageRetentionPeriod": str(4 * DAY - 1)}, "Q4"),
        ({"DelaySeconds": "1"}, "Q5"),
        ({"MaximumMessageSize": "1048577"}, "Q6"),
        ({"ApproximateNumberOfMessagesNotVisible": "100001"}, "Q7"),
        ({"Policy": policy()}, "Q8"),
        ({"Policy": policy(Principal={"AWS": "*"}, Action=["sqs:*"])}, "Q8"),
        ({"Policy": policy(Principal={"AWS": ["1", "*"]}, Action="SQS:SendMessage")}, "Q8"),
        ({"RedrivePolicy": ""}, "Q9"),
        ({"RedrivePolicy": redrive(9)}, "Q10"),
    ],
)
def test_each_wrong_attribute_has_its_finding(attributes: Mapping[str, str], expected: str) -> None:
    assert ids(having(**attributes)) == [expected]


@pytest.mark.parametrize(
    "attributes",
    [
        {"VisibilityTimeout": "30"},
        {"VisibilityTimeout": "900"},
        {"Policy": policy(Effect="Deny")},
        {"Policy": policy(Action="sqs:ReceiveMessage")},
        {"Policy": policy(Principal={"AWS": "arn:aws:iam::123456789012:role/publisher"})},
        {"Policy": "not JSON"},
        {"Policy": json.dumps({"Statement": ["?"]})},
        {"RedrivePolicy": redrive(1000)},
    ],
)
def test_what_is_no_trouble_is_no_finding(attributes: Mapping[str, str]) -> None:
    assert ids(having(**attributes)) == ["Q0"]


def test_retries_that_take_longer_than_four_days_ask_for_more_retention() -> None:
    settings = dataclasses.replace(SETTINGS, max_retries=40)
    retries_take = timedelta(seconds=10 * (2**12 - 1)) + 28 * timedelta(hours=6)
    assert ids(having(MessageRetentionPeriod=str(int(retries_take.total_seconds()) - 1)), settings)[0] == "Q4"
    assert "Q4" not in ids(having(MessageRetentionPeriod=str(int(retries_take.total_seconds()))), settings)


def test_dead_letters_must_be_kept_longer_because_they_keep_the_time_they_were_sent() -> None:
    short = dataclasses.replace(GOOD, dead_letters={"MessageRetentionPeriod": str(4 * DAY)})
    assert ids(short) == ["Q12"]


def test_messages_in_the_dead_letter_queue_are_said() -> None:
    some = dataclasses.replace(
        GOOD, dead_letters={**(GOOD.dead_letters or {}), "ApproximateNumberOfMessages": "7"}
    )
    (finding,) = queue.judge(some, SETTINGS)
    assert (finding.id, finding.text[:10]) == ("Q13", "7 messages")


def test_a_dead_letter_queue_that_may_not_be_asked_is_named_with_the_right_that_is_missing() -> None:
    (finding,) = queue.judge(dataclasses.replace(GOOD, dead_letters=None, problem="AccessDenied"), SETTINGS)
    assert (finding.id, finding.severity) == ("Q11", Severity.UNASKED)
    assert "sqs:GetQueueUrl" in finding.hint


def test_a_real_queue_is_asked_with_its_dead_letter_queue(sqs: Sqs) -> None:
    facts = queue.read_facts(conf.get_settings())

    assert isinstance(facts, QueueFacts)
    assert facts.arn == sqs.queue.attributes["QueueArn"]
    assert facts.dead_letters is not None
    assert facts.dead_letters["QueueArn"] == sqs.dead_letter_queue.attributes["QueueArn"]
    # Of five receives, as the tests' queue has it; both queues keep messages equally long there.
    assert {finding.id for finding in queue.judge(facts, conf.get_settings())} >= {"Q10", "Q12"}


def test_a_queue_that_does_not_exist_is_an_error(sqs: Sqs) -> None:
    boto3.client("sqs", endpoint_url=environment.aws_endpoint_url()).delete_queue(QueueUrl=sqs.queue.url)

    found = queue.read_facts(conf.get_settings())

    assert isinstance(found, DoctorFinding)
    assert (found.id, found.severity) == ("Q1", Severity.ERROR)
    assert "QUEUE_URL" in found.hint


def test_a_missing_right_is_named() -> None:
    denied = ClientError({"Error": {"Code": "AccessDenied", "Message": "secret"}}, "GetQueueAttributes")

    found = queue.report_refusal("Q1", "SQS says nothing", denied, "sqs:GetQueueAttributes", "QUEUE_URL")

    assert found.severity is Severity.UNASKED
    assert "sqs:GetQueueAttributes" in found.hint
    assert "secret" not in found.text + found.hint
