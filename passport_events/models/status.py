"""Statuses of a message."""

from __future__ import annotations

from django.db import models


class Status(models.TextChoices):
    """The status of a message. All but the first two are terminal."""

    WAITING = "waiting"
    PROCESSING = "processing"
    SUCCEEDED = "succeeded"
    SUPERSEDED = "superseded"
    IGNORED = "ignored"
    DEAD = "dead"
    QUARANTINED = "quarantined"
    DISCARDED = "discarded"


FAILED = (Status.DEAD, Status.QUARANTINED)
"""No worker processes these any more. An operator retries or discards them."""
LIVE = (Status.WAITING, Status.PROCESSING)
TERMINAL = tuple(status for status in Status if status not in LIVE)
