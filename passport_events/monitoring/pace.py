"""How often a process asks whether it is time."""

from __future__ import annotations

import threading
import time

LOOK_SECONDS = 5.0


class Pace:
    """Lets one call through every few seconds; whether it is time for all processes, the database knows."""

    def __init__(self) -> None:
        self._not_before = 0.0
        self._guard = threading.Lock()

    def allows(self) -> bool:
        """Whether the last one that was let through is long enough ago."""
        with self._guard:
            now = time.monotonic()
            if now < self._not_before:
                return False
            self._not_before = now + LOOK_SECONDS
            return True

    def hurry(self) -> None:
        """Let the next call through."""
        self._not_before = 0.0
