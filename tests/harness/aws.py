"""moto as a server in this process: what the fixtures `sqs` and `bucket` give to a test."""

from __future__ import annotations

import contextlib
import http.client
import json
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

import boto3
from moto.server import ThreadedMotoServer

from project.embedded import LOOPBACK
from tests.harness import environment

if TYPE_CHECKING:
    from mypy_boto3_s3.service_resource import Bucket
    from mypy_boto3_sns.service_resource import Subscription, Topic
    from mypy_boto3_sqs.service_resource import Queue

BUCKET = environment.BUCKET
_VISIBILITY_SECONDS = 30
_RECEIVES_BEFORE_DEAD_LETTER = 5


@dataclass(frozen=True, slots=True)
class Sqs:
    """boto3 resources: a topic, subscribed by a queue, whose failed messages go to another queue."""

    queue: Queue
    dead_letter_queue: Queue
    topic: Topic
    subscription: Subscription


class Moto:
    """The moto server on the port that the settings know."""

    def __init__(self) -> None:
        """Start it. Its threads end with the process."""
        logging.getLogger("werkzeug").setLevel(logging.WARNING)  # else one line per request
        port = int(environment.aws_endpoint_url().rpartition(":")[2])
        self._server = ThreadedMotoServer(ip_address=LOOPBACK, port=port, verbose=False)
        self._server.start()
        # Made once: each new resource costs milliseconds and a connection.
        url, region = environment.aws_endpoint_url(), environment.REGION
        self._sqs = boto3.resource("sqs", endpoint_url=url, region_name=region)
        self._sns = boto3.resource("sns", endpoint_url=url, region_name=region)

    def reset(self) -> None:
        """Forget every queue and topic."""
        connection = http.client.HTTPConnection(*self._server.get_host_and_port())
        with contextlib.closing(connection):
            connection.request("POST", "/moto-api/reset")
            connection.getresponse().read()

    def create(self) -> Sqs:
        """Make the queues, the topic and the subscription."""
        dead_letter_queue = self._sqs.create_queue(QueueName=f"{environment.QUEUE_NAME}-dead-letters")
        redrive = {
            "deadLetterTargetArn": dead_letter_queue.attributes["QueueArn"],
            "maxReceiveCount": _RECEIVES_BEFORE_DEAD_LETTER,
        }
        queue = self._sqs.create_queue(
            QueueName=environment.QUEUE_NAME,
            Attributes={"VisibilityTimeout": str(_VISIBILITY_SECONDS), "RedrivePolicy": json.dumps(redrive)},
        )
        topic = self._sns.create_topic(Name=environment.QUEUE_NAME)
        subscription = topic.subscribe(
            Protocol="sqs", Endpoint=queue.attributes["QueueArn"], ReturnSubscriptionArn=True
        )
        return Sqs(queue, dead_letter_queue, topic, subscription)

    def create_bucket(self) -> Bucket:
        """Make the bucket that large messages are put into."""
        s3 = boto3.resource("s3", endpoint_url=environment.aws_endpoint_url(), region_name=environment.REGION)
        return s3.create_bucket(Bucket=BUCKET)

    def stop(self) -> None:
        """Stop listening."""
        self._server.stop()
