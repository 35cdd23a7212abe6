"""What can happen to single requests: traps that wait for one that matches.

A trap's action is a value; `link` does it.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LoseReply:
    """The server does what it was asked, and the client's connection is reset instead of an answer."""


@dataclass(frozen=True, slots=True)
class CutRequest:
    """Half of the request arrives; then both connections end."""


@dataclass(frozen=True, slots=True)
class HoldRequest:
    """The server does not see the request before the trap is taken away."""


@dataclass(frozen=True, slots=True)
class HoldReply:
    """The server has done it, and the client does not know before the trap is taken away."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The server never sees the request; these bytes are the answer."""

    reply: bytes


@dataclass(frozen=True, slots=True)
class Edit:
    """The server sees another request of the same length."""

    change: Callable[[bytes], bytes]


Action = LoseReply | CutRequest | HoldRequest | HoldReply | Answer | Edit


Whose = Callable[[int], bool]
"""Asked in the proxy's thread, only for requests that match."""


def everybody(client_port: int) -> bool:
    """Whoever it is."""
    return True


class Trap:
    """Lies in wait for requests that contain `pattern`.

    With `after`, only on connections where a request with that went through before: a COMMIT says
    nothing of what it commits. With `whose`, only on connections whose client port it says yes to.
    `times` is how many it takes; None is all of them.
    """

    def __init__(
        self,
        pattern: bytes,
        action: Action,
        *,
        after: bytes = b"",
        whose: Whose = everybody,
        times: int | None = 1,
    ) -> None:
        self.action = action
        self.client_port: int | None = None
        """Of the connection it caught last: `owner_of` knows whose it is."""
        self.caught = 0
        self.released = asyncio.Event()
        self.is_dropped = False
        self._pattern = pattern
        self._after = after
        self._whose = whose
        self._left = times
        self._primed: set[object] = set()
        self._sprung = threading.Event()

    def wait(self, seconds: float) -> bool:
        """Wait until it has caught something, and the harm is done; False after `seconds`."""
        return self._sprung.wait(seconds)

    def drop(self) -> None:
        """What is held shall never arrive; its connection ends instead. For clients that died meanwhile."""
        self.is_dropped = True

    # What follows is for the proxy's own thread.

    def takes(self, link: object, client_port: int, request: bytes) -> bool:
        """Whether this request goes into the trap, which then counts."""
        is_primed = not self._after or link in self._primed
        if self._after and self._after in request:
            self._primed.add(link)
        if self._left == 0 or self._pattern not in request or not is_primed or not self._whose(client_port):
            return False
        if self._left is not None:
            self._left -= 1
        return True

    def missed(self) -> None:
        """The connection ended before the harm was done; the next one will do."""
        if self._left is not None:
            self._left += 1

    def spring(self, client_port: int) -> None:
        """The harm is done."""
        self.caught += 1
        self.client_port = client_port
        self._sprung.set()
