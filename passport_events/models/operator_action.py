"""What an operator did, and what is in force because of it."""

from __future__ import annotations

from typing import Self

from django.conf import settings
from django.db import models
from django.db.models import Q

from passport_events.models.message import ProcessedMessage
from passport_events.models.organization import SalesforceOrganization
from passport_events.models.primary import PrimaryManager


class ActionKind(models.TextChoices):
    """Everything an operator can do to messages."""

    RETRY = "retry"
    DISCARD = "discard"
    RESTORE = "restore"
    RELEASE = "release"
    REPLAY = "replay"
    ERASE = "erase"
    PAUSE = "pause"
    THROTTLE = "throttle"
    LOOK = "look"  # at student data


IN_FORCE_UNTIL_ENDED = (ActionKind.PAUSE, ActionKind.THROTTLE)


class OperatorActionQuerySet(models.QuerySet["OperatorAction"]):
    """Questions."""

    def in_force(self) -> Self:
        """Pauses and throttles that nobody has ended yet."""
        return self.filter(kind__in=IN_FORCE_UNTIL_ENDED, ended_at__isnull=True)


OperatorActionManager = PrimaryManager.from_queryset(OperatorActionQuerySet)


class OperatorAction(models.Model):
    """Who did what to how many messages, when and why. A pause or throttle holds until it is ended.

    An empty event type means every type; no organization means every organization.
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
    per_minute = models.PositiveIntegerField(null=True, blank=True, help_text="Of a throttle: messages.")
    affected = models.PositiveIntegerField(default=0, help_text="Messages that changed.")
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
                | (~Q(kind=ActionKind.THROTTLE) & Q(per_minute__isnull=True)),
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
        )
        indexes = (
            models.Index(
                fields=("kind",),
                name="passport_action_in_force",
                condition=Q(kind__in=IN_FORCE_UNTIL_ENDED, ended_at__isnull=True),
            ),
        )

    def __str__(self) -> str:
        return f"{self.kind} by {self.actor_name}"
