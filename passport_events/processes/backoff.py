"""How a loop waits when what it needs is away: growing pauses, and one sentence per change."""

from __future__ import annotations

import dataclasses
import random

from passport_events.instrumentation import Notification, emit
from passport_events.processes.startup import Startup, explain

MIN_PAUSE_SECONDS = 0.5
MAX_PAUSE_SECONDS = 30.0


@dataclasses.dataclass
class Backoff:
    """Errors in a row of one loop."""

    most_errors: int
    errors: int = 0
    startup: Startup = dataclasses.field(default_factory=Startup)

    def failed(self, needs: str, error: BaseException) -> float:
        """Note an error, and return the pause in seconds before the next try.

        Raises the error itself when it was one too many: then a supervisor should know. Raises StartFailed
        where it is permanent and what is needed has not answered yet.
        """
        self.errors += 1
        emit(Notification.STATE_CHANGED, what=needs, state="away", reason=explain(error))
        self.startup.require_hope(needs, error)
        if self.errors >= self.most_errors:
            raise error
        pause = min(MAX_PAUSE_SECONDS, MIN_PAUSE_SECONDS * 2.0 ** min(self.errors - 1, 30))
        return pause * random.uniform(0.5, 1.0)

    def succeeded(self, *needs: str) -> None:
        """Everything answered."""
        self.errors = 0
        for name in needs:
            self.startup.note_answer(name)
            emit(Notification.STATE_CHANGED, what=name, state="here")
