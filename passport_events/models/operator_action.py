"""What an operator did, and what is in force because of it."""

from __future__ import annotations

from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Case, F, Q, When

from passport_events.clock import ClockTimestamp, StatementTimestamp
from passport_events.db.managers import PrimaryManager
from passport_events.models.message import ProcessedMessage
from passport_events.models.organization import SalesforceOrganization


class ActionKind(models.TextChoices):
    """Everything an operator can do to messages."""

    RETRY = "retry"
    RETRY_NOW = "retry_now"
    DISCARD = "discard"
    RESTORE = "restore"
    REPROCESS = "reprocess"
    REPLAY = "replay"
    ERASE = "erase"
    PURGE = "purge"
    PAUSE = "pause"
    THROTTLE = "throttle"
    LOOK = "look"  # at student data
    NOTE = "note"
    EXPORT = "export"
    REHEARSE = "rehearse"


IN_FORCE_UNTIL_ENDED = (ActionKind.PAUSE, ActionKind.THROTTLE)


UNFINISHED = Q(up_to__isnull=False, ended_at__isnull=True)


class Progress(models.TextChoices):
    """How an action that is worked in steps stands."""

    RUNNING = "running", "running"
    PAUSED = "paused", "paused"
    STOPPED = "stopped", "stopped by an error"
    CANCELLED = "cancelled", "cancelled"
    DONE = "done", "done"


class OperatorActionQuerySet(models.QuerySet["OperatorAction"]):
    """Questions, then the verbs of actions that are worked in steps. Each verb is a compare-and-set."""

    def in_force(self) -> Self:
        """Pauses and throttles that nobody has ended yet."""
        return self.filter(kind__in=IN_FORCE_UNTIL_ENDED, ended_at__isnull=True)

    def unfinished(self) -> Self:
        """Worked in steps, and neither done nor cancelled."""
        return self.filter(UNFINISHED)

    def runnable(self) -> Self:
        """Those whose next step may be taken now."""
        is_time = Q(next_step_at__isnull=True) | Q(next_step_at__lte=StatementTimestamp())
        return self.unfinished().filter(is_time, paused_at__isnull=True)

    def step(self, before: int, cursor: int, changed: int, next_step_at: object) -> int:
        """Note one step, if nobody took it, paused or cancelled; the last one ends the action."""
        is_last = Case(When(up_to__lte=cursor, then=ClockTimestamp()), default=F("ended_at"))
        return (
            self.unfinished()
            .filter(cursor=before, paused_at__isnull=True)
            .update(
                cursor=cursor,
                affected=F("affected") + changed,
                next_step_at=next_step_at,
                ended_at=is_last,
                failure="",
            )
        )

    def pause(self, failure: str = "") -> int:
        """Take no step from now on."""
        rows = self.unfinished().filter(paused_at__isnull=True)
        return rows.update(paused_at=ClockTimestamp(), failure=failure)

    def resume(self) -> int:
        """Go on where it was."""
        return self.unfinished().filter(paused_at__isnull=False).update(paused_at=None, failure="")

    def cancel(self, by: str) -> int:
        """Take no step any more. What was changed stays so."""
        return self.unfinished().update(ended_at=ClockTimestamp(), ended_by=by)


OperatorActionManager = PrimaryManager.from_queryset(OperatorActionQuerySet)


class OperatorAction(models.Model):
    """Who did what to how many messages, when and why. A pause or throttle holds until it is ended.

    An empty event type means every type; no organization means every organization.

    What may mean many messages is worked in steps (`up_to` is set): the row says which are meant
    and how far it is, so that it goes on whoever dies.
    """

    kind = models.CharField(max_length=16, choices=ActionKind.choices)
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL)
    actor_name = models.CharField(max_length=200, help_text="Also for commands, which have no user.")
    reason = models.TextField(blank=True)
    event_type = models.CharField(max_length=64, blank=True)
    organization = models.ForeignKey(
        SalesforceOrganization, null=True, blank=True, on_delete=models.PROTECT, related_name="actions"
    )
    message = models.ForeignKey(
        ProcessedMessage, null=True, blank=True, on_delete=models.CASCADE, related_name="actions"
    )
    fingerprint = models.CharField(
        max_length=32, blank=True, db_default="", help_text="The group that it is about."
    )
    per_minute = models.PositiveIntegerField(null=True, blank=True, help_text="At most so many messages.")
    affected = models.PositiveIntegerField(default=0, help_text="Messages that changed.")
    selection = models.JSONField(null=True, blank=True, help_text="Which messages were meant.")
    total = models.PositiveIntegerField(
        null=True, blank=True, help_text="How many were meant when it started, counted up to a limit."
    )
    cursor = models.BigIntegerField(db_default=0, help_text="The last message that was looked at.")
    up_to = models.BigIntegerField(
        null=True, blank=True, help_text="The last message that it may change: later ones were not meant."
    )
    next_step_at = models.DateTimeField(null=True, blank=True)
    paused_at = models.DateTimeField(null=True, blank=True)
    failure = models.CharField(
        max_length=200, blank=True, db_default="", help_text="What stopped it; a resume tries again."
    )
    created_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.CharField(max_length=200, blank=True)

    objects = OperatorActionManager()

    class Meta:
        base_manager_name = "objects"
        ordering = ("-pk",)
        constraints = (
            models.CheckConstraint(
                name="passport_action_kind_known", condition=Q(kind__in=ActionKind.values)
            ),
            models.CheckConstraint(
                name="passport_action_throttle_has_rate",
                condition=Q(kind=ActionKind.THROTTLE, per_minute__isnull=False)
                | (~Q(kind=ActionKind.THROTTLE) & (Q(per_minute__isnull=True) | Q(up_to__isnull=False))),
            ),
            # Two constraints, because SQL holds two NULL organizations for different.
            models.UniqueConstraint(
                name="passport_action_in_force_once",
                fields=("kind", "event_type", "organization"),
                condition=Q(kind__in=IN_FORCE_UNTIL_ENDED, ended_at__isnull=True),
            ),
            models.UniqueConstraint(
                name="passport_action_in_force_once_for_all",
                fields=("kind", "event_type"),
                condition=Q(kind__in=IN_FORCE_UNTIL_ENDED, ended_at__isnull=True, organization__isnull=True),
            ),
            models.UniqueConstraint(
                name="passport_action_one_purge",
                fields=("kind",),
                condition=Q(kind=ActionKind.PURGE, ended_at__isnull=True),
            ),
        )
        indexes = (
            models.Index(
                fields=("kind",),
                name="passport_action_in_force",
                condition=Q(kind__in=IN_FORCE_UNTIL_ENDED, ended_at__isnull=True),
            ),
            models.Index(fields=("id",), name="passport_action_unfinished", condition=UNFINISHED),
        )

    def __str__(self) -> str:
        return f"{self.kind} by {self.actor_name}"

    @property
    def progress(self) -> Progress | None:
        """How it stands; None for what happened at once."""
        if self.up_to is None:
            return None
        if self.ended_at is not None:
            return Progress.CANCELLED if self.ended_by else Progress.DONE
        if self.paused_at is not None:
            return Progress.STOPPED if self.failure else Progress.PAUSED
        return Progress.RUNNING
