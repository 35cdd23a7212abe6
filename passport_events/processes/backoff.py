"""What a thread does when something it needs is away: wait, longer after each error, or end the process."""

from __future__ import annotations

import dataclasses
import random

from passport_events.backoff import compute_delay
from passport_events.exceptions import StartFailed
from passport_events.instrumentation import Notification, emit
from passport_events.processes.errors import explain, is_permanent

MIN_PAUSE_SECONDS = 0.5
MAX_PAUSE_SECONDS = 30.0


class Startup:
    """What has answered since the process started. Shared between its threads.

    A permanent error ends the process until what it needs has answered once. Later errors are retried: during
    a deployment a right or a queue can be missing for a moment.
    """

    def __init__(self) -> None:
        self._answered: set[str] = set()

    def note_answer(self, need: str) -> None:
        """Note that `need` has answered."""
        self._answered.add(need)

    def raise_permanent(self, need: str, error: BaseException) -> None:
        """Raise StartFailed if the error is permanent and `need` has not answered yet."""
        if need not in self._answered and is_permanent(error):
            raise StartFailed(explain(error)) from error


@dataclasses.dataclass
class Backoff:
    """The consecutive errors of one thread, and the pauses after them."""

    max_errors: int
    errors: int = 0
    startup: Startup = dataclasses.field(default_factory=Startup)

    def note_failure(self, need: str, error: BaseException) -> float:
        """Announce that `need` is away. Returns the pause in seconds before the next try.

        Raises the error itself after `max_errors` in a row, and StartFailed where it is permanent and `need`
        has not answered yet.
        """
        self.errors += 1
        emit(Notification.STATE_CHANGED, what=need, state="away", reason=explain(error))
        self.startup.raise_permanent(need, error)
        if self.errors >= self.max_errors:
            raise error
        return compute_delay(self.errors, MIN_PAUSE_SECONDS, MAX_PAUSE_SECONDS, random.random())

    def note_success(self, *needs: str) -> None:
        """Announce that these needs answered, and start counting again."""
        self.errors = 0
        for need in needs:
            self.startup.note_answer(need)
            emit(Notification.STATE_CHANGED, what=need, state="here")
