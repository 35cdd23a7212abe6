"""Where a message can stand."""

from __future__ import annotations

from django.db import models


class Status(models.TextChoices):
    """Eight words, chosen once. Only the first two are not terminal."""

    WAITING = "waiting"
    PROCESSING = "processing"
    SUCCEEDED = "succeeded"
    SUPERSEDED = "superseded"
    IGNORED = "ignored"
    DEAD = "dead"
    QUARANTINED = "quarantined"
    DISCARDED = "discarded"


FAILED = (Status.DEAD, Status.QUARANTINED)
"""Nobody works on these any more; a person sends them back, or puts them away."""
LIVE = (Status.WAITING, Status.PROCESSING)
TERMINAL = tuple(status for status in Status if status not in LIVE)
