"""The queue: receive and delete, and nothing else of SQS."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence
from typing import Protocol, Self
from urllib.parse import urlsplit

from passport_events.aws_clients.clients import AWS_ERRORS, READ_MARGIN_SECONDS, client, is_permanent, kind_of
from passport_events.aws_clients.error_advice import find_way_out
from passport_events.aws_clients.queue_urls import region_of, without_userinfo
from passport_events.conf import Settings
from passport_events.exceptions import QueueUnavailable
from passport_events.instrumentation import Notification, emit
from passport_events.receiving.answers import received_in
from passport_events.receiving.fast_sqs import FastSqsClient
from passport_events.wire.raw_delivery import RawDelivery, queue_name

BATCH = 10
"""SQS hands out, and deletes, at most ten at a time."""


class MessageQueue(Protocol):
    """What receiving needs of a queue; the fake one of `passport_events.testing` has it too."""

    label: str
    """What it is called where its state is announced."""
    url: str
    """Empty where it is none of SQS's."""
    source: str
    """Queue, server and region, for people."""

    def receive(self, limit: int, wait_seconds: int) -> list[RawDelivery]:
        """Up to `limit` (at most 10) messages. Raises QueueUnavailable."""

    def delete(self, messages: Sequence[RawDelivery]) -> list[RawDelivery]:
        """Delete up to ten; returns those that could not be. Raises QueueUnavailable."""


class SqsQueue:
    """An SQS queue over two connections, so that a delete never waits behind a long poll.

    A delete that waits lets the visibility timeout run out, and its messages come again.
    """

    def __init__(self, settings: Settings) -> None:
        self.label = "sqs"
        self.url = settings.queue_url
        self._name = queue_name(self.url)
        wait = settings.sqs_wait_seconds + READ_MARGIN_SECONDS
        self._polling = FastSqsClient(functools.partial(client, settings, "sqs", wait))
        self._deleting = FastSqsClient(functools.partial(client, settings, "sqs", 2 * READ_MARGIN_SECONDS))
        server = without_userinfo(urlsplit(self._polling.url).netloc)
        self.source = f"queue {self._name} at {server}, region {self._polling.region}"

    @classmethod
    def of_dead_letters(cls, settings: Settings, url: str) -> Self:
        """One of the queues in DEAD_LETTER_QUEUE_URLS."""
        queue = cls(dataclasses.replace(settings, queue_url=url))
        queue.label = f"sqs {queue_name(url)}"
        return queue

    def receive(self, limit: int, wait_seconds: int) -> list[RawDelivery]:
        """One long poll of up to `wait_seconds`. Raises QueueUnavailable."""
        limit = min(limit, BATCH)
        try:
            response = self._polling.call(
                "ReceiveMessage",
                QueueUrl=self.url,
                MaxNumberOfMessages=limit,
                WaitTimeSeconds=wait_seconds,
                MessageAttributeNames=["All"],
                MessageSystemAttributeNames=["All"],
            )
            received, refused = received_in(response, self._name, limit)
        except AWS_ERRORS as error:
            raise self._unavailable("a receive", error) from error
        self._tell_of(refused, has_neighbours=bool(received))
        return received

    def delete(self, messages: Sequence[RawDelivery]) -> list[RawDelivery]:
        """One DeleteMessageBatch. Raises QueueUnavailable.

        Entries are named by position: SQS may hand out one message twice in one receive, and a
        batch with two equal names is refused as a whole.
        """
        entries = [
            {"Id": str(position), "ReceiptHandle": message.receipt_handle}
            for position, message in enumerate(messages)
        ]
        try:
            response = self._deleting.call("DeleteMessageBatch", QueueUrl=self.url, Entries=entries)
            deleted = {entry["Id"] for entry in response.get("Successful") or ()}
        except AWS_ERRORS as error:
            raise self._unavailable("a delete", error) from error
        # What the answer does not name may be there still: it comes again, and is known then.
        return [message for position, message in enumerate(messages) if str(position) not in deleted]

    def _tell_of(self, refused: int, *, has_neighbours: bool) -> None:
        """What is no message stays in SQS. Its neighbours go on."""
        if refused and not has_neighbours:
            raise QueueUnavailable(f"SQS answered a receive with {refused} entries that are no messages.")
        if refused:
            reason = f"{refused} entries of an answer are no messages; they come again"
            emit(Notification.STATE_CHANGED, what=f"{self.label} answers", state="away", reason=reason)
        elif has_neighbours:
            emit(Notification.STATE_CHANGED, what=f"{self.label} answers", state="here")

    def _unavailable(self, what: str, error: BaseException) -> QueueUnavailable:
        where = self.label.removeprefix("sqs")
        kind, operation = kind_of(error), str(getattr(error, "operation_name", ""))
        return QueueUnavailable(
            f"SQS did not answer {what}{where and ' from' + where}: {kind} ({self.source}). "
            f"{find_way_out(kind, operation=operation)}To find out more, run manage.py passport doctor.",
            # A queue that is asked by its URL at another server has no region that counts.
            is_permanent=is_permanent(error, region_of(self.url) and self._polling.region),
        )
