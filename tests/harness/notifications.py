"""A subscriber of `instrumentation` that keeps what it receives."""

from __future__ import annotations

from typing import Any

from passport_events.instrumentation import Notification


class Notifications(list[tuple[Notification, dict[str, Any]]]):
    """Notifications and their facts, oldest first."""

    def __call__(self, notification: Notification, facts: dict[str, Any]) -> None:
        """Append one notification."""
        self.append((notification, facts))

    def facts_of(self, notification: Notification) -> list[dict[str, Any]]:
        """Return the facts of every notification of one kind."""
        return [facts for kind, facts in self if kind is notification]

    def states_of(self, what: str) -> list[str]:
        """Return the states of one service, without repetitions."""
        states = [
            facts["state"] for facts in self.facts_of(Notification.STATE_CHANGED) if facts["what"] == what
        ]
        return [state for i, state in enumerate(states) if i == 0 or states[i - 1] != state]
