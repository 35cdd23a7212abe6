"""The queue: receive and delete, and nothing else of SQS."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

from passport_events.conf import Settings
from passport_events.exceptions import QueueUnavailable
from passport_events.receiving.aws import AWS_ERRORS, READ_MARGIN_SECONDS, client, kind_of
from passport_events.receiving.received import Received

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient

BATCH = 10
"""SQS hands out, and deletes, at most ten at a time."""


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
        self._polling: SQSClient = client(settings, "sqs", settings.wait_seconds + READ_MARGIN_SECONDS)
        self._deleting: SQSClient = client(settings, "sqs", 2 * READ_MARGIN_SECONDS)

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
        except AWS_ERRORS as error:
            raise QueueUnavailable(f"SQS did not answer a receive: {kind_of(error)}") from error
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
        except AWS_ERRORS as error:
            raise QueueUnavailable(f"SQS did not answer a delete: {kind_of(error)}") from error
        return [messages[int(entry["Id"])] for entry in response.get("Failed", ())]


def _received(message: Any) -> Received:
    return Received(
        message_id=message["MessageId"],
        receipt_handle=message["ReceiptHandle"],
        body=message.get("Body", "").encode("utf-8", "surrogatepass"),
        attributes=message.get("Attributes", {}),
        message_attributes=message.get("MessageAttributes", {}),
    )
