"""Reads go to the replica, as in monoliths that outgrew one database."""

from __future__ import annotations

from typing import Any

from django.db import models


class ReplicaRouter:
    """Writes to `default`, reads from `replica`."""

    def db_for_read(self, model: type[models.Model], **hints: Any) -> str:
        """Where a plain query goes."""
        return "replica"

    def db_for_write(self, model: type[models.Model], **hints: Any) -> str:
        """Where a write goes."""
        return "default"

    def allow_relation(self, first: models.Model, second: models.Model, **hints: Any) -> bool:
        """Both databases hold the same rows, in principle."""
        return True
