"""The SQS queue: receive and delete."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, Protocol, Self
from urllib.parse import urlsplit

from passport_events.aws_clients.clients import (
    AWS_ERRORS,
    READ_MARGIN_SECONDS,
    create_client,
    get_error_code,
    is_permanent,
)
from passport_events.aws_clients.error_advice import find_advice
from passport_events.aws_clients.queue_urls import find_region, strip_userinfo
from passport_events.conf import Settings
from passport_events.exceptions import QueueUnavailable
from passport_events.instrumentation import Notification, emit
from passport_events.receiving.fast_sqs import FastSqsClient, NoAnswerOfSqsError
from passport_events.wire.raw_delivery import RawDelivery, parse_queue_name

MAX_BATCH = 10
"""SQS receives and deletes at most ten messages per request."""
_MAX_ID_LENGTH = 128
_RESPONSE_KEYS = frozenset(("Messages", "ResponseMetadata"))


class MessageQueue(Protocol):
    """A queue that can be polled: `SqsQueue`, and the fake queue of `passport_events.testing`."""

    label: str
    """Its name in state changes."""
    url: str
    """Empty for a queue that is not in SQS."""
    source: str
    """Queue, server and region, for operators."""

    def receive(self, limit: int, wait_seconds: int) -> list[RawDelivery]:
        """Up to `limit` (at most 10) messages. Raises QueueUnavailable."""

    def delete(self, messages: Sequence[RawDelivery]) -> list[RawDelivery]:
        """Delete up to ten; returns those that were not deleted. Raises QueueUnavailable."""


class SqsQueue:
    """An SQS queue with two clients, so that a delete never waits for a long poll.

    While a delete waits, the visibility timeout can end, and SQS redelivers the messages.
    """

    def __init__(self, settings: Settings) -> None:
        self.label = "sqs"
        self.url = settings.queue_url
        self._name = parse_queue_name(self.url)
        wait = settings.sqs_wait_seconds + READ_MARGIN_SECONDS
        self._polling = FastSqsClient(functools.partial(create_client, settings, "sqs", wait))
        self._deleting = FastSqsClient(
            functools.partial(create_client, settings, "sqs", 2 * READ_MARGIN_SECONDS)
        )
        server = strip_userinfo(urlsplit(self._polling.url).netloc)
        self.source = f"queue {self._name} at {server}, region {self._polling.region}"

    @classmethod
    def create_for_dead_letters(cls, settings: Settings, url: str) -> Self:
        """Create one of the queues in DEAD_LETTER_QUEUE_URLS."""
        queue = cls(dataclasses.replace(settings, queue_url=url))
        queue.label = f"sqs {parse_queue_name(url)}"
        return queue

    def receive(self, limit: int, wait_seconds: int) -> list[RawDelivery]:
        """One long poll of up to `wait_seconds`. Raises QueueUnavailable."""
        limit = min(limit, MAX_BATCH)
        try:
            response = self._polling.call(
                "ReceiveMessage",
                QueueUrl=self.url,
                MaxNumberOfMessages=limit,
                WaitTimeSeconds=wait_seconds,
                MessageAttributeNames=["All"],
                MessageSystemAttributeNames=["All"],
            )
            deliveries, invalid = _parse_messages(response, self._name, limit)
        except AWS_ERRORS as error:
            raise self._describe_outage("a receive", error) from error
        self._report_invalid(invalid, has_messages=bool(deliveries))
        return deliveries

    def delete(self, messages: Sequence[RawDelivery]) -> list[RawDelivery]:
        """One DeleteMessageBatch. Raises QueueUnavailable.

        Positions are the ids of the entries: SQS can deliver one message twice in one receive, and refuses
        a batch with two equal ids.
        """
        entries = [
            {"Id": str(position), "ReceiptHandle": message.receipt_handle}
            for position, message in enumerate(messages)
        ]
        try:
            response = self._deleting.call("DeleteMessageBatch", QueueUrl=self.url, Entries=entries)
            deleted = {entry["Id"] for entry in response.get("Successful") or ()}
        except AWS_ERRORS as error:
            raise self._describe_outage("a delete", error) from error
        # A message that the response does not name may still be in SQS, and is a duplicate then.
        return [message for position, message in enumerate(messages) if str(position) not in deleted]

    def _report_invalid(self, invalid: int, *, has_messages: bool) -> None:
        """Report invalid entries, which stay in SQS. Raises QueueUnavailable if there is no valid one."""
        if invalid and not has_messages:
            raise QueueUnavailable(f"SQS answered a receive with {invalid} entries that are no messages.")
        if invalid:
            reason = f"{invalid} entries of an answer are no messages; they come again"
            emit(Notification.STATE_CHANGED, what=f"{self.label} answers", state="away", reason=reason)
        elif has_messages:
            emit(Notification.STATE_CHANGED, what=f"{self.label} answers", state="here")

    def _describe_outage(self, what: str, error: BaseException) -> QueueUnavailable:
        where = self.label.removeprefix("sqs")
        kind, operation = get_error_code(error), str(getattr(error, "operation_name", ""))
        return QueueUnavailable(
            f"SQS did not answer {what}{where and ' from' + where}: {kind} ({self.source}). "
            f"{find_advice(kind, operation=operation)}To find out more, run manage.py passport doctor.",
            # The region of an endpoint that is not AWS's has no meaning.
            is_permanent=is_permanent(error, find_region(self.url) and self._polling.region),
        )


def _parse_messages(response: Any, queue: str, limit: int) -> tuple[list[RawDelivery], int]:
    """The messages of a response, and the number of invalid entries. Raises NoAnswerOfSqsError."""
    parsed = [_parse_message(entry, queue) for entry in _get_entries(response)[:limit]]
    return [raw for raw in parsed if raw is not None], parsed.count(None)


def _get_entries(response: Any) -> list[Any]:
    # An empty receive is {}. Any other response without messages is not from SQS.
    if not isinstance(response, Mapping) or not set(response) <= _RESPONSE_KEYS:
        raise NoAnswerOfSqsError
    messages = response.get("Messages")
    if messages is None:
        return []
    if not isinstance(messages, list):
        raise NoAnswerOfSqsError
    return messages


def _parse_message(entry: Any, queue: str) -> RawDelivery | None:
    """Parse one entry; None if it could not be stored unchanged, or could not be deleted."""
    if not isinstance(entry, Mapping):
        return None
    message_id, handle, body = entry.get("MessageId"), entry.get("ReceiptHandle"), entry.get("Body")
    if not isinstance(message_id, str) or not isinstance(handle, str) or not isinstance(body, str):
        return None
    if not _is_valid_id(message_id) or not handle:
        return None
    data = body.encode("utf-8", "surrogatepass")
    if not _is_complete(data, entry.get("MD5OfBody")):
        return None
    attributes, message_attributes = entry.get("Attributes"), entry.get("MessageAttributes")
    return RawDelivery(
        queue=queue,
        message_id=message_id,
        receipt_handle=handle,
        body=data,
        attributes=_filter_values(attributes, str),
        message_attributes=_filter_values(message_attributes, Mapping),
    )


def _is_valid_id(text: str) -> bool:
    """True for an id that the database accepts."""
    return 0 < len(text) <= _MAX_ID_LENGTH and text.isascii() and text.isprintable()


def _is_complete(data: bytes, digest: Any) -> bool:
    """True if the body matches its digest, or has none."""
    return digest is None or hashlib.md5(data, usedforsecurity=False).hexdigest() == digest


def _filter_values(attributes: Any, kind: type) -> dict[str, Any]:
    if not isinstance(attributes, Mapping):
        return {}
    return {name: value for name, value in attributes.items() if isinstance(value, kind)}
