"""What the monolith keeps of Salesforce's records, in its own words, and a ledger of what was applied.

No foreign keys between these tables: a line item may arrive before its opportunity.
"""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class FromSalesforce(models.Model):
    """A row that stands for one Salesforce record."""

    organization = models.CharField(max_length=18, help_text="Salesforce's id of the organization.")
    record_id = models.CharField(max_length=18, help_text="Salesforce's id of the record.")

    class Meta:
        abstract = True
        constraints = (
            models.UniqueConstraint(fields=("organization", "record_id"), name="%(class)s_once_per_record"),
        )

    def __str__(self) -> str:
        return self.record_id


class Opportunity(FromSalesforce):
    """An application to a program."""

    name = models.CharField(max_length=120, blank=True)
    stage = models.CharField(max_length=40, blank=True)
    amount = models.DecimalField(max_digits=12, decimal_places=2, null=True)
    close_date = models.DateField(null=True)

    # Said aloud for mypy, whose plugin knows only the apps of `tests.settings`.
    objects: ClassVar[models.Manager[Opportunity]] = models.Manager()

    class Meta(FromSalesforce.Meta):
        verbose_name_plural = "opportunities"


class File(models.Model):
    """A file that was read, once for all events that name it."""

    location = models.CharField(max_length=255, primary_key=True)
    checksum = models.CharField(max_length=64, help_text="sha256 of the file.")

    objects: ClassVar[models.Manager[File]] = models.Manager()

    def __str__(self) -> str:
        return self.location


class Attachment(FromSalesforce):
    """A document that belongs to an application."""

    title = models.CharField(max_length=255, blank=True)
    location = models.CharField(max_length=255, blank=True, help_text="Where the file is.")
    checksum = models.CharField(max_length=64, blank=True, help_text="sha256 of the file.")

    objects: ClassVar[models.Manager[Attachment]] = models.Manager()

    class Meta(FromSalesforce.Meta):
        pass


class LineItem(FromSalesforce):
    """One thing that an application asks for."""

    opportunity_id = models.CharField(max_length=18, blank=True)
    product = models.CharField(max_length=40, blank=True)
    quantity = models.IntegerField(null=True)
    unit_price = models.DecimalField(max_digits=12, decimal_places=2, null=True)

    objects: ClassVar[models.Manager[LineItem]] = models.Manager()

    class Meta(FromSalesforce.Meta):
        pass


class AppliedEvent(models.Model):
    """One run of a handler that stayed.

    The key is not unique on purpose: an event that was applied twice shall be seen, not refused.
    """

    idempotency_key = models.CharField(max_length=100, db_index=True)
    event_type = models.CharField(max_length=64)
    organization = models.CharField(max_length=18)
    record_id = models.CharField(max_length=18)
    attempt = models.PositiveIntegerField()
    applied_at = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[models.Manager[AppliedEvent]] = models.Manager()

    def __str__(self) -> str:
        return f"{self.event_type} {self.record_id}, attempt {self.attempt}"
