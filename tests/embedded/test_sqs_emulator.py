"""The emulator does what the demo needs of SNS and SQS, through boto3."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from project.embedded import SqsEmulator

pytestmark = pytest.mark.any_database


@pytest.fixture(scope="module")
def emulator() -> Iterator[SqsEmulator]:
    with SqsEmulator() as started:
        yield started


def client(emulator: SqsEmulator, service: Any) -> Any:
    return boto3.client(
        service,
        endpoint_url=emulator.endpoint_url,
        region_name="us-east-1",
        aws_access_key_id="dummy",
        aws_secret_access_key="dummy",
    )


def test_a_published_message_arrives_in_the_subscribed_queue(emulator: SqsEmulator) -> None:
    sqs, sns = client(emulator, "sqs"), client(emulator, "sns")
    queue_url = sqs.create_queue(QueueName="events")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    topic = sns.create_topic(Name="changes")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)

    sns.publish(TopicArn=topic, Message="hello")

    (message,) = sqs.receive_message(QueueUrl=queue_url, WaitTimeSeconds=5)["Messages"]
    assert json.loads(message["Body"])["Message"] == "hello"
    sqs.delete_message(QueueUrl=queue_url, ReceiptHandle=message["ReceiptHandle"])


def test_queue_urls_are_on_127_0_0_1(emulator: SqsEmulator) -> None:
    queue_url = client(emulator, "sqs").create_queue(QueueName="address")["QueueUrl"]
    assert queue_url.startswith(emulator.endpoint_url + "/")


def test_other_services_are_off(emulator: SqsEmulator) -> None:
    lister = client(emulator, "s3")
    with pytest.raises(lister.exceptions.ClientError):
        lister.list_buckets()
