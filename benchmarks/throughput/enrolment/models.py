"""What the monolith keeps of an opportunity."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class Enrolment(models.Model):
    """One row per opportunity."""

    salesforce_id = models.CharField(max_length=18, unique=True)
    stage = models.CharField(max_length=40)
    amount = models.IntegerField()
    handled = models.IntegerField(default=0)
    """How many events were handled: shows one that was handled twice."""

    objects: ClassVar[models.Manager[Enrolment]] = models.Manager()

    def __str__(self) -> str:
        return self.salesforce_id
