"""A queue in memory that behaves like SQS, its faults included."""

from __future__ import annotations

import dataclasses
import itertools
import threading
import time
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from passport_events import exact_json
from passport_events.exceptions import QueueUnavailable
from passport_events.wire.raw_delivery import RawDelivery

BATCH = 10


@dataclasses.dataclass
class _Waiting:
    message_id: str
    body: bytes
    attributes: Mapping[str, Mapping[str, Any]]
    receives: int = 0
    is_hidden: bool = False
    is_deleted: bool = False


@dataclasses.dataclass
class FakeQueue:
    """What `SqsQueue` offers, over messages in memory. Safe to share between threads.

    Faults are switched on by setting the attributes below; `requests` counts what SQS would bill.
    """

    twice_in_one_receive: bool = False
    """Hand out each message twice in one receive, with two receipt handles."""
    failing_deletes: int = 0
    """So many entries of the next deletes are reported as `Failed`."""
    receives_fail: bool = False
    """Every receive raises QueueUnavailable."""
    deletes_fail: bool = False
    """Every delete raises QueueUnavailable."""
    receive_answers_get_lost: bool = False
    """Every receive raises QueueUnavailable, and hides its messages all the same."""
    delete_answers_get_lost: bool = False
    """Every delete raises QueueUnavailable, and deletes all the same."""

    label: str = "sqs"
    url: str = ""
    source: str = "fake queue"

    requests: int = 0
    _messages: list[_Waiting] = dataclasses.field(default_factory=list)
    _deleted: list[_Waiting] = dataclasses.field(default_factory=list)
    _handles: dict[str, _Waiting] = dataclasses.field(default_factory=dict)
    _count: itertools.count[int] = dataclasses.field(default_factory=itertools.count)
    _guard: threading.Lock = dataclasses.field(default_factory=threading.Lock)

    def send(
        self,
        body: bytes | str | Mapping[str, Any],
        *,
        message_id: str | None = None,
        attributes: Mapping[str, str] | None = None,
    ) -> str:
        """Put a message in; a mapping is sent as JSON. Returns SQS's id for it."""
        if isinstance(body, Mapping):
            body = exact_json.dumps(body)
        raw = body.encode("utf-8", "surrogatepass") if isinstance(body, str) else body
        typed = {k: {"DataType": "String", "StringValue": v} for k, v in (attributes or {}).items()}
        message = _Waiting(message_id or str(uuid.uuid4()), raw, typed)
        with self._guard:
            self._messages.append(message)
        return message.message_id

    def receive(self, limit: int = BATCH, wait_seconds: int = 0) -> list[RawDelivery]:
        """Hand out up to ten visible messages; they stay hidden until `redeliver`."""
        deadline = time.monotonic() + wait_seconds
        while True:
            with self._guard:
                self.requests += 1
                if self.receives_fail:
                    raise QueueUnavailable("the fake queue was told to fail")
                copies = 2 if self.twice_in_one_receive else 1
                most = min(limit, BATCH)
                visible = [m for m in self._messages if not m.is_hidden][: max(1, most // copies)]
                if visible or time.monotonic() >= deadline:
                    handed_out = [message for message in visible for _ in range(copies)][:most]
                    received = [self._hand_out(message) for message in handed_out]
                    self._answer(is_lost=self.receive_answers_get_lost)
                    return received
                self.requests -= 1
            time.sleep(0.01)

    def delete(self, messages: Sequence[RawDelivery]) -> list[RawDelivery]:
        """Delete; returns what `failing_deletes` asks to fail."""
        with self._guard:
            self.requests += 1
            if self.deletes_fail:
                raise QueueUnavailable("the fake queue was told to fail")
            failed = list(messages[: self.failing_deletes])
            self.failing_deletes -= len(failed)
            for message in messages[len(failed) :]:
                # A handle from an earlier receive is accepted and deletes nothing, as in SQS.
                waiting = self._handles.pop(message.receipt_handle, None)
                if waiting is not None:
                    waiting.is_deleted = True
            self._deleted += [waiting for waiting in self._messages if waiting.is_deleted]
            self._messages = [waiting for waiting in self._messages if not waiting.is_deleted]
            self._answer(is_lost=self.delete_answers_get_lost)
            return failed

    def redeliver(self) -> None:
        """Let the visibility timeout of everything in flight run out."""
        with self._guard:
            self._show_everything()

    def redrive(self) -> None:
        """Give everything what the way through a dead letter queue and back gives: another message id."""
        with self._guard:
            self._show_everything()
            for message in self._messages:
                message.message_id, message.receives = str(uuid.uuid4()), 0

    def bring_back_deleted(self) -> None:
        """Let what was deleted come once more, of which SQS warns."""
        with self._guard:
            for message in self._deleted:
                message.is_deleted = message.is_hidden = False
            self._messages += self._deleted
            self._deleted = []

    @property
    def bodies(self) -> list[bytes]:
        """What is still in the queue, hidden or not."""
        with self._guard:
            return [message.body for message in self._messages]

    def _show_everything(self) -> None:
        self._handles.clear()
        for message in self._messages:
            message.is_hidden = False

    def _answer(self, *, is_lost: bool) -> None:
        if is_lost:
            raise QueueUnavailable("the fake queue was told to lose its answers")

    def _hand_out(self, message: _Waiting) -> RawDelivery:
        message.is_hidden = True
        message.receives += 1
        handle = f"{message.message_id}#{next(self._count)}"
        self._handles[handle] = message
        sent = {"SentTimestamp": str(int(time.time() * 1000))}
        return RawDelivery(
            message_id=message.message_id,
            receipt_handle=handle,
            body=message.body,
            attributes={**sent, "ApproximateReceiveCount": str(message.receives)},
            message_attributes=message.attributes,
        )
