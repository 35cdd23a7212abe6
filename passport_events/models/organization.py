"""A Salesforce organization: one university program."""

from __future__ import annotations

from django.db import models

from passport_events.models.primary import PrimaryManager


class Mode(models.TextChoices):
    """What is done with an organization's events."""

    OFF = "off", "off: keep, do nothing"
    SHADOW = "shadow", "shadow: merge, call no handler"
    LIVE = "live", "live"


class SalesforceOrganization(models.Model):
    """One Salesforce organization. A sandbox refresh makes a new one with a new id."""

    salesforce_id = models.CharField(
        max_length=18, help_text="The organization's id in Salesforce, 18 characters (00D...)."
    )
    name = models.CharField(max_length=200)
    mode = models.CharField(max_length=8, choices=Mode.choices, default=Mode.LIVE)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = PrimaryManager()

    class Meta:
        verbose_name = "Salesforce organization"
        base_manager_name = "objects"
        permissions = (
            ("release_organization", "Can release messages that waited for an organization"),
            ("pause_flow", "Can pause and throttle event types and organizations"),
        )
        ordering = ("name",)
        constraints = (
            models.UniqueConstraint(fields=("salesforce_id",), name="passport_organization_once"),
            models.CheckConstraint(
                name="passport_organization_mode_known", condition=models.Q(mode__in=Mode.values)
            ),
        )

    def __str__(self) -> str:
        return self.name
