"""Five small tables. Times are whole minutes since 1970 in UTC, where a figure is about a minute."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from passport_events.db.managers import PrimaryManager
from passport_events.models import SalesforceOrganization


class MinuteClaim(models.Model):
    """Up to which minute something is done; who moves it on does the next part."""

    name = models.CharField(max_length=100)
    minute = models.PositiveIntegerField(default=0)

    objects = PrimaryManager()

    class Meta:
        base_manager_name = "objects"
        default_permissions = ()
        constraints = (models.UniqueConstraint(fields=("name",), name="passport_minute_claim_once"),)

    def __str__(self) -> str:
        return f"{self.name} up to {self.minute}"


class QueueSample(models.Model):
    """What SQS said of one queue in one minute. Its counts are approximate."""

    queue = models.CharField(max_length=80, help_text=_("Its name in SQS."))
    minute = models.PositiveIntegerField()
    is_dead_letters = models.BooleanField()
    depth = models.PositiveIntegerField(help_text=_("Messages that could be received."))
    in_flight = models.PositiveIntegerField(help_text=_("Received, and neither deleted nor visible again."))
    delayed = models.PositiveIntegerField()
    retention_seconds = models.PositiveIntegerField()
    oldest_seconds = models.FloatField(
        null=True, help_text=_("Of what the sampling process received since its last sample.")
    )

    objects = PrimaryManager()

    class Meta:
        base_manager_name = "objects"
        default_permissions = ()
        constraints = (
            models.UniqueConstraint(fields=("queue", "minute"), name="passport_sample_once_a_minute"),
        )
        indexes = (models.Index(fields=("minute",), name="passport_sample_minute"),)

    def __str__(self) -> str:
        return f"{self.queue} at {self.minute}"


class Figures(models.Model):
    """What happened to one event type of one organization in one span, and what stood at its end."""

    span = models.PositiveSmallIntegerField(help_text=_("Minutes: 1, 15 or 60."))
    start = models.PositiveIntegerField(help_text=_("Its first minute."))
    event_type = models.CharField(max_length=64, blank=True)
    organization_salesforce_id = models.CharField(max_length=18, blank=True)

    arrived = models.PositiveIntegerField(default=0)
    succeeded = models.PositiveIntegerField(default=0)
    superseded = models.PositiveIntegerField(default=0)
    ignored = models.PositiveIntegerField(default=0)
    dead = models.PositiveIntegerField(default=0)
    quarantined = models.PositiveIntegerField(default=0)
    failed_attempts = models.PositiveIntegerField(default=0)
    latency = models.JSONField(
        default=dict, help_text=_("Seconds from published to processed, as a histogram.")
    )
    processing_time = models.JSONField(
        default=dict, help_text=_("Seconds from claimed to processed, as a histogram.")
    )

    waiting = models.PositiveIntegerField(null=True, help_text=_("Unfinished. The peak, of a long span."))
    due = models.PositiveIntegerField(null=True, help_text=_("Of those: might be claimed now."))
    retries = models.PositiveIntegerField(null=True, help_text=_("Of those: failed before."))
    dead_letters = models.PositiveIntegerField(null=True)
    in_quarantine = models.PositiveIntegerField(null=True)

    objects = PrimaryManager()

    class Meta:
        verbose_name = "dashboard"
        verbose_name_plural = "dashboard"
        base_manager_name = "objects"
        default_permissions = ()
        permissions = (("view_dashboard", "Can see the dashboard"),)
        constraints = (
            models.UniqueConstraint(
                fields=("span", "start", "event_type", "organization_salesforce_id"),
                name="passport_figures_once",
            ),
        )

    def __str__(self) -> str:
        return f"{self.span} min from {self.start}"


class Freshness(models.Model):
    """The newest of one event type of one organization."""

    event_type = models.CharField(max_length=64, blank=True)
    organization_salesforce_id = models.CharField(max_length=18, blank=True)
    published_at = models.DateTimeField(
        null=True, help_text=_("The newest event that arrived, by its sender.")
    )
    arrived_at = models.DateTimeField(null=True, help_text=_("When the last one was stored."))
    processed_at = models.DateTimeField(null=True, help_text=_("When the last one was processed."))

    objects = PrimaryManager()

    class Meta:
        base_manager_name = "objects"
        default_permissions = ()
        constraints = (
            models.UniqueConstraint(
                fields=("event_type", "organization_salesforce_id"), name="passport_freshness_once"
            ),
        )

    def __str__(self) -> str:
        return f"{self.event_type} of {self.organization_salesforce_id}"


class Outage(models.Model):
    """A time in which an organization's heartbeats did not come: its events may be missing from it, too."""

    organization = models.ForeignKey(
        SalesforceOrganization, on_delete=models.CASCADE, related_name="outages", db_index=False
    )
    began_at = models.DateTimeField(help_text=_("When the last heartbeat before it was sent."))
    ended_at = models.DateTimeField(null=True, help_text=_("When the first heartbeat after it was sent."))

    objects = PrimaryManager()

    class Meta:
        base_manager_name = "objects"
        default_permissions = ()
        constraints = (
            models.UniqueConstraint(fields=("organization", "began_at"), name="passport_outage_once"),
            models.UniqueConstraint(
                fields=("organization",), condition=Q(ended_at__isnull=True), name="passport_outage_open_once"
            ),
        )
        indexes = (models.Index(fields=("began_at",), name="passport_outage_began"),)

    def __str__(self) -> str:
        return f"{self.organization} since {self.began_at}"
