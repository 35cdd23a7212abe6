"""What SNS is asked for, and what is made of its answers and errors."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    NoCredentialsError,
    ReadTimeoutError,
)
from botocore.parsers import ResponseParserError
from botocore.stub import Stubber

from passport_events import conf
from passport_events.aws_clients.clients import AWS_ERRORS, is_client_fault
from passport_events.exceptions import ConfigurationError, OperationRefused, TopicUnavailable
from passport_events.publishing.messages import MAX_REQUEST_BYTES, OutgoingMessage
from passport_events.publishing.sns_topic import RejectedMessage, SnsTopic, parse_region
from tests.harness.aws import Sqs

from .outgoings import outgoing

pytestmark = pytest.mark.any_database

ARN = "arn:aws:sns:us-east-1:123456789012:events"
URL = {"endpoint_url": "http://127.0.0.1"}


@pytest.fixture
def topic(sqs: Sqs) -> SnsTopic:
    return SnsTopic(conf.get_settings(), sqs.topic.arn)


def test_a_batch_arrives_with_its_attributes(sqs: Sqs, topic: SnsTopic) -> None:
    batch = [
        OutgoingMessage(line, f'{{"line": {line}, "ü": "😀"}}', {"entity": f"E{line}"}) for line in range(10)
    ]

    assert topic.publish(batch) == []

    notifications = [
        json.loads(message.body) for message in sqs.queue.receive_messages(MaxNumberOfMessages=10)
    ]
    assert sorted(one["Message"] for one in notifications) == sorted(message.body for message in batch)
    for one in notifications:
        line = json.loads(one["Message"])["line"]
        assert one["MessageAttributes"] == {"entity": {"Type": "String", "Value": f"E{line}"}}


def test_raw_delivery_hands_the_attributes_on(sqs: Sqs, topic: SnsTopic) -> None:
    sqs.subscription.set_attributes(AttributeName="RawMessageDelivery", AttributeValue="true")
    topic.publish([OutgoingMessage(1, "{}", {"org_id": "00D"})])
    (message,) = sqs.queue.receive_messages(MessageAttributeNames=["All"])
    assert (message.body, message.message_attributes["org_id"]["StringValue"]) == ("{}", "00D")


def test_an_entry_that_sns_refuses_is_told_by_position_and_its_neighbours_arrive(
    sqs: Sqs, topic: SnsTopic
) -> None:
    batch = [
        *outgoing(1),
        OutgoingMessage(2, "x" * (MAX_REQUEST_BYTES + 1), {}),
        OutgoingMessage(3, "{}", {}),
    ]
    assert topic.publish(batch) == [RejectedMessage(1, "InvalidParameter", True)]
    assert len(sqs.queue.receive_messages(MaxNumberOfMessages=10)) == 2


def answered(topic: SnsTopic, answer: dict[str, Any], count: int) -> list[RejectedMessage]:
    with Stubber(topic._sns) as stub:
        stub.add_response("publish_batch", answer)
        return topic.publish(outgoing(count))


def test_whose_fault_it_is_is_kept(topic: SnsTopic) -> None:
    failed = [
        {"Id": "2", "Code": "InternalError", "SenderFault": False},
        {"Id": "0", "Code": "InvalidParameter", "SenderFault": True},
    ]
    assert answered(topic, {"Successful": [{"Id": "1"}], "Failed": failed}, 3) == [
        RejectedMessage(0, "InvalidParameter", True),
        RejectedMessage(2, "InternalError", False),
    ]


def test_an_entry_that_sns_does_not_mention_is_not_taken_for_sent(topic: SnsTopic) -> None:
    assert answered(topic, {"Successful": [{"Id": "0"}]}, 2) == [RejectedMessage(1, "NoAnswer", False)]
    assert answered(topic, {}, 1) == [RejectedMessage(0, "NoAnswer", False)]


@pytest.mark.parametrize(
    ("code", "status", "is_final"),
    [
        ("ThrottledException", 400, False),
        ("Throttling", 429, False),
        ("KMSThrottling", 400, False),
        ("TooManyRequestsException", 429, False),
        ("RequestTimeout", 408, False),
        ("InternalError", 500, False),
        ("ServiceUnavailable", 503, False),
        ("AuthorizationError", 403, True),
        ("InvalidClientTokenId", 403, True),
        ("InvalidParameter", 400, True),
        ("PermanentRedirect", 301, True),
        ("OverLimit", 403, False),
    ],
)
def test_a_refused_request_says_whether_another_try_is_of_use(
    topic: SnsTopic,
    code: str,
    status: int,
    is_final: bool,  # noqa: FBT001
) -> None:
    with Stubber(topic._sns) as stub:
        stub.add_client_error("publish_batch", code, "Jane Doe", status)
        with pytest.raises(TopicUnavailable) as raised:
            topic.publish(outgoing(1))
    assert (raised.value.code, raised.value.is_final) == (code, is_final)
    assert str(raised.value).startswith(f"SNS did not take a request: {code} ({topic._arn} at ")
    assert "Jane" not in str(raised.value)


@pytest.mark.parametrize(
    ("error", "is_final"),
    [
        (EndpointConnectionError(**URL), False),
        (ConnectTimeoutError(**URL), False),
        (ConnectionClosedError(**URL), False),
        (ReadTimeoutError(**URL), False),
        (ResponseParserError("a page of a proxy"), False),
        (NoCredentialsError(), True),
        (ClientError({"Error": {"Code": "Odd"}}, "PublishBatch"), False),
    ],
)
def test_what_the_network_did_may_pass(error: Exception, is_final: bool) -> None:  # noqa: FBT001
    assert isinstance(error, AWS_ERRORS)
    assert is_client_fault(error) is is_final


def test_a_topic_that_is_gone_is_named_by_its_code(sqs: Sqs, topic: SnsTopic) -> None:
    sqs.topic.delete()
    with pytest.raises(TopicUnavailable, match="NotFound") as raised:
        topic.publish(outgoing(1))
    assert raised.value.is_final


def test_an_endpoint_that_does_not_answer_may_answer_later() -> None:
    nowhere = dataclasses.replace(conf.get_settings(), endpoint_url="http://127.0.0.1:1")
    with pytest.raises(TopicUnavailable, match="EndpointConnectionError") as raised:
        SnsTopic(nowhere, ARN).publish(outgoing(1))
    assert not raised.value.is_final


@pytest.mark.parametrize(
    ("arn", "region"),
    [
        (ARN, "us-east-1"),
        ("arn:aws-cn:sns:cn-north-1:123456789012:Events_1-x", "cn-north-1"),
        ("arn:aws-us-gov:sns:us-gov-west-1:123456789012:e", "us-gov-west-1"),
    ],
)
def test_the_client_is_for_the_region_of_the_topic(arn: str, region: str) -> None:
    assert parse_region(arn) == region
    assert SnsTopic(conf.get_settings(), arn)._sns.meta.region_name == region


@pytest.mark.parametrize(
    ("arn", "reason"),
    [
        (f"{ARN}.fifo", "This is a FIFO topic"),
        ("events", "must be the ARN of an SNS topic"),
        ("arn:aws:sqs:us-east-1:123456789012:events", "must be the ARN of an SNS topic"),
        (f"{ARN}:0d6b2f6e-8b5c-4d3e-9f0a-1b2c3d4e5f60", "must be the ARN of an SNS topic"),
        (f"{ARN}\n", "must be the ARN of an SNS topic"),
    ],
)
def test_another_arn_is_refused_before_anything_is_asked(arn: str, reason: str) -> None:
    with pytest.raises(OperationRefused, match=reason):
        SnsTopic(conf.get_settings(), arn)


def test_an_endpoint_that_is_none_is_a_configuration_error() -> None:
    with pytest.raises(ConfigurationError):
        SnsTopic(dataclasses.replace(conf.get_settings(), endpoint_url="http://"), ARN)
