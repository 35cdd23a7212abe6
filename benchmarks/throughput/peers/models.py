"""The tables that somebody makes who writes this by hand: an inbox, and a row per record."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class Organization(models.Model):
    """A Salesforce organization."""

    salesforce_id = models.CharField(max_length=18, unique=True)
    name = models.CharField(max_length=200)

    objects: ClassVar[models.Manager[Organization]] = models.Manager()

    def __str__(self) -> str:
        return self.name


class Event(models.Model):
    """The inbox: one row per event, whatever comes twice."""

    key = models.CharField(max_length=64, unique=True)
    organization = models.ForeignKey(Organization, on_delete=models.PROTECT)
    record_id = models.CharField(max_length=18, db_index=True)
    body = models.TextField()
    finished_at = models.DateTimeField(null=True)

    objects: ClassVar[models.Manager[Event]] = models.Manager()

    def __str__(self) -> str:
        return self.key


class Record(models.Model):
    """A record as its newest event left it."""

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT)
    record_id = models.CharField(max_length=18, unique=True)
    version = models.BigIntegerField(default=0)
    fields = models.JSONField(default=dict)
    applied = models.IntegerField(default=0)
    """How many events were applied: shows an event that was applied twice."""

    objects: ClassVar[models.Manager[Record]] = models.Manager()

    def __str__(self) -> str:
        return self.record_id
