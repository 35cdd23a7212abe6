"""Reads and writes of this package go to one database: the primary."""

from __future__ import annotations

from typing import TypeVar

from django.db import models, router

M = TypeVar("M", bound=models.Model)


class PrimaryManager(models.Manager[M]):
    """A manager that never reads from a replica.

    A replica lags: a row read back there could be missing, or its lease already taken.
    """

    def get_queryset(self) -> models.QuerySet[M]:
        """Rows of the database that writes go to."""
        return super().get_queryset().using(router.db_for_write(self.model))
