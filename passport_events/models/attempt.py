"""One attempt that did not succeed."""

from __future__ import annotations

from django.db import models

from passport_events.db.managers import PrimaryManager
from passport_events.models.message import ProcessedMessage


class AttemptOutcome(models.TextChoices):
    """How an attempt that did not succeed ended."""

    RETRY = "retry"
    DEAD = "dead"
    CRASHED = "crashed"


class MessageAttempt(models.Model):
    """One attempt that did not succeed. Append-only; a success stands on the message itself."""

    message = models.ForeignKey(ProcessedMessage, on_delete=models.CASCADE, related_name="failures")
    generation = models.PositiveIntegerField()
    number = models.PositiveIntegerField(help_text="From 1 in each generation.")
    outcome = models.CharField(max_length=16, choices=AttemptOutcome.choices)
    error_class = models.CharField(max_length=200, blank=True)
    error = models.TextField(blank=True, help_text="The error's text, without values of the event.")
    traceback = models.TextField(blank=True, help_text="Files, lines and functions; no values.")
    own_frames = models.TextField(
        blank=True,
        db_default="",
        help_text="Functions of the project's own code that it came through, the innermost first.",
    )
    fingerprint = models.CharField(
        max_length=32, blank=True, db_default="", help_text="The failure group that it belongs to."
    )
    release = models.CharField(max_length=64, blank=True)
    worker = models.CharField(max_length=200, blank=True)
    started_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField()

    objects = PrimaryManager()

    class Meta:
        base_manager_name = "objects"
        indexes = (
            models.Index(fields=("ended_at",), name="passport_attempt_ended"),
            # When a group was first seen, whatever its messages failed for before.
            models.Index(
                fields=("fingerprint", "ended_at"),
                name="passport_attempt_group",
                condition=~models.Q(fingerprint=""),
            ),
        )
        ordering = ("message", "generation", "number", "pk")

    def __str__(self) -> str:
        return f"attempt {self.number} of message {self.message_id}"
