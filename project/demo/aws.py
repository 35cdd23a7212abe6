"""SNS and SQS of the demo: dummy credentials, one endpoint on 127.0.0.1, and what is created there."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

from project.embedded import require_loopback

if TYPE_CHECKING:
    from mypy_boto3_sns.client import SNSClient
    from mypy_boto3_sqs.client import SQSClient

REGION = "us-east-1"
NAME = "passport-events"
VISIBILITY_SECONDS = 5
"""So soon comes back what a killed poller had in hand."""
RECEIVES_BEFORE_DEAD_LETTER = 10

CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "dummy",
    "AWS_SECRET_ACCESS_KEY": "dummy",
    "AWS_DEFAULT_REGION": REGION,
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
}
"""For the environment of the demo and of its processes, in place of every other AWS_ variable."""


def use_dummy_credentials() -> None:
    """Forget this shell's own AWS configuration, which would lead away from the emulator."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ |= CREDENTIALS


def sns(endpoint_url: str) -> SNSClient:
    """A client. Raises NotLoopbackError."""
    return boto3.session.Session().client(
        "sns", endpoint_url=require_loopback(endpoint_url), config=_config()
    )


def sqs(endpoint_url: str) -> SQSClient:
    """A client. Raises NotLoopbackError."""
    return boto3.session.Session().client(
        "sqs", endpoint_url=require_loopback(endpoint_url), config=_config()
    )


def _config() -> Config:
    # One try: a retried publish that had arrived would be a duplicate that the scenario knows not of.
    return Config(retries={"mode": "standard", "total_max_attempts": 1}, proxies={})


@dataclass(frozen=True, slots=True)
class Resources:
    """What the pipeline reads from and the publisher writes to."""

    topic_arn: str
    queue_url: str
    dead_letter_queue_url: str


def create(endpoint_url: str, visibility_seconds: int = VISIBILITY_SECONDS) -> Resources:
    """A topic, a queue that it delivers to, and a queue for what nobody could receive."""
    queues, topics = sqs(endpoint_url), sns(endpoint_url)
    dead_letter_queue_url = queues.create_queue(QueueName=f"{NAME}-dead-letters")["QueueUrl"]
    redrive = {
        "deadLetterTargetArn": _arn(queues, dead_letter_queue_url),
        "maxReceiveCount": RECEIVES_BEFORE_DEAD_LETTER,
    }
    queue_url = queues.create_queue(
        QueueName=NAME,
        Attributes={"VisibilityTimeout": str(visibility_seconds), "RedrivePolicy": json.dumps(redrive)},
    )["QueueUrl"]
    topic_arn = topics.create_topic(Name=NAME)["TopicArn"]
    topics.subscribe(TopicArn=topic_arn, Protocol="sqs", Endpoint=_arn(queues, queue_url))
    return Resources(topic_arn, queue_url, dead_letter_queue_url)


def depth(queues: SQSClient, queue_url: str) -> int:
    """Messages in a queue, those in flight included."""
    attributes = queues.get_queue_attributes(
        QueueUrl=queue_url,
        AttributeNames=["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"],
    )["Attributes"]
    return sum(map(int, attributes.values()))


def _arn(queues: SQSClient, queue_url: str) -> str:
    attributes = queues.get_queue_attributes(QueueUrl=queue_url, AttributeNames=["QueueArn"])
    return attributes["Attributes"]["QueueArn"]
