"""What a receiver asks of its writer."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from passport_events.exceptions import ThreadCrashed
from passport_events.receiving.inbox import Stored
from passport_events.wire.raw_delivery import RawDelivery


class Order:
    """A batch that one receiver brought, and what came of it."""

    def __init__(self, received: Sequence[RawDelivery]) -> None:
        self.received = received
        self.size = sum(len(each.body) for each in received)
        self._is_done = threading.Event()
        self._stored: Stored | None = None
        self._error: Exception | None = None

    def done(self, stored: Stored) -> None:
        """Let the receiver go on."""
        self._stored = stored
        self._is_done.set()

    def fail(self, error: Exception) -> None:
        """Let the receiver go on with an error, unless it is done."""
        if not self._is_done.is_set():
            self._error = error
            self._is_done.set()

    def result(self) -> Stored:
        """Wait for it, with no limit: the watch is on the writer. Raises what went wrong."""
        self._is_done.wait()
        if self._stored is not None:
            return self._stored
        # Taken out of here: it holds its traceback, that this frame, and that all bodies.
        error, self._error = self._error or ThreadCrashed("the writer did nothing."), None
        try:
            raise error
        finally:
            del error
