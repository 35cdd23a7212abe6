"""Questions about messages, and the verbs by which rows change while a worker holds them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Self
from uuid import UUID

from django.db import models
from django.db.models import F

from passport_events.clock import ClockTimestamp, StatementTimestamp
from passport_events.db.compiled import Placeholder
from passport_events.db.managers import M
from passport_events.models.status import Status

FINISHED_VALUES: dict[str, Any] = {"lease_token": None, "due_at": None, "finished_at": ClockTimestamp()}
"""What a terminal status comes with."""


class MessageQuerySet(models.QuerySet[M]):
    """Questions first, then the verbs by which rows change while a worker holds them."""

    def due(self) -> Self:
        """Rows that may be claimed now: waiting ones, and held ones whose lease has ended."""
        return self.filter(due_at__lte=StatementTimestamp())

    def held_by(self, lease_token: UUID | Placeholder) -> Self:
        """Rows that this lease still holds."""
        return self.filter(status=Status.PROCESSING, lease_token=lease_token)

    def claim(self, lease_token: UUID, lease: timedelta) -> int:
        """Take these rows, those of them that still wait and are due."""
        return (
            self.due()
            .filter(status=Status.WAITING)
            .update(
                status=Status.PROCESSING,
                lease_token=lease_token,
                due_at=ClockTimestamp() + lease,
                claimed_at=ClockTimestamp(),
            )
        )

    def abandoned(self) -> Self:
        """Held rows whose lease has ended: their worker died, or stood still for too long."""
        return self.due().filter(status=Status.PROCESSING)

    def isolate(self) -> int:
        """Let rows whose worker died run alone, so that the next crash names its cause."""
        return self.abandoned().update(
            status=Status.WAITING, lease_token=None, isolated=True, due_at=ClockTimestamp()
        )

    def spare(self, delay: timedelta) -> int:
        """Leave abandoned rows to their worker for another `delay`: it is only slow."""
        return self.abandoned().update(due_at=ClockTimestamp() + delay)

    def park(self, delay: timedelta) -> int:
        """Let waiting rows step aside for `delay`."""
        return self.filter(status=Status.WAITING).update(due_at=ClockTimestamp() + delay)

    def renew(self, lease_token: UUID, lease: timedelta) -> int:
        """Move the end of the lease; 0 when it holds nothing any more."""
        return self.held_by(lease_token).update(due_at=ClockTimestamp() + lease)

    def release(self, lease_token: UUID) -> int:
        """Give rows back untouched, at no cost in attempts, and ahead of what came after their claim."""
        return self.held_by(lease_token).update(
            status=Status.WAITING, lease_token=None, due_at=F("claimed_at")
        )

    def finish(self, lease_token: UUID, status: Status, **also: Any) -> int:
        """End rows in a terminal status, if the lease still holds them."""
        return self.held_by(lease_token).update(status=status, **FINISHED_VALUES, **also)

    def wait(self, lease_token: UUID, delay: timedelta, **also: Any) -> int:
        """Put rows back until `delay` has passed, if the lease still holds them."""
        return self.held_by(lease_token).update(
            status=Status.WAITING, lease_token=None, due_at=ClockTimestamp() + delay, **also
        )
