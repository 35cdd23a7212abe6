"""Process heartbeats: the last signs of life of each of our own processes.

What Salesforce sends to say that it still sends is an organization heartbeat, and stands on the
organization.
"""

from __future__ import annotations

from django.db import models

from passport_events.db.managers import PrimaryManager


class Heartbeat(models.Model):
    """One row per process. Writing it is also the poller's proof that the database takes writes."""

    name = models.CharField(max_length=200, help_text="Kind, host and process id.")
    kind = models.CharField(max_length=16)
    release = models.CharField(max_length=64, blank=True)
    started_at = models.DateTimeField()
    beaten_at = models.DateTimeField()
    received_at = models.DateTimeField(null=True, help_text="Last successful receive, empty ones included.")
    committed_at = models.DateTimeField(null=True, help_text="Last batch committed.")

    objects = PrimaryManager()

    class Meta:
        verbose_name = "process heartbeat"
        base_manager_name = "objects"
        constraints = (models.UniqueConstraint(fields=("name",), name="passport_heartbeat_once"),)

    def __str__(self) -> str:
        return self.name
