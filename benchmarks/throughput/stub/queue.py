"""A queue in memory: what is visible, what is in flight until when, and what is held back."""

from __future__ import annotations

import hashlib
import heapq
import json
import time
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

VISIBILITY_SECONDS = 30
"""SQS's own default."""


class InvalidHandleError(Exception):
    """A receipt handle that is not the one of the last receive, or none at all."""


@dataclass(slots=True)
class Message:
    """A message. What a receive says of its body is made into JSON once, before anybody measures."""

    number: int
    said: bytes
    sent_ms: int
    receives: int = 0
    first_received_ms: int = 0

    @classmethod
    def of(cls, number: int, body: str, attributes: Mapping[str, Any] | None) -> Message:
        """A message that was sent now."""
        digest = hashlib.md5(body.encode(), usedforsecurity=False).hexdigest()
        said = {"MessageId": message_id(number), "MD5OfBody": digest, "Body": body}
        if attributes:
            said["MessageAttributes"] = attributes  # type: ignore[assignment]
        return cls(number, json.dumps(said).encode()[1:-1], int(time.time() * 1000))

    @property
    def handle(self) -> str:
        """Changes with every receive."""
        return f"{self.number}-{self.receives}"


def message_id(number: int) -> str:
    """Looks like SQS's."""
    return f"00000000-0000-4000-8000-{number:012d}"


@dataclass
class Queue:
    """All methods take the time as an argument, so that they can be tried without waiting."""

    name: str
    visibility_seconds: float = VISIBILITY_SECONDS
    is_held: bool = False
    """Nothing is handed out: consumers start first, and find the queue full at one moment."""
    is_closed: bool = False
    """Long polls end at once: whoever was asked to end need not wait for one."""
    _messages: dict[int, Message] = field(default_factory=dict)
    _visible: deque[int] = field(default_factory=deque)
    _in_flight: list[tuple[float, int, int]] = field(default_factory=list)
    """Until when, which, and the receive that it belongs to: a heap."""
    _hidden: dict[int, float] = field(default_factory=dict)
    _last: int = 0

    def send(self, body: str, attributes: Mapping[str, Any] | None = None) -> Message:
        """Append a message."""
        self._last += 1
        message = Message.of(self._last, body, attributes)
        self._messages[message.number] = message
        self._visible.append(message.number)
        return message

    def send_all(self, bodies: Iterable[str]) -> None:
        """Append many."""
        for body in bodies:
            self.send(body)

    def receive(self, limit: int, now: float, visibility_seconds: float | None = None) -> list[Message]:
        """Up to `limit` messages, which are then in flight."""
        self._return_expired(now)
        taken: list[Message] = []
        until = now + (self.visibility_seconds if visibility_seconds is None else visibility_seconds)
        while self._visible and len(taken) < limit and not self.is_held:
            message = self._messages.get(self._visible.popleft())
            if message is None:  # deleted by its last handle after it had come back
                continue
            message.receives += 1
            message.first_received_ms = message.first_received_ms or int(time.time() * 1000)
            self._hide(message, until)
            taken.append(message)
        return taken

    def delete(self, handle: str) -> None:
        """Delete by the handle of the last receive; twice is once. Raises InvalidHandleError."""
        number, receives = _parsed(handle)
        message = self._messages.get(number)
        if message is None and number <= self._last:
            return
        if message is None or message.receives != receives:
            raise InvalidHandleError(handle)
        del self._messages[number]
        self._hidden.pop(number, None)

    def change_visibility(self, handle: str, seconds: float, now: float) -> None:
        """Set when a message in flight becomes visible. Raises InvalidHandleError."""
        number, receives = _parsed(handle)
        message = self._messages.get(number)
        if message is None or message.receives != receives or number not in self._hidden:
            raise InvalidHandleError(handle)
        self._hide(message, now + seconds)
        self._return_expired(now)

    @property
    def next_return(self) -> float | None:
        """When the next message in flight comes back."""
        return self._in_flight[0][0] if self._in_flight else None

    @property
    def in_flight(self) -> int:
        """Messages that were received, and neither deleted nor back."""
        return len(self._hidden)

    @property
    def visible(self) -> int:
        """Messages that wait, held ones included."""
        return len(self._messages) - len(self._hidden)

    def _hide(self, message: Message, until: float) -> None:
        self._hidden[message.number] = until
        heapq.heappush(self._in_flight, (until, message.number, message.receives))

    def _return_expired(self, now: float) -> None:
        while self._in_flight and self._in_flight[0][0] <= now:
            until, number, _ = heapq.heappop(self._in_flight)
            if self._hidden.get(number) == until:  # else deleted, or its time was changed
                del self._hidden[number]
                self._visible.append(number)


def _parsed(handle: str) -> tuple[int, int]:
    number, _, receives = handle.partition("-")
    if not (number.isdecimal() and receives.isdecimal()):
        raise InvalidHandleError(handle)
    return int(number), int(receives)
