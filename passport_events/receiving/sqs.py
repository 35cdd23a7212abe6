"""The only place that knows boto3's SQS."""

from __future__ import annotations

import functools
import re
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from passport_events.conf import Settings
from passport_events.exceptions import ConfigurationError, QueueUnavailable
from passport_events.receiving.received import Received

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

BATCH = 10
"""SQS hands out, and deletes, at most ten at a time."""
READ_MARGIN_SECONDS = 5
"""A socket that stays silent for this much longer than the long poll is dead."""


class MessageQueue(Protocol):
    """What receiving needs of a queue; the fake one of `passport_events.testing` has it too."""

    def receive(self, limit: int, wait_seconds: int) -> list[Received]:
        """Up to `limit` (at most 10) messages. Raises QueueUnavailable."""

    def delete(self, messages: Sequence[Received]) -> list[Received]:
        """Delete up to ten; returns those that could not be. Raises QueueUnavailable."""


class SqsQueue:
    """An SQS queue over two connections, so that a delete never waits behind a long poll.

    A delete that waits lets the visibility timeout run out, and its messages come again.
    """

    def __init__(self, settings: Settings) -> None:
        self._url = settings.queue_url
        self._polling = client(settings, "sqs", settings.wait_seconds + READ_MARGIN_SECONDS)
        self._deleting = client(settings, "sqs", 2 * READ_MARGIN_SECONDS)

    def receive(self, limit: int, wait_seconds: int) -> list[Received]:
        """One long poll of up to `wait_seconds`. Raises QueueUnavailable."""
        try:
            response = self._polling.receive_message(
                QueueUrl=self._url,
                MaxNumberOfMessages=min(limit, BATCH),
                WaitTimeSeconds=wait_seconds,
                MessageAttributeNames=["All"],
                MessageSystemAttributeNames=["All"],
            )
        except (BotoCoreError, ClientError) as error:
            raise QueueUnavailable(f"SQS did not answer a receive: {_kind(error)}") from error
        return [_received(message) for message in response.get("Messages", ())]

    def delete(self, messages: Sequence[Received]) -> list[Received]:
        """One DeleteMessageBatch. Raises QueueUnavailable.

        Entries are named by position: SQS may hand out one message twice in one receive, and a
        batch with two equal names is refused as a whole.
        """
        entries = [
            {"Id": str(position), "ReceiptHandle": message.receipt_handle}
            for position, message in enumerate(messages)
        ]
        try:
            response = self._deleting.delete_message_batch(QueueUrl=self._url, Entries=entries)  # type: ignore[arg-type]
        except (BotoCoreError, ClientError) as error:
            raise QueueUnavailable(f"SQS did not answer a delete: {_kind(error)}") from error
        return [messages[int(entry["Id"])] for entry in response.get("Failed", ())]


def client(settings: Settings, service: str, read_timeout: float) -> SQSClient:
    """A boto3 client, safe to share between threads; credentials come from boto3's own chain.

    One retry only: the poller has its own patience, and says what it waits for. Raises
    ConfigurationError where boto3 cannot make one: no region, or a URL that is none.
    """
    config = Config(
        connect_timeout=READ_MARGIN_SECONDS,
        read_timeout=read_timeout,
        retries={"mode": "standard", "total_max_attempts": 2},
        tcp_keepalive=True,
        max_pool_connections=64,
    )
    try:
        with _making_a_client:
            return _session().client(  # type: ignore[no-any-return]
                service,
                region_name=settings.region or region_of(settings.queue_url) or None,
                endpoint_url=settings.endpoint_url or None,
                config=config,
            )
    except (BotoCoreError, ValueError) as error:
        raise ConfigurationError(f"boto3 makes no client for {service}: {error}") from error


def region_of(queue_url: str) -> str:
    """The region in an SQS URL (`https://sqs.REGION.amazonaws.com/...`), or an empty string."""
    found = re.match(r"https://(?:sqs|queue)\.([a-z0-9-]+)\.(?:api\.)?(?:amazonaws|aws)\b", queue_url)
    return found[1] if found else ""


_making_a_client = threading.Lock()
"""Clients are safe to share between threads; the session that makes them is not."""


@functools.cache
def _session() -> Any:
    # Of our own: other code may make clients with boto3's default one at this moment.
    return boto3.session.Session()


def _kind(error: BotoCoreError | ClientError) -> str:
    if isinstance(error, ClientError):
        return str(error.response.get("Error", {}).get("Code", "error"))
    return type(error).__name__


def _received(message: Any) -> Received:
    return Received(
        message_id=message["MessageId"],
        receipt_handle=message["ReceiptHandle"],
        body=message.get("Body", "").encode("utf-8", "surrogatepass"),
        attributes=message.get("Attributes", {}),
        message_attributes=message.get("MessageAttributes", {}),
    )
