"""The ledger. Nothing in it is unique, so that an effect that happened twice is seen and not refused."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class Effect(models.Model):
    """One run of a handler that stayed."""

    organization = models.CharField(max_length=18)
    record_id = models.CharField(max_length=18)
    version = models.CharField(max_length=64, help_text="With the record it names the event.")
    generation = models.PositiveIntegerField()
    attempt = models.PositiveIntegerField()
    value = models.CharField(max_length=64, help_text="Digest of what the handler was given.")
    pid = models.PositiveIntegerField()
    at = models.DateTimeField(auto_now_add=True)

    # Said aloud for mypy, whose plugin knows only the apps of `tests.settings`.
    objects: ClassVar[models.Manager[Effect]] = models.Manager()

    def __str__(self) -> str:
        return f"{self.record_id} {self.version}"
