"""One message in its own turn, and the verbs that end it."""

from __future__ import annotations

import dataclasses
import time
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db.models import F

from passport_events import conf
from passport_events.exceptions import LeaseLost
from passport_events.handling.plan import Plan
from passport_events.mirror.merge import Merged
from passport_events.models import ProcessedMessage, Status
from passport_events.models.message import TEXT_OF_REASON


@dataclasses.dataclass(frozen=True, slots=True)
class Turn:
    """A message under a lease. Every verb raises LeaseLost when the lease holds it no more."""

    message: ProcessedMessage
    plan: Plan
    lease_token: UUID
    worker: str
    started: float = dataclasses.field(default_factory=time.monotonic)

    def finish(self, status: Status, reason: str, merged: Merged) -> None:
        """End the message."""
        rows = ProcessedMessage.objects.filter(pk=self.message.pk)
        self._must_hold(rows.finish(self.lease_token, status, **self._ended(reason, merged)))

    def wait(self, delay: timedelta, reason: str, merged: Merged) -> None:
        """Try again later; this attempt counts."""
        rows = ProcessedMessage.objects.filter(pk=self.message.pk)
        ended = self._ended(reason, merged)
        self._must_hold(rows.wait(self.lease_token, delay, runs_alone=False, **ended))

    def put_back(self, delay: timedelta, reason: str, merged: Merged) -> None:
        """Look again later, at no cost in attempts."""
        rows = ProcessedMessage.objects.filter(pk=self.message.pk)
        self._must_hold(rows.wait(self.lease_token, delay, reason=reason, merged=names_of(merged)))

    def _ended(self, reason: str, merged: Merged) -> dict[str, Any]:
        return {
            "reason": reason[:TEXT_OF_REASON],
            "merged": names_of(merged),
            "attempts": F("attempts") + 1,
            "release": conf.current().release,
        }

    def _must_hold(self, changed: int) -> None:
        if not changed:
            raise LeaseLost(f"message {self.message.pk} is held by another worker")


def names_of(merged: Merged) -> dict[str, Any]:
    """How a message's fields fared, by name; values stay in the record."""
    return {"wrote": list(merged.wrote), "lost": list(merged.lost), "stale": merged.is_stale}
