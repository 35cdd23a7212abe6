"""What became of each message that was to be sent."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence

from passport_events.publishing.outgoing import Outgoing
from passport_events.publishing.topic import Refused


@dataclasses.dataclass(frozen=True, slots=True)
class Unsent:
    """A message that did not go out."""

    line: int
    code: str
    """AWS's word for the reason."""


class Account:
    """Every message is open, and then sent or unsent, once."""

    def __init__(self, messages: Iterable[Outgoing]) -> None:
        self.sent = 0
        self.unsent: list[Unsent] = []
        self.requests = 0
        self.retried = 0
        """Messages that were sent again, counted each time."""
        self.gave_up = False
        self.reason = ""
        """Why it gave up, as a sentence; empty where a person ended it."""
        self._open = dict.fromkeys(message.line for message in messages)

    @property
    def settled(self) -> int:
        """Messages that are not open any more."""
        return self.sent + len(self.unsent)

    def settle(
        self, batch: Sequence[Outgoing], refused: Iterable[Refused], *, is_last: bool
    ) -> list[Outgoing]:
        """Note an answer. Returns what should be tried again: nothing, where this was the last try."""
        by_position = {one.position: one for one in refused}
        again = []
        for position, message in enumerate(batch):
            found = by_position.get(position)
            if found is not None and not (is_last or found.is_final):
                again.append(message)
                continue
            del self._open[message.line]
            if found is None:
                self.sent += 1
            else:
                self.unsent.append(Unsent(message.line, found.code))
        return again

    def give_up(self, code: str, reason: str = "") -> None:
        """Everything that is still open stays unsent."""
        self.gave_up, self.reason = True, reason
        self.unsent += [Unsent(line, code) for line in self._open]
        self._open.clear()
