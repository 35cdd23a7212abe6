"""Filters and updates of messages that a worker claims."""

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
"""Columns that a terminal status sets."""


class MessageQuerySet(models.QuerySet[M]):
    """Filters, and updates under a lease."""

    def due(self) -> Self:
        """Filter rows that may be claimed now: waiting ones, and held ones whose lease has expired."""
        return self.filter(due_at__lte=StatementTimestamp())

    def held_by(self, lease_token: UUID | Placeholder) -> Self:
        """Filter rows that this lease still holds."""
        return self.filter(status=Status.PROCESSING, lease_token=lease_token)

    def claim(self, lease_token: UUID, lease: timedelta) -> int:
        """Claim those of these rows that still wait and are due; return how many."""
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

    def expired(self) -> Self:
        """Filter held rows whose lease has expired: their worker crashed or stalled."""
        return self.due().filter(status=Status.PROCESSING)

    def isolate(self) -> int:
        """Make expired rows due in a claim of their own, so that the next crash names its cause."""
        return self.expired().update(
            status=Status.WAITING, lease_token=None, isolated=True, due_at=ClockTimestamp()
        )

    def extend_expired(self, delay: timedelta) -> int:
        """Extend the lease of expired rows by `delay`, because their worker is only slow."""
        return self.expired().update(due_at=ClockTimestamp() + delay)

    def postpone(self, delay: timedelta) -> int:
        """Make waiting rows due again after `delay`."""
        return self.filter(status=Status.WAITING).update(due_at=ClockTimestamp() + delay)

    def renew(self, lease_token: UUID, lease: timedelta) -> int:
        """Move the end of the lease; return 0 if it holds no rows any more."""
        return self.held_by(lease_token).update(due_at=ClockTimestamp() + lease)

    def unclaim(self, lease_token: UUID) -> int:
        """Make held rows due at once, without counting an attempt, and before rows that came later."""
        return self.held_by(lease_token).update(
            status=Status.WAITING, lease_token=None, due_at=F("claimed_at")
        )

    def finish(self, lease_token: UUID, status: Status, **also: Any) -> int:
        """Set a terminal status, if the lease still holds the rows."""
        return self.held_by(lease_token).update(status=status, **FINISHED_VALUES, **also)

    def wait(self, lease_token: UUID, delay: timedelta, **also: Any) -> int:
        """Make rows due again after `delay`, if the lease still holds them."""
        return self.held_by(lease_token).update(
            status=Status.WAITING, lease_token=None, due_at=ClockTimestamp() + delay, **also
        )
