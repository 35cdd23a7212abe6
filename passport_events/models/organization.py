"""A Salesforce organization: one university program."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from django.db import models
from django.db.models import Case, F, Q, Value, When
from django.db.models.functions import Least

from passport_events.clock import ClockTimestamp, StatementTimestamp, convert_to_database
from passport_events.db.managers import PrimaryManager


class Mode(models.TextChoices):
    """What is done with an organization's events."""

    OFF = "off", "off: keep, do nothing"
    SHADOW = "shadow", "shadow: merge, call no handler"
    LIVE = "live", "live"


class OrganizationQuerySet(models.QuerySet["SalesforceOrganization"]):
    """The verb by which receiving changes a row that people edit."""

    def hear(self, sent_at: Mapping[int, datetime]) -> int:
        """Note the heartbeats of these organizations, by primary key. Returns how many were found.

        Never backwards: one that is no newer than the last changes nothing. A sender whose clock is
        ahead of the database's counts as on time, else one wrong heartbeat would hide those after it.
        """
        whens = [When(pk=pk, then=Value(convert_to_database(time))) for pk, time in sent_at.items()]
        time = Least(Case(*whens, output_field=models.DateTimeField()), StatementTimestamp())
        is_newer = Q(heartbeat_sent_at__isnull=True) | Q(heartbeat_sent_at__lt=time)
        # In one order for everybody, so that two pollers never wait for each other.
        locked = self.filter(pk__in=sent_at).order_by("pk").select_for_update(no_key=True)
        return self.filter(pk__in=locked.values("pk")).update(
            heartbeat_sent_at=Case(When(is_newer, then=time), default=F("heartbeat_sent_at")),
            heartbeat_received_at=Case(
                When(is_newer, then=ClockTimestamp()), default=F("heartbeat_received_at")
            ),
        )


OrganizationManager = PrimaryManager.from_queryset(OrganizationQuerySet)


class SalesforceOrganization(models.Model):
    """One Salesforce organization. A sandbox refresh makes a new one with a new id."""

    salesforce_id = models.CharField(
        max_length=18, help_text="The organization's id in Salesforce, 18 characters (00D...)."
    )
    name = models.CharField(max_length=200)
    mode = models.CharField(
        max_length=8,
        choices=Mode.choices,
        default=Mode.SHADOW,
        help_text="Begin in shadow. Set it to live when the mirror looks right; then handlers run.",
    )
    heartbeat_sent_at = models.DateTimeField(
        null=True, editable=False, help_text="When Salesforce sent the newest organization heartbeat."
    )
    heartbeat_received_at = models.DateTimeField(
        null=True, editable=False, help_text="When we recorded it, by the database's clock."
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = OrganizationManager()

    class Meta:
        verbose_name = "Salesforce organization"
        base_manager_name = "objects"
        permissions = (("pause_flow", "Can pause and throttle event types and organizations"),)
        ordering = ("name",)
        constraints = (
            models.UniqueConstraint(fields=("salesforce_id",), name="passport_organization_once"),
            models.CheckConstraint(
                name="passport_organization_mode_known", condition=models.Q(mode__in=Mode.values)
            ),
        )

    def __str__(self) -> str:
        return self.name
